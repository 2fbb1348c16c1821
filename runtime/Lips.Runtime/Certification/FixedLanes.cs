using System.Runtime.Intrinsics;

namespace Lips.Runtime.Certification;

/// <summary>
/// Sums of lanes in one order. A certificate states the very double that its method gives, so that whoever checks it must get the
/// same: sums are kept in 256 bits, also where vectors are wider or narrower, and end in this order on every machine.
/// </summary>
internal static class FixedLanes
{
    public static double Sum(Vector256<double> lanes) => (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);

    public static float Sum(Vector256<float> lanes) =>
        ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}
