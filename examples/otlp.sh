#!/usr/bin/env bash
# The official OpenTelemetry SDK for Python sends the metrics of a model server by every protocol; checks what arrives.
# usage: examples/otlp.sh PROGRAM   (needs Python and a package index; the SDK goes to a virtual environment)
set -euo pipefail
auscult=$(realpath "$1")
cd "$(dirname "$0")/.."
venv=target/opentelemetry
if [ ! -e "$venv/ready" ]; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet opentelemetry-sdk==1.45.2 \
        opentelemetry-exporter-otlp-proto-grpc==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
    touch "$venv/ready"
fi
main=127.0.0.1:19709 http=127.0.0.1:14318 grpc=127.0.0.1:14317
"$auscult" serve --listen "$main" --otlp-http "$http" --otlp-grpc "$grpc" &
serve=$!
trap 'kill "$serve"; wait "$serve" || true' EXIT
"$venv/bin/python" examples/otlp.py "$main" "$http" "$grpc"
