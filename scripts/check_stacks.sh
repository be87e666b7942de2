#!/usr/bin/env bash
# The demo, from the pictures alone, and a short lane of tests in fresh environments of the oldest and the newest
# packages that setup.cfg allows and the registry serves, and of the extra "detect".
#
#   scripts/check_stacks.sh [STACK ...]
#
# STACK is KIND:PYTHON, with KIND oldest, newest, pinned (constraints.txt) or detect, and PYTHON a version or an
# interpreter; without any, oldest:3.11 newest:3.12 newest:3.13 newest:3.14 pinned:3.13 detect:3.12. A Python that is
# not there is said and passed over.
#
# Needs uv, and what uv reads from its environment holds: UV_TORCH_BACKEND=cpu takes PyTorch's CPU wheels (gigabytes
# less), UV_FIND_LINKS a folder of wheels, UV_DEFAULT_INDEX another registry. Environments lie in a temporary folder,
# which goes in the end.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- oldest:3.11 newest:3.12 newest:3.13 newest:3.14 pinned:3.13 detect:3.12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 UV_LINK_MODE=${UV_LINK_MODE:-copy}
mkdir "$work/source" "$work/lane"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$work/source"
cp -r tests docs setup.cfg "$work/lane"
failed=0

install() { # KIND PYTHON ENVIRONMENT
    uv venv -q -p "$2" "$3"
    case $1 in
        oldest) uv pip install -q -p "$3" --resolution lowest-direct "$work/source" ;;
        newest) uv pip install -q -p "$3" "$work/source" ;;
        pinned) uv pip install -q -p "$3" -c "$work/source/constraints.txt" "$work/source" ;;
        detect) uv pip install -q -p "$3" "$work/source[detect]" ;;
        *) echo "$1: expected oldest, newest, pinned or detect" >&2 && return 2 ;;
    esac
    uv pip freeze -q -p "$3" > "$work/installed"
    uv pip install -q -p "$3" -c "$work/installed" "pytest>=8" "hypothesis>=6"
}

check() { # KIND ENVIRONMENT
    (
        cd "$work/lane"
        if [ "$1" != detect ]; then
            "$2/bin/python" -P -c 'import anchorfit.cli.main, cv2; assert "libGL" not in open("/proc/self/maps").read()'
        fi
        "$2/bin/anchorfit" demo -o "$work/demo" | tail -n 14
        "$2/bin/python" -P -m pytest -q -p no:cacheprovider -m "not slow" \
            tests/detectors tests/observations tests/body tests/test_camera.py tests/test_results.py
    )
}

for stack in "$@"; do
    kind=${stack%%:*} python=${stack#*:}
    if ! uv python find --no-python-downloads -q "$python" > /dev/null 2>&1; then
        echo "== $stack: no such Python here; passed over"
        continue
    fi
    environment="$work/${kind}_$(basename "$python")"
    set +e # in a condition nothing inside would stop at its first failure
    (set -e; install "$kind" "$python" "$environment"; check "$kind" "$environment")
    verdict=$([ $? = 0 ] && echo passes || echo FAILS)
    set -e
    [ "$verdict" = passes ] || failed=1
    versions=$(grep -E '^(torch|numpy|scipy|pillow|opencv[a-z-]*|mediapipe|typer)==' "$work/installed" | paste -sd' ')
    echo "== $stack $verdict: $("$environment/bin/python" -V), $versions"
    rm -rf "$environment" "$work/demo"
done
exit $failed
