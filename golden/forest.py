"""Writes what forests of scikit-learn say of labelled rows and of residuals.

Run it from anywhere; it writes crates/detect/tests/golden/forest.json.
Forests are random, so the file holds the spread over seeds of scikit-learn:
how well each finds the anomalies, and how far two of them agree on the ranks.
"""

import itertools
import json
import pathlib

import numpy as np
import sklearn
from scipy.stats import median_abs_deviation, spearmanr
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score

PATH = pathlib.Path(__file__).resolve().parents[1] / "crates/detect/tests/golden/forest.json"
SEEDS = range(12)


def spread(runs, anomalies):
    """One run as the one to compare with, and how the runs differ."""
    agreement = [spearmanr(a, b).statistic for a, b in itertools.combinations(runs, 2)]
    areas = [roc_auc_score(anomalies, run) for run in runs]
    return {
        "scores": [float(v) for v in np.mean(runs, axis=0)],
        "least_agreement": float(min(agreement)),
        "areas": [float(v) for v in areas],
    }


def labelled(rng):
    rows = 400
    anomalies = rng.random(rows) < 0.15
    X = rng.standard_normal((rows, 5)).astype(np.float32).astype(np.float64)
    # Overlapping, and only where two columns meet.
    X[anomalies, 0] += 1.5
    X[anomalies, 1] -= 1.0 + X[anomalies, 0]
    X = X.astype(np.float32).astype(np.float64)
    runs = []
    for seed in SEEDS:
        forest = RandomForestClassifier(
            100, class_weight="balanced", oob_score=True, random_state=seed
        ).fit(X, anomalies)
        runs.append(forest.oob_decision_function_[:, 1])
    return {"X": X.ravel().tolist(), "columns": 5, "anomalies": anomalies.tolist(),
            **spread(runs, anomalies)}


def residuals(rng):
    rows, lags = 400, 3
    wave = np.sin(np.arange(rows) * 2 * np.pi / 48)
    noise = 0.15 * rng.standard_normal((rows, 3))
    X = np.column_stack([wave, wave**2 * 3, np.roll(wave, 12)]) + noise
    anomalies = np.zeros(rows, dtype=bool)
    anomalies[rng.choice(np.arange(20, rows), 16, replace=False)] = True
    X[anomalies, 1] = 3.0 - X[anomalies, 1]
    X = X.astype(np.float32).astype(np.float64)
    runs = []
    for seed in SEEDS:
        distances = []
        for column in range(3):
            own = X[:, column]
            past = [np.r_[np.full(lag, np.nan), own[:-lag]] for lag in range(1, lags + 1)]
            inputs = np.column_stack([np.delete(X, column, axis=1), *past])
            centre = np.median(own)
            reach = 10 * median_abs_deviation(own, scale="normal")
            forest = RandomForestRegressor(
                50, min_samples_leaf=5, max_features=0.5, oob_score=True, random_state=seed
            ).fit(inputs, np.clip(own, centre - reach, centre + reach))
            residual = own - forest.oob_prediction_
            residual -= np.median(residual)
            distances.append(np.abs(residual) / median_abs_deviation(residual, scale="normal"))
        runs.append(np.max(distances, axis=0))
    return {"X": X.ravel().tolist(), "columns": 3, "anomalies": anomalies.tolist(),
            **spread(runs, anomalies)}


def main():
    content = {
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "labelled": labelled(np.random.default_rng(21)),
        "residuals": residuals(np.random.default_rng(22)),
    }
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(PATH, PATH.stat().st_size)
    for name in ("labelled", "residuals"):
        own = content[name]
        print(name, own["least_agreement"], min(own["areas"]), max(own["areas"]))


if __name__ == "__main__":
    main()
