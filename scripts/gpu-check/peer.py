"""PyTorch's times of the work of gpu-check, on the GPU where it has one. Prints one JSON object."""

import json
import sys
import time

import torch

WORK = json.loads(sys.argv[1])
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
BLOCK_VALUES = 2**28


def synchronize():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def median_seconds(rounds, body):
    body()
    synchronize()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        body()
        synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def clustered(rows, dimension, clusters):
    generator = torch.Generator().manual_seed(1)
    centres = 2 * torch.rand(clusters, dimension, generator=generator) - 1
    noise = 0.4 * (torch.rand(rows, dimension, generator=generator) - 0.5)
    return centres[torch.arange(rows) % clusters] + noise, centres


def nearest(x, codebook):
    """‖c‖² − 2x·c by addmm and argmin, in blocks, so that n × k is never held."""
    norms = (codebook * codebook).sum(1)
    blocks = x.split(max(1, BLOCK_VALUES // len(codebook)))
    return torch.cat([torch.addmm(norms, block, codebook.T, alpha=-2).argmin(1) for block in blocks])


def assign(size):
    x, codebook = clustered(size["rows"], size["dimension"], size["codebookSize"])
    x, codebook = x.to(DEVICE), codebook.to(DEVICE)
    return median_seconds(WORK["rounds"], lambda: nearest(x, codebook))


def kmeans(size):
    rows, _ = clustered(size["rows"], size["dimension"], size["codebookSize"])

    def run():
        x = rows.to(DEVICE)
        codebook = x[torch.randperm(len(x), device=DEVICE)[: size["codebookSize"]]]
        for _ in range(size["iterations"]):
            codes = nearest(x, codebook)
            sums = torch.zeros_like(codebook).index_add_(0, codes, x)
            counts = torch.bincount(codes, minlength=len(codebook)).unsqueeze(1)
            codebook = torch.where(counts > 0, sums / counts.clamp(min=1), codebook)
        codebook.cpu()

    return median_seconds(min(3, WORK["rounds"]), run)


def rqvae(size):
    """A step of an RQ-VAE with straight-through gradients and AdamW."""
    rows, _ = clustered(size["rows"], size["dimension"], size["codebookSize"])
    rows = rows.to(DEVICE)
    widths = [size["dimension"], *size["widths"]]

    def layers(extents):
        parts = []
        for i, (a, b) in enumerate(zip(extents, extents[1:])):
            parts.append(torch.nn.Linear(a, b))
            if i < len(extents) - 2:
                parts.append(torch.nn.ReLU())
        return torch.nn.Sequential(*parts).to(DEVICE)

    encoder, decoder = layers(widths), layers(widths[::-1])
    books = [
        torch.nn.Parameter(torch.rand(size["codebookSize"], widths[-1], device=DEVICE))
        for _ in range(size["levels"])
    ]
    parameters = [*encoder.parameters(), *decoder.parameters(), *books]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)

    def step():
        x = rows[torch.randint(len(rows), (size["batch"],), device=DEVICE)]
        z = encoder(x)
        left, total, loss = z, torch.zeros_like(z), 0.0
        for book in books:
            q = book[nearest(left.detach(), book.detach())]
            loss = loss + ((left.detach() - q) ** 2).sum(1).mean()
            loss = loss + 0.05 * ((left - q.detach()) ** 2).sum(1).mean()
            total, left = total + q, left - q.detach()
        y = decoder(z + (total - z).detach())
        loss = loss + ((y - x) ** 2).sum(1).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    for _ in range(5):
        step()
    synchronize()
    start = time.perf_counter()
    for _ in range(size["steps"]):
        step()
    synchronize()
    return (time.perf_counter() - start) / size["steps"]


def all_seconds(suffix):
    times = {}
    for size in WORK["assign"]:
        name = f"assign {size['rows']} × {size['dimension']} to {size['codebookSize']}"
        times[name + suffix] = assign(size)
    times["k-means" + suffix] = kmeans(WORK["kmeans"])
    times["RQ-VAE step" + suffix] = rqvae(WORK["rqvae"])
    return times


seconds = {}
for tf32 in [False, True] if DEVICE.type == "cuda" else [False]:
    torch.backends.cuda.matmul.allow_tf32 = tf32
    seconds |= all_seconds(", tf32" if tf32 else "")
card = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "the CPU"
print(json.dumps({"name": f"{torch.__version__} on {card}", "seconds": seconds}))
