#!/usr/bin/env bash
# Builds llama.cpp's server from the source that PyPI has, and writes a tiny model for it to serve.
# usage: examples/llama-cpp/install.sh [FOLDER]   (unless told: auscult/llama-cpp in the user's cache)
#
# FOLDER then holds llama-server and tiny.gguf; where they are made of these very files already, nothing
# is done. Needs Python 3 with venv, a C++ compiler and make. No root; nothing else is written to.
set -euo pipefail
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/auscult/llama-cpp}
mkdir -p "$folder"
folder=$(realpath "$folder")
cd "$(dirname "$0")"

made_of=$(cat install.sh model.py requirements.txt source.txt | sha256sum | cut -d' ' -f1)
is_made() { [ -x "$folder/llama-server" ] && [ "$(cat "$folder/made_of" 2>/dev/null)" = "$made_of" ]; }
# Who comes second waits, and finds it done.
exec 9>"$folder/lock"
flock 9
if ! is_made; then
    for tool in python3 make c++; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: install it, then run this again" >&2; exit 1; }
    done
    work=$(mktemp -d "$folder/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m venv "$work/venv"
    pip=("$work/venv/bin/pip" --disable-pip-version-check --quiet)
    "${pip[@]}" install --require-hashes --only-binary :all: --requirement requirements.txt
    "${pip[@]}" download --require-hashes --no-deps --no-build-isolation --no-binary llama-cpp-python \
        --requirement source.txt --dest "$work"
    mkdir "$work/source"
    tar --extract --file "$work"/llama_cpp_python-*.tar.gz --directory "$work/source" --strip-components=3 \
        --wildcards '*/vendor/llama.cpp/*'
    # Not optimised: with so small a model the compiler takes far longer than the server ever will.
    off=(BUILD_SHARED_LIBS GGML_NATIVE GGML_OPENMP GGML_CCACHE GGML_LLAMAFILE GGML_CPU_REPACK LLAMA_ALL_WARNINGS
        LLAMA_OPENSSL LLAMA_BUILD_TESTS LLAMA_BUILD_EXAMPLES LLAMA_BUILD_APP LLAMA_BUILD_UI LLAMA_USE_PREBUILT_UI)
    options=("${off[@]/#/-D}")
    options=("${options[@]/%/=OFF}")
    "$work/venv/bin/cmake" -S "$work/source" -B "$work/build" -G "Unix Makefiles" -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_FLAGS=-O0 -DCMAKE_CXX_FLAGS=-O0 "${options[@]}" >"$work/cmake.log" 2>&1 ||
        { tail -n 30 "$work/cmake.log" >&2; exit 1; }
    nice -n 10 make -C "$work/build" -j"${JOBS:-2}" llama-server >"$work/make.log" 2>&1 ||
        { tail -n 30 "$work/make.log" >&2; exit 1; }
    python3 model.py "$work/tiny.gguf"
    strip "$work/build/bin/llama-server" 2>/dev/null || true
    rm -f "$folder/made_of"
    mv "$work/build/bin/llama-server" "$work/tiny.gguf" "$folder"
    echo "$made_of" >"$folder/made_of"
fi
echo "$folder/llama-server"
echo "$folder/tiny.gguf"
