"""Writes crates/detect/tests/golden/windows.json: components and clusters of the lag
windows of a series, by scikit-learn."""

import json
from pathlib import Path

import numpy as np
import sklearn
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

ROOT = Path(__file__).resolve().parents[1]
NOISE = 0.01
# Readings further from the mean than so many deviations teach as if they were there.
HELD = 4.0


def over_rows(profile, window, rows):
    """Mean of the windows that cover each row."""
    sums, counts = np.zeros(rows), np.zeros(rows)
    for at, score in enumerate(profile):
        sums[at : at + window] += score
        counts[at : at + window] += 1
    return sums / counts


def windows_of(columns, window):
    """Rows of all columns one after the other, as the flattened windows."""
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    count = len(scaled) - window + 1
    return np.array([scaled[at : at + window].ravel() for at in range(count)])


def sub_pca(values, window):
    windows = windows_of(values[:, None], window)
    pca = PCA(svd_solver="full").fit(np.clip(windows, -HELD, HELD))
    # The population's variances.
    variances = pca.explained_variance_ * (len(windows) - 1) / len(windows)
    noise = NOISE * variances.sum() / window
    projected = pca.transform(windows)
    profile = np.sqrt((projected**2 / (variances + noise)).sum(axis=1) / window)
    return {
        "values": values.tolist(),
        "window": window,
        "scores": over_rows(profile, window, len(values)).tolist(),
    }


def kmeans(columns, window, clusters):
    windows = windows_of(columns, window)
    # The best of many beginnings: the groups are so clear that there is one best.
    model = KMeans(clusters, n_init=50, tol=0, random_state=0).fit(windows)
    profile = model.transform(windows).min(axis=1) / np.sqrt(windows.shape[1])
    return {
        "channels": columns.shape[1],
        "values": columns.ravel().tolist(),
        "window": window,
        "clusters": clusters,
        "scores": over_rows(profile, window, len(columns)).tolist(),
    }


def main():
    rng = np.random.default_rng(31)
    row = np.arange(400)
    wave = 100 + 5 * np.sin(2 * np.pi * row / 25) + rng.normal(0, 0.5, 400)
    wave[140:150] += 6
    walk = 1e4 + np.cumsum(rng.normal(0, 1, 300))
    # Two levels that change seldom: windows across a change are few.
    level = np.where((row // 100) % 2 == 0, 0.0, 50.0) + rng.normal(0, 1, 400)
    regimes = np.column_stack([level, rng.normal(3, 1, 400) - level / 10])
    golden = {
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "noise": NOISE,
        "sub_pca": [sub_pca(wave, 25), sub_pca(wave, 60), sub_pca(walk, 16)],
        "kmeans": [kmeans(level[:, None], 2, 2), kmeans(regimes, 3, 2)],
    }
    assert all(np.isfinite(case["scores"]).all() for case in golden["sub_pca"] + golden["kmeans"])
    path = ROOT / "crates/detect/tests/golden/windows.json"
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
