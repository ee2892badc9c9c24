"""Golden values of the point methods and of the statistics behind them.

Run it with numpy, pandas and scipy installed; it writes
crates/detect/tests/golden/point.json.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "crates/detect/tests/golden/point.json"

# Rosner's 54 readings, as printed in the NIST/SEMATECH e-Handbook of
# Statistical Methods, section 1.3.5.17.3.
ROSNER = [
    -0.25, 0.68, 0.94, 1.15, 1.20, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56,
    1.58, 1.65, 1.69, 1.70, 1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.10,
    2.14, 2.15, 2.23, 2.24, 2.26, 2.35, 2.37, 2.40, 2.47, 2.54, 2.62, 2.64, 2.90, 2.92,
    2.92, 2.93, 3.21, 3.26, 3.30, 3.59, 3.68, 4.30, 4.64, 5.34, 5.42, 6.01,
]


def gesd_steps(values, alpha, most):
    """Rosner's R and lambda of every step, and which row each removes."""
    left = dict(enumerate(values))
    steps = []
    for i in range(1, most + 1):
        numbers = np.array(list(left.values()))
        mean, deviation = numbers.mean(), numbers.std(ddof=1)
        row = max(left, key=lambda at: abs(left[at] - mean))
        r = abs(left[row] - mean) / deviation
        n = len(values)
        tail = alpha / (2 * (n - i + 1))
        t = stats.t.isf(tail, n - i - 1)
        critical = (n - i) * t / np.sqrt((n - i - 1 + t * t) * (n - i + 1))
        steps.append({"row": row, "r": r, "lambda": critical})
        del left[row]
    return steps


def gesd(values, alpha, most):
    steps = gesd_steps(values, alpha, most)
    count = max([0] + [i + 1 for i, step in enumerate(steps) if step["r"] > step["lambda"]])
    return {
        "values": list(values),
        "alpha": alpha,
        "max_anomalies": most,
        "ratios": [step["r"] / step["lambda"] for step in steps],
        "rows": [step["row"] for step in steps],
        "anomalies": count,
    }


def modified_zscore(values):
    median, mad = np.median(values), stats.median_abs_deviation(values, scale="normal")
    if mad == 0:
        mad = np.sqrt(np.pi / 2) * np.abs(values - median).mean()
    return (np.abs(values - median) / mad).tolist()


def point(values):
    low, high = np.percentile(values, [25, 75])
    iqr = stats.iqr(values)
    return {
        "values": values.tolist(),
        "zscore0": np.abs(stats.zscore(values, ddof=0)).tolist(),
        "zscore1": np.abs(stats.zscore(values, ddof=1)).tolist(),
        "mad": modified_zscore(values),
        "iqr": (np.maximum(np.maximum(low - values, values - high), 0) / iqr).tolist(),
    }


def rolling(values, window):
    """Scores of every row that has a full window before it."""
    series = pd.Series(values)
    past = series.shift(1).rolling(window)
    z0 = (series - past.mean()).abs() / past.std(ddof=0)
    z1 = (series - past.mean()).abs() / past.std(ddof=1)
    deviation = past.apply(lambda part: stats.median_abs_deviation(part, scale="normal"), raw=True)
    median = (series - past.median()).abs() / deviation
    return {
        "values": list(values),
        "window": window,
        "zscore0": z0[window:].tolist(),
        "zscore1": z1[window:].tolist(),
        "median": median[window:].tolist(),
    }


def running(values, first):
    """z-scores of every row against all rows before it, from row `first` on."""
    series = pd.Series(values)
    past = series.shift(1).expanding(first)
    z = (series - past.mean()).abs() / past.std(ddof=0)
    return {"values": list(values), "warmup": first, "zscore0": z[first:].tolist()}


def main():
    random = np.random.default_rng(20240601)
    plain = np.round(random.normal(300, 4, 150), 3)
    plain[[20, 90, 91]] += [60, -25, 19]
    lopsided = random.lognormal(0, 1, 120)
    offset = 1e9 + random.normal(0, 1, 100)
    mostly_one = np.where(random.random(80) < 0.7, 5.0, np.round(random.normal(5, 2, 80), 2))
    masked = np.concatenate([random.normal(10, 1, 90), random.normal(60, 0.5, 6)])
    golden = {
        "versions": {"numpy": np.__version__, "pandas": pd.__version__, "scipy": scipy.__version__},
        "point": [point(values) for values in (plain, lopsided, offset)],
        "mostly_one": {"values": mostly_one.tolist(), "mad": modified_zscore(mostly_one)},
        "gesd": [
            gesd(ROSNER, 0.05, 10),
            gesd(plain.tolist(), 0.05, 15),
            gesd(lopsided.tolist(), 0.01, 12),
            gesd(masked.tolist(), 0.05, 20),
        ],
        "rolling": [rolling(plain.tolist(), window) for window in (5, 30)],
        "running": running(plain.tolist(), 10),
    }
    assert golden["gesd"][0]["anomalies"] == 3, "NIST finds three"
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
