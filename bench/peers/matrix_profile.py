"""stumpy.stump, compiled beforehand, windows of 100 rows."""

import time

import numpy
import stumpy

DATA = (30000, 1)
PEER = "stumpy.stump (Numba, compiled before)"
WINDOW = 100


def make(rng):
    rows = DATA[0]
    values = 5 * numpy.sin(2 * numpy.pi * numpy.arange(rows) / 288) + rng.normal(0, 1, rows)
    values[20000:20050] += numpy.linspace(0, 8, 50)
    return values.reshape(-1, 1)


def run(X):
    stumpy.stump(X[:500, 0].copy(), WINDOW)
    start = time.perf_counter()
    profile = stumpy.stump(X[:, 0].copy(), WINDOW)[:, 0].astype(float)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "discord": int(profile.argmax()),
        "mean_distance": float(profile.mean()),
    }
