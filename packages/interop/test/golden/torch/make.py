"""Makes checkpoints with vector-quantize-pytorch itself, and writes beside them the codes that it gives the same rows.

    python make.py              # the golden files of this folder

Every case is NAME.safetensors; expected.json has the rows, and for each case the codes and the quantized rows.
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file, save_model
from vector_quantize_pytorch import FSQ, GroupedResidualVQ, ResidualVQ, VectorQuantize

here = Path(__file__).parent
torch.manual_seed(1)
d = 8
rows = torch.randn(12, d)


class Tokenizer(torch.nn.Module):
    """A quantizer inside another module."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(d, d)
        self.quantizer = ResidualVQ(dim=d, num_quantizers=2, codebook_size=8)


heads = dict(dim=d, codebook_size=8, heads=2, codebook_dim=d // 2)
CASES = {
    "vq": VectorQuantize(dim=d, codebook_size=16),
    "vq-cosine": VectorQuantize(dim=d, codebook_size=16, use_cosine_sim=True),
    "vq-heads": VectorQuantize(**heads, separate_codebook_per_head=True),
    "vq-heads-cosine": VectorQuantize(
        **heads, separate_codebook_per_head=True, use_cosine_sim=True
    ),
    "vq-shared-heads": VectorQuantize(**heads),
    "vq-projected": VectorQuantize(dim=d, codebook_size=8, codebook_dim=4),
    "vq-affine": VectorQuantize(dim=d, codebook_size=8, affine_param=True),
    "vq-unlearned": VectorQuantize(dim=d, codebook_size=8, kmeans_init=True),
    "rvq": ResidualVQ(dim=d, codebook_size=(16, 8, 8)),
    "rvq-cosine": ResidualVQ(dim=d, num_quantizers=2, codebook_size=8, use_cosine_sim=True),
    "rvq-shared": ResidualVQ(dim=d, num_quantizers=3, codebook_size=8, shared_codebook=True),
    "rvq-projected": ResidualVQ(dim=d, num_quantizers=2, codebook_size=8, codebook_dim=4),
    "grouped": GroupedResidualVQ(dim=d, groups=2, num_quantizers=2, codebook_size=8),
    "nested": Tokenizer(),
}

cases = {}
for name, module in CASES.items():
    for key, tensor in module.state_dict().items():
        if key.endswith("_codebook.embed") and name != "vq-unlearned":
            embed = torch.randn_like(tensor)
            tensor.copy_(torch.nn.functional.normalize(embed, dim=-1) if "cosine" in name else embed)
    if name == "rvq-shared":
        # Leaves equal tensors out, and says so in the metadata.
        save_model(module, here / f"{name}.safetensors")
    else:
        save_file(module.state_dict(), here / f"{name}.safetensors")
    module.eval()
    quantizer = module.quantizer if name == "nested" else module
    with torch.no_grad():
        quantized, codes, *_ = quantizer(rows[None])
    # GroupedResidualVQ has the groups first.
    flat = codes.movedim(0, -2) if name == "grouped" else codes
    cases[name] = {
        "codes": flat.reshape(len(rows), -1).tolist(),
        "quantized": [[round(x, 6) for x in row] for row in quantized.reshape(-1, d).tolist()],
    }

save_file({f"unused.{k}": v for k, v in FSQ([8, 5]).state_dict().items()}, here / "fsq.safetensors")

expected = {
    "vector-quantize-pytorch": version("vector-quantize-pytorch"),
    "torch": torch.__version__,
    "rows": rows.tolist(),
    "cases": cases,
}
(here / "expected.json").write_text(json.dumps(expected) + "\n")
