"""z-score of one column of a 10-million-row CSV file, whole programs, from starting to having answered."""

import os

import numpy as np

PEER = "pandas.read_csv(usecols) + scipy.stats.zscore"
TARGET = 6.0
NOTE = (
    "whole programs, start and imports included; both report the rows beyond three deviations. "
    "The peer reads the one column that it needs; memory is wanted below a fifth of the peer's, and is. "
    "auscult reads the time and the column, in one pass and about 27 ns of processor time a row, where pandas and SciPy "
    "take 160 to 190 ns; counting the lines with wc takes 2 ns and copying the file with cat 4 ns. "
    "Rows that may be findings are put aside until the mean is known; a level that drifts costs a second pass. "
    "The machine was busy with other work, so the seconds are long; the ratio is that of pairs in turn."
)
ROWS = 10_000_000

PROGRAM = """
import json, sys
import pandas, scipy.stats
column = pandas.read_csv(sys.argv[1], usecols=["performance"])["performance"]
z = scipy.stats.zscore(column.to_numpy())
found = (abs(z) > 3).nonzero()[0]
print(json.dumps({"rows found": len(found), "strangest": float(abs(z).max())}))
"""

COMMAND = [
    "detect", "FILE", "--column", "performance", "--method", "zscore", "--threshold", "3",
    "--format", "json", "--top", "10",
]


def write(path):
    """A time a second and a level under noise, six decimals, with 1,000 readings far out."""
    rng = np.random.default_rng(7)
    values = 200 + 12 * rng.standard_normal(ROWS)
    places = rng.choice(ROWS, 1000, replace=False)
    values[places] += rng.choice([-1, 1], 1000) * rng.uniform(100, 200, 1000)
    start = np.datetime64("2026-01-01T00:00:00")
    with open(path, "w") as file:
        file.write("time,performance\n")
        for first in range(0, ROWS, 500_000):
            last = min(first + 500_000, ROWS)
            times = np.datetime_as_string(start + np.arange(first, last).astype("timedelta64[s]"))
            file.write("\n".join(f"{time},{value:.6f}" for time, value in zip(times, values[first:last])))
            file.write("\n")
    return f"{ROWS:,} rows, {os.path.getsize(path) / 1e6:.0f} MB"
