"""The peer of the benchmarks of weights: each weight on its own, in eager PyTorch, as the script released with arXiv 2507.13338 goes
about it (its bfloat16 is float32 here, and what torch.compile would fuse is one addmm).

Prints one line of JSON: seconds of every repetition, peak resident memory, and for norms the norms in the order of their names.
"""

import argparse
import json
import math
import struct
import time

import torch

SQUARING_QUINTICS = [(4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037), (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012)]
HARD_CAP_QUINTICS = [(0.805032, 0.206361, -0.019763), (0.649867, 0.162935, -0.011150), (1.810259, -0.200265, 0.008251), (1.004384, -0.183490, 0.014413)]


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            tensors[name] = torch.frombuffer(bytearray(file.read(end - begin)), dtype=torch.float32).reshape(entry["shape"])
        return tensors


def soft_cap_coupling(cap, decay, update):
    k = cap * (1 - decay) + update
    monic = torch.tensor([-k**9, 3 * k**7, -3 * k**5, 0.0, k - cap]) / -k**9
    companion = torch.zeros(4, 4)
    companion[1:, :-1] = torch.eye(3)
    companion[0, :] = -monic[1:]
    roots = torch.linalg.eigvals(companion)
    real = (roots.imag.abs() < 1e-6) & (roots.real >= 0)
    return float(torch.where(real, roots.real, torch.ones_like(roots.real)).min())


def soft_cap(m, alpha, smaller_side):
    """Two cubics, by the Gram matrix of the larger side, as released, or of the smaller."""
    transpose = (m.shape[1] > m.shape[0]) != smaller_side
    if transpose:
        m = m.mT
    for b in (-alpha, alpha):
        m = torch.addmm(m, m @ m.mT, m, alpha=b)
    return m.mT if transpose else m


def hard_cap(m):
    transpose = m.shape[1] > m.shape[0]
    if transpose:
        m = m.mT
    for a, b, c in HARD_CAP_QUINTICS:
        gram = m.mT @ m
        m = torch.addmm(m, m, torch.addmm(gram, gram, gram, beta=b, alpha=c), beta=a)
    return m.mT if transpose else m


def largest_singular_value(m):
    u = torch.randn(m.shape[0], device=m.device)
    for _ in range(26):
        u = (u @ m) @ m.t()
        u = u / (u.norm() + 1e-8)
    return (u @ m).norm()


def orthogonalize(m):
    x = m.mT if m.shape[0] > m.shape[1] else m
    x = x / (x.norm() + 1e-7)
    for a, b, c in SQUARING_QUINTICS:
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if m.shape[0] > m.shape[1] else x


def project(what, weights, rate):
    for name, w in weights.items():
        if "embedding" in name:
            w.mul_((1 / w.square().mean(1, keepdim=True).sqrt().clamp_min(1e-30)).clamp_max(1))
            continue
        scale = math.sqrt(w.shape[0] / w.shape[1])
        if what == "soft":
            alpha = soft_cap_coupling(1, 0, rate * 1.14502 * 1.05)
            # the head's larger side has 50304 columns: see estimate_head
            w.copy_(scale * soft_cap(w / scale, alpha, smaller_side=max(w.shape) > 20000))
        elif what == "hard":
            w.copy_(scale * hard_cap(w / scale))
        else:
            w.div_(torch.maximum(torch.tensor(1.0, device=w.device), largest_singular_value(w) / scale) + 1e-12)


def muon(weights, gradients, buffers, rate, momentum):
    for name, w in weights.items():
        if "embedding" in name:
            continue
        g, buffer = gradients[name], buffers[name]
        buffer.lerp_(g, 1 - momentum)
        g = g.lerp_(buffer, momentum)
        w.add_(orthogonalize(g), alpha=-rate * math.sqrt(w.shape[0] / w.shape[1]))


def estimate_head(rows, columns, rate):
    """Seconds of the larger Gram side for a matrix of which only a part fits: work grows with the square of the rows."""
    part = torch.randn(6144, columns) / 1000
    begun = time.perf_counter()
    soft_cap(part, 0.1, smaller_side=False)
    return (time.perf_counter() - begun) * (rows / 6144) ** 2


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


@torch.no_grad()
def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("what", choices=["soft", "hard", "normalize", "muon", "norms", "head"])
    arguments.add_argument("--start", required=True, help="safetensors of the weights, float32")
    arguments.add_argument("--repeat", type=int, required=True)
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--rate", type=float, default=0.05)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    weights = {name: w.to(given.device) for name, w in read_safetensors(given.start).items()}
    if given.what == "head":
        head = max((w for name, w in weights.items() if "embedding" not in name), key=torch.Tensor.numel)
        print(json.dumps({"seconds": [estimate_head(max(head.shape), min(head.shape), given.rate)], "peak_bytes": peak_bytes()}))
        return
    if given.what == "muon":
        gradients = {name: torch.randn_like(w) * 1e-3 for name, w in weights.items()}
        buffers = {name: torch.zeros_like(w) for name, w in weights.items()}
    elif given.what != "norms":
        kept = {name: w.clone() for name, w in weights.items()}
    seconds, norms = [], []
    everything = weights
    for repetition in range(given.repeat):
        # before what counts, a few weights to warm up
        weights = dict(list(everything.items())[:4]) if repetition == 0 and given.repeat > 1 else everything
        if given.what in ("soft", "hard", "normalize"):
            for name, w in weights.items():
                w.copy_(kept[name])
            if given.device == "cuda":
                torch.cuda.synchronize()
        begun = time.perf_counter()
        if given.what == "norms":
            norms = [float(torch.linalg.svdvals(weights[name].double())[0]) for name in sorted(weights)]
        elif given.what == "muon":
            muon(weights, gradients, buffers, given.rate, 0.95)
        else:
            project(given.what, weights, given.rate)
        if given.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": seconds, "losses": norms, "peak_bytes": peak_bytes()}))


main()
