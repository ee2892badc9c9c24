#!/usr/bin/env bash
# Ingest by remote write: auscult beside Prometheus and VictoriaMetrics, one after the other, under
# the same load on this machine. Writes bench/INGEST.md (or OUT).
#
#   bench/ingest.sh [SERIES]         a million unless said; a sample of each every INTERVAL seconds
#
# INTERVAL=15 SECONDS_STEADY=300 the steady load; SECONDS_FLAT=30 SERIES_FLAT=100000 as fast as
# answers come; PROFILE=dist, release or dev; DATA a folder with room (about 10 GB for a million series);
# ONLY="auscult prometheus" some of them. Programs that are not installed are left out in words.
# BUILD=no takes the programs that were built before.
# It needs a machine that does nothing else: what others do shows in every figure.
set -euo pipefail
cd "$(dirname "$0")/.."

series=${1:-1000000}
interval=${INTERVAL:-15}
steady=${SECONDS_STEADY:-300}
flat=${SECONDS_FLAT:-30}
series_flat=${SERIES_FLAT:-100000}
profile=${PROFILE:-dist}
out=${OUT:-bench/INGEST.md}
only=${ONLY:-auscult prometheus victoria-metrics}
data=${DATA:-$(mktemp -d)}
port=19719
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$data/ingest"' EXIT

[ "${BUILD:-yes}" = no ] || cargo build --quiet --locked --profile "$profile" --package auscult --package auscult-bench --bin auscult --bin load
target=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}

# The command of a program that listens on $port and stores below $2.
start() {
    local program=$1 folder=$2
    mkdir -p "$folder"
    case $program in
    auscult)
        "$target/auscult" serve --listen "127.0.0.1:$port" --otlp-grpc none --otlp-http none \
            --data "$folder" >"$folder.log" 2>&1 &
        ;;
    prometheus)
        echo 'global: {scrape_interval: 1h}' >"$folder/prometheus.yml"
        prometheus --config.file="$folder/prometheus.yml" --web.listen-address="127.0.0.1:$port" \
            --storage.tsdb.path="$folder/tsdb" --web.enable-remote-write-receiver >"$folder.log" 2>&1 &
        ;;
    victoria-metrics)
        victoria-metrics -httpListenAddr="127.0.0.1:$port" -storageDataPath="$folder" \
            -retentionPeriod=1 >"$folder.log" 2>&1 &
        ;;
    esac
    pid=$!
    for _ in $(seq 300); do
        curl -fs "http://127.0.0.1:$port/-/healthy" >/dev/null && return
        curl -fs "http://127.0.0.1:$port/health" >/dev/null && return
        sleep 0.2
    done
    echo "$program does not answer; see $folder.log" >&2
    exit 1
}

# Processor seconds, and memory in KiB: $1 is VmRSS (now) or VmHWM (the peak).
processor() { awk -v tick="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / tick }' "/proc/$pid/stat"; }
memory() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$pid/status"; }

stop() {
    kill "$pid"
    for _ in $(seq 600); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    pid=
}

results="$data/ingest.jsonl"
: >"$results"
for program in $only; do
    if [ "$program" != auscult ] && ! command -v "$program" >/dev/null; then
        echo "$program is not installed: left out" >&2
        continue
    fi
    folder="$data/ingest/$program"
    rm -rf "$folder"
    echo "== $program: $series series, a sample each in $interval s, for $steady s" >&2
    start "$program" "$folder"
    # Memory once half of the time is over, again and again: the median is the steady figure.
    (while sleep 2; do memory VmRSS 2>/dev/null || exit 0; done) >"$folder.rss" &
    watch=$!
    load=$("$target/load" "127.0.0.1:$port" "$series" "$interval" "$steady")
    kill "$watch" 2>/dev/null || true
    wait "$watch" 2>/dev/null || :
    cpu=$(processor)
    peak=$(memory VmHWM)
    rss=$(awk '{ all[NR] = $1 } END { for (i = int(NR / 2) + 1; i <= NR; i++) print all[i] }' "$folder.rss" |
        sort -n | awk '{ all[NR] = $1 } END { print NR ? all[int((NR + 1) / 2)] : 0 }')
    # What is in memory only is written at an orderly end.
    stop
    bytes=$(du -sb "$folder" | cut -f1)
    rm -rf "$folder"
    echo "== $program: $series_flat series, flat out for $flat s" >&2
    start "$program" "$folder"
    flat_out=$("$target/load" "127.0.0.1:$port" "$series_flat" 0 "$flat")
    flat_cpu=$(processor)
    stop
    rm -rf "$folder"
    version=$(case $program in
        auscult) git describe --always --dirty 2>/dev/null || echo unknown ;;
        prometheus) prometheus --version 2>&1 | awk 'NR == 1 { print $3 }' ;;
        victoria-metrics) dpkg-query -W -f '${Version}' victoria-metrics 2>/dev/null || echo unknown ;;
        esac)
    printf '{"program":"%s","version":"%s","cpu":%s,"peak_kib":%s,"rss_kib":%s,"bytes":%s,"flat_cpu":%s,"load":%s,"flat":%s}\n' \
        "$program" "$version" "$cpu" "$peak" "$rss" "$bytes" "$flat_cpu" "$load" "$flat_out" >>"$results"
done

python3 bench/ingest.py "$results" "$out" "$series" "$interval" "$profile"
rm -f "$results"
echo "$out is written" >&2
