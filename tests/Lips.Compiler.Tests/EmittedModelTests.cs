using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>What is written into the generated class is what the compiler derived.</summary>
public sealed class EmittedModelTests
{
    public static TheoryData<string> AllSpecs => Specs.All;

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void Every_model_compiles_without_a_warning(string spec)
    {
        foreach (CompiledModel model in Specs.Compile(spec).Models)
        {
            Assert.Equal([], EmittedModel.Of(model).Warnings);
        }
    }

    /// <summary>A memory read inside a folded repeat, a tied head, and every other way in which layers reach beyond themselves.</summary>
    [Fact]
    public void A_sequence_that_attends_to_another_compiles_and_has_a_bound_for_each_input()
    {
        const string spec = """
            model Pair(width = 16, vocab = 20) in rms {
              input source = tokens(vocab, 12)
              input target = tokens(vocab, 10)
              weights(constraint: rms_cap(1))
              weights of bias (constraint: l2_cap(1))
              weights of embedding (constraint: row_rms_cap(1))
              memory = from source {
                words = embedding(width, scale: sqrt(width))
                position(sinusoidal)
                repeat 2 {
                  residual(convex(1/3)) { attention(2) }
                  residual(weighted(0.1, clamp: 0.2), drop_path: 0.1) { mlp(ratio: 2, activation: leaky_relu(slope: 0.2)) }
                }
              }
              logits = from target {
                embedding(width, tie: memory.words)
                position(constraint: row_rms_cap(0.1))
                repeat 2 {
                  residual { attention(2, mask: causal, position: rotary(base: 100, fraction: 1/2)) }
                  residual { cross_attention(2, memory: memory) }
                  group_sort; householder; softplus; scale(1/3); bias
                }
                linear(vocab, tie: memory.words)
              }
            }
            """;
        CompiledModel model = Assert.Single(SpecCompiler.Compile(new SourceText("pair.lips", spec), _ => null).Models);
        Assert.Equal([], EmittedModel.Of(model).Warnings);
        Assert.Equal(["source", "target"], model.AtCaps.Select(q => q.Item1.From));
        Assert.All(model.AtCaps, q => Assert.False(q.Item2.IsInfinity));
        Agrees(model, AtCap);
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_arithmetic_of_a_class_is_the_derivations_at_any_norms(string spec)
    {
        foreach (CompiledModel model in Specs.Compile(spec).Models)
        {
            for (int seed = 0; seed < 8; seed++)
            {
                // from far below one to far above, so that both sides of every min and max are taken
                var random = new Random(seed);
                double spread = 1 + (2 * seed);
                Agrees(model, _ => Upper.OfDouble(Math.Exp(spread * (random.NextDouble() - 0.5)) / (1 + (seed % 3))));
            }

            Agrees(model, _ => Upper.Zero);
            Agrees(model, _ => Upper.Infinity);
            Agrees(model, _ => Upper.One);
        }
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_arithmetic_of_a_class_at_caps_is_the_compile_time_bound(string spec)
    {
        foreach (CompiledModel model in Specs.Compile(spec).Models)
        {
            IReadOnlyList<Upper> found = Agrees(model, AtCap);
            // the compile-time bound is evaluated exactly where that is possible, so it may only be smaller
            foreach (((Query query, Upper exact), Upper upper) in model.AtCaps.Select(a => (a.Item1, a.Item2)).Zip(found))
            {
                Assert.True(Upper.Compare(exact, upper) <= 0, $"{query}: {exact} at compile time, {upper} by the class");
            }
        }
    }

    /// <summary>Evaluates F#'s program and the class at the same norms; both must give the same bits.</summary>
    private static IReadOnlyList<Upper> Agrees(CompiledModel model, Func<Measure, Upper> norm)
    {
        var norms = new Norms();
        var asked = new Dictionary<string, Upper>(StringComparer.Ordinal);
        Upper Value(Measure measure, FSharpList<Tuple<string, long>> indices, FSharpOption<int>? head)
        {
            string key = Evaluate.key(measure, indices, head);
            if (!asked.TryGetValue(key, out Upper value))
            {
                asked[key] = value = norm(measure);
                norms.Add(key, Twin(value));
            }

            return value;
        }

        var queries = model.Derivation.Queries.Select(query => query.ToString()).ToHashSet();
        Program program = Dataflow.prune(FuncConvert.FromFunc<string, bool>(queries.Contains), model.Derivation.Program);
        Upper[] expected = Evaluate.run(
            Evaluate.upper,
            FuncConvert.FromFunc<Measure, FSharpList<Tuple<string, long>>, FSharpOption<int>?, Upper>(Value),
            null,
            program);
        EmittedModel emitted = EmittedModel.Of(model);
        UpperBound[] found = emitted.LipschitzBound(norms);
        Assert.Equal(expected.Select(Twin), found);
        var needed = emitted.NormsNeeded().Select(n => n.Key).ToHashSet();
        Assert.Equal([], asked.Keys.Where(key => !needed.Contains(key)));
        return expected;
    }

    private static Upper AtCap(Measure measure)
    {
        if (measure.Cap is null)
        {
            return Upper.Infinity;
        }

        var alone = new Program(FSharpList<Statement>.Empty, ListModule.OfSeq([Tuple.Create("", measure.Cap.Value)]));
        return Evaluate.atCaps(Evaluate.upper, null, alone)[0];
    }

    private static UpperBound Twin(Upper value) => UpperBound.Parse(value.ToString()!);
}
