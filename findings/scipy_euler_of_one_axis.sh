#!/bin/sh
# SciPy: 1.17 refuses several angles about one axis in a flat list, which 1.16 took for several rotations.
#
# Versions: scipy 1.16.3 and 1.17.1 (Python 3.11, 2026-11-29).
# Input: Rotation.from_euler("z", ...) with [10, 20], [10] and [[10], [20]]: hinges, a column of a BVH file.
# Seen: 1.16.3 gives two rotations, one rotation in an array of one, two rotations. 1.17.1 raises a ValueError, gives a
# single rotation (shape (4,) instead of (1, 4)), and two rotations. Only nested lists mean the same in both.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
cat > angles.py <<'PYTHON'
from scipy.spatial.transform import Rotation

for angles in ([10, 20], [10], [[10], [20]]):
    try:
        print(Rotation.from_euler("z", angles, degrees=True).as_quat().shape, end=" ")
    except ValueError:
        print("ValueError", end=" ")
PYTHON
for version in 1.16.3 1.17.1; do
    venv/bin/pip install -q "scipy==$version"
    echo "$version $(venv/bin/python angles.py)" | tee -a seen.txt
done
printf '%s\n' '1.16.3 (2, 4) (1, 4) (2, 4) ' '1.17.1 ValueError (4,) (2, 4) ' | diff - seen.txt
