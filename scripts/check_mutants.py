"""Break ten core functions, one line at a time, in a copy, and see that the tests named beside each notice.

    python scripts/check_mutants.py [NAME ...]

No part of the gate: it takes a few minutes. Exits with 1 if a mutant lives, or if a line is no longer as it is here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Mutant(NamedTuple):
    """A line of a file, what it becomes, and the tests that must fail then."""

    file: str
    line: str
    becomes: str
    tests: str


BODY, ROTATIONS = "tests/body/test_body_model.py", "tests/body/test_rotations.py"
SOLVER, RIGGED = "tests/fitting/test_least_squares.py", "tests/rigging/test_rigged_glb.py"
METRICS, MASKS = "tests/evaluation/test_metrics_pose.py", "tests/observations/test_masks.py"

MUTANTS = {
    "rotation_coefficients": [
        Mutant("anchorfit/body/rotations.py", "b = 2.0 * half_sine", "b = 1.99 * half_sine", ROTATIONS),
        Mutant("anchorfit/body/rotations.py", "c = (1.0 - a) / outside", "c = (1.0 - b) / outside", ROTATIONS),
    ],
    "pose_skeleton": [
        Mutant(
            "anchorfit/body/skinning.py",
            "return PosedSkeleton(rotations, ancestors @ steps)",
            "return PosedSkeleton(rotations, ancestors.T @ steps)",
            BODY,
        ),
        Mutant(
            "anchorfit/body/skinning.py",
            "rotations.index_select(1, parent) @ offsets[..., None]",
            "rotations[:, 1:] @ offsets[..., None]",
            BODY,
        ),
    ],
    "skin": [
        Mutant("anchorfit/body/skinning.py", "moved = joints - (rotations", "moved = joints + (rotations", BODY),
        Mutant("anchorfit/body/skinning.py", "for axis in range(3):", "for axis in range(2):", BODY),
    ],
    "project": [
        Mutant(
            "anchorfit/camera.py",
            "homogeneous = points_cam @ intrinsics.transpose(-1, -2)",
            "homogeneous = points_cam @ intrinsics",
            "tests/test_camera.py",
        ),
    ],
    "geman_mcclure": [
        Mutant(
            "fitting/robust.py",
            "return residual * share, share**3",
            "return residual * share, share**2",
            "tests/fitting/test_robust.py",
        ),
        Mutant(
            "fitting/robust.py", "(residual / sigma) ** 2", "(residual / sigma).abs()", "tests/fitting/test_robust.py"
        ),
    ],
    "minimise": [
        Mutant(
            "fitting/least_squares.py",
            "better = usable & (reduction > 0) & working",
            "better = usable & working",
            SOLVER,
        ),
        Mutant("fitting/least_squares.py", "damping * growth)", "damping / growth)", SOLVER),
    ],
    "rasterize": [
        Mutant(
            "anchorfit/rendering/rasterizer.py", 'key, "amax")', 'key, "amin")', "tests/rendering/test_rasterizer.py"
        ),
    ],
    "procrustes_aligned": [
        Mutant(
            "anchorfit/body/similarity.py",
            "torch.linalg.det(u @ vt) < 0, -1.0, 1.0",
            "torch.linalg.det(u @ vt) < 0, 1.0, 1.0",
            METRICS,
        ),
        Mutant("anchorfit/body/similarity.py", "(singular * sign).sum(dim=-1)", "singular.sum(dim=-1)", METRICS),
    ],
    "run_lengths_to_mask": [
        Mutant(
            "anchorfit/observations/masks.py",
            "np.arange(len(counts)) % 2 == 1",
            "np.arange(len(counts)) % 2 == 0",
            MASKS,
        ),
        Mutant("anchorfit/observations/masks.py", ".reshape(width, height).T", ".reshape(height, width)", MASKS),
    ],
    "few_weights": [
        Mutant("anchorfit/rigging/weights.py", "shares /= shares.sum()", "pass", RIGGED),
        Mutant("anchorfit/rigging/weights.py", "return min(found", "return max(found", RIGGED),
    ],
}


def copied(folder: Path) -> Path:
    """The tracked and new files of the checkout, as they are."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def lives(mutant: Mutant, folder: Path) -> bool:
    """Whether the tests pass in the copy with the line changed; the copy is as before afterwards.

    Raises:
        SystemExit: the line is not there, or there more than once.
    """
    path = folder / mutant.file
    whole = path.read_text()
    if whole.count(mutant.line) != 1:
        raise SystemExit(f"{mutant.file}: expected once {mutant.line!r}, found {whole.count(mutant.line)} times")
    path.write_text(whole.replace(mutant.line, mutant.becomes))
    try:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-k",
            "not validator",
            mutant.tests,
        ]
        given = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "baselines")])}
        done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    finally:
        path.write_text(whole)
    if done.returncode not in (0, 1):  # not a test that failed
        raise SystemExit(
            f"{mutant.tests}: pytest ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    return done.returncode == 0


def main() -> None:
    names = sys.argv[1:] or list(MUTANTS)
    alive = 0
    with tempfile.TemporaryDirectory() as work:
        folder = copied(Path(work))
        for name in names:
            for mutant in MUTANTS[name]:
                survived = lives(mutant, folder)
                alive += survived
                print(f"{'LIVES ' if survived else 'killed'} {name}: {mutant.line!r} -> {mutant.becomes!r}", flush=True)
    print(f"{sum(len(MUTANTS[name]) for name in names)} mutants of {len(names)} functions, {alive} alive")
    sys.exit(1 if alive else 0)


if __name__ == "__main__":
    main()
