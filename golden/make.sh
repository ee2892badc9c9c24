#!/usr/bin/env bash
# Makes the golden values anew in a virtual environment of its own. Tests never need this.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${AUSCULT_VENV:-.venv}"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement golden/requirements.txt
fi
for script in golden/*.py; do
    echo "$script"
    "$venv/bin/python" "$script"
done
