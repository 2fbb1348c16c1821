using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lips.Runtime.Checkpoints;

namespace Lips.Runtime.Certification;

/// <summary>A certified norm: exact in hexadecimal (m·2^e), in decimal rounded up for reading, and how it was proven; the witness is what the proof needs besides the weights.</summary>
public sealed record CertifiedNorm(string Norm, string Exact, string Decimal, string Method, string? Witness = null);

/// <summary>A capped weight: its certified norm in the cap's unit, exact and decimal rounded up, beside the cap.</summary>
public sealed record CertifiedCap(string Weight, string Unit, string Exact, string Decimal, string Cap);

/// <summary>A claim with the bound that the certified norms prove.</summary>
public sealed record CertifiedClaim(string Text, string From, string To, string NormIn, string NormOut, string Domain, string Exact, string Bound, string Log10, string? Limit, bool Holds, CertifiedSubstitution? Substitution = null);

/// <summary>
/// What a claim measured from embedding vectors says of token ids: a sequence in which up to k tokens are exchanged changes the
/// output by at most <paramref name="Bound"/>, times √k where the input's norm is l2. <paramref name="Text"/> says so in words.
/// </summary>
public sealed record CertifiedSubstitution(string Text, string Distance, string Exact, string Bound);

/// <summary>
/// What is proven of one set of weights: the bounds of the model's claims for exactly the tensors whose hash it names.
/// Everything in it is derived from spec and weights, so that <see cref="Certifier.FirstDisagreement"/> can derive it again.
/// </summary>
public sealed record Certificate
{
    public const int CurrentVersion = 2;

    public int Version { get; init; } = CurrentVersion;

    public required string Model { get; init; }

    /// <summary>SHA-256 of the canonical print of the spec's resolved terms.</summary>
    public required string Meaning { get; init; }

    /// <summary>SHA-256 of the bytes of the spec beside the weights.</summary>
    public required string Source { get; init; }

    /// <summary>SHA-256 over names, types, shapes and bytes of the weights.</summary>
    public required string Weights { get; init; }

    /// <summary>SHA-256 of the bytes of the model file: its header and metadata as well as its tensors.</summary>
    public string? File { get; init; }

    public required IReadOnlyList<CertifiedClaim> Claims { get; init; }

    public required IReadOnlyList<CertifiedNorm> Norms { get; init; }

    public required IReadOnlyList<CertifiedCap> Caps { get; init; }

    /// <summary>The rules that the norms rest on.</summary>
    public required string Rules { get; init; }

    /// <summary>What computed, for the record; no part of the proof.</summary>
    public required string Provider { get; init; }

    public required string Libtorch { get; init; }

    /// <summary>SHA-256 of this certificate's own text without this entry, so that what no proof rests on is held too.</summary>
    public string? Checksum { get; init; }

    public void Write(string path) => AtomicFile.WriteText(path, (this with { Checksum = OwnChecksum() }).ToText());

    private string OwnChecksum() => Convert.ToHexStringLower(SHA256.HashData(AtomicFile.Utf8.GetBytes((this with { Checksum = null }).ToText())));

    private string ToText()
    {
        // Claims are written as they are read, without escaping -> and quotes: the file is not part of a web page.
        var options = new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        return JsonSerializer.Serialize(this, new CertificateJson(options).Certificate).ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>What in the file is not as <see cref="Write"/> left it; null when nothing is.</summary>
    public string? FirstDamage(string path) =>
        System.IO.File.ReadAllText(path, AtomicFile.Utf8) != ToText() ? "its text is not as it was written"
        : Checksum != OwnChecksum() ? "its checksum does not fit its text"
        : null;

    /// <exception cref="RunFailed">The file is missing or no certificate.</exception>
    public static Certificate Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllText(path, AtomicFile.Utf8), CertificateJson.Default.Certificate) is { } certificate
                ? certificate
                : throw new RunFailed($"'{path}' is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new RunFailed($"'{path}' is not a certificate: {e.Message}", e);
        }
    }
}

[JsonSerializable(typeof(Certificate))]
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
internal sealed partial class CertificateJson : JsonSerializerContext;
