"""UP-3D's test set and its parts (Table 2 of Pavlakos et al. 2018)."""

from __future__ import annotations

from ...body import load_body
from ..datasets.up3d import FULL, PARTS, REDUCED_ORIGIN, open_up3d
from ..published import UP3D_ROWS
from ..records import checksum
from ..summary import LANDMARKS, POSE, SURFACE
from ..surface_landmarks import ORIGIN as LANDMARKS_ORIGIN
from ..surface_landmarks import load_surface_landmarks
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys


def _open(wanted: SetOptions) -> OpenedSet:
    dataset = open_up3d(wanted.root, reduced=wanted.reduced)
    parts = dataset.parts()
    problems = []
    unsaid = parts[FULL] - {number for part in PARTS.values() for number in parts.get(part, ())}
    if unsaid:
        problems.append(
            f"{dataset.folder}: {len(unsaid)} of {len(parts[FULL])} people have no %05d_dataset_info.txt, which says "
            "where an image is from: they are in no row but Full"
        )
    if wanted.reduced is None:
        problems.append(f"Table 2's reduced set is left out: give its list by --reduced; {REDUCED_ORIGIN}")
    if wanted.landmarks is None:
        problems.append(f"the 91 landmarks, which the reduced set is published by, are left out: {LANDMARKS_ORIGIN}")
        points, extra = None, {}
    else:
        points = load_surface_landmarks(wanted.landmarks, load_body(wanted.body))
        extra = {"sha256 of the landmarks": checksum([wanted.landmarks])}
    return OpenedSet(
        dataset=dataset,
        columns=(SURFACE, *POSE, *([] if points is None else [LANDMARKS])),
        landmarks=points,
        parts=parts,
        keys={**data_keys(dataset), **extra},
        problems=tuple(problems),
    )


BENCHMARK = BenchmarkSet(
    name="up3d",
    about="Per-vertex error on UP-3D's test set and its parts, and the reduced set's landmarks (Table 2).",
    open=_open,
    options=("reduced", "landmarks"),
    published=UP3D_ROWS,
    true_cameras=False,
)
