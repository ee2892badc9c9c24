"""The textbook case: which rows of model_performance.csv scipy.stats.zscore puts beyond three deviations."""

import json
import pathlib

import numpy as np
import scipy
import scipy.stats

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "crates" / "auscult" / "tests" / "golden"


def main():
    rng = np.random.default_rng(20260101)
    performance = np.round(0.91 + 0.012 * rng.standard_normal(500), 6)
    performance[[77, 201, 202, 350]] = [0.78, 0.99, 0.835, 0.951]
    times = np.datetime64("2026-01-01T00:00") + np.arange(500) * np.timedelta64(10, "m")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "model_performance.csv", "w") as file:
        file.write("time,performance\n")
        for time, value in zip(times, performance):
            file.write(f"{time},{value!r}\n".replace("np.float64(", "").replace(")", ""))
    answers = {}
    for ddof in (0, 1):
        z = scipy.stats.zscore(performance, ddof=ddof)
        rows = np.flatnonzero(np.abs(z) > 3)
        answers[f"ddof{ddof}"] = {"rows": (rows + 1).tolist(), "scores": np.abs(z[rows]).tolist()}
    answers["scipy"] = scipy.__version__
    (FOLDER / "model_performance.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
