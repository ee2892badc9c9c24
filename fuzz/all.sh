#!/usr/bin/env bash
# Fuzzes every target for some seconds each (60 unless told). Needs `cargo install cargo-fuzz`.
set -euo pipefail
cd "$(dirname "$0")/.."
for target in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    echo "== $name"
    cargo fuzz run --sanitizer none "$name" -- -max_total_time="${1:-60}"
done
