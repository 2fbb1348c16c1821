using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Models;

/// <summary>What the two models written by hand share: a module with parameters of given shapes, and their weight table.</summary>
internal abstract class TinyModel : ILipsModel
{
    private readonly Store _store;

    protected TinyModel(string name, IReadOnlyList<Weight> weights, IReadOnlyDictionary<string, long[]> leaves, InputInfo input, RecipeEntry[]? recipe)
    {
        (Name, Weights, Inputs, Recipe) = (name, weights, [input], recipe ?? []);
        _store = new Store(name, leaves);
    }

    public string Name { get; }

    public string Meaning => new string('0', 56) + Name.Length.ToString("x8");

    public nn.Module Module => _store;

    public IReadOnlyList<InputInfo> Inputs { get; }

    public IReadOnlyList<Weight> Weights { get; }

    public RecipeEntry[] Recipe { get; }

    public abstract Tensor Forward(IReadOnlyList<Tensor> inputs);

    public abstract Tensor ValueAt(string point, IReadOnlyList<Tensor> inputs);

    public abstract Tensor Continue(string point, Tensor value);

    public abstract IReadOnlyList<ClaimInfo> Claims { get; }

    public abstract UpperBound Bound(int claim, Norms norms);

    public abstract UpperBound BoundAtCaps(int claim);

    public string DomainAt(int claim, Norms norms) => InputDomain.Declared(Claims[claim].Domain);

    public abstract IReadOnlyList<NormRequest> NormsNeeded { get; }

    protected Parameter Leaf(string name) => _store[name];

    public void Dispose() => _store.Dispose();

    private sealed class Store : nn.Module
    {
        public Store(string name, IReadOnlyDictionary<string, long[]> leaves)
            : base(name)
        {
            foreach (var (key, shape) in leaves)
                register_parameter(key, (Parameter)nn.Parameter(zeros(shape)).DetachFromDisposeScope());
        }

        public Parameter this[string name] => get_parameter(name)!;
    }
}

/// <summary>features(1, n) → linear → relu → linear, with spectral caps; bound in l2 is the product of the norms.</summary>
internal sealed class TinyMlp : TinyModel
{
    private readonly double _cap;

    public TinyMlp(int input, int hidden, int classes, double cap = 1, CapMethod method = CapMethod.Soft, RecipeEntry[]? recipe = null, InputInfo? info = null)
        : base("TinyMlp",
            [
                new Weight("up", "up", Role.Matrix, [hidden, input], Init: new Init.Orthogonal(), Constraint: new Constraint.Cap(cap, CapUnit.Spectral, CapExtent.Whole, method)),
                new Weight("up.bias", "up_bias", Role.Bias, [hidden], Init: new Init.Zero(), Constraint: new Constraint.Cap(1, CapUnit.L2, CapExtent.Whole, CapMethod.Soft)),
                new Weight("down", "down", Role.Matrix, [classes, hidden], Init: new Init.Orthogonal(), Constraint: new Constraint.Cap(cap, CapUnit.Spectral, CapExtent.Whole, method)),
            ],
            new Dictionary<string, long[]> { ["up"] = [hidden, input], ["up_bias"] = [hidden], ["down"] = [classes, hidden] },
            info ?? new InputInfo("x", "features", [1, input]),
            recipe) => _cap = cap;

    public override Tensor Forward(IReadOnlyList<Tensor> inputs) => Continue("x", inputs[0]);

    public override Tensor ValueAt(string point, IReadOnlyList<Tensor> inputs) => inputs[0];

    public override Tensor Continue(string point, Tensor value) =>
        nn.functional.linear(nn.functional.linear(value.flatten(1), Leaf("up"), Leaf("up_bias")).relu(), Leaf("down"));

    public override IReadOnlyList<ClaimInfo> Claims => [new ClaimInfo("lipschitz(x -> logits) <= 1", "x", "logits", "l2", "l2", "for any two inputs", "1")];

    public override UpperBound Bound(int claim, Norms norms) => norms.SpectralNorm("up") * norms.SpectralNorm("down");

    public override UpperBound BoundAtCaps(int claim) => UpperBound.OfDouble(_cap) * UpperBound.OfDouble(_cap);

    public override IReadOnlyList<NormRequest> NormsNeeded => [new(NormKind.Spectral, "up"), new(NormKind.Spectral, "down")];
}

/// <summary>
/// tokens → embedding → x + attention/2 → x + mlp/2 → logits, with a fused qkv of two heads capped head by head. Its bound
/// is that of the head alone, enough to exercise the plumbing.
/// </summary>
internal sealed class TinyTransformer : TinyModel
{
    public const int Width = 16, Heads = 2, Context = 12;
    private readonly Tensor _mask = ones(Context, Context).triu(1).to_type(ScalarType.Bool).DetachFromDisposeScope();

    public TinyTransformer(int vocabulary, CapMethod method = CapMethod.Soft, RecipeEntry[]? recipe = null)
        : base("TinyTransformer", Table(vocabulary, method), new Dictionary<string, long[]>
        {
            ["embedding"] = [vocabulary, Width],
            ["qkv"] = [3 * Width, Width],
            ["out"] = [Width, Width],
            ["up"] = [4 * Width, Width],
            ["down"] = [Width, 4 * Width],
            ["gain"] = [Width],
            ["head"] = [vocabulary, Width],
        }, new InputInfo("text", "tokens", [Context], vocabulary), recipe)
    {
    }

    private static Weight[] Table(int vocabulary, CapMethod method)
    {
        var head = new Constraint.Cap(1, CapUnit.Rms, CapExtent.PerHead, method);
        var whole = new Constraint.Cap(1, CapUnit.Rms, CapExtent.Whole, method);
        Weight Slice(string name, int index) => new("attention." + name, "qkv", Role.Matrix, [Width, Width], index * Width, Heads, HeadAxis.Rows, new Init.Orthogonal(), head);
        return
        [
            new Weight("embedding", "embedding", Role.Embedding, [vocabulary, Width], Init: new Init.Normal(0.5), Constraint: new Constraint.Cap(1, CapUnit.RowRms, CapExtent.Whole, method)),
            Slice("q", 0), Slice("k", 1), Slice("v", 2),
            new Weight("attention.out", "out", Role.Matrix, [Width, Width], 0, Heads, HeadAxis.Columns, new Init.Zero(), head),
            new Weight("mlp.up", "up", Role.Matrix, [4 * Width, Width], Init: new Init.Orthogonal(), Constraint: whole),
            new Weight("mlp.down", "down", Role.Matrix, [Width, 4 * Width], Init: new Init.Spectral(), Constraint: whole),
            new Weight("gain", "gain", Role.Gain, [Width], Init: new Init.One(), Constraint: new Constraint.Cap(1, CapUnit.MaxAbs, CapExtent.Whole, method)),
            new Weight("head", "head", Role.Matrix, [vocabulary, Width], Init: new Init.Zero(), Constraint: new Constraint.Cap(4, CapUnit.Rms, CapExtent.Whole, method)),
        ];
    }

    public override Tensor Forward(IReadOnlyList<Tensor> inputs) => Continue("x", ValueAt("x", inputs));

    public override Tensor ValueAt(string point, IReadOnlyList<Tensor> inputs) =>
        Leaf("embedding").index_select(0, inputs[0].flatten()).view(-1, Context, Width);

    public override Tensor Continue(string point, Tensor value)
    {
        long batch = value.shape[0];
        var parts = nn.functional.linear(value, Leaf("qkv")).view(batch, Context, 3, Heads, Width / Heads).permute(2, 0, 3, 1, 4);
        var scores = parts[0].matmul(parts[1].transpose(2, 3)) / (Width / Heads);
        var weights = scores.masked_fill(_mask, float.NegativeInfinity).softmax(-1);
        var mixed = weights.matmul(parts[2]).transpose(1, 2).reshape(batch, Context, Width);
        var x = value + nn.functional.linear(mixed, Leaf("out")) * 0.5;
        x = x + nn.functional.linear(nn.functional.gelu(nn.functional.linear(x, Leaf("up"))), Leaf("down")) * 0.5;
        return nn.functional.linear(x * Leaf("gain"), Leaf("head"));
    }

    public override IReadOnlyList<ClaimInfo> Claims => [new ClaimInfo("lipschitz(x -> logits) <= 100", "x", "logits", "rms", "rms", "for tokens of RMS <= 1", "100", 1)];

    public override UpperBound Bound(int claim, Norms norms) => norms.SpectralNorm("head") * norms.LargestEntry("gain") * norms.HeadSpectralNorm("attention.v", 1);

    public override UpperBound BoundAtCaps(int claim) => (UpperBound)64;

    public override IReadOnlyList<NormRequest> NormsNeeded => [new(NormKind.Spectral, "head"), new(NormKind.LargestEntry, "gain"), new(NormKind.Spectral, "attention.v", 1)];
}
