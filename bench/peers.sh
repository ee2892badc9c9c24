#!/usr/bin/env bash
# Compares auscult with Python peers on the same data in the same run and writes bench/RESULTS.md.
# Sets up its own virtual environment. `bench/peers.sh CASE…` runs some cases only.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${AUSCULT_VENV:-.venv}"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement golden/requirements.txt
fi
cargo build --profile dist --locked --package auscult --package auscult-bench
exec "$venv/bin/python" bench/peers/run.py "$@"
