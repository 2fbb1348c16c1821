using TorchSharp;

namespace Lips.Runtime;

/// <summary>Reads tensors into arrays.</summary>
internal static class TensorValues
{
    /// <summary>The values in row-major order; <typeparamref name="T"/> is the tensor's element type.</summary>
    public static T[] ToArray<T>(this torch.Tensor tensor)
        where T : unmanaged
    {
        using var scope = torch.NewDisposeScope();
        // The accessor holds a reference of its own, outside of scopes.
        using var values = tensor.detach().cpu().contiguous().data<T>();
        return values.ToArray();
    }
}
