"""scikit-learn's stochastic one-class SVM on 256 random Fourier features."""

import time

import numpy as np

DATA = (1_000_000, 10)
PEER = "scikit-learn RBFSampler + SGDOneClassSVM"


def make(rng):
    """Correlated normal rows; the last hundredth is twice as wide."""
    rows, columns = DATA
    mixing = np.eye(columns) + 0.3 * rng.standard_normal((columns, columns))
    X = rng.standard_normal((rows, columns)) @ mixing
    X[-rows // 100 :] *= 2
    return X


def run(X):
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.linear_model import SGDOneClassSVM
    from sklearn.metrics import roc_auc_score

    start = time.perf_counter()
    features = RBFSampler(gamma="scale", n_components=256, random_state=0).fit_transform(X)
    svm = SGDOneClassSVM(nu=0.05, random_state=0).fit(features)
    decision = svm.decision_function(features)
    seconds = time.perf_counter() - start
    odd = np.arange(len(X)) >= len(X) - len(X) // 100
    return {
        "seconds": seconds,
        "auc": roc_auc_score(odd, -decision),
        "outside": float((decision < 0).mean()),
    }
