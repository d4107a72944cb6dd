"""Loads a checkpoint into vector-quantize-pytorch and prints the codes of rows:
`python encode_torch.py FILE ROWS.npy CLASS OPTIONS`, the options as JSON."""

import json
import sys

import numpy as np
import torch
import vector_quantize_pytorch
from safetensors.torch import load_file

path, rows_path, kind, options = sys.argv[1:]
rows = torch.from_numpy(np.load(rows_path))
sizes = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(options).items()}
module = getattr(vector_quantize_pytorch, kind)(**sizes)
module.load_state_dict(load_file(path))  # strict: all names, and no others
module.eval()
with torch.no_grad():
    _, codes, *_ = module(rows[None])
if kind == "GroupedResidualVQ":
    codes = codes.movedim(0, -2)
print(json.dumps(codes.reshape(len(rows), -1).tolist()))
