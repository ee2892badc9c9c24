#!/usr/bin/env bash
# The main job on real data that the repository ships: anomalies, a troubleshooting tree, an explanation.
# usage: examples/demo.sh PROGRAM [FOLDER FOR PICTURES]
set -euo pipefail
auscult=$(realpath "$1")
cd "$(dirname "$0")/.."
out=${2:-target/demo}
mkdir -p "$out"

say() { printf '\n\033[1m%s\033[0m\n' "$1"; }
run() {
    printf '\033[2m$ auscult %s\033[0m\n' "$*"
    "$auscult" "$@"
}

say "1. Request latency of a service (NAB): what was abnormal, and when?"
run detect examples/data/nab/ec2_request_latency_system_failure.csv --top 5 --plot "$out/latency.html"

say "2. Taxi trips in New York (NAB): seasons are found by themselves; one false alarm a month is bearable."
run detect examples/data/nab/nyc_taxi.csv.gz --budget 1/month --plot "$out/taxi.png"

say "3. Nineteen metrics of a server, judged jointly; normal is learnt from another month (ASD)."
run detect examples/data/asd/omi-1-test.csv.gz --train examples/data/asd/omi-1-train.csv.gz --method mahalanobis --top 5

say "4. A fault log (AI4I): learn which questions lead to the cause."
run learn examples/data/ai4i/fault_log.csv --label fault --output "$out/faults.json" --plot "$out/faults.svg"

say "5. Walk some of the logged cases through it, unattended."
{ head -3 examples/data/ai4i/fault_log.csv; grep -m2 ,power examples/data/ai4i/fault_log.csv; grep -m2 ,heat examples/data/ai4i/fault_log.csv; } > "$out/cases.csv"
run troubleshoot --model "$out/faults.json" --input "$out/cases.csv"

say "6. Throughput fell between two periods: what accounts for it?"
run explain examples/data/two_periods/two_periods.csv --column throughput --by period --plot "$out/drop.svg"

say "Pictures: $out/latency.html, $out/taxi.png, $out/faults.svg, $out/drop.svg"
