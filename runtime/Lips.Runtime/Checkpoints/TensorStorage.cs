using System;
using System.Linq;
using TorchSharp;

namespace Lips.Runtime.Checkpoints;

/// <summary>Tensors to and from the bytes of a safetensors file.</summary>
public static class TensorStorage
{
    private static readonly (torch.ScalarType Torch, StoredType Stored)[] Types =
    [
        (torch.ScalarType.Float64, StoredType.F64), (torch.ScalarType.Float32, StoredType.F32), (torch.ScalarType.Float16, StoredType.F16),
        (torch.ScalarType.BFloat16, StoredType.BF16), (torch.ScalarType.Int64, StoredType.I64), (torch.ScalarType.Int32, StoredType.I32),
        (torch.ScalarType.Int16, StoredType.I16), (torch.ScalarType.Int8, StoredType.I8), (torch.ScalarType.Byte, StoredType.U8),
        (torch.ScalarType.Bool, StoredType.BOOL),
    ];

    /// <summary>A copy of the tensor's values, row-major.</summary>
    public static StoredTensor Store(string name, torch.Tensor tensor)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        int type = Array.FindIndex(Types, t => t.Torch == tensor.dtype);
        if (type < 0)
            throw new RunFailed($"'{name}' has element type {tensor.dtype}, which a checkpoint cannot hold.");
        var plain = tensor.detach().cpu().contiguous();
        return new StoredTensor(name, Types[type].Stored, tensor.shape, plain.numel() == 0 ? Array.Empty<byte>() : plain.bytes.ToArray());
    }

    /// <summary>A new tensor on the CPU.</summary>
    public static torch.Tensor Load(StoredTensor stored)
    {
        int type = Array.FindIndex(Types, t => t.Stored == stored.Type);
        if (type < 0)
            throw new RunFailed($"'{stored.Name}' has element type {stored.Type}, which cannot be loaded.");
        var tensor = torch.empty([.. stored.Shape], dtype: Types[type].Torch);
        if (stored.Data.Length > 0)
            tensor.bytes = stored.Data.ToArray();
        return tensor;
    }

    /// <summary>Copies stored values into an existing tensor of the same shape and type.</summary>
    public static void CopyInto(torch.Tensor target, StoredTensor stored)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        if (!target.shape.SequenceEqual(stored.Shape))
            throw new RunFailed($"'{stored.Name}' has shape [{string.Join(", ", stored.Shape)}] in the file and [{string.Join(", ", target.shape)}] in the model.");
        var source = Load(stored);
        if (source.dtype != target.dtype)
            throw new RunFailed($"'{stored.Name}' has element type {stored.Type} in the file and {target.dtype} in the model.");
        target.copy_(source);
    }
}
