"""scikit-learn's isolation forest with 100 trees of 256 rows, on two cores."""

import time

import numpy as np

DATA = (1_000_000, 10)
PEER = "scikit-learn IsolationForest, n_jobs=2"
TARGET = 4


def make(rng):
    """Correlated normal rows; the last hundredth is three times as wide."""
    rows, columns = DATA
    mixing = np.eye(columns) + 0.3 * rng.standard_normal((columns, columns))
    X = rng.standard_normal((rows, columns)) @ mixing
    X[-rows // 100 :] *= 3
    return X


def run(X):
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import roc_auc_score

    start = time.perf_counter()
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=2).fit(X)
    scores = -forest.score_samples(X)
    seconds = time.perf_counter() - start
    odd = np.arange(len(X)) >= len(X) - len(X) // 100
    return {"seconds": seconds, "auc": roc_auc_score(odd, scores)}
