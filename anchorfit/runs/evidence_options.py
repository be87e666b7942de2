"""Options of ``anchorfit fit`` for other evidence than one photograph: points in space, several cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..options import OptionError, check_choice, check_positive, given, option, refuse_others

UNITS = ("auto", "m", "cm", "mm", "free")
UPS = ("auto", "x", "y", "z", "-x", "-y", "-z")
_SHARED = {"save", "body", "gender", "age", "height", "measure", "same_person", "video", "fps", "covariance"}
READ = {
    "points": _SHARED | {"floor", "frame"},
    "cameras": {
        *_SHARED, "keypoints", "convention", "mask", "detector", "detector_model", "thorough", "renderer",
        "opacity", "report", "restart", "workers",
    },
}  # fmt: skip
"""Options of runs that each kind of evidence reads, too, by their fields; ``keypoints`` is also that of overlays."""


@dataclass(frozen=True, kw_only=True)
class EvidenceOptions:
    """Options of points in space, and of several cameras."""

    points: str | None = option(
        None,
        takes=str,
        help="IMAGES are files of points in space (.npy, .npz, .csv, .json, .trc, .c3d): which points, smpl24, h36m17, "
        "coco17, body25, mediapipe33, kinect25, azure32, smplh22 ...; names, where the file's labels say it; or a JSON "
        "file from labels to body points (docs/points.md).",
    )
    cameras: Path | None = option(
        None,
        takes=Path,
        help="Calibrated cameras: cameras.json, EasyMocap's or COLMAP's folder, aniposelib's, FreeMoCap's, Pose2Sim's "
        "or caliscope's .toml, OpenCV's .yml. IMAGES are then folders or keypoint files by the cameras' names, and "
        "each person gets one body for all views (docs/cameras.md).",
    )
    unit: str = option(
        "auto",
        help="Unit of --points or --cameras: m, cm, mm; auto (told by the body's size); free (none: mean size).",
        only=("points", "cameras"),
    )
    up: str = option("auto", help="Axis of --points that points up: x, y, z, -x, -y, -z; auto.", only=("points",))
    noise_mm: float | None = option(
        None,
        takes=float,
        help="Standard deviation of a coordinate of --points in millimetres, where it is known; else it is found for "
        "each frame.",
        only=("points",),
    )

    @property
    def kind(self) -> str | None:
        """Which evidence there is: points, cameras, or None: photographs and their keypoints."""
        return "points" if self.points is not None else "cameras" if self.cameras is not None else None

    def check(self, *others: Any) -> None:
        """Raises OptionError for a unit or an axis that there is not, for options that this evidence does not read, or
        without it for those that only it reads.

        Args:
            others: dataclasses of further options.
        """
        for one in given(self):
            if one.only and self.kind not in one.only:
                raise OptionError(one.name, f"only with --{' or --'.join(one.only)}")
        check_choice("unit", self.unit, UNITS)
        check_choice("up", self.up, UPS)
        check_positive("noise-mm", self.noise_mm, " of millimetres")
        if self.kind is None:
            return
        if self.points is not None and self.cameras is not None:
            raise OptionError("cameras", "points in space need no cameras: leave it or --points out")
        what = {"points": "files of points are", "cameras": "several cameras are"}[self.kind]
        refuse_others(others, READ[self.kind], f"{what} fitted without it: leave it or --{self.kind} out")
