namespace Lips.Cli;

/// <summary>What the process ends with.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Usage = 1;
    public const int SyntaxOrType = 2;
    public const int Emission = 3;
    public const int ClaimFails = 4;
    public const int RunFailed = 5;
}
