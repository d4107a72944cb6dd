"""Trains a small autoencoder with batch normalization in PyTorch: what batch-norm.test.ts must repeat.

Run with PyTorch 2 and NumPy: python make-batch-norm.py > batch-norm.json
"""

import json

import numpy as np
import torch
from torch import nn

STEPS, BATCH, ROWS, DIMENSION, WIDTHS, RATE = 20, 16, 48, 6, [8, 4], 0.01


def network(widths):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        hidden = i + 2 < len(widths)
        layers.append(nn.Linear(a, b, bias=not hidden))
        if hidden:
            layers += [nn.BatchNorm1d(b), nn.ReLU()]
    return nn.Sequential(*layers)


def values_of(name, net):
    values = {}
    layer = -1
    for module in net:
        if isinstance(module, nn.Linear):
            layer += 1
            values[f"{name}.{layer}.weight"] = module.weight
            if module.bias is not None:
                values[f"{name}.{layer}.bias"] = module.bias
        if isinstance(module, nn.BatchNorm1d):
            values[f"{name}.{layer}.norm.scale"] = module.weight
            values[f"{name}.{layer}.norm.shift"] = module.bias
            values[f"{name}.{layer}.norm.mean"] = module.running_mean
            values[f"{name}.{layer}.norm.variance"] = module.running_var
    return values


def main():
    torch.manual_seed(2)
    torch.set_num_threads(1)
    encoder = network([DIMENSION, *WIDTHS])
    decoder = network([*reversed(WIDTHS), DIMENSION])
    rows = 1 + 2 * torch.randn(ROWS, DIMENSION)
    exact = lambda tensor: [
        float(np.format_float_positional(np.float32(v), unique=True)) for v in tensor.detach().flatten().tolist()
    ]
    read = lambda: {k: exact(v) for k, v in {**values_of("encoder", encoder), **values_of("decoder", decoder)}.items()}
    start = read()
    # Not Adam: the batch's mean takes away the latents' bias, and Adam would make steps of the rounding in its gradient.
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=RATE, momentum=0.9)
    losses = []
    for step in range(STEPS):
        x = rows[torch.arange(step * BATCH, (step + 1) * BATCH) % ROWS]
        loss = ((decoder(encoder(x)) - x) ** 2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    end = {name: values for name, values in read().items() if name.endswith(("mean", "variance"))}
    encoder.eval()
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "rows": exact(rows),
                "start": start,
                "losses": losses,
                "running": end,
                "latents": exact(encoder(rows)),
            }
        )
    )


main()
