#!/usr/bin/env bash
# Fuzzes every target for some seconds each (60 unless told). Needs `cargo install cargo-fuzz`.
# Works with the stable compiler: coverage is an option that only RUSTC_BOOTSTRAP unlocks.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1
corpus=fuzz/corpus
mkdir -p "$corpus"/{csv,exposition,model,otlp,parquet,promql,selector,wrapped,yaml}
# Without a sound file to start from, chance would never come to one.
if [ ! -e "$corpus/model/tree.json" ]; then
    log=examples/data/ai4i/fault_log.csv
    cargo build --quiet --release --package auscult
    head -n 400 "$log" | target/release/auscult learn --label fault --quiet --folds 2 \
        --output "$corpus/model/tree.json"
    head -n 400 "$log" | target/release/auscult learn --label fault --quiet --folds 2 \
        --model forest --trees 2 --max-depth 4 --output "$corpus/model/forest.json"
    head -n 20 examples/data/two_periods/two_periods.csv >"$corpus/csv/numbers.csv"
    { printf '\1\0'; cat "$corpus/csv/numbers.csv"; } >"$corpus/wrapped/numbers"
    target/release/auscult detect "$corpus/csv/numbers.csv" --method zscore --format parquet \
        >"$corpus/parquet/numbers.parquet"
fi
if [ ! -e "$corpus/otlp/sdk" ]; then
    golden=crates/telemetry/tests/golden/otlp
    { printf '\0'; cat "$golden/sdk.bin"; } >"$corpus/otlp/sdk"
    { printf '\0'; cat "$golden/every_shape.bin"; } >"$corpus/otlp/every_shape"
    { printf '\1'; cat "$golden/every_shape.json"; } >"$corpus/otlp/json"
    { printf '\2'; gzip -c "$golden/every_shape.bin"; } >"$corpus/otlp/gzip"
fi
cp -n crates/telemetry/tests/expositions/{node.*,vllm.txt} "$corpus/exposition/"
cp -n examples/auscult.yml "$corpus/yaml/"
cat >"$corpus/yaml/policies" <<'YAML'
- match: '{job="vllm", __name__=~"vllm:.*"}'
  direction: up
  for: 5m
  valid_range: {low: 0, high: 1}
  maintenance: [{days: [saturday], from: "02:00", to: "04:00", time_zone: Europe/Berlin}]
YAML
printf '%s' 'up{job=~"a|b", gpu!="3", x!~""}' >"$corpus/selector/all"
printf '%s' 'sum by (job) (rate(m_total{job="llm"}[1m] offset 1m)) / on (job) group_left histogram_quantile(0.9, sum by (job, le) (m_bucket)) > bool 1' \
    >"$corpus/promql/sum"
printf '%s' 'max_over_time(rate(m_total[1m])[5m:30s] @ end()) or label_replace(up, "a", "$1", "job", "(.*)") unless topk(2, odd)' \
    >"$corpus/promql/subquery"
for target in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    echo "== $name"
    cargo fuzz run --sanitizer none "$name" -- -max_total_time="${1:-60}" -timeout=20
done
