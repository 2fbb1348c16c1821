using System;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Arithmetic and comparison, with broadcasting; the underscored forms overwrite the tensor and return it.</summary>
    public partial class Tensor
    {
        public Tensor add(Tensor target) => Ops.add__Tensor.Call(this, target);
        public Tensor add(Tensor target, Scalar alpha) => Ops.add__Tensor.Call(this, target, alpha);
        public Tensor add(Scalar scalar) => Ops.add__Scalar.Call(this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => Ops.add__Scalar.Call(this, scalar, alpha);
        public Tensor add_(Tensor target) => Ops.add___Tensor.InPlace(this, this, target);
        public Tensor add_(Tensor target, Scalar alpha) => Ops.add___Tensor.InPlace(this, this, target, alpha);
        public Tensor add_(Scalar scalar) => Ops.add___Scalar.InPlace(this, this, scalar);
        public Tensor add_(Scalar scalar, Scalar alpha) => Ops.add___Scalar.InPlace(this, this, scalar, alpha);
        public Tensor sub(Tensor target) => Ops.sub__Tensor.Call(this, target);
        public Tensor sub(Scalar target) => Ops.sub__Scalar.Call(this, target);
        public Tensor sub_(Tensor target) => Ops.sub___Tensor.InPlace(this, this, target);
        public Tensor sub_(Scalar target) => Ops.sub___Scalar.InPlace(this, this, target);
        public Tensor mul(Tensor target) => Ops.mul__Tensor.Call(this, target);
        public Tensor mul(Scalar target) => Ops.mul__Scalar.Call(this, target);
        public Tensor mul_(Tensor target) => Ops.mul___Tensor.InPlace(this, this, target);
        public Tensor mul_(Scalar target) => Ops.mul___Scalar.InPlace(this, this, target);
        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? Ops.div__Tensor.Call(this, target) : Ops.div__Tensor_mode.Call(this, target, rounding_mode.ToString());
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? Ops.div__Scalar.Call(this, target) : Ops.div__Scalar_mode.Call(this, target, rounding_mode.ToString());
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? Ops.div___Tensor.InPlace(this, this, target) : Ops.div___Tensor_mode.InPlace(this, this, target, rounding_mode.ToString());
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? Ops.div___Scalar.InPlace(this, this, target) : Ops.div___Scalar_mode.InPlace(this, this, target, rounding_mode.ToString());
        public Tensor floor_divide(Tensor other) => Ops.floor_divide.Call(this, other);
        public Tensor floor_divide(Scalar other) => Ops.floor_divide__Scalar.Call(this, other);
        public Tensor remainder(Tensor target) => Ops.remainder__Tensor.Call(this, target);
        public Tensor remainder(Scalar scalar) => Ops.remainder__Scalar.Call(this, scalar);
        public Tensor fmod(Tensor target) => Ops.fmod__Tensor.Call(this, target);
        public Tensor fmod(Scalar scalar) => Ops.fmod__Scalar.Call(this, scalar);
        public Tensor pow(Tensor exponent) => Ops.pow__Tensor_Tensor.Call(this, exponent);
        public Tensor pow(Scalar exponent) => Ops.pow__Tensor_Scalar.Call(this, exponent);
        public Tensor pow_(Tensor exponent) => Ops.pow___Tensor.InPlace(this, this, exponent);
        public Tensor pow_(Scalar exponent) => Ops.pow___Scalar.InPlace(this, this, exponent);
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.addcmul.Call(this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.addcmul_.InPlace(this, this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Ops.addcdiv.Call(this, tensor1, tensor2);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.addcdiv.Call(this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Ops.addcdiv_.InPlace(this, this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.addcdiv_.InPlace(this, this, tensor1, tensor2, value);
        public Tensor lerp(Tensor end, Tensor weight) => Ops.lerp__Tensor.Call(this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Ops.lerp___Tensor.InPlace(this, this, end, weight);
        public Tensor maximum(Tensor other) => Ops.maximum.Call(this, other);
        public Tensor minimum(Tensor other) => Ops.minimum.Call(this, other);
        public Tensor atan2(Tensor other) => Ops.atan2.Call(this, other);
        public Tensor hypot(Tensor other) => Ops.hypot.Call(this, other);
        public Tensor logaddexp(Tensor other) => Ops.logaddexp.Call(this, other);
        public Tensor copysign(Tensor other) => Ops.copysign__Tensor.Call(this, other);
        public Tensor fill_(Scalar value) => Ops.fill___Scalar.InPlace(this, this, value);
        public Tensor zero_() => Ops.zero_.InPlace(this, this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Ops.copy_.InPlace(this, this, source, nonBlocking);
        public Tensor logical_and(Tensor other) => Ops.logical_and.Call(this, other);
        public Tensor logical_or(Tensor other) => Ops.logical_or.Call(this, other);
        public Tensor logical_xor(Tensor other) => Ops.logical_xor.Call(this, other);
        public Tensor bitwise_and(Tensor other) => Ops.bitwise_and__Tensor.Call(this, other);
        public Tensor bitwise_or(Tensor other) => Ops.bitwise_or__Tensor.Call(this, other);
        public Tensor bitwise_xor(Tensor other) => Ops.bitwise_xor__Tensor.Call(this, other);
        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => Ops.isclose.Call(this, other, rtol, atol, nanEqual);
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) => Ops.allclose.CallLong(this, target, rtol, atol, equal_nan) != 0;

        /// <summary>Same shape and values.</summary>
        public bool Equals(Tensor target) => target is not null && Ops.equal.CallLong(this, target) != 0;

        public Tensor eq(Tensor target) => Ops.eq__Tensor.Call(this, target);
        public Tensor eq(Scalar target) => Ops.eq__Scalar.Call(this, target);
        public Tensor ne(Tensor target) => Ops.ne__Tensor.Call(this, target);
        public Tensor ne(Scalar target) => Ops.ne__Scalar.Call(this, target);
        public Tensor lt(Tensor target) => Ops.lt__Tensor.Call(this, target);
        public Tensor lt(Scalar target) => Ops.lt__Scalar.Call(this, target);
        public Tensor le(Tensor target) => Ops.le__Tensor.Call(this, target);
        public Tensor le(Scalar target) => Ops.le__Scalar.Call(this, target);
        public Tensor gt(Tensor target) => Ops.gt__Tensor.Call(this, target);
        public Tensor gt(Scalar target) => Ops.gt__Scalar.Call(this, target);
        public Tensor ge(Tensor target) => Ops.ge__Tensor.Call(this, target);
        public Tensor ge(Scalar target) => Ops.ge__Scalar.Call(this, target);

        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
        public static Tensor operator +(Tensor left, int right) => Ops.add__Scalar.Call(left, right);
        public static Tensor operator +(Tensor left, long right) => Ops.add__Scalar.Call(left, right);
        public static Tensor operator +(Tensor left, float right) => Ops.add__Scalar.Call(left, (double)right);
        public static Tensor operator +(Tensor left, double right) => Ops.add__Scalar.Call(left, right);
        public static Tensor operator +(Scalar left, Tensor right) => Ops.add__Scalar.Call(right, left);
        public static Tensor operator +(int left, Tensor right) => Ops.add__Scalar.Call(right, left);
        public static Tensor operator +(long left, Tensor right) => Ops.add__Scalar.Call(right, left);
        public static Tensor operator +(float left, Tensor right) => Ops.add__Scalar.Call(right, (double)left);
        public static Tensor operator +(double left, Tensor right) => Ops.add__Scalar.Call(right, left);
        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
        public static Tensor operator -(Tensor left, int right) => Ops.sub__Scalar.Call(left, right);
        public static Tensor operator -(Tensor left, long right) => Ops.sub__Scalar.Call(left, right);
        public static Tensor operator -(Tensor left, float right) => Ops.sub__Scalar.Call(left, (double)right);
        public static Tensor operator -(Tensor left, double right) => Ops.sub__Scalar.Call(left, right);
        public static Tensor operator -(Scalar left, Tensor right) => Ops.rsub__Scalar.Call(right, left);
        public static Tensor operator -(int left, Tensor right) => Ops.rsub__Scalar.Call(right, left);
        public static Tensor operator -(long left, Tensor right) => Ops.rsub__Scalar.Call(right, left);
        public static Tensor operator -(float left, Tensor right) => Ops.rsub__Scalar.Call(right, (double)left);
        public static Tensor operator -(double left, Tensor right) => Ops.rsub__Scalar.Call(right, left);
        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
        public static Tensor operator *(Tensor left, int right) => Ops.mul__Scalar.Call(left, right);
        public static Tensor operator *(Tensor left, long right) => Ops.mul__Scalar.Call(left, right);
        public static Tensor operator *(Tensor left, float right) => Ops.mul__Scalar.Call(left, (double)right);
        public static Tensor operator *(Tensor left, double right) => Ops.mul__Scalar.Call(left, right);
        public static Tensor operator *(Scalar left, Tensor right) => Ops.mul__Scalar.Call(right, left);
        public static Tensor operator *(int left, Tensor right) => Ops.mul__Scalar.Call(right, left);
        public static Tensor operator *(long left, Tensor right) => Ops.mul__Scalar.Call(right, left);
        public static Tensor operator *(float left, Tensor right) => Ops.mul__Scalar.Call(right, (double)left);
        public static Tensor operator *(double left, Tensor right) => Ops.mul__Scalar.Call(right, left);
        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
        public static Tensor operator /(Tensor left, int right) => Ops.div__Scalar.Call(left, right);
        public static Tensor operator /(Tensor left, long right) => Ops.div__Scalar.Call(left, right);
        public static Tensor operator /(Tensor left, float right) => Ops.div__Scalar.Call(left, (double)right);
        public static Tensor operator /(Tensor left, double right) => Ops.div__Scalar.Call(left, right);
        public static Tensor operator /(Scalar left, Tensor right) => Divide(left, right);
        public static Tensor operator /(int left, Tensor right) => Divide(left, right);
        public static Tensor operator /(long left, Tensor right) => Divide(left, right);
        public static Tensor operator /(float left, Tensor right) => Divide(left, right);
        public static Tensor operator /(double left, Tensor right) => Divide(left, right);
        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);
        public static Tensor operator %(Tensor left, Scalar right) => left.remainder(right);
        public static Tensor operator %(Tensor left, int right) => Ops.remainder__Scalar.Call(left, right);
        public static Tensor operator %(Tensor left, long right) => Ops.remainder__Scalar.Call(left, right);
        public static Tensor operator %(Tensor left, float right) => Ops.remainder__Scalar.Call(left, (double)right);
        public static Tensor operator %(Tensor left, double right) => Ops.remainder__Scalar.Call(left, right);
        public static Tensor operator -(Tensor tensor) => tensor.neg();
        public static Tensor operator ~(Tensor left) => left.bitwise_not();
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);
        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);

        /// <summary>number / tensor, as libtorch does it: the reciprocal, scaled.</summary>
        private static Tensor Divide(Scalar left, Tensor right)
        {
            using Tensor inverse = Ops.reciprocal.Call(right);
            return Ops.mul__Scalar.Call(inverse, left);
        }
    }
}
