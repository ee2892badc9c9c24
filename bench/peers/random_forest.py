"""Twin of the case `random_forest`: scikit-learn's RandomForestClassifier."""

import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

from decision_tree import classification

DATA = (200_000, 21)
PEER = "scikit-learn RandomForestClassifier, n_jobs=2"
TARGET = 3


def make(rng):
    """As for `decision_tree`, with fewer rows."""
    return classification(rng, DATA[0])


def run(X):
    """Fits a hundred full trees on the first three quarters on two threads; scores the rest.

    The accuracy is averaged over three forests, one alone being right by luck of its
    seed; the seconds are those of the first.
    """
    features, label = np.ascontiguousarray(X[:, :-1], dtype=np.float32), X[:, -1].astype(int)
    cut = len(X) * 3 // 4
    seconds, leaves, accuracies = 0.0, 0, []
    for seed in range(3):
        start = time.perf_counter()
        forest = RandomForestClassifier(n_estimators=100, n_jobs=2, random_state=seed)
        forest.fit(features[:cut], label[:cut])
        predicted = forest.predict(features[cut:])
        if seed == 0:
            seconds = time.perf_counter() - start
            leaves = sum(tree.get_n_leaves() for tree in forest.estimators_)
        accuracies.append(accuracy_score(label[cut:], predicted))
    return {
        "seconds": seconds,
        "accuracy": accuracies[0],
        "accuracy_mean_of_3": float(np.mean(accuracies)),
        "leaves": int(leaves),
    }
