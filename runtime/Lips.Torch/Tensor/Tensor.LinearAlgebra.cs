using System;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Products.</summary>
    public partial class Tensor
    {
        /// <exception cref="System.Runtime.InteropServices.ExternalException">The shapes do not fit; the message names them.</exception>
        public Tensor matmul(Tensor target) => Ops.matmul.Call(this, target);
        public Tensor mm(Tensor target) => Ops.mm.Call(this, target);
        public Tensor mv(Tensor target) => Ops.mv.Call(this, target);
        public Tensor bmm(Tensor batch2) => Ops.bmm.Call(this, batch2);
        public Tensor dot(Tensor target) => Ops.dot.Call(this, target);
        public Tensor outer(Tensor vec2) => Ops.outer.Call(this, vec2);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Ops.addmm.Call(this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Ops.addmm_.InPlace(this, this, mat1, mat2, (double)beta, (double)alpha);

        /// <summary>
        /// beta·<paramref name="batch2"/> + alpha·(this @ <paramref name="batch1"/>): TorchSharp hands the operands over
        /// rotated, and code written for it must get the same from here. <c>A.baddbmm(B, M)</c> is M + A @ B.
        /// </summary>
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Ops.baddbmm.Call(batch2, this, batch1, (double)beta, (double)alpha);

        public Tensor cholesky(bool upper = false) => Ops.cholesky.Call(this, upper);
        public Tensor inverse() => Ops.inverse.Call(this);
        public Tensor pinverse(double rcond = 1e-15, bool hermitian = false) => Ops.linalg_pinv.Call(this, rcond, hermitian);
        public Tensor det() => Ops.det.Call(this);
        public Tensor logdet() => Ops.logdet.Call(this);
        public Tensor trace() => Ops.trace.Call(this);
        public Tensor kron(Tensor other) => Ops.kron.Call(this, other);
    }

    public static Tensor einsum(string equation, params Tensor[] tensors) => Ops.einsum.Call(equation, Arg.List(tensors));

    public static Tensor tensordot(Tensor a, Tensor b, long[] dims1, long[] dims2) => Ops.tensordot.Call(a, b, dims1, dims2);

    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2.0, compute_mode compute_mode = compute_mode.use_mm_for_euclid_dist_if_necessary) =>
        Ops.cdist.Call(x1, x2, p, (long)compute_mode);

    /// <summary>Linear algebra on batches of matrices.</summary>
    public static partial class linalg
    {
        public enum QRMode
        {
            Reduced = 0,
            Complete = 1,
            R = 2,
        }

        public static Tensor cholesky(Tensor input) => Ops.linalg_cholesky.Call(input);
        public static (Tensor L, Tensor info) cholesky_ex(Tensor input, bool check_errors = false) => Ops.linalg_cholesky_ex.Call2(input, false, check_errors);
        public static Tensor det(Tensor input) => Ops.linalg_det.Call(input);
        public static (Tensor, Tensor) slogdet(Tensor input) => Ops.linalg_slogdet.Call2(input);
        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Ops.linalg_eigh.Call2(input, UPLO.ToString());
        public static Tensor eigvalsh(Tensor input, char UPLO = 'L') => Ops.linalg_eigvalsh.Call(input, UPLO.ToString());
        public static Tensor inv(Tensor input) => Ops.linalg_inv.Call(input);
        public static (Tensor L, Tensor info) inv_ex(Tensor input, bool check_errors = false) => Ops.linalg_inv_ex.Call2(input, check_errors);
        public static Tensor pinv(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) => Ops.linalg_pinv__atol_rtol_float.Call(input, atol, rtol, hermitian);
        public static Tensor matrix_exp(Tensor input) => Ops.linalg_matrix_exp.Call(input);
        public static Tensor multi_dot(IList<Tensor> tensors) => Ops.linalg_multi_dot.Call(Arg.List(tensors));
        public static Tensor norm(Tensor input, long[]? dims = null, bool keepdim = false) => Ops.linalg_norm.Call(input, Arg.None, dims, keepdim);
        public static Tensor norm(Tensor input, string ord, long[]? dims = null, bool keepdim = false) => Ops.linalg_norm__ord_str.Call(input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, double ord, long[]? dims = null, bool keepdim = false) => Ops.linalg_norm.Call(input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, int ord, long[]? dims = null, bool keepdim = false) => Ops.linalg_norm.Call(input, (double)ord, dims, keepdim);
        public static Tensor vector_norm(Tensor input, double ord = 2, long[]? dims = null, bool keepdim = false) => Ops.linalg_vector_norm.Call(input, ord, dims, keepdim);
        public static Tensor matrix_norm(Tensor input, string ord = "fro", long[]? dims = null, bool keepdim = false) => Ops.linalg_matrix_norm__str_ord.Call(input, ord, dims ?? [-2, -1], keepdim);
        public static Tensor matrix_norm(Tensor input, double ord, long[]? dims = null, bool keepdim = false) => Ops.linalg_matrix_norm.Call(input, ord, dims ?? [-2, -1], keepdim);
        public static (Tensor Q, Tensor R) qr(Tensor input, QRMode mode = QRMode.Reduced) => Ops.linalg_qr.Call2(input, mode switch { QRMode.Complete => "complete", QRMode.R => "r", _ => "reduced" });
        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Ops.linalg_solve.Call(A, B, left);
        public static Tensor solve_triangular(Tensor A, Tensor B, bool upper, bool left = true, bool unitriangular = false, Tensor? @out = null) =>
            @out is null ? Ops.linalg_solve_triangular.Call(A, B, upper, left, unitriangular) : Ops.linalg_solve_triangular__out.InPlace(@out, A, B, upper, left, unitriangular, @out);
        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true) => Ops.linalg_svd.Call3(input, fullMatrices);
        public static Tensor svdvals(Tensor input) => Ops.linalg_svdvals.Call(input);
        public static Tensor vecdot(Tensor x, Tensor y, long dim = -1, Tensor? @out = null) =>
            @out is null ? Ops.linalg_vecdot.Call(x, y, dim) : Ops.linalg_vecdot__out.InPlace(@out, x, y, dim, @out);
    }
}

/// <summary>How <see cref="torch.cdist"/> computes Euclidean distances.</summary>
public enum compute_mode
{
    use_mm_for_euclid_dist_if_necessary = 0,
    use_mm_for_euclid_dist = 1,
    donot_use_mm_for_euclid_dist = 2,
}
