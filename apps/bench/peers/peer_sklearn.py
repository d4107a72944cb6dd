"""scikit-learn."""

import numpy as np
import sklearn
from protocol import Job, load, serve
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin


def assign(task):
    x, codebook = load(task), load(task, "codebook")
    return Job(
        lambda: pairwise_distances_argmin(x, codebook),
        lambda codes: codes.astype(np.int32)[:, None],
    )


def kmeans(task):
    """From the given start, as many iterations as asked for; or all as scikit-learn does it by default."""
    x, start, wanted = load(task), load(task, "codebook"), task["parameters"]
    if wanted.get("defaults"):
        settings = {"random_state": 0}
    else:
        settings = {"init": start, "n_init": 1, "max_iter": wanted["iterations"], "tol": 0}
    return Job(lambda: KMeans(len(start), **settings).fit(x).cluster_centers_)


def residual_train(task):
    """RQ-KMeans: each level is a k-means of what the levels before it left over."""
    x, wanted = load(task), task["parameters"]

    def run():
        left = x.copy()
        for level in range(wanted["levels"]):
            means = KMeans(2 ** wanted["bits"], n_init=wanted["restarts"], random_state=level).fit(left)
            left -= means.cluster_centers_[means.labels_]
        return x - left

    return Job(run)


serve(
    f"scikit-learn {sklearn.__version__}",
    {"assign": assign, "kmeans": kmeans, "rq-train": residual_train},
)
