using System;
using System.Globalization;
using System.Linq;

namespace Lips.Runtime.Certification;

/// <summary>
/// Proven upper bounds of the norms of a kernel's taps, and their sum: what a convolution gains from token to token. The bounds of
/// the taps, in order, are the witness by which the sum can be checked without finding them again.
/// </summary>
internal static class TapNorms
{
    /// <param name="kernel">(out, in/groups, taps), row-major.</param>
    public static NormBound Bound(double[] kernel, int rows, int columns, int groups, string name)
    {
        int taps = kernel.Length / Math.Max(rows * columns, 1);
        double[] norms = [.. Enumerable.Range(0, taps).Select(t => Enumerable.Range(0, groups).Max(g => OfTap(kernel, rows / groups, columns, taps, g, t, name)))];
        double sum = 0;
        foreach (double norm in norms)
            sum = Outward.Add(sum, norm);
        return new NormBound(sum, "taps", string.Join(' ', norms.Select(n => n.ToString("R", CultureInfo.InvariantCulture))));
    }

    private static double OfTap(double[] kernel, int rows, int columns, int taps, int group, int tap, string name)
    {
        var matrix = new double[rows * columns];
        for (int i = 0; i < matrix.Length; i++)
            matrix[i] = kernel[(((group * rows * columns) + i) * taps) + tap];
        return matrix.Length == 1 ? Math.Abs(matrix[0]) : SpectralNorm.Certify(matrix, rows, columns, name);
    }
}
