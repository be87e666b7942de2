"""The 91 landmarks of Unite the People, which Table 2's reduced set is judged by: 12 joints and 79 vertices of SMPL.

Which vertices is told by a file of that project (``models/pose/landmarks.pkl``: a pickled dictionary, name -> vertex).
It is not part of this package. The 12 joints are LSP's without neck and top of the head, regressed from the posed
surface as that project does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..body import SMPL_JOINTS, BodyModel
from ..body.unpickling import load_pickle_safely
from ..observations.conventions import LSP14
from .metrics.pose import mean_point_error, root_aligned

JOINTS = tuple(name for name in LSP14 if name in SMPL_JOINTS and name != "neck")
VERTICES = 79
SMPL_VERTICES = 6890
ORIGIN = "take models/pose/landmarks.pkl of https://github.com/classner/up (CC BY-NC 4.0) and name it by --landmarks"


class LandmarkFileError(ValueError):
    """A file that does not name the 79 vertices; one line."""


@dataclass(frozen=True, kw_only=True)
class SurfaceLandmarks:
    """Points of SMPL: the joints `JOINTS`, and vertices."""

    vertices: tuple[int, ...]

    def points(self, body: BodyModel, params: Tensor) -> Tensor:
        """(B, 12 + 79, 3) metres from the pelvis, of bodies (B, D)."""
        posed = body.from_params(params.to(body.v_template))
        regressed = body.joint_regressor[[SMPL_JOINTS.index(name) for name in JOINTS]].to_dense() @ posed.vertices
        points = torch.cat([regressed, posed.vertices[:, list(self.vertices)]], dim=1)
        return root_aligned(points, posed.joints[:, 0])

    def errors_mm(self, body: BodyModel, params: Tensor, true_body: BodyModel, truth: Tensor) -> Tensor:
        """(B,) mean distances over all landmarks, pelvis joints laid together; NaN where params are."""
        return 1000 * mean_point_error(self.points(body, params), self.points(true_body, truth).to(params))


def load_surface_landmarks(path: str | Path, body: BodyModel) -> SurfaceLandmarks:
    """Read ``landmarks.pkl``; nothing in it is run.

    Args:
        path: of the file.
        body: that they are to be taken of.
    Raises:
        FileNotFoundError: no such file.
        LandmarkFileError: not 79 names with vertices of SMPL, or the body has another surface than SMPL's.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of landmarks; {ORIGIN}")
    if body.num_vertices != SMPL_VERTICES:
        raise LandmarkFileError(
            f"{path}: names vertices of SMPL, which has {SMPL_VERTICES}; this body has {body.num_vertices}"
        )
    try:
        content = load_pickle_safely(path)
        vertices = tuple(int(vertex) for vertex in content.values())
    except (AttributeError, TypeError, ValueError) as error:
        raise LandmarkFileError(f"{path}: not a dictionary of vertices ({error}); {ORIGIN}") from error
    if len(vertices) != VERTICES or not all(0 <= vertex < SMPL_VERTICES for vertex in vertices):
        raise LandmarkFileError(
            f"{path}: expected {VERTICES} vertices below {SMPL_VERTICES}, got {len(vertices)}; {ORIGIN}"
        )
    return SurfaceLandmarks(vertices=vertices)
