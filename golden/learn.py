"""Measures of classification and permutation importance, from scikit-learn.

Writes crates/diagnose/tests/golden/learn.json.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLASSES = 4
REPEATS = 4


class Rule(BaseEstimator, ClassifierMixin):
    """A classifier that anybody can write down again: two thresholds."""

    def fit(self, X, y):
        self.classes_ = numpy.arange(CLASSES)
        return self

    def predict(self, X):
        return numpy.where(X[:, 0] > 0.2, 2, 0) + numpy.where(X[:, 1] > -0.1, 1, 0)


def measures(random, rows, classes_present):
    truth = random.integers(0, classes_present, rows)
    keep = random.random(rows) < 0.6
    predicted = numpy.where(keep, truth, random.integers(0, CLASSES - 1, rows))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=range(CLASSES), zero_division=0
    )
    return {
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "accuracy": accuracy_score(truth, predicted),
        "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0),
        "confusion": confusion_matrix(truth, predicted, labels=range(CLASSES)).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
    }


def importance(random):
    X = random.normal(size=(120, 3))
    rule = Rule().fit(X, None)
    noise = random.random(120) < 0.15
    y = numpy.where(noise, random.integers(0, CLASSES, 120), rule.predict(X))

    # scikit-learn shuffles the shuffled column again, from the same seed for
    # every feature; the assertion below holds us to that.
    seed = numpy.random.RandomState(7).randint(numpy.iinfo(numpy.int32).max + 1)
    shuffles = []
    state = numpy.random.RandomState(seed)
    order, so_far = numpy.arange(120), numpy.arange(120)
    for _ in range(REPEATS):
        state.shuffle(order)
        so_far = so_far[order]
        shuffles.append(so_far.tolist())
    plain = permutation_importance(
        Rule().fit(X, y), X, y, scoring="accuracy", n_repeats=REPEATS, random_state=7, n_jobs=1
    )
    for feature in range(3):
        for repeat, order in enumerate(shuffles):
            shuffled = X.copy()
            shuffled[:, feature] = X[order, feature]
            fall = rule.score(X, y) - rule.score(shuffled, y)
            assert fall == plain.importances[feature, repeat], "shuffles are not scikit-learn's"
    return {
        "x": X.tolist(),
        "y": y.tolist(),
        "shuffles": shuffles,
        "mean": plain.importances_mean.tolist(),
        "deviation": plain.importances_std.tolist(),
    }


def main():
    random = numpy.random.default_rng(20)
    golden = {
        "versions": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__},
        "classes": CLASSES,
        "measures": [
            measures(random, 200, CLASSES),
            measures(random, 50, 2),
            measures(random, 7, 3),
        ],
        "importance": importance(random),
    }
    path = ROOT / "crates/diagnose/tests/golden/learn.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
