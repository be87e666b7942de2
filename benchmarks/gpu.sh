#!/usr/bin/env bash
# The CUDA tests and every bar that was named for a GPU, in at most eight minutes, with the torch of the machine.
#
#   benchmarks/gpu.sh [FOLDER]
#
# Where torch, numpy and the other requirements of setup.cfg are there, nothing is installed: the checkout is put on the
# path. Writes FOLDER/gpu.md (card, tests, table) and FOLDER/gpu.json; FOLDER is here without one. Without a GPU it is a
# dry run with small batches on the CPU, and says so.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.}
mkdir -p "$out"
export PYTHONPATH=$PWD:$PWD/baselines${PYTHONPATH:+:$PYTHONPATH}
python=${PYTHON:-python3}
if "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())'; then
    small=()
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
else
    echo "no GPU here: a dry run on the CPU" >&2
    small=(--device cpu --small)
fi
{
    echo "# GPU, $(date -u +%F)"
    echo
    echo '```'
    if "$python" -c 'import pytest, hypothesis' 2>/dev/null; then
        timeout 150 "$python" -m pytest -q -p no:cacheprovider -rs tests/rendering/test_gpu.py 2>&1 | tail -n 15 || true
    else
        echo "pytest and hypothesis are not installed: no tests"
    fi
    echo '```'
    echo
    timeout 300 "$python" benchmarks/bench_gpu.py "${small[@]}" --json "$out/gpu.json" || echo "| cut short | | | | |"
    if [ ${#small[@]} -gt 0 ]; then
        echo
        echo "No GPU here: a dry run on the CPU with small batches, which no bar is held against."
    fi
} | tee "$out/gpu.md"
