"""Golden values of the methods that look for change.

Run it with numpy, pandas, river and scipy installed; it writes
crates/detect/tests/golden/change.json.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import river
import scipy
from river import drift
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "crates/detect/tests/golden/change.json"


def ewma(values, weight, adjust):
    """Scores of every row from the third on against the rows before it."""
    series = pd.Series(values)
    past = series.ewm(alpha=weight, adjust=adjust)
    z = (series - past.mean().shift(1)).abs() / past.std(bias=True).shift(1)
    return {"values": list(values), "weight": weight, "adjust": adjust, "scores": z[2:].tolist()}


def cusum(values, k, h, warmup, running, restart):
    """The larger sum over h, None before the first reference is learnt."""
    scores, past, rise, fall, alarm, ready = [], [], 0.0, 0.0, False, False
    for value in values:
        if alarm and restart:
            past, rise, fall, alarm = [], 0.0, 0.0, False
        if len(past) < warmup:
            scores.append(0.0 if ready else None)
            past.append(value)
            continue
        ready = True
        reference = past if running else past[:warmup]
        z = (value - np.mean(reference)) / np.std(reference, ddof=1)
        rise, fall = max(0.0, rise + z - k), max(0.0, fall - z - k)
        scores.append(max(rise, fall) / h)
        alarm = max(rise, fall) > h
        past.append(value)
    return {
        "values": list(values), "k": k, "h": h, "warmup": warmup,
        "reference": "running" if running else "warmup", "restart": restart, "scores": scores,
    }


def page_hinkley(values, **settings):
    """River's statistic after each value, and where it detects a change."""
    test = drift.PageHinkley(**settings)
    statistics, changes = [], []
    for row, value in enumerate(values):
        test.update(value)
        rise = test._sum_increase - test._min_increase
        fall = test._max_decrease - test._sum_decrease
        larger = {"up": rise, "down": fall, "both": max(rise, fall)}[settings["mode"]]
        tested = test._x_mean.n >= settings["min_instances"]
        statistics.append(larger if tested else None)
        if test.drift_detected:
            changes.append(row)
    return {"values": list(values), **settings, "statistics": statistics, "changes": changes}


def bocpd(values, between, warmup, prior):
    """The whole posterior over run lengths after each value, by matrix.

    Every predictive density comes straight from the readings of its run, not
    from recursions: scipy's Student t of the conjugate posterior.
    """
    mean0, weight0, shape0, scale0 = prior
    early = np.array(values[:warmup])
    z = (np.array(values) - early.mean()) / early.std(ddof=1)
    n, hazard = len(z), 1.0 / between
    joint = np.zeros((n + 1, n + 1))
    joint[0, 0] = 1.0
    for t in range(n):
        density = np.empty(t + 1)
        for length in range(t + 1):
            run = z[t - length:t]
            weight, shape = weight0 + length, shape0 + length / 2
            centre = run.mean() if length else 0.0
            mean = (weight0 * mean0 + length * centre) / weight
            scale = (
                scale0
                + 0.5 * ((run - centre) ** 2).sum()
                + weight0 * length * (centre - mean0) ** 2 / (2 * weight)
            )
            spread = np.sqrt(scale * (weight + 1) / (shape * weight))
            density[length] = stats.t.pdf(z[t], 2 * shape, loc=mean, scale=spread)
        grown = joint[t, :t + 1] * density
        joint[t + 1, 1:t + 2] = grown * (1 - hazard)
        joint[t + 1, 0] = grown.sum() * hazard
        joint[t + 1] /= joint[t + 1].sum()
    return {
        "values": list(values), "between": between, "warmup": warmup, "prior": list(prior),
        "lag": 5,
        "scores": joint[warmup + 1:, :6].sum(axis=1).tolist(),
        # The whole posterior at a few moments.
        "posteriors": {str(t): joint[t, :t + 1].tolist() for t in (warmup, 40, 61, n)},
    }


def main():
    random = np.random.default_rng(20240602)
    steps = np.round(np.concatenate([
        random.normal(300, 4, 120), random.normal(310, 4, 120), random.normal(298, 9, 120),
    ]), 3).tolist()
    rates = np.concatenate([random.random(400) < 0.2, random.random(400) < 0.6]).astype(float)
    large = np.concatenate([random.integers(0, 2, 300), random.integers(4, 8, 300)]).astype(float)
    short = np.concatenate([random.normal(5, 1, 60), random.normal(8, 1, 25), random.normal(8, 4, 25)])
    defaults = {"min_instances": 30, "delta": 0.005, "threshold": 50.0, "alpha": 0.9999, "mode": "both"}
    golden = {
        "versions": {
            "numpy": np.__version__, "pandas": pd.__version__, "river": river.__version__,
            "scipy": scipy.__version__,
        },
        "ewma": [
            ewma(steps[:150], weight, adjust) for weight in (0.05, 0.4) for adjust in (True, False)
        ],
        "cusum": [
            cusum(steps, 0.5, 5.0, 50, running, restart)
            for running in (True, False)
            for restart in (True, False)
        ],
        "page_hinkley": [
            page_hinkley(large.tolist(), **defaults),
            page_hinkley(rates.tolist(), **(defaults | {"threshold": 10.0})),
            page_hinkley(steps, **(defaults | {"delta": 1.0, "alpha": 0.99, "mode": "up"})),
            page_hinkley(steps, **(defaults | {"delta": 1.0, "alpha": 1.0, "mode": "down"})),
        ],
        "bocpd": [
            bocpd(short.tolist(), 250.0, 20, (0.0, 0.01, 1.0, 1.0)),
            bocpd(short.tolist(), 30.0, 20, (0.5, 1.0, 2.5, 0.7)),
        ],
    }
    assert len(golden["page_hinkley"][0]["changes"]) > 0
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
