"""Searches faiss index files: `python search.py QUERIES.npy ROWS.npy FILE...` prints one JSON object by file."""

import json
import sys

import faiss
import numpy as np

faiss.omp_set_num_threads(1)
queries, rows = np.load(sys.argv[1]), np.load(sys.argv[2])
results = {}
for path in sys.argv[3:]:
    index = faiss.read_index(path)
    try:
        faiss.ParameterSpace().set_index_parameter(index, "nprobe", 1 << 20)
    except RuntimeError:
        pass  # it has no lists
    distances, labels = index.search(queries, 5)
    has_own_ids = isinstance(index, faiss.IndexIDMap)
    packer = faiss.downcast_index(index.index) if has_own_ids else index
    results[path] = {
        "class": type(index).__name__,
        "labels": labels.tolist(),
        "distances": distances.tolist(),
        "codes": packer.sa_encode(rows).tobytes().hex(),
    }
print(json.dumps(results))
