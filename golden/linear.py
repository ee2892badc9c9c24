"""Golden values of linear models and of comparisons of two samples.

Writes crates/stats/tests/golden/linear.json and two_sample.json.
"""

import json
import pathlib

import numpy
import scipy
import scipy.special
import scipy.stats
import sklearn
import statsmodels
import statsmodels.api
from sklearn.linear_model import HuberRegressor, LinearRegression, Ridge, TheilSenRegressor
from statsmodels.stats.outliers_influence import variance_inflation_factor

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/stats/tests/golden"
VERSIONS = {
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
    "statsmodels": statsmodels.__version__,
}


def sluggish(rng, rows, keep):
    values = numpy.zeros(rows)
    noise = rng.normal(size=rows)
    for row in range(1, rows):
        values[row] = keep * values[row - 1] + noise[row]
    return values


def linear():
    rng = numpy.random.default_rng(20)
    rows = 120
    x = rng.normal(size=(rows, 4)) * [1.0, 30.0, 0.02, 5.0] + [0.0, 1700.0, 0.6, -3.0]
    x[:, 3] += 0.1 * x[:, 1]
    y = 5.0 + x @ [2.0, -0.03, 40.0, 0.5] + sluggish(rng, rows, 0.5)
    wrong = y.copy()
    wrong[::9] += rng.normal(size=len(wrong[::9])) * 40.0 + 20.0
    design = statsmodels.api.add_constant(x)
    plain = statsmodels.api.OLS(y, design).fit()
    hac = plain.get_robustcov_results("HAC", maxlags=5, use_correction=False)
    deficient = numpy.column_stack([x, 2.0 * x[:, 0] - x[:, 2]])
    lstsq = LinearRegression().fit(deficient, y)
    ridges = {}
    for penalty in [1e-4, 1.0, 250.0]:
        fit = Ridge(alpha=penalty, solver="svd").fit(x, y)
        ridges[str(penalty)] = [fit.intercept_, *fit.coef_]
    standard = (x - x.mean(0)) / x.std(0)
    huber = HuberRegressor(max_iter=10_000, tol=1e-12).fit(standard, wrong)
    huber_wide = HuberRegressor(epsilon=2.0, alpha=0.5, max_iter=10_000, tol=1e-12).fit(standard, wrong)
    slope, intercept, _, _ = scipy.stats.theilslopes(wrong, standard[:, 0], method="joint")
    few = slice(0, 30)
    theil = TheilSenRegressor(
        max_subpopulation=100_000, max_iter=100_000, tol=1e-13, random_state=0
    ).fit(standard[few, :2], wrong[few])
    return {
        "versions": VERSIONS,
        "x": x.ravel().tolist(),
        "standard": standard.ravel().tolist(),
        "y": y.tolist(),
        "wrong": wrong.tolist(),
        "ols": {
            "parameters": plain.params.tolist(),
            "standard_errors": plain.bse.tolist(),
            "t": plain.tvalues.tolist(),
            "p_values": plain.pvalues.tolist(),
            "r_squared": plain.rsquared,
            "f": plain.fvalue,
            "f_p_value": plain.f_pvalue,
            "leverage": plain.get_influence().hat_matrix_diag.tolist(),
            "hac": hac.cov_params().ravel().tolist(),
            "variance_inflation": [variance_inflation_factor(design, at) for at in range(1, 5)],
        },
        "deficient": lstsq.predict(deficient).tolist(),
        "ridge": ridges,
        "huber": {
            "parameters": [huber.intercept_, *huber.coef_],
            "scale": huber.scale_,
            "outliers": huber.outliers_.tolist(),
            "wide": [huber_wide.intercept_, *huber_wide.coef_],
        },
        "theil_sen": {
            "one": [intercept, slope],
            "rows": 30,
            "two": [theil.intercept_, *theil.coef_],
        },
    }


def two_sample():
    rng = numpy.random.default_rng(21)
    before = sluggish(rng, 90, 0.6) + 10.0
    after = numpy.round(1.7 * sluggish(rng, 70, 0.3) + 10.8, 1)
    before = numpy.round(before, 1)
    welch = scipy.stats.ttest_ind(after, before, equal_var=False)
    span = welch.confidence_interval(0.95)
    mann = scipy.stats.mannwhitneyu(after, before, method="asymptotic")
    distance = scipy.stats.ks_2samp(before, after).statistic
    levene = scipy.stats.levene(before, after, center="median")
    effective = len(before) * len(after) / (len(before) + len(after))
    constant = statsmodels.api.OLS(before, numpy.ones(len(before))).fit()
    hac = constant.get_robustcov_results("HAC", maxlags=7, use_correction=False)
    return {
        "versions": VERSIONS,
        "before": before.tolist(),
        "after": after.tolist(),
        "welch": {
            "t": welch.statistic,
            "degrees": welch.df,
            "p_value": welch.pvalue,
            "low": span.low,
            "high": span.high,
        },
        "mann_whitney": {"u": mann.statistic, "p_value": mann.pvalue},
        "kolmogorov_smirnov": {
            "distance": distance,
            "p_value": scipy.special.kolmogorov(numpy.sqrt(effective) * distance),
        },
        "brown_forsythe": {"f": levene.statistic, "p_value": levene.pvalue},
        "long_run_variance": float(hac.cov_params()[0, 0]) * len(before),
    }


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "linear.json").write_text(json.dumps(linear()) + "\n")
    (OUT / "two_sample.json").write_text(json.dumps(two_sample()) + "\n")
