"""faiss' indexes: rows are added before, searching is what is timed."""

import faiss
import numpy as np
from protocol import Job, load


def search(task):
    wanted = task["parameters"]
    x = load(task)
    held = min(wanted["queries"], len(x) // 10)
    rows, queries = x[:-held], x[-held:]
    k = wanted["neighbours"]
    if wanted["index"] == "signs":
        return search_signs(rows, queries, k)
    index = make(rows.shape[1], wanted)
    index.train(rows[: wanted["trainingRows"]])
    index.add(rows)
    return Job(
        lambda: index.search(queries, k)[1],
        lambda ids: ids.astype(np.int32),
        bytes_per_vector=code_bytes(index),
    )


def make(d, wanted):
    kind, fast = wanted["index"], wanted.get("fastScan")
    if kind == "exact":
        return faiss.IndexFlatL2(d)
    if kind == "pq":
        return (faiss.IndexPQFastScan if fast else faiss.IndexPQ)(d, wanted["groups"], wanted["bits"])
    if kind == "ivfpq":
        coarse = faiss.IndexFlatL2(d)
        index = faiss.IndexIVFPQ(coarse, d, wanted["lists"], wanted["groups"], wanted["bits"])
        index.nprobe = wanted["nprobe"]
        return index
    if kind == "sq8":
        return faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_8bit)
    if kind == "rabitq":
        inner = faiss.IndexRaBitQFastScan(d) if fast else faiss.IndexRaBitQ(d)
        if not fast:
            inner.qb = 8
        rotation = faiss.RandomRotationMatrix(d, d)
        return faiss.IndexPreTransform(rotation, inner)
    raise ValueError(f"there is no index {kind}")


def code_bytes(index):
    inner = faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    # An inverted file keeps an id of eight bytes with each code.
    return inner.sa_code_size() + (8 if isinstance(inner, faiss.IndexIVF) else 0)


def search_signs(rows, queries, k):
    def pack(x):
        return np.packbits(x > 0, axis=1, bitorder="little")

    bits = pack(rows)
    index = faiss.IndexBinaryFlat(8 * bits.shape[1])
    index.add(bits)
    return Job(
        lambda: index.search(pack(queries), k)[1],
        lambda ids: ids.astype(np.int32),
        bytes_per_vector=bits.shape[1],
    )
