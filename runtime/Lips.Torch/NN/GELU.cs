namespace TorchSharp.Modules;

/// <summary>x Φ(x), exactly or by its tanh approximation.</summary>
public sealed class GELU : ParameterLessModule<torch.Tensor, torch.Tensor>
{
    public enum Approximate { none, tanh }

    internal GELU(Approximate approximate, bool inplace) : base(nameof(GELU))
    {
        this.approximate = approximate;
        this.inplace = inplace;
    }

    public Approximate approximate { get; set; }

    public bool inplace { get; set; }

    public override torch.Tensor forward(torch.Tensor input) => torch.nn.functional.gelu(input, approximate, inplace);
}
