"""Writes the golden values of the matrix profile.

Run with stumpy installed; the file it writes is committed.
"""

import json
import pathlib

import numpy
import stumpy

ROOT = pathlib.Path(__file__).resolve().parent.parent


def distances(profile):
    return [float(value) if numpy.isfinite(value) else None for value in profile[:, 0]]


def left_distances(values, window):
    """Left profile of a stream that grows value by value; 0 where there is none."""
    stream = stumpy.stumpi(values[: 2 * window], window, egress=False)
    for value in values[2 * window :]:
        stream.update(value)
    return [float(value) if numpy.isfinite(value) else 0.0 for value in stream.left_P_]


def main():
    rng = numpy.random.default_rng(21)
    row = numpy.arange(300)
    wave = 5 * numpy.sin(2 * numpy.pi * row / 25) + rng.normal(0, 0.5, 300)
    wave[140:150] += 6
    walk = 1e4 + numpy.cumsum(rng.normal(0, 1, 200))
    flat = rng.normal(0, 1, 180)
    flat[40:80] = 3.0
    flat[120:150] = -2.0
    cases = [
        {"values": values.tolist(), "window": window, "profile": distances(stumpy.stump(values, window))}
        for values, window in [(wave, 25), (wave, 8), (walk, 16), (flat, 12)]
    ]
    joins = [
        {
            "values": a.tolist(),
            "history": b.tolist(),
            "window": window,
            "profile": distances(stumpy.stump(a, window, b, ignore_trivial=False)),
        }
        for a, b, window in [(wave[200:], wave[:180], 25), (flat[100:], flat[:100], 10)]
    ]
    streams = [
        {"values": values.tolist(), "window": window, "left_profile": left_distances(values, window)}
        for values, window in [(wave, 25), (walk, 16), (flat, 12)]
    ]
    content = {
        "versions": {"numpy": numpy.__version__, "stumpy": stumpy.__version__},
        "exclusion": "ceil(window / 4)",
        "self_joins": cases,
        "joins": joins,
        "streams": streams,
    }
    path = ROOT / "crates" / "detect" / "tests" / "golden" / "subsequence.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
