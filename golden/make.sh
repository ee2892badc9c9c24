#!/usr/bin/env bash
# Makes the golden values anew in a virtual environment of its own. Tests never need this.
# Numbers that another processor's linear algebra rounds differently may change in their last digits.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${AUSCULT_VENV:-.venv}"
made="$venv/made-of"
if ! cmp --silent golden/requirements.txt "$made"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --requirement golden/requirements.txt
    # Only now: an installation that broke off is begun again.
    cp golden/requirements.txt "$made"
fi
for script in golden/*.py; do
    echo "$script"
    OPENBLAS_NUM_THREADS=1 "$venv/bin/python" "$script"
done
