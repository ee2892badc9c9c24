"""Local outlier factor with scikit-learn."""

import time

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

DATA = (100_000, 8)
PEER = "scikit-learn LocalOutlierFactor, n_jobs=2"
TARGET = 2


def make(rng):
    """Three correlated clusters of different density and a thin uniform background."""
    rows, columns = DATA
    mixing = rng.normal(size=(columns, columns))
    cluster = rng.integers(0, 3, rows)
    X = rng.normal(size=(rows, columns)) @ mixing
    X = X * np.array([0.3, 1.0, 2.0])[cluster][:, None] + 8.0 * cluster[:, None]
    odd = rng.random(rows) < 0.01
    X[odd] = rng.uniform(-25.0, 25.0, size=(odd.sum(), columns))
    return np.ascontiguousarray(X)


def run(X):
    start = time.perf_counter()
    scores = -LocalOutlierFactor(n_neighbors=20, n_jobs=2).fit(X).negative_outlier_factor_
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "scores": {"mean": float(scores.mean()), "largest": float(scores.max())},
    }
