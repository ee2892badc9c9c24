"""Writes the trees and forests of scikit-learn that crates/trees is held against.

Run it from anywhere; it writes crates/trees/tests/golden/trees*.json.
Structure is only written where it does not depend on the seed of scikit-learn,
which permutes features and so settles ties by chance.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "crates/trees/tests/golden"
SEEDS = range(5)


class SeedDecides(Exception):
    """scikit-learn's trees differ between seeds, so there is no one structure to match."""


def single(values):
    """Numbers that single precision holds, to which scikit-learn rounds."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def plain(values):
    """Lists of plain numbers, None for what is not finite."""
    return [None if not np.isfinite(v) else float(v) for v in np.asarray(values).ravel()]


def exported(model):
    tree = model.tree_
    return {
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "feature": tree.feature.tolist(),
        "threshold": plain(tree.threshold),
        "missing_left": [bool(v) for v in tree.missing_go_to_left],
        "rows": tree.n_node_samples.tolist(),
        "weight": plain(tree.weighted_n_node_samples),
        "impurity": plain(tree.impurity),
        "value": plain(tree.value),
        "importance": plain(model.feature_importances_),
    }


def same_for_all_seeds(make, X, y, weights):
    trees = [exported(make(seed).fit(X, y, sample_weight=weights)) for seed in SEEDS]
    for tree in trees[1:]:
        for key in ("left", "feature", "threshold", "rows"):
            if tree[key] != trees[0][key]:
                raise SeedDecides(make(0))
    return trees[0]


def leaf_impurity(model, X, y):
    tree = model.fit(X, y).tree_
    leaf = tree.children_left == -1
    weight = tree.weighted_n_node_samples
    return float((tree.impurity * weight)[leaf].sum() / weight[0])


def data(rng, rows, columns, classes):
    X = single(rng.standard_normal((rows, columns)) * rng.uniform(0.5, 20.0, columns))
    towards = X / X.std(axis=0) @ rng.standard_normal((columns, classes))
    y = np.argmax(towards + 0.8 * rng.standard_normal((rows, classes)), axis=1)
    number = single(towards[:, 0] ** 2 + X[:, 1] + 0.5 * rng.standard_normal(rows))
    return X, y, number


def structures(rng):
    X, y, number = data(rng, 200, 4, 3)
    whole = rng.integers(1, 4, size=len(X)).astype(float)
    broken = np.round(rng.uniform(0.2, 3.0, size=len(X)), 3)
    cases = []

    def add(name, kind, settings, weights=None, **fixed):
        make_one = DecisionTreeClassifier if kind == "classes" else DecisionTreeRegressor
        target = y if kind == "classes" else number
        tree = same_for_all_seeds(
            lambda seed: make_one(random_state=seed, **fixed), X, target, weights
        )
        cases.append({
            "name": name,
            "kind": kind,
            "settings": settings,
            "weights": None if weights is None else plain(weights),
            "tree": tree,
        })

    for criterion in ("gini", "entropy"):
        own = {"criterion": criterion}
        add(f"{criterion}, depth 3", "classes", {**own, "max_depth": 3},
            max_depth=3, **own)
        add(f"{criterion}, leaf 20", "classes", {**own, "min_samples_leaf": 20},
            min_samples_leaf=20, **own)
        add(f"{criterion}, balanced", "classes",
            {**own, "max_depth": 3, "class_weight": "balanced"},
            max_depth=3, class_weight="balanced", **own)
        add(f"{criterion}, class weights", "classes",
            {**own, "min_samples_leaf": 20, "class_weight": {"given": [1.0, 2.5, 0.7]}},
            min_samples_leaf=20, class_weight={0: 1.0, 1: 2.5, 2: 0.7}, **own)
        add(f"{criterion}, whole weights", "classes", {**own, "max_depth": 3},
            whole, max_depth=3, **own)
        add(f"{criterion}, broken weights", "classes", {**own, "max_depth": 3},
            broken, max_depth=3, **own)
        add(f"{criterion}, weight of leaves", "classes", {**own, "min_weight_leaf": 0.12},
            broken, min_weight_fraction_leaf=0.12, **own)
        add(f"{criterion}, few leaves", "classes", {**own, "max_leaf_nodes": 7},
            max_leaf_nodes=7, **own)
        add(f"{criterion}, least decrease", "classes", {**own, "min_impurity_decrease": 0.02},
            min_impurity_decrease=0.02, **own)
        add(f"{criterion}, pruned", "classes",
            {**own, "min_samples_leaf": 8, "ccp_alpha": 0.015},
            min_samples_leaf=8, ccp_alpha=0.015, **own)
    add("numbers, depth 3", "numbers", {"max_depth": 3}, max_depth=3)
    add("numbers, leaf 20", "numbers", {"min_samples_leaf": 20}, min_samples_leaf=20)
    add("numbers, weights", "numbers", {"min_samples_leaf": 12}, broken, min_samples_leaf=12)
    add("numbers, few leaves", "numbers", {"max_leaf_nodes": 9}, max_leaf_nodes=9)
    add("numbers, split 40", "numbers", {"min_samples_split": 40}, min_samples_split=40)
    add("numbers, pruned", "numbers", {"min_samples_leaf": 5, "ccp_alpha": 0.3},
        min_samples_leaf=5, ccp_alpha=0.3)

    totals = []
    for criterion in ("gini", "entropy"):
        for depth in (4, 5):
            own = {"criterion": criterion, "max_depth": depth}
            found = [leaf_impurity(DecisionTreeClassifier(random_state=s, **own), X, y) for s in SEEDS]
            if np.ptp(found) > 1e-12:
                raise SeedDecides(own)
            totals.append({"settings": own, "impurity": found[0]})

    paths = []
    for settings, model in [
        ({"min_samples_leaf": 5}, DecisionTreeClassifier(min_samples_leaf=5, random_state=0)),
        ({"criterion": "entropy", "min_samples_leaf": 8},
         DecisionTreeClassifier(criterion="entropy", min_samples_leaf=8, random_state=0)),
        ({}, DecisionTreeRegressor(random_state=0)),
    ]:
        kind = "classes" if isinstance(model, DecisionTreeClassifier) else "numbers"
        path = model.cost_complexity_pruning_path(X, y if kind == "classes" else number)
        paths.append({
            "kind": kind,
            "settings": settings,
            "alphas": plain(path.ccp_alphas),
            "impurities": plain(path.impurities),
        })
    return {"X": plain(X), "columns": 4, "labels": y.tolist(), "classes": 3,
            "numbers": plain(number), "cases": cases, "totals": totals, "paths": paths}


def missing(rng):
    X, y, number = data(rng, 240, 3, 2)
    # Gone at random in one column, with the class in another.
    X[rng.random(len(X)) < 0.15, 0] = np.nan
    X[(y == 1) & (rng.random(len(X)) < 0.5), 1] = np.nan
    fresh = data(rng, 60, 3, 2)[0]
    fresh[rng.random(fresh.shape) < 0.3] = np.nan
    cases = []
    for kind, settings, make_one, target in [
        ("classes", {"max_depth": 3}, DecisionTreeClassifier, y),
        ("classes", {"min_samples_leaf": 20}, DecisionTreeClassifier, y),
        ("classes", {"max_depth": 3, "criterion": "entropy"}, DecisionTreeClassifier, y),
        ("numbers", {"max_depth": 3}, DecisionTreeRegressor, number),
    ]:
        tree = same_for_all_seeds(lambda s: make_one(random_state=s, **settings), X, target, None)
        model = make_one(random_state=0, **settings).fit(X, target)
        predicted = model.predict_proba(fresh) if kind == "classes" else model.predict(fresh)
        cases.append({"kind": kind, "settings": settings, "tree": tree,
                      "fresh_predicted": plain(predicted)})
    return {"X": plain(X), "columns": 3, "labels": y.tolist(), "classes": 2,
            "numbers": plain(number), "fresh": plain(fresh), "cases": cases}


def forests(rng):
    X, y, number = data(rng, 300, 6, 3)
    fresh = data(rng, 40, 6, 3)[0]
    classes = RandomForestClassifier(8, max_depth=4, random_state=0).fit(X, y)
    numbers = RandomForestRegressor(8, max_depth=4, random_state=0).fit(X, number)
    out_of_bag = [
        RandomForestClassifier(100, oob_score=True, random_state=s).fit(X, y).oob_score_
        for s in range(30)
    ]
    explained = [
        RandomForestRegressor(100, oob_score=True, random_state=s).fit(X, number).oob_score_
        for s in range(30)
    ]
    return {
        "X": plain(X), "columns": 6, "labels": y.tolist(), "classes": 3,
        "numbers": plain(number), "fresh": plain(fresh),
        "class_trees": [exported(tree) for tree in classes.estimators_],
        "probabilities": plain(classes.predict_proba(fresh)),
        "class_importance": plain(classes.feature_importances_),
        "number_trees": [exported(tree) for tree in numbers.estimators_],
        "means": plain(numbers.predict(fresh)),
        "number_importance": plain(numbers.feature_importances_),
        "out_of_bag_accuracy": plain(out_of_bag),
        "out_of_bag_explained": plain(explained),
    }


def first_that_is_unique(make):
    """The data of the first seed for which every tree asked for is unique."""
    for seed in range(1, 300):
        try:
            return make(np.random.default_rng(seed))
        except SeedDecides as reason:
            print(make.__name__, "seed", seed, reason)
    raise SystemExit(f"{make.__name__}: no data without ties")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    for name, make in [
        ("trees", structures), ("trees_missing", missing), ("trees_forest", forests),
    ]:
        content = {"versions": versions, **first_that_is_unique(make)}
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
