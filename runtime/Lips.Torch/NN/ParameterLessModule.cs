using System;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Marks modules without parameters and buffers.</summary>
public interface IParameterLessModule
{
}

/// <summary>Refuses state.</summary>
internal static class Stateless
{
    public static InvalidOperationException Refusal(string what) => new($"a {what} cannot be registered on a module without parameters");
}

/// <summary>A module of 1 input without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, TResult> : nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

/// <summary>A module of 2 inputs without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, T2, TResult> : nn.Module<T1, T2, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

/// <summary>A module of 3 inputs without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

/// <summary>A module of 4 inputs without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

/// <summary>A module of 5 inputs without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, T5, TResult> : nn.Module<T1, T2, T3, T4, T5, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

/// <summary>A module of 6 inputs without parameters and buffers.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, T5, T6, TResult> : nn.Module<T1, T2, T3, T4, T5, T6, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    public override void register_parameter(string name, Parameter param) => throw Stateless.Refusal("parameter");

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Stateless.Refusal("buffer");

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}
