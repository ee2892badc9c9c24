"""River's HalfSpaceTrees over one series, sample by sample, with its default of 10 trees."""

import time

import numpy
from river import anomaly

DATA = (20_000, 1)
PEER = "river HalfSpaceTrees (10 trees, window 250)"
NOTE = "one series with a daily wave, its last hundredth at another level; samples_per_second is the whole detector in three scales"


def make(rng):
    rows = DATA[0]
    X = 50 + 20 * numpy.sin(2 * numpy.pi * numpy.arange(rows) / 1440) + rng.normal(0, 2, rows)
    X[-rows // 100 :] += 60
    return X.reshape(-1, 1)


def run(X):
    low, high = X.min(), X.max()
    model = anomaly.HalfSpaceTrees(seed=1, limits={"x": (low, high)})
    scores = numpy.empty(len(X))
    start = time.perf_counter()
    for at, value in enumerate(X[:, 0]):
        features = {"x": value}
        scores[at] = model.score_one(features)
        model.learn_one(features)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "auc": auc(scores), "samples_per_second": len(X) / seconds}


def auc(scores):
    odd = len(scores) // 100
    ranks = scores.argsort(kind="stable").argsort()[-odd:] + 1
    return float((ranks.sum() - odd * (odd + 1) / 2) / (odd * (len(scores) - odd)))
