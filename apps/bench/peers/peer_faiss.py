"""faiss-cpu."""

import faiss
import numpy as np
import threadpoolctl
from faiss_search import search
from protocol import THREADS, Job, load, serve

ALL_ROWS = 10**9


def nearest(codebook):
    index = faiss.IndexFlatL2(codebook.shape[1])
    index.add(codebook)
    return index


def assign(task):
    x, index = load(task), nearest(load(task, "codebook"))
    return Job(lambda: index.search(x, 1)[1], lambda codes: codes.astype(np.int32))


def stream(task):
    """Codes of batch after batch; batches are views of the same rows in turn."""
    pool, index = load(task), nearest(load(task, "codebook"))
    total, size = task["parameters"]["totalRows"], task["parameters"]["batchRows"]

    def run():
        codes = np.empty(total, np.uint8)
        for start in range(0, total, size):
            at = start % len(pool)
            codes[start : start + size] = index.search(pool[at : at + size], 1)[1][:, 0]
        return codes

    return Job(run, lambda codes: codes[: len(pool), None].astype(np.int32))


def kmeans(task):
    """From the given start, all rows, as many iterations as asked for; or all as faiss does it by default."""
    x, start, wanted = load(task), load(task, "codebook"), task["parameters"]
    d, k = start.shape[1], len(start)

    def run():
        if wanted.get("defaults"):
            means = faiss.Kmeans(d, k)
            means.train(x)
            return means.centroids
        settings = {"niter": wanted["iterations"], "max_points_per_centroid": ALL_ROWS}
        if wanted.get("super"):
            means = faiss.SuperKmeans(d, k, **settings)
            means.train(x)
        else:
            means = faiss.Kmeans(d, k, **settings)
            means.train(x, init_centroids=start)
        return means.centroids

    return Job(run)


def product_quantizer(task, x):
    wanted = task["parameters"]
    quantizer = faiss.ProductQuantizer(x.shape[1], wanted["groups"], wanted["bits"])
    quantizer.cp.max_points_per_centroid = training_rows(wanted)
    quantizer.train(x)
    return quantizer


def residual_quantizer(task, x):
    wanted = task["parameters"]
    quantizer = faiss.ResidualQuantizer(x.shape[1], wanted["levels"], wanted["bits"])
    quantizer.max_beam_size = wanted["beam"]
    quantizer.cp.max_points_per_centroid = training_rows(wanted)
    if wanted.get("tables"):
        quantizer.use_beam_LUT = 1
    quantizer.train(x)
    return quantizer


def training_rows(wanted):
    """faiss trains each codebook on 256 rows a codeword unless told otherwise."""
    return 256 if wanted.get("defaults") else ALL_ROWS


def train(make):
    def prepare(task):
        x = load(task)
        return Job(lambda: make(task, x), lambda fitted: fitted.decode(fitted.compute_codes(x)))

    return prepare


def encode(make):
    def prepare(task):
        x = load(task)
        fitted = make(task, x)
        return Job(lambda: fitted.compute_codes(x), fitted.decode)

    return prepare


def scalar_encode(task):
    """Into an array that is there already: fresh memory costs more than the codes."""
    x, quantizer = scalar(task)
    codes = np.empty((len(x), quantizer.code_size), np.uint8)
    return Job(
        lambda: quantizer.compute_codes_c(faiss.swig_ptr(x), faiss.swig_ptr(codes), len(x)),
        lambda last: quantizer.decode(codes[:JUDGED_ROWS]),
    )


def scalar_decode(task):
    x, quantizer = scalar(task)
    codes, decoded = quantizer.compute_codes(x), np.empty_like(x)
    return Job(
        lambda: quantizer.decode_c(faiss.swig_ptr(codes), faiss.swig_ptr(decoded), len(x)),
        lambda last: decoded[:JUDGED_ROWS],
    )


def scalar(task):
    x = load(task)
    quantizer = faiss.ScalarQuantizer(x.shape[1], faiss.ScalarQuantizer.QT_8bit)
    quantizer.train(x)
    return x, quantizer


JUDGED_ROWS = 100_000


def signs(task):
    x = load(task)
    n, d = x.shape
    bits = np.empty((n, d // 8), np.uint8)
    return Job(
        lambda: faiss.fvecs2bitvecs(faiss.swig_ptr(x), faiss.swig_ptr(bits), d, n),
        lambda last: bits,
    )


def blas():
    """The kernels that faiss' own OpenBLAS chose for this processor."""
    for pool in threadpoolctl.threadpool_info():
        if pool["user_api"] == "blas" and "faiss" in pool["filepath"]:
            return {"blas": pool.get("architecture", "unknown")}
    return {}


faiss.omp_set_num_threads(THREADS)
serve(
    f"faiss {faiss.__version__}",
    {
        "assign": assign,
        "stream": stream,
        "kmeans": kmeans,
        "pq-train": train(product_quantizer),
        "pq-encode": encode(product_quantizer),
        "rq-train": train(residual_quantizer),
        "rq-encode": encode(residual_quantizer),
        "scalar-encode": scalar_encode,
        "scalar-decode": scalar_decode,
        "signs": signs,
        "search": search,
    },
    details=[faiss.get_compile_options().strip()],
    facts=blas(),
)
