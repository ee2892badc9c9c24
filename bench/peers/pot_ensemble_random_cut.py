"""A robust random cut forest over one series: 40 trees of 256 points, shingles of 4."""

import time

import numpy
import rrcf

from pot_ensemble import auc

DATA = (4_000, 1)
PEER = "rrcf RCTree, 40 trees of 256"
NOTE = "the series of `pot_ensemble`, shorter"
TREES, SIZE, SHINGLE = 40, 256, 4


def make(rng):
    rows = DATA[0]
    X = 50 + 20 * numpy.sin(2 * numpy.pi * numpy.arange(rows) / 1440) + rng.normal(0, 2, rows)
    X[-rows // 100 :] += 60
    return X.reshape(-1, 1)


def run(X):
    numpy.random.seed(1)
    forest = [rrcf.RCTree() for _ in range(TREES)]
    scores = numpy.zeros(len(X))
    start = time.perf_counter()
    for at, point in enumerate(rrcf.shingle(X[:, 0], size=SHINGLE)):
        for tree in forest:
            if len(tree.leaves) >= SIZE:
                tree.forget_point(at - SIZE)
            tree.insert_point(point, index=at)
            scores[at + SHINGLE - 1] += tree.codisp(at) / TREES
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "auc": auc(scores), "samples_per_second": len(X) / seconds}
