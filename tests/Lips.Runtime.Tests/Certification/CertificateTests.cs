using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

public sealed class CertificateTests : IDisposable
{
    private static readonly byte[] Spec = Encoding.UTF8.GetBytes("model TinyMlp { }\n");
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-certificate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private (TinyMlp Model, ModelWeights Weights, Certificate Certificate) Certified()
    {
        var model = new TinyMlp(5, 7, 3);
        Initialization.Apply(model, 1);
        var weights = new ModelWeights(model);
        ModelFile.Write(Path.Combine(_folder, "model.safetensors"), weights, new Dictionary<string, string> { ["lips.alphabet"] = "bytes" });
        var (certificate, _) = Certifier.Certify(weights, Path.Combine(_folder, "model.safetensors"), Path.Combine(_folder, "certificate.json"), Spec);
        return (model, weights, certificate);
    }

    [Fact]
    public void A_certificate_is_read_back_and_stands()
    {
        var (model, weights, certificate) = Certified();
        using (model)
        using (weights)
        {
            var read = Certificate.Read(Path.Combine(_folder, "certificate.json"));
            Assert.Equal(certificate.Weights, read.Weights);
            Assert.Null(Certifier.FirstDisagreement(read, weights, Spec));
            Assert.True(read.Claims[0].Holds);
            Assert.Equal("0x", read.Claims[0].Exact[..2]);
            Assert.Contains("x -> logits", File.ReadAllText(Path.Combine(_folder, "certificate.json")));
            Assert.Equal("bytes", Safetensors.Read(Path.Combine(_folder, "model.safetensors")).Metadata["lips.alphabet"]);
            // Loading the file that was written gives the same weights.
            using var other = new TinyMlp(5, 7, 3);
            using var loaded = new ModelWeights(other);
            ModelFile.Load(Safetensors.Read(Path.Combine(_folder, "model.safetensors")), loaded, "model.safetensors");
            Assert.Null(Certifier.FirstDisagreement(read, loaded, Spec));
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_named()
    {
        var (model, weights, certificate) = Certified();
        using (model)
        using (weights)
        {
            Assert.StartsWith("source", Certifier.FirstDisagreement(certificate, weights, [.. Spec, 32]));
            var edits = new (Certificate Edited, string Named)[]
            {
                (certificate with { Model = "Other" }, "model"),
                (certificate with { Meaning = certificate.Meaning.Replace('0', '1') }, "meaning"),
                (certificate with { Rules = "power-iteration/1" }, "rules"),
                (certificate with { Version = 1 }, "version"),
                (certificate with { Norms = [certificate.Norms[0] with { Decimal = "0.5" }, .. certificate.Norms.Skip(1)] }, "norm spectral(down)"),
                (certificate with { Norms = certificate.Norms.Skip(1).ToList() }, "norm spectral(down)"),
                (certificate with { Caps = [certificate.Caps[0] with { Cap = "2" }, .. certificate.Caps.Skip(1)] }, "cap up"),
                (certificate with { Claims = [certificate.Claims[0] with { Exact = "0x8000000000000000p-64" }] }, "claim"),
                (certificate with { Claims = [] }, "claims"),
            };
            foreach (var (edited, named) in edits)
                Assert.StartsWith(named, Certifier.FirstDisagreement(edited, weights, Spec));

            byte[] file = File.ReadAllBytes(Path.Combine(_folder, "model.safetensors"));
            file[^3] ^= 1;
            File.WriteAllBytes(Path.Combine(_folder, "flipped"), file);
            ModelFile.Load(Safetensors.Read(Path.Combine(_folder, "flipped")), weights, "flipped");
            Assert.StartsWith("weights", Certifier.FirstDisagreement(certificate, weights, Spec));
        }
    }

    [Fact]
    public void Broken_json_is_an_error_for_people()
    {
        string path = Path.Combine(_folder, "certificate.json");
        foreach (string text in new[] { "", "{", "{}", "[]", "null", "{\"version\": 1, \"unknown\": 2}" })
        {
            File.WriteAllText(path, text);
            Assert.Contains("certificate", Assert.Throws<RunFailed>(() => Certificate.Read(path)).Message);
        }
    }

    [Theory]
    [InlineData("2", 2.0, true)]
    [InlineData("0.1", 0.1, false)] // the double 0.1 lies above one tenth
    [InlineData("1/3", 0.3333333333333333, true)]
    [InlineData("1e-3", 0.001, false)]
    [InlineData("1e3", 1000.0, true)]
    public void Limits_are_compared_exactly(string limit, double bound, bool holds) =>
        Assert.Equal(holds, Certifier.IsAtMost(UpperBound.OfDouble(bound), limit));

    [Fact]
    public void Weights_of_another_model_are_refused()
    {
        var (model, weights, _) = Certified();
        using (model)
        using (weights)
        {
            var file = Safetensors.Read(Path.Combine(_folder, "model.safetensors"));
            using var wider = new TinyMlp(5, 8, 3);
            using var other = new ModelWeights(wider);
            Assert.Contains("shape", Assert.Throws<RunFailed>(() => ModelFile.Load(file, other, "f")).Message);
            using var transformer = new TinyTransformer(9);
            using var third = new ModelWeights(transformer);
            Assert.Contains("another spec", Assert.Throws<RunFailed>(() => ModelFile.Load(file, third, "f")).Message);
        }
    }

    [Theory]
    [InlineData(torch.ScalarType.Float16)]
    [InlineData(torch.ScalarType.BFloat16)]
    [InlineData(torch.ScalarType.Float32)]
    [InlineData(torch.ScalarType.Float64)]
    public void Norms_speak_of_what_is_stored_in_every_type(torch.ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(2);
        var stored = torch.randn(4, 6, generator: generator).to(type);
        double[] values = CertifiedNorms.Values(stored);
        Assert.Equal(stored.to(torch.ScalarType.Float64).sum().item<double>(), values.Sum(), 12);
        var weight = new Weight("w", "w", Role.Matrix, [4, 6]);
        double bound = CertifiedNorms.Norm(weight, values, NormKind.Spectral);
        Assert.True(ExactMatrix.NormAtMost(values, 4, 6, bound));
        Assert.False(ExactMatrix.NormAtMost(values, 4, 6, bound * (1 - 1e-6)));
    }

    [Fact]
    public void Norms_that_are_sums_are_at_least_the_exact_ones_and_close()
    {
        var random = new SeededRandom(1);
        foreach (string kind in new[] { "normal", "tiny", "denormal", "huge", "mixed scales" })
        {
            double[] values = SpectralNormTests.Make(kind, 3, 8, random);
            var weight = new Weight("w", "w", Role.Embedding, [3, 8]);
            double row = CertifiedNorms.Norm(weight, values, NormKind.LargestRow), all = CertifiedNorms.Norm(weight, values, NormKind.Vector), pair = CertifiedNorms.Norm(weight, values, NormKind.LargestPairDistance);
            double largest = 0;
            for (int i = 0; i < 3; i++)
            {
                double[] single = values[(8 * i)..(8 * i + 8)];
                Assert.True(ExactMatrix.NormAtMost(single, 1, 8, row));
                largest = Math.Max(largest, ExactMatrix.NormAtMost(single, 1, 8, row * (1 - 1e-9)) ? 0 : 1);
                Assert.True(ExactMatrix.NormAtMost(values[..8].Zip(values[8..16], (a, b) => a / 2 - b / 2).ToArray(), 1, 8, pair / 2 * (1 + 1e-12) + double.Epsilon));
            }
            Assert.True(kind == "denormal" || largest == 1, kind);
            Assert.True(ExactMatrix.NormAtMost(values, 1, 24, all));
        }
    }

    [Fact]
    public void A_vector_is_one_row_and_its_heads_are_parts_of_it()
    {
        var bias = new Weight("b", "b", Role.Bias, [4], Heads: 2, HeadAxis: HeadAxis.Rows);
        double[] values = [3, 4, 0, 12];
        foreach (var kind in new[] { NormKind.LargestRow, NormKind.Vector, NormKind.Spectral })
        {
            Assert.Equal(13, CertifiedNorms.Norm(bias, values, kind), 6);
            Assert.Equal(5, CertifiedNorms.Norm(bias, values, kind, 0), 6);
            Assert.Equal(12, CertifiedNorms.Norm(bias, values, kind, 1), 6);
        }
        var table = new Weight("t", "t", Role.Table, [2, 2]);
        Assert.Equal(12, CertifiedNorms.Norm(table, values, NormKind.Vector), 6);
        var cap = new Constraint.Cap(1, CapUnit.RowRms, CapExtent.Whole, CapMethod.Soft);
        Assert.Equal(6.5, CertifiedNorms.InUnitOfCap(bias, values, cap).ToDoubleUp(), 6);
        Assert.Equal(12 / Math.Sqrt(2), CertifiedNorms.InUnitOfCap(table, values, cap).ToDoubleUp(), 6);
    }
}
