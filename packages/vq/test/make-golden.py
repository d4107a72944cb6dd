"""Writes golden.json: what vector-quantize-pytorch 1.32 makes of fixed inputs.

    pip install torch vector-quantize-pytorch
    python make-golden.py > golden.json

Inputs keep clear of the steps between codes, where float32 and float64 may round to either side.
"""

import json

import torch
from vector_quantize_pytorch import FSQ, LFQ

torch.manual_seed(7)


def rows(count, dimension):
    return (1.5 * torch.randn(count, dimension)).round(decimals=2)


def shortened(z):
    return [[round(value, 2) for value in row] for row in z.tolist()]


def fsq(levels):
    quantizer = FSQ(levels=levels)
    z = rows(24, len(levels))
    with torch.no_grad():
        values, indices = quantizer(z[None])
        digits = quantizer.indices_to_level_indices(indices)
    return {
        "levels": levels,
        "rows": shortened(z),
        "indices": indices[0].tolist(),
        "digits": digits[0].tolist(),
        "values": values[0].tolist(),
    }


def lfq(dimension):
    quantizer = LFQ(codebook_size=2**dimension, dim=dimension).eval()
    z = rows(16, dimension)
    with torch.no_grad():
        values, indices, _ = quantizer(z[None])
    return {
        "dimension": dimension,
        "rows": shortened(z),
        "indices": indices[0].tolist(),
        "values": values[0].tolist(),
    }


golden = {
    "fsq": [fsq([8, 5, 5, 5]), fsq([8, 6, 5]), fsq([3, 4, 7, 16])],
    "lfq": [lfq(4), lfq(10)],
}
print(json.dumps(golden, separators=(",", ":")))
