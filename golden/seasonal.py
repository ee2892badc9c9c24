"""Writes the golden values of STL, autocorrelation and Holt-Winters.

Run with statsmodels installed; the files it writes are committed.
"""

import json
import pathlib

import numpy
import scipy
import statsmodels
from statsmodels.tsa.holtwinters import ExponentialSmoothing
from statsmodels.tsa.seasonal import STL
from statsmodels.tsa.stattools import acf

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSIONS = {
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
}


def write(crate, name, content):
    path = ROOT / "crates" / crate / "tests" / "golden" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"versions": VERSIONS, **content}) + "\n")


def series(rng, rows, period):
    row = numpy.arange(rows)
    phase = 2 * numpy.pi * row / period
    values = 20 + 0.03 * row + 4 * numpy.sin(phase) + 2 * numpy.cos(3 * phase)
    values = values + rng.normal(0, 0.7, rows)
    values[rng.choice(rows, 4, replace=False)] += rng.choice([-1, 1], 4) * 25
    return values


def stl_case(values, period, seasonal, jumps, robust, inner, outer, trend=None, low_pass=None, degrees=(1, 1, 1)):
    stl = STL(
        values, period=period, seasonal=seasonal, trend=trend, low_pass=low_pass,
        seasonal_deg=degrees[0], trend_deg=degrees[1], low_pass_deg=degrees[2],
        seasonal_jump=jumps[0], trend_jump=jumps[1], low_pass_jump=jumps[2], robust=robust,
    )
    fit = stl.fit(inner_iter=inner, outer_iter=outer)
    config = stl.config
    return {
        "values": values.tolist(),
        "period": period,
        "seasonal": [config["seasonal"], config["seasonal_deg"], config["seasonal_jump"]],
        "trend": [config["trend"], config["trend_deg"], config["trend_jump"]],
        "low_pass": [config["low_pass"], config["low_pass_deg"], config["low_pass_jump"]],
        "inner": inner,
        "outer": outer,
        "season": fit.seasonal.tolist(),
        "trend_values": fit.trend.tolist(),
        "weights": fit.weights.tolist(),
    }


def stl(rng):
    long, short = series(rng, 240, 24), series(rng, 90, 12)
    return [
        stl_case(long, 24, 7, (1, 1, 1), False, 5, 0),
        stl_case(long, 24, 7, (1, 1, 1), True, 2, 15),
        stl_case(long, 24, 13, (2, 4, 3), True, 2, 5),
        stl_case(short, 12, 35, (1, 1, 1), True, 2, 3, trend=31, low_pass=15, degrees=(0, 1, 1)),
        stl_case(short, 12, 7, (1, 3, 1), False, 2, 0, trend=151, degrees=(1, 0, 0)),
    ]


def autocorrelation(rng):
    values = series(rng, 200, 24)
    return {"values": values.tolist(), "correlation": acf(values, nlags=60, fft=True).tolist()}


def holt_winters_case(values, period, damped, alpha, beta, gamma, phi, level, trend, season):
    model = ExponentialSmoothing(
        values, trend="add", damped_trend=damped, seasonal="add" if period else None,
        seasonal_periods=period or None, initialization_method="known",
        initial_level=level, initial_trend=trend, initial_seasonal=season if period else None,
    )
    parameters = {"smoothing_level": alpha, "smoothing_trend": beta}
    if period:
        parameters["smoothing_seasonal"] = gamma
    if damped:
        parameters["damping_trend"] = phi
    fit = model.fit(optimized=False, **parameters)
    return {
        "values": values.tolist(),
        "period": period,
        "alpha": alpha,
        "beta": beta,
        "gamma": gamma,
        "phi": phi,
        "initial_level": level,
        "initial_trend": trend,
        "initial_season": list(season) if period else [],
        "fitted": fit.fittedvalues.tolist(),
        "level": fit.level.tolist(),
        "trend": fit.trend.tolist(),
        "season": fit.season.tolist() if period else [],
    }


def holt_winters(rng):
    values = series(rng, 120, 12)
    season = [0.5, 2.0, 3.5, 4.0, 3.0, 1.0, -1.0, -3.0, -4.5, -3.5, -2.0, 0.0]
    return [
        holt_winters_case(values, 12, False, 0.3, 0.1, 0.2, 1.0, 20.0, 0.05, season),
        holt_winters_case(values, 12, True, 0.5, 0.2, 0.4, 0.9, 19.0, 0.1, season),
        holt_winters_case(values, 0, False, 0.4, 0.15, 0.0, 1.0, 21.0, 0.02, []),
        holt_winters_case(values, 0, True, 0.6, 0.05, 0.0, 0.95, 21.0, -0.1, []),
    ]


if __name__ == "__main__":
    rng = numpy.random.default_rng(20)
    write("stats", "seasonal.json", {"stl": stl(rng), "autocorrelation": autocorrelation(rng)})
    write("detect", "seasonal.json", {"holt_winters": holt_winters(rng)})
