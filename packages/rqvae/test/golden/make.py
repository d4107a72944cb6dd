"""Trains a small RQ-VAE in PyTorch and writes its start, its rows and its losses: what curve.test.ts must repeat.

Run with PyTorch 2 and NumPy: python make.py > curve.json
"""

import json

import numpy as np
import torch
from torch import nn

STEPS, BATCH, ROWS, DIMENSION, WIDTHS, LEVELS, SIZE = 50, 16, 64, 6, [8, 4], 2, 5
BETA, RATE, DECAY = 0.25, 0.01, 0.05


def network(widths):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(a, b))
        if i + 2 < len(widths):
            layers.append(nn.GELU())
    return nn.Sequential(*layers)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    encoder = network([DIMENSION, *WIDTHS])
    decoder = network([*reversed(WIDTHS), DIMENSION])
    codebooks = nn.Parameter(0.4 * torch.randn(LEVELS, SIZE, WIDTHS[-1]))
    rows = torch.randn(ROWS, DIMENSION)

    parameters = {"codebooks": codebooks}
    for name, net in (("encoder", encoder), ("decoder", decoder)):
        for i, layer in enumerate(m for m in net if isinstance(m, nn.Linear)):
            parameters[f"{name}.{i}.weight"] = layer.weight
            parameters[f"{name}.{i}.bias"] = layer.bias
    start = {name: values.detach().flatten().tolist() for name, values in parameters.items()}

    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    others = [p for name, p in parameters.items() if not name.endswith("weight")]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=RATE
    )
    losses = []
    for step in range(STEPS):
        x = rows[torch.arange(step * BATCH, (step + 1) * BATCH) % ROWS]
        z = encoder(x)
        residual, total, quantization = z, 0, 0
        for level in range(LEVELS):
            codeword = codebooks[level][torch.cdist(residual.detach(), codebooks[level]).argmin(1)]
            quantization = quantization + ((residual.detach() - codeword) ** 2).sum(1).mean()
            quantization = quantization + BETA * ((residual - codeword.detach()) ** 2).sum(1).mean()
            total = total + codeword.detach()
            residual = residual - codeword.detach()
        y = decoder(z + (total - z).detach())
        reconstruction = ((y - x) ** 2).sum(1).mean()
        loss = reconstruction + quantization
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append([reconstruction.item(), quantization.item()])

    exact = lambda values: [float(np.format_float_positional(np.float32(v), unique=True)) for v in values]
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "rows": exact(rows.flatten().tolist()),
                "start": {name: exact(values) for name, values in start.items()},
                "losses": losses,
            }
        )
    )


main()
