#!/usr/bin/env bash
# Counts what past incidents showed, and fits the weights of evidence to them, from simulated fleets.
# usage: crates/engine/examples/diagnose/experience.sh [FILE]   (unless told: knowledge/experience.json)
#
# Takes three quarters of an hour on two processors, and half a gigabyte of what is temporary. The same sources give
# the same bytes. One pair of faults in 64 is never learnt from (`held-out-pairs`), so that pairs can be measured.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
file=$(realpath -m "${1:-knowledge/experience.json}")
cargo build --quiet --release -p auscult-engine --example diagnose
diagnose=${CARGO_TARGET_DIR:-target}/release/examples/diagnose
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

files=()
# What is found in the incidents that the arguments name, in a file of that name.
find_out() {
    local name=$1
    shift
    echo "$name"
    "$diagnose" --findings "$work/$name" "$@" >/dev/null
    files+=("$work/$name")
}
fit() {
    "$diagnose" --learn "$1" --fit "$(IFS=,; echo "${files[*]}")"
}

# How often each statement holds.
find_out counted --numbers 201-212 --learn "$work/base.json" all
find_out counted_healthy --numbers 201-320 --learn "$work/base.json" healthy
known=(--experience "$work/base.json")
find_out more --numbers 401-420 "${known[@]}" all
find_out no_fault --numbers 501-530 "${known[@]}" lookalikes healthy
# Where not all is known.
find_out third_missing --numbers 431-438 --without 0.333 "${known[@]}" all
find_out most_missing --numbers 439-446 --without 0.667 "${known[@]}" all
find_out early --numbers 451-460 --look early "${known[@]}" all
find_out half_exporters --numbers 461-466 --exporters some "${known[@]}" all
find_out small_early --numbers 471-482 --fleet small --look early "${known[@]}" all
find_out small_half_exporters --numbers 483-494 --fleet small --exporters some "${known[@]}" all
# Two at once, by one who knows that much already: also what is left beside the one that is found.
cp "$work/base.json" "$work/one.json"
fit "$work/one.json"
find_out pairs --numbers 705-705 --experience "$work/one.json" pairs
cp "$work/base.json" "$work/both.json"
fit "$work/both.json"
mv "$work/both.json" "$file"
