"""Makes faiss indexes with faiss itself, and writes beside them what faiss makes of the same rows.

    python make.py                       # the golden files of this folder
    python make.py FOLDER ROWS DIMENSION SEED   # larger ones of other rows, for the tests where faiss is installed

Every case is NAME.index; expected.json has the rows, the queries, and for each case the rows' codes as faiss packs them
(hexadecimal), and the labels and distances of its search.
"""

import json
import sys
from pathlib import Path

import faiss
import numpy as np

here = Path(__file__).parent
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
n = int(sys.argv[2]) if len(sys.argv) > 2 else 40
d = int(sys.argv[3]) if len(sys.argv) > 3 else 8
rng = np.random.default_rng(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
faiss.omp_set_num_threads(1)

L2, IP = faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT
small = d == 8
bits = 3 if small else 5
lists = 4 if small else 16

mixing = rng.normal(size=(d, d))
train = (rng.normal(size=(1500, d)) @ mixing / np.sqrt(d) + 0.5).astype("float32")
rows = train[:n].copy()
queries = (rows[:4] + 0.3 * rng.normal(size=(4, d))).astype("float32")


def scalar(kind):
    return faiss.IndexScalarQuantizer(d, getattr(faiss.ScalarQuantizer, "QT_" + kind))


def chained(index, *transforms):
    whole = faiss.IndexPreTransform(index)
    for transform in reversed(transforms):
        whole.prepend_transform(transform)
    return whole


def residual(levels, search_type=faiss.AdditiveQuantizer.ST_decompress, beam=5):
    widths = faiss.UInt64Vector()
    for width in levels:
        widths.push_back(width)
    index = faiss.IndexResidualQuantizer(d, widths, L2, search_type)
    index.rq.max_beam_size = beam
    return index


def ivfpq(metric=L2, by_residual=True):
    coarse = faiss.IndexFlatL2(d) if metric == L2 else faiss.IndexFlatIP(d)
    index = faiss.IndexIVFPQ(coarse, d, lists, d // 4, bits, metric)
    index.by_residual = by_residual
    return index


def pq():
    return faiss.IndexPQ(d, d // 4, bits)


ids = 3 * np.arange(n)[::-1] + 7
CASES = {
    "flat-l2": (faiss.IndexFlatL2(d), None),
    "flat-ip": (faiss.IndexFlatIP(d), None),
    "pq": (pq(), None),
    "pq-ip": (faiss.IndexPQ(d, d // 4, bits, IP), None),
    "pq-one-group": (faiss.IndexPQ(d, 1, bits), None),
    "rq": (residual([bits, bits - 1, bits]), None),
    "rq-greedy": (residual([bits, bits], beam=1), None),
    "rq-norms": (residual([bits, bits], faiss.AdditiveQuantizer.ST_norm_float), None),
    "rq-norms8": (residual([bits, bits], faiss.AdditiveQuantizer.ST_norm_qint8), None),
    "sq8": (scalar("8bit"), None),
    "sq6": (scalar("6bit"), None),
    "sq4": (scalar("4bit"), None),
    "sq8-uniform": (scalar("8bit_uniform"), None),
    "sq4-uniform": (scalar("4bit_uniform"), None),
    "fp16": (scalar("fp16"), None),
    "bf16": (scalar("bf16"), None),
    "opq": (chained(pq(), faiss.OPQMatrix(d, d // 4)), None),
    "pca": (chained(faiss.IndexPQ(d // 2, 2, bits), faiss.PCAMatrix(d, d // 2)), None),
    "pca-white": (chained(faiss.IndexPQ(d, 2, bits), faiss.PCAMatrix(d, d, -0.5)), None),
    "chain": (
        chained(
            scalar("8bit"),
            faiss.CenteringTransform(d),
            faiss.NormalizationTransform(d),
            faiss.RandomRotationMatrix(d, d),
        ),
        None,
    ),
    "ivfpq": (ivfpq(), None),
    "ivfpq-ids": (ivfpq(), ids),
    "ivfpq-ip": (ivfpq(IP), None),
    "ivfpq-whole-rows": (ivfpq(by_residual=False), None),
    "ivfsq": (
        faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatL2(d), d, lists, faiss.ScalarQuantizer.QT_8bit
        ),
        None,
    ),
    "ivfflat": (faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists), None),
    "opq-ivfpq": (chained(ivfpq(), faiss.OPQMatrix(d, d // 4)), None),
    "idmap": (faiss.IndexIDMap2(pq()), ids),
    "refine": (faiss.IndexRefineFlat(pq()), None),
}


def inner(index):
    """The index that packs codes, as the class that it is."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexIDMap):
        return faiss.downcast_index(index.index)
    if isinstance(index, faiss.IndexRefine):
        return faiss.downcast_index(index.base_index)
    return index


cases = {}
for name, (index, own) in CASES.items():
    index.train(train)
    if own is None:
        index.add(rows)
    else:
        index.add_with_ids(rows, own)
    faiss.write_index(index, str(folder / f"{name}.index"))
    if name == "refine":
        index.k_factor = n  # all rows are candidates
    try:
        faiss.ParameterSpace().set_index_parameter(index, "nprobe", lists)
    except RuntimeError:
        pass  # it has no lists
    distances, labels = index.search(queries, 5)
    packed = None if "flat" in name else inner(index).sa_encode(rows).tobytes().hex()
    # Norms of 8 bits change distances, by which nothing can be checked.
    found = 0 if name == "rq-norms8" else len(queries)
    cases[name] = {
        "codes": packed,
        "labels": labels[:found].tolist(),
        "distances": distances[:found].tolist(),
    }

expected = {
    "faiss": faiss.__version__,
    "rows": rows.tolist(),
    "queries": queries.tolist(),
    "cases": cases,
}
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
