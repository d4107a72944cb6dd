"""NumPy: what this machine can do at best (the product of two matrices, copying), and packing of bits."""

import numpy as np
import threadpoolctl
from protocol import Job, load, serve

BLOCK_ROWS = 8192


def sgemm(task):
    """The product that assign computes, and nothing else: [n, d] · [d, k], by blocks so that n × k is never held."""
    x, codebook = load(task), load(task, "codebook").T
    product = np.empty((min(BLOCK_ROWS, len(x)), codebook.shape[1]), np.float32)

    def run():
        for start in range(0, len(x), BLOCK_ROWS):
            block = x[start : start + BLOCK_ROWS]
            np.matmul(block, codebook, out=product[: len(block)])

    return Job(run, lambda last: product[:0])


def copy(task):
    """Reads and writes as many bytes as the rows have."""
    x = load(task)
    target = np.empty_like(x)
    return Job(lambda: np.copyto(target, x), lambda last: target[:0])


def signs(task):
    x = load(task)
    positive = np.empty(x.shape, bool)

    def run():
        np.greater(x, 0, out=positive)
        return np.packbits(positive, axis=1, bitorder="little")

    return Job(run)


def blas():
    """The kernels that NumPy's OpenBLAS chose for this processor."""
    for pool in threadpoolctl.threadpool_info():
        if pool["user_api"] == "blas":
            return {"blas": pool.get("architecture", "unknown")}
    return {}


serve(f"NumPy {np.__version__}", {"sgemm": sgemm, "copy": copy, "signs": signs}, facts=blas())
