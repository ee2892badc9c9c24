"""The table of bench/ingest.sh: what each program took, and how many times what auscult did."""

import json
import platform
import sys


def main(results, out, series, interval, profile):
    rows = [json.loads(line) for line in open(results, encoding="utf-8")]
    base = rows[0]
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    wanted = int(series) / float(interval)

    def figures(row):
        load, flat = row["load"], row["flat"]
        return [
            ("processor, seconds for a million samples", row["cpu"] / load["samples"] * 1e6, "{:.2f}"),
            ("memory, peak, MiB", row["peak_kib"] / 1024, "{:.0f}"),
            ("memory, median of the second half, MiB", row["rss_kib"] / 1024, "{:.0f}"),
            ("answer, median, ms", load["answer_seconds"]["p50"] * 1e3, "{:.1f}"),
            ("answer, 99th percentile, ms", load["answer_seconds"]["p99"] * 1e3, "{:.1f}"),
            ("bytes on disk a sample, after an orderly end", row["bytes"] / load["samples"], "{:.1f}"),
            ("samples a second, steady", load["samples_per_second"], "{:,.0f}"),
            ("samples a second, flat out", flat["samples_per_second"], "{:,.0f}"),
            ("processor, seconds for a million samples, flat out", row["flat_cpu"] / flat["samples"] * 1e6, "{:.2f}"),
        ]

    lines = [
        "# Ingest by remote write",
        "",
        "Written by `bench/ingest.sh`; run it again on your machine. auscult judges every sample besides storing it; the others store. Its bytes on disk hold what it has learnt of each series, about 930 bytes, and the log of the last hours: in a short run they outweigh the samples.",
        "",
        f"{int(series):,} series, a sample of each every {interval} s ({wanted:,.0f} a second wanted), "
        f"for {base['load']['seconds']:.0f} s; then {base['flat']['series']:,} series as fast as answers come, "
        f"for {base['flat']['seconds']:.0f} s. One after the other on {len(models)} cores"
        f" ({models[0] if models else platform.machine()}), the sender beside them; one run each. auscult was built as `{profile}`.",
        "In parentheses: how many times the figure of auscult.",
        "",
        "| | " + " | ".join(f"{row['program']} {row['version']}" for row in rows) + " |",
        "|---|" + "---|" * len(rows),
    ]
    for place, (name, own, form) in enumerate(figures(base)):
        cells = []
        for row in rows:
            value = figures(row)[place][1]
            ratio = "" if row is base or own == 0 else f" ({value / own:.2f})"
            cells.append(form.format(value) + ratio)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
