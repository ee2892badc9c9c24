"""scikit-learn's one-class SVM, radial kernel, nu 0.05 and 0.1; it runs on one core."""

import time

import numpy as np

DATA = (20_000, 10)
PEER = "scikit-learn OneClassSVM"
TARGET = 1.5


def make(rng):
    """Correlated normal rows; the last hundredth is twice as wide."""
    rows, columns = DATA
    mixing = np.eye(columns) + 0.3 * rng.standard_normal((columns, columns))
    X = rng.standard_normal((rows, columns)) @ mixing
    X[-rows // 100 :] *= 2
    return X


def run(X):
    from sklearn.metrics import roc_auc_score
    from sklearn.svm import OneClassSVM

    odd = np.arange(len(X)) >= len(X) - len(X) // 100
    report = {"seconds": 0.0}
    for nu in (0.05, 0.1):
        start = time.perf_counter()
        svm = OneClassSVM(nu=nu).fit(X)
        decision = svm.decision_function(X)
        seconds = time.perf_counter() - start
        report["seconds"] += seconds
        report[f"seconds_nu_{nu}"] = seconds
        report[f"support_nu_{nu}"] = len(svm.support_)
        report[f"rho_nu_{nu}"] = float(svm.offset_[0])
        if nu == 0.05:
            report["auc"] = roc_auc_score(odd, -decision)
    return report
