"""Makes the golden files beside it with numpy and safetensors themselves: `python make.py`."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save

here = Path(__file__).parent

# Small integers, exact in every element type. Row 1 has negative values where the type has a sign.
unsigned = np.arange(6).reshape(2, 3)
signed = unsigned * np.array([[1], [-1]])

for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
    values = unsigned if kind[0] == "u" else signed
    orders = ["|"] if kind.endswith("1") else ["<", ">"]
    for order in orders:
        end = {"|": "", "<": "-le", ">": "-be"}[order]
        np.save(here / f"{kind}{end}.npy", values.astype(order + kind))

np.save(here / "vector.npy", np.array([1.5, -2.25, 3], dtype="<f4"))
np.save(here / "scalar.npy", np.array(7, dtype="<f4"))
np.save(here / "cube.npy", np.arange(24, dtype="<f4").reshape(2, 3, 4))
np.save(here / "empty.npy", np.zeros((0, 5), dtype="<f4"))
np.save(here / "nan.npy", np.array([[0, 1], [np.nan, 3]], dtype="<f4"))
np.save(here / "big.npy", np.array([[0, 1], [2, 1e300]], dtype="<f8"))
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(here / f"version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, signed.astype("<f4"), version=version)

# Files that a reader must refuse.
np.save(here / "fortran.npy", np.asfortranarray(signed.astype("<f4")))
np.save(here / "object.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
np.save(here / "structured.npy", np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))
np.save(here / "complex.npy", np.zeros(2, dtype="<c8"))
np.save(here / "text.npy", np.array(["ab", "c"]))

(here / "types.safetensors").write_bytes(
    save(
        {
            "f64": signed.astype("<f8"),
            "f32": signed.astype("<f4"),
            "f16": signed.astype("<f2"),
            "i64": signed.astype("<i8"),
            "u64": unsigned.astype("<u8"),
            "i32": signed.astype("<i4"),
            "u32": unsigned.astype("<u4"),
            "i16": signed.astype("<i2"),
            "u16": unsigned.astype("<u2"),
            "i8": signed.astype("i1"),
            "u8": unsigned.astype("u1"),
            "bool": unsigned.astype("u1") % 2 == 1,
            "levels.0.codebook": signed.astype("<f4"),
            "scalar": np.array(7, dtype="<f4"),
            "empty": np.zeros((0, 5), dtype="<f4"),
            "ünï.𝄞": unsigned.astype("u1"),
            "ünï.￦": unsigned.astype("u1"),
        },
        metadata={"spec": 'rq3x256 "quoted" \n é'},
    )
)
