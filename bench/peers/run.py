"""Runs every case against its Python peer, in turn, and writes bench/RESULTS.md.

A case is a module beside this one with DATA = (rows, columns), TARGET (least ratio), PEER (what it is
compared with), make(rng) -> X, and run(X) -> {"seconds": …, quality figures}. Both sides get the same X; reading it
does not count. A case with PROGRAM compares whole programs on a file: write(path) makes the file, COMMAND is
our call on it, PROGRAM the lines of Python that answer the same.

usage: run.py [--rounds N] [CASE ...]
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET_DIR = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "dist"
RESULTS = ROOT / "bench" / "RESULTS.json"
TABLE = ROOT / "bench" / "RESULTS.md"


def measured(command):
    """Runs a command; its output, wall seconds and peak memory in MB."""
    reader, writer = os.pipe()
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=writer, cwd=HERE)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        raise SystemExit(f"{command} ended with status {status}")
    return text, seconds, usage.ru_maxrss / 1024


def python(code, *arguments):
    """Runs a few lines beside the cases; what they print last, read as JSON."""
    prelude = "import importlib, json, sys; sys.path.insert(0, sys.argv[1]);"
    text, _, memory = measured([sys.executable, "-c", prelude + code, str(HERE), *map(str, arguments)])
    return json.loads(text.splitlines()[-1]), memory


def about(case):
    """What a case says of itself. Asked in a process of its own: a child's peak memory
    counts from that of its parent, so this program must stay small."""
    return python(
        "case = importlib.import_module(sys.argv[2]);"
        "print(json.dumps({name.lower(): getattr(case, name) for name in"
        " ('PEER', 'TARGET', 'DATA', 'NOTE', 'PROGRAM', 'COMMAND', 'TABLE') if hasattr(case, name)}))",
        case,
    )[0]


def peer(case, path, rows, columns):
    """The Python side, in a process of its own."""
    answer, memory = python(
        "import numpy; X = numpy.fromfile(sys.argv[3]).reshape(int(sys.argv[4]), int(sys.argv[5]));"
        "print(json.dumps(importlib.import_module(sys.argv[2]).run(X)))",
        case, path, rows, columns,
    )
    return answer | {"memory_mb": memory}


def ours(case, path, rows, columns):
    """Our side."""
    command = [str(TARGET_DIR / "auscult-bench"), case, str(path), str(rows), str(columns)]
    text, _, memory = measured(command)
    return json.loads(text) | {"memory_mb": memory}


def compare(case, rounds, folder):
    """Both sides in turn; medians and the ratio pair by pair."""
    facts = about(case)
    path = folder / f"{case}.data"
    data, _ = python("print(json.dumps(importlib.import_module(sys.argv[2]).write(sys.argv[3])))"
                     if "program" in facts else
                     "import numpy; case = importlib.import_module(sys.argv[2]);"
                     "case.make(numpy.random.default_rng(7)).astype(float).tofile(sys.argv[3]);"
                     "print(json.dumps('{:,} x {}'.format(*case.DATA)))", case, path)
    pairs = []
    for _ in range(rounds):
        if "program" in facts:
            pairs.append(programs(facts, path))
        else:
            rows, columns = facts["data"]
            pairs.append((ours(case, path, rows, columns), peer(case, path, rows, columns)))
        print(case, pairs[-1], flush=True)
    path.unlink()
    return summarised(facts, data, pairs)


def programs(facts, path):
    """Whole programs on a file: ours answers in JSON, theirs prints its figures as JSON."""
    command = [str(path) if word == "FILE" else word for word in facts["command"]]
    text, seconds, memory = measured([str(TARGET_DIR / "auscult"), *command])
    answer = json.loads(text)
    found = {
        "rows found": sum(series["anomalies"] for series in answer["series"]),
        "strangest": max(finding["score"] for finding in answer["findings"]),
    }
    text, peer_seconds, peer_memory = measured([sys.executable, "-c", facts["program"], str(path)])
    return (
        {"seconds": seconds, "memory_mb": memory} | found,
        {"seconds": peer_seconds, "memory_mb": peer_memory} | json.loads(text),
    )


def summarised(facts, data, pairs):
    """One entry of the results file."""
    median = lambda side, key: statistics.median(pair[side][key] for pair in pairs)
    quality = lambda side: {
        key: value for key, value in pairs[-1][side].items() if key not in ("seconds", "memory_mb")
    }
    return {
        "data": data,
        "peer": facts["peer"],
        "target": facts.get("target"),
        "seconds": median(0, "seconds"),
        "peer_seconds": median(1, "seconds"),
        "ratio": statistics.median(pair[1]["seconds"] / pair[0]["seconds"] for pair in pairs),
        "memory_mb": median(0, "memory_mb"),
        "peer_memory_mb": median(1, "memory_mb"),
        "quality": quality(0),
        "peer_quality": quality(1),
        "rounds": len(pairs),
        "note": facts.get("note", ""),
    }


def versions():
    """What was compared, on what."""
    from importlib.metadata import version

    names = ["numpy", "scipy", "scikit-learn", "pandas", "pyod", "stumpy"]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "commit": commit,
        "machine": f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in names},
    }


def figures(quality):
    """Quality figures in a cell."""
    cells = []
    for key, value in quality.items():
        if isinstance(value, dict):
            cells.append(f"{key}: {figures(value)}")
        else:
            cells.append(f"{key} {value:.5g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(cells)


def write(results):
    """The Markdown table."""
    lines = [
        "# Speed and memory against Python peers",
        "",
        "Written by `make bench-peers`. Both sides get the same data in the same run, in turn, on the same two cores;",
        "figures are medians, ratios are medians of pairs (theirs over ours: above 1, auscult is faster). Seconds count fitting and",
        "scoring; memory is the peak of the whole process.",
        "",
    ]
    machines = {json.dumps(entry["versions"]["machine"]) for entry in results.values()}
    lines += [f"Machine: {json.loads(machine)}. " for machine in sorted(machines)]
    packages = next(iter(results.values()))["versions"]
    lines += [
        f"Python {packages['python']}, "
        + ", ".join(f"{name} {version}" for name, version in packages["packages"].items())
        + ".",
        "",
        "| case | data | peer | auscult s | peer s | ratio | wanted | auscult MB | peer MB | auscult | peer | commit |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    for case, entry in sorted(results.items()):
        target = entry["target"]
        wanted = "" if target is None else f"{target:g}" + ("" if entry["ratio"] >= target else " (missed)")
        lines.append(
            f"| {case} | {entry['data']} | {entry['peer']} | {entry['seconds']:.3g} | {entry['peer_seconds']:.3g} "
            f"| **{entry['ratio']:.2f}** | {wanted} | {entry['memory_mb']:.0f} | {entry['peer_memory_mb']:.0f} "
            f"| {figures(entry['quality'])} | {figures(entry['peer_quality'])} | {entry['versions']['commit']} |"
        )
        if entry["note"]:
            notes.append(f"- **{case}**: {entry['note']}")
    TABLE.write_text("\n".join(lines + ([""] + notes if notes else [])) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    all_cases = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.cases or all_cases:
            entry = compare(case, arguments.rounds, pathlib.Path(folder))
            results[case] = entry | {"versions": versions()}
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
            write(results)


if __name__ == "__main__":
    main()
