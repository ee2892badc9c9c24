"""Writes crates/detect/tests/golden/subspace.json: covariances, distances and
components of scikit-learn."""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import chi2, norm
from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf, MinCovDet, ShrunkCovariance
from sklearn.decomposition import PCA

ROOT = Path(__file__).resolve().parents[1]


def estimate(estimator, X, new):
    estimator.fit(X)
    return {
        "location": estimator.location_.tolist(),
        "covariance": estimator.covariance_.ravel().tolist(),
        "shrinkage": float(getattr(estimator, "shrinkage_", getattr(estimator, "shrinkage", 0.0))),
        "squared_distances": estimator.mahalanobis(X).tolist(),
        "new_squared_distances": estimator.mahalanobis(new).tolist(),
    }


def components(X, new, kept):
    full = PCA(svd_solver="full").fit(X)
    part = PCA(n_components=kept, svd_solver="full").fit(X)
    left = new - part.inverse_transform(part.transform(new))
    inside = part.transform(new)
    # The population's variances, as the covariance of the history has them.
    variances = full.explained_variance_ * (len(X) - 1) / len(X)
    outside = variances[kept:]
    g = (outside**2).sum() / outside.sum()
    h = outside.sum() ** 2 / (outside**2).sum()
    spe = (left**2).sum(axis=1)
    t2 = (inside**2 / variances[:kept]).sum(axis=1)

    def rarity(square, dof):
        return (-norm.ppf(chi2.sf(square, dof) / 2)).tolist()

    return {
        "kept": kept,
        "explained_variance": full.explained_variance_.tolist(),
        "components": full.components_.tolist(),
        "residual": rarity(spe / g, h),
        "t2": rarity(t2, kept),
        "both": rarity(t2 + spe / g, kept + h),
    }


def case(rng, rows, columns):
    mixing = rng.normal(size=(columns, columns)) * np.geomspace(1.0, 0.05, columns)[:, None]
    X = rng.normal(size=(rows, columns)) @ mixing + 5.0 * np.arange(columns)
    new = rng.normal(size=(10, columns)) @ mixing * 1.5 + 5.0 * np.arange(columns)
    out = {"columns": columns, "history": X.ravel().tolist(), "new": new.ravel().tolist()}
    out["estimates"] = {"shrunk": estimate(ShrunkCovariance(shrinkage=0.1), X, new)}
    out["estimates"]["ledoit-wolf"] = estimate(LedoitWolf(), X, new)
    out["estimates"]["oas"] = estimate(OAS(), X, new)
    if rows > columns:
        out["estimates"]["empirical"] = estimate(EmpiricalCovariance(), X, new)
        out["pca"] = [components(X, new, kept) for kept in (1, columns // 2, columns - 1)]
    return out


def robust_case(rng, rows, columns, outliers, support):
    """Clean contamination: the outliers lie far from all else."""
    X = rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns))
    away = rng.normal(size=(outliers, columns))
    X[:outliers] = 60.0 * away / np.linalg.norm(away, axis=1, keepdims=True)
    mcd = MinCovDet(support_fraction=support, random_state=0).fit(X)
    return {
        "columns": columns,
        "history": X.ravel().tolist(),
        "location": mcd.location_.tolist(),
        "covariance": mcd.covariance_.ravel().tolist(),
        "support_share": support,
        "raw_ln_determinant": float(np.linalg.slogdet(mcd.raw_covariance_)[1]),
        "support": mcd.support_.tolist(),
        "squared_distances": mcd.mahalanobis(X).tolist(),
    }


def main():
    rng = np.random.default_rng(20261123)
    golden = {
        "versions": {
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "numpy": np.__version__,
        },
        "cases": [case(rng, 120, 4), case(rng, 60, 9), case(rng, 12, 20)],
        "robust": [
            robust_case(rng, 200, 3, 40, 0.8),
            robust_case(rng, 160, 2, 32, 0.8),
            robust_case(rng, 700, 2, 140, 0.8),
            robust_case(rng, 200, 3, 50, None),
            robust_case(rng, 700, 2, 100, None),
        ],
    }
    path = ROOT / "crates/detect/tests/golden/subspace.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
