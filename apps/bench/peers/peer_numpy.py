"""NumPy: what this machine can do at best (the product of two matrices, copying), and packing of bits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import threadpoolctl
from protocol import THREADS, Job, load, serve

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
    """Reads and writes as many bytes as the rows have, a part of them on each thread: copyto lets go of the lock."""
    x = load(task)
    target = np.empty_like(x)
    pool = ThreadPoolExecutor(THREADS)
    parts = list(zip(np.array_split(target, THREADS), np.array_split(x, THREADS)))

    def run():
        for done in [pool.submit(np.copyto, *part) for part in parts]:
            done.result()

    return Job(run, lambda last: target[:0])


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
