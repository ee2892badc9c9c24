"""Writes crates/detect/tests/golden/density.json: scores of PyOD and scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pyod
import scipy
import sklearn
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.knn import KNN
from scipy.stats import skew
from sklearn.neighbors import LocalOutlierFactor

ROOT = Path(__file__).resolve().parents[1]


def two_clusters(rng, rows, columns, duplicates):
    """A wide and a dense cluster of skewed readings, stray rows, and equal rows."""
    X = rng.gamma(2.0, 1.5, size=(rows, columns)) @ rng.normal(size=(columns, columns))
    dense = rng.random(rows) < 0.4
    X[dense] = 0.2 * X[dense] + 9.0
    X[:3] += rng.normal(scale=12.0, size=(3, columns))
    X[10 : 10 + duplicates] = X[10]
    return X


def alone(detector, X, rows):
    """Each row rated as the only new one.

    PyOD takes the skewness with the new row, auscult that of the history: None
    where this row turns the sign of a column.
    """
    scores = []
    for row in rows:
        same = np.array_equal(np.sign(skew(X)), np.sign(skew(np.vstack([X, row]))))
        scores.append(float(detector.decision_function(row[None, :])[0]) if same else None)
    return scores


def case(rng, rows, columns, duplicates):
    X = two_clusters(rng, rows, columns, duplicates)
    new = np.concatenate([two_clusters(rng, 12, columns, 0), X[[0, 10, 50]]])
    out = {"columns": columns, "history": X.ravel().tolist(), "new": new.ravel().tolist()}

    out["hbos"] = []
    for bins, alpha, tolerance in [(10, 0.1, 0.5), (7, 0.3, 0.05)]:
        hbos = HBOS(n_bins=bins, alpha=alpha, tol=tolerance).fit(X)
        out["hbos"].append(
            {
                "bins": bins,
                "alpha": alpha,
                "tolerance": tolerance,
                "scores": hbos.decision_scores_.tolist(),
                "new_scores": hbos.decision_function(new).tolist(),
            }
        )

    for name, detector in [("ecod", ECOD()), ("copod", COPOD())]:
        detector.fit(X)
        out[name] = {
            "scores": detector.decision_scores_.tolist(),
            "new_scores": alone(detector, X, new),
        }

    out["knn"] = []
    for neighbours, statistic in [(5, "largest"), (6, "mean"), (6, "median"), (7, "median")]:
        knn = KNN(n_neighbors=neighbours, method=statistic).fit(X)
        out["knn"].append(
            {
                "neighbours": neighbours,
                "statistic": statistic,
                "scores": knn.decision_scores_.tolist(),
                "new_scores": knn.decision_function(new).tolist(),
            }
        )

    out["lof"] = []
    for neighbours in [20, 7]:
        history = LocalOutlierFactor(n_neighbors=neighbours).fit(X)
        novelty = LocalOutlierFactor(n_neighbors=neighbours, novelty=True).fit(X)
        out["lof"].append(
            {
                "neighbours": neighbours,
                "scores": (-history.negative_outlier_factor_).tolist(),
                "new_scores": (-novelty.score_samples(new)).tolist(),
            }
        )
    return out


def main():
    rng = np.random.default_rng(20261123)
    golden = {
        "versions": {
            "pyod": pyod.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "numpy": np.__version__,
        },
        "cases": [case(rng, 240, 3, 30), case(rng, 120, 1, 0), case(rng, 100, 18, 0)],
    }
    path = ROOT / "crates/detect/tests/golden/density.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
