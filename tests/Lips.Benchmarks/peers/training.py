"""The peer of the training benchmark: the same two models in PyTorch, eager or compiled, from the same weights and batches.

Prints one line of JSON: seconds of every step, its loss, and the process's peak resident memory.
"""

import argparse
import json
import math
import struct
import time

import torch
import torch.nn.functional as F
from torch import nn


def read_safetensors(path):
    types = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            tensors[name] = torch.frombuffer(bytearray(file.read(end - begin)), dtype=types[entry["dtype"]]).reshape(entry["shape"])
        return tensors


class Rotary(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        frequencies = torch.exp(torch.arange(channels // 2, dtype=torch.float64) * (-2 * math.log(10000.0) / channels))
        angles = torch.arange(context, dtype=torch.float64)[:, None] * frequencies
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def forward(self, x):
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * self.cos - b * self.sin, a * self.sin + b * self.cos), dim=-1)


class Attention(nn.Module):
    def __init__(self, width, heads, scale, gain, bias, context, rotary):
        super().__init__()
        self.heads, self.scale, self.gain = heads, scale, gain
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)
        self.rotary = Rotary(width // heads, context) if rotary else None
        self.register_buffer("ahead", torch.ones(context, context, dtype=torch.bool).triu(1), persistent=False)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        if self.rotary is not None:
            q, k = self.rotary(q), self.rotary(k)
        logits = (q * self.scale) @ k.transpose(-2, -1)
        heads = logits.masked_fill(self.ahead, float("-inf")).softmax(-1) @ v
        merged = heads.transpose(1, 2).reshape(b, n, c)
        return self.out(merged if self.gain == 1 else merged * self.gain)


class Mlp(nn.Module):
    def __init__(self, width, gain, bias):
        super().__init__()
        self.up, self.down, self.gain = nn.Linear(width, 4 * width, bias=bias), nn.Linear(4 * width, width, bias=bias), gain

    def forward(self, x):
        h = F.gelu(self.up(x))
        return self.down(h if self.gain == 1 else h * self.gain)


class ShakespeareBlock(nn.Module):
    def __init__(self, width, heads, layers, context):
        super().__init__()
        self.share = 1 / (2 * layers)
        self.attention = Attention(width, heads, heads / width, 1 / 3, False, context, rotary=True)
        self.mlp = Mlp(width, 1 / 1.129, False)

    def forward(self, x):
        # lerp takes no two types; without autocast there is but one
        x = torch.lerp(x, self.attention(x).to(x.dtype), self.share)
        return torch.lerp(x, self.mlp(x).to(x.dtype), self.share)


class Shakespeare(nn.Module):
    def __init__(self, context, layers=3, width=256, heads=4, vocab=65):
        super().__init__()
        self.x = nn.Embedding(vocab, width)
        self.blocks = nn.Sequential(*[ShakespeareBlock(width, heads, layers, context) for _ in range(layers)])
        self.logits = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens):
        return self.logits(self.blocks(self.x(tokens)))


class GptBlock(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.layer_norm, self.layer_norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, (width // heads) ** -0.5, 1, True, context, rotary=False)
        self.mlp = Mlp(width, 1, True)

    def forward(self, x):
        x = x + self.attention(self.layer_norm(x))
        return x + self.mlp(self.layer_norm_2(x))


class Gpt(nn.Module):
    def __init__(self, context, layers=12, width=768, heads=12, vocab=50257):
        super().__init__()
        self.words = nn.Embedding(vocab, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[GptBlock(width, heads, context) for _ in range(layers)])
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.words(tokens) + self.position.weight
        return F.linear(self.layer_norm(self.blocks(x)), self.words.weight)


def load(model, tensors):
    """Weights by the names of the spec, where q, k and v of a fused matrix have names of their own, as gains and biases have."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            owner, kind = name.rsplit(".", 1)
            layer = owner.rsplit(".", 1)[-1]
            suffix = "_bias" if kind == "bias" else ""
            if layer == "qkv":
                parts = [tensors[f"{owner[:-3]}{part}{suffix}"] for part in "qkv"]
                parameter.copy_(torch.cat(parts))
            elif name in tensors:
                parameter.copy_(tensors[name])
            elif layer.startswith("layer_norm"):
                parameter.copy_(tensors[f"{owner}.{'gain' if kind == 'weight' else 'bias'}"])
            else:
                parameter.copy_(tensors[owner + suffix])


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("model", choices=["shakespeare", "gpt"])
    arguments.add_argument("--start", required=True, help="safetensors of the weights and of 'tokens', int64 [steps, batch, context + 1]")
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--compile", type=int, default=0, help="1: torch.compile(mode='reduce-overhead'), where this torch has it")
    arguments.add_argument("--precision", default="float32", choices=["float32", "bfloat16"], help="bfloat16: forward pass and loss under torch.autocast")
    arguments.add_argument("--rate", type=float, default=1e-3)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    tensors = read_safetensors(given.start)
    tokens = tensors.pop("tokens")
    model = {"shakespeare": Shakespeare, "gpt": Gpt}[given.model](context=tokens.shape[2] - 1)
    load(model, tensors)
    del tensors
    model.to(given.device)
    if given.compile:
        model = torch.compile(model, mode="reduce-overhead")
    optimizer = torch.optim.AdamW(model.parameters(), lr=given.rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1, foreach=True)
    seconds, forward, backward, update, losses = [], [], [], [], []
    for step in range(given.steps):
        begun = time.perf_counter()
        batch = tokens[step % len(tokens)].to(given.device)
        inputs, targets = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
        with torch.autocast(device_type=given.device.split(":")[0], dtype=torch.bfloat16, enabled=given.precision == "bfloat16"):
            logits = model(inputs)
            loss = F.cross_entropy(logits.view(-1, logits.shape[-1]).float(), targets.view(-1))
        del logits
        computed = time.perf_counter()
        loss.backward()
        derived = time.perf_counter()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        ended = time.perf_counter()
        for part, time_taken in ((seconds, ended - begun), (forward, computed - begun), (backward, derived - computed), (update, ended - derived)):
            part.append(time_taken)
    print(json.dumps({"seconds": seconds, "forward": forward, "backward": backward, "update": update, "losses": losses,
                      "peak_bytes": peak_bytes() if given.device == "cpu" else torch.cuda.max_memory_allocated()}))


main()
