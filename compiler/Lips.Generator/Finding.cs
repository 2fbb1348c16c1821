using Lips.Core;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using Diagnostic = Microsoft.CodeAnalysis.Diagnostic;

namespace Lips.Generator;

/// <summary>A diagnostic of the compiler as a value, so that an edit which leaves it as it was changes nothing after it.</summary>
internal sealed record Finding(string Code, DiagnosticSeverity Severity, string Title, string Message, string Path, Span Span)
{
    internal static Finding Of(Core.Diagnostic found) => new(
        found.Code,
        found.Severity.IsError ? DiagnosticSeverity.Error : found.Severity.IsWarning ? DiagnosticSeverity.Warning : DiagnosticSeverity.Info,
        found.Title,
        found.Hint is { } hint ? found.Message + ". " + hint.Value : found.Message,
        found.Path,
        found.Span);

    /// <summary>The same as Roslyn's, at the place in the spec: <c>bad.lips(2,8): error LIPS1001: …</c> in build output.</summary>
    internal Diagnostic ToDiagnostic()
    {
        var descriptor = new DiagnosticDescriptor(Code, Title, "{0}", "Lips", Severity, isEnabledByDefault: true);
        var lines = new LinePositionSpan(Position(Span.Line, Span.Column), Position(Span.EndLine, Span.EndColumn));
        return Diagnostic.Create(descriptor, Location.Create(Path.Replace('/', System.IO.Path.DirectorySeparatorChar), new TextSpan(Span.Start, Span.Length), lines), Message);
    }

    private static LinePosition Position(int line, int column) => new(System.Math.Max(0, line - 1), System.Math.Max(0, column - 1));
}
