"""faiss-cpu."""

import faiss
import numpy as np
import threadpoolctl
from protocol import THREADS, Job, load, serve


def assign(task):
    x, codebook = load(task), load(task, "codebook")
    index = faiss.IndexFlatL2(x.shape[1])
    index.add(codebook)
    return Job(lambda: index.search(x, 1)[1], lambda codes: codes.astype(np.int32))


def blas():
    """The kernels that faiss' own OpenBLAS chose for this processor."""
    for pool in threadpoolctl.threadpool_info():
        if pool["user_api"] == "blas" and "faiss" in pool["filepath"]:
            return {"blas": pool.get("architecture", "unknown")}
    return {}


faiss.omp_set_num_threads(THREADS)
serve(
    f"faiss {faiss.__version__}",
    {"assign": assign},
    details=[faiss.get_compile_options().strip()],
    facts=blas(),
)
