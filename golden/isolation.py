"""Golden values of the isolation family: scikit-learn's forest and river's half-space trees.

Run with Python, NumPy, scikit-learn and river to write
crates/detect/tests/golden/isolation*.json anew.
"""

import json
from pathlib import Path

import numpy as np
import river
import sklearn
from river.anomaly import HalfSpaceTrees
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

GOLDEN = Path(__file__).resolve().parent.parent / "crates" / "detect" / "tests" / "golden"
VERSIONS = {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "river": river.__version__}


def write(name, content):
    text = json.dumps({"versions": VERSIONS, **content})
    (GOLDEN / f"{name}.json").write_text(text + "\n")


def correlated(rng, rows, columns):
    mixing = np.eye(columns) + 0.4 * rng.standard_normal((columns, columns))
    return rng.standard_normal((rows, columns)) @ mixing + 10 * np.arange(columns)


def exported(forest):
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        trees.append(
            {
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "channel": tree.feature.tolist(),
                "threshold": tree.threshold.tolist(),
                "rows": tree.n_node_samples.tolist(),
            }
        )
    return trees


def isolation_forest(rng):
    X = correlated(rng, 300, 4)
    # Heavy tails: of rows alike to a hair, no two forests agree on the ranking.
    X *= rng.gamma(1.0, 1.0, (300, 1))
    X[-15:] = X[:15] + rng.choice([-4.0, 4.0], (15, 4))
    odd = np.arange(300) >= 285

    few = IsolationForest(n_estimators=8, max_samples=100, random_state=1).fit(X)
    scores, aucs = [], []
    for seed in range(10):
        score = -IsolationForest(n_estimators=100, random_state=seed).fit(X).score_samples(X)
        aucs.append(roc_auc_score(odd, score))
        scores.append(score.tolist())
    write(
        "isolation_forest",
        {
            "channels": 4,
            "odd": 15,
            "readings": X.ravel().tolist(),
            "sample": 100,
            "trees": exported(few),
            "scores_of_trees": (-few.score_samples(X)).tolist(),
            "scores_by_seed": scores[:3],
            "aucs_by_seed": aucs,
        },
    )


def half_space_trees(rng):
    X = correlated(rng, 1000, 3)
    X[500:1000:25] += rng.choice([-5.0, 5.0], (20, 3))
    # The detector learns its ranges from the first window; river is told them.
    low, high = X[:250].min(axis=0), X[:250].max(axis=0)
    scores = []
    for seed in range(3):
        trees = HalfSpaceTrees(
            n_trees=25,
            height=15,
            window_size=250,
            limits={channel: (low[channel], high[channel]) for channel in range(3)},
            seed=seed,
        )
        scored = []
        for row in X:
            sample = dict(enumerate(row.tolist()))
            scored.append(trees.score_one(sample))
            trees.learn_one(sample)
        scores.append(scored[500:])
    odd = np.zeros(500, dtype=bool)
    odd[::25] = True
    write(
        "half_space_trees",
        {
            "channels": 3,
            "readings": X.ravel().tolist(),
            "first_scored": 500,
            "odd_every": 25,
            "scores_by_seed": scores,
            "aucs_by_seed": [roc_auc_score(odd, score) for score in scores],
        },
    )


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    isolation_forest(np.random.default_rng(20))
    half_space_trees(np.random.default_rng(21))
