"""Golden values of the regression methods of detection.

Writes crates/detect/tests/golden/regression.json.
"""

import json
import pathlib

import numpy
import scipy
import scipy.stats
import sklearn
from sklearn.linear_model import HuberRegressor, LinearRegression, Ridge

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/detect/tests/golden/regression.json"
SHARE = 0.01


def largest(x, fit_residuals):
    """The largest distance of any column from what the others lead to expect."""
    scores = []
    for target in range(x.shape[1]):
        inputs = numpy.delete(x, target, axis=1)
        scores.append(fit_residuals(inputs, x[:, target]))
    return numpy.max(scores, axis=0).tolist()


def deviations(residuals, inputs):
    degrees = len(residuals) - inputs.shape[1] - 1
    return numpy.abs(residuals) / numpy.sqrt(numpy.sum(residuals**2) / degrees)


def medians(residuals):
    return numpy.abs(residuals) / scipy.stats.median_abs_deviation(residuals, scale="normal")


def ols(inputs, target):
    fit = LinearRegression().fit(inputs, target)
    return deviations(target - fit.predict(inputs), inputs)


def ridge(inputs, target):
    standard = (inputs - inputs.mean(0)) / inputs.std(0)
    fit = Ridge(alpha=SHARE * len(target), solver="svd").fit(standard, target)
    return deviations(target - fit.predict(standard), inputs)


def robust_units(values):
    return (values - numpy.median(values, 0)) / scipy.stats.median_abs_deviation(values)


def huber(inputs, target):
    units = robust_units(inputs)
    goal = robust_units(target)
    fit = HuberRegressor(max_iter=10_000, tol=1e-12).fit(units, goal)
    return medians(goal - fit.predict(units))


if __name__ == "__main__":
    rng = numpy.random.default_rng(22)
    common = rng.normal(size=(150, 1))
    x = numpy.array([10.0, 200.0, 3.0]) + common * [1.0, 30.0, -0.2]
    x += rng.normal(size=(150, 3)) * [0.5, 8.0, 0.05]
    x[40, 0] += 9.0
    x[90, 1] -= 150.0
    row = numpy.arange(120.0)
    y = 5.0 + 0.3 * row + rng.normal(size=120)
    y[::10] += 25.0
    slope, intercept, _, _ = scipy.stats.theilslopes(y, row, method="joint")
    golden = {
        "versions": {
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "x": x.ravel().tolist(),
        "penalty": SHARE,
        "ols": largest(x, ols),
        "ridge": largest(x, ridge),
        "huber": largest(x, huber),
        "y": y.tolist(),
        "trend": {
            "ols": ols(row[:, None], y).tolist(),
            "theil-sen": medians(y - slope * row - intercept).tolist(),
        },
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden) + "\n")
