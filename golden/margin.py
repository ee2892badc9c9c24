"""Golden values of the margin family: scikit-learn's one-class SVM.

Run with Python, NumPy and scikit-learn to write
crates/detect/tests/golden/one_class_svm.json anew.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.svm import OneClassSVM

GOLDEN = Path(__file__).resolve().parent.parent / "crates" / "detect" / "tests" / "golden"
VERSIONS = {"numpy": np.__version__, "scikit-learn": sklearn.__version__}

# Where nu times rows is whole, every weight may end at a bound and leave rho undetermined.
SETTINGS = [
    {"kernel": "rbf", "gamma": "scale", "nu": 0.1},
    {"kernel": "rbf", "gamma": "auto", "nu": 0.5},
    {"kernel": "rbf", "gamma": 2.0, "nu": 0.02},
    {"kernel": "linear", "gamma": "scale", "nu": 0.2},
    {"kernel": "poly", "gamma": "scale", "nu": 0.16, "degree": 2, "coef0": 1.0},
    {"kernel": "poly", "gamma": 0.1, "nu": 0.3, "degree": 3, "coef0": 0.5},
    {"kernel": "sigmoid", "gamma": 0.05, "nu": 0.21, "coef0": 0.1},
]


def one_class_svm(rng):
    # Off the origin, so that a plane can be told from it.
    X = rng.standard_normal((160, 3)) * [1.0, 0.6, 1.4] + [2.0, 1.5, 3.0]
    after = rng.standard_normal((40, 3)) * 2.0 + [2.0, 1.5, 3.0]
    cases = []
    for settings in SETTINGS:
        svm = OneClassSVM(tol=1e-8, **settings).fit(X)
        alpha = np.zeros(len(X))
        alpha[svm.support_] = svm.dual_coef_[0]
        cases.append(
            {
                "settings": settings,
                "alpha": alpha.tolist(),
                "rho": float(svm.offset_[0]),
                "decision": svm.decision_function(X).tolist(),
                "decision_after": svm.decision_function(after).tolist(),
            }
        )
    content = {
        "versions": VERSIONS,
        "channels": 3,
        "readings": X.ravel().tolist(),
        "after": after.ravel().tolist(),
        "cases": cases,
    }
    (GOLDEN / "one_class_svm.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    one_class_svm(np.random.default_rng(30))
