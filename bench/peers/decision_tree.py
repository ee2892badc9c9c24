"""Twin of the case `decision_tree`: scikit-learn's DecisionTreeClassifier."""

import time

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier

DATA = (1_000_000, 21)
PEER = "scikit-learn DecisionTreeClassifier"
TARGET = 3


def make(rng):
    """Twenty continuous columns, ten of which tell the class; the last column is the class.

    Two clusters per class in ten dimensions, mixed linearly into five more
    columns, five columns of noise, and 1 % of the labels flipped.
    """
    return classification(rng, DATA[0])


def classification(rng, rows):
    """`make` for any number of rows."""
    centres = rng.choice([-1.0, 1.0], size=(4, 10)) * rng.uniform(0.5, 1.5, size=(4, 10))
    cluster = rng.integers(0, 4, size=rows)
    told = centres[cluster] + rng.standard_normal((rows, 10))
    mixed = told @ rng.uniform(-1.0, 1.0, size=(10, 5))
    noise = rng.standard_normal((rows, 5))
    label = cluster % 2
    label = np.where(rng.random(rows) < 0.01, 1 - label, label)
    # Numbers that single precision holds, to which scikit-learn rounds.
    columns = np.hstack([told, mixed, noise]).astype(np.float32).astype(np.float64)
    return np.ascontiguousarray(np.column_stack([columns, label.astype(np.float64)]))


def run(X):
    """Fits on the first three quarters, to full depth and to depth 10; scores the rest."""
    features, label = np.ascontiguousarray(X[:, :-1], dtype=np.float32), X[:, -1].astype(int)
    cut = len(X) * 3 // 4
    result = {}
    for name, depth in [("full", None), ("depth_10", 10)]:
        start = time.perf_counter()
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
        tree.fit(features[:cut], label[:cut])
        predicted = tree.predict(features[cut:])
        result[f"seconds_{name}"] = time.perf_counter() - start
        result[f"accuracy_{name}"] = accuracy_score(label[cut:], predicted)
        result[f"leaves_{name}"] = int(tree.get_n_leaves())
    result["seconds"] = result["seconds_full"] + result["seconds_depth_10"]
    return result
