"""Agreement of bodies with the annotations of the people in photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..body import BodyModel
from ..body.joint_sets import CANONICAL_JOINTS
from ..observations import Person
from ..rendering import rasterize
from ..results import BodyEstimate
from .metrics.segmentation import intersection_over_union

LIMB_JOINTS = tuple(
    name for name in CANONICAL_JOINTS if name.endswith(("_shoulder", "_elbow", "_wrist", "_knee", "_ankle"))
)


class Agreement(NamedTuple):
    """One person's figures.

    Attributes:
        limb_error: mean reprojection error of the limb joints that were fitted over the height of the person's box;
            NaN without either.
        mask_iou: foreground IoU of the drawn body with the person's mask; None where there is no mask.
    """

    limb_error: float
    mask_iou: float | None


def agreement(estimate: BodyEstimate, body: BodyModel, people: Sequence[Person]) -> list[Agreement]:
    """Figures for each row of the estimate, against the person of the same name.

    Raises:
        ValueError: a row's person is not among ``people``.
    """
    by_name = {person.name: person for person in people}
    missing = [name for name in estimate.names if name not in by_name]
    if missing:
        raise ValueError(f"no such person: {', '.join(missing)}")
    return [_agreement(estimate[i], body, by_name[name]) for i, name in enumerate(estimate.names)]


def _agreement(row: BodyEstimate, body: BodyModel, person: Person) -> Agreement:
    limbs = [CANONICAL_JOINTS.index(name) for name in LIMB_JOINTS]
    errors = row.diagnostics.reprojection_px[0, limbs]
    height = person.box[3] if person.box else float("nan")
    limb_error = float(errors[torch.isfinite(errors)].mean()) / height
    if person.mask is None:
        return Agreement(limb_error, None)
    width, height_px = (int(side) for side in row.image_size[0])
    fragments = rasterize(row.bodies(body).vertices, body.faces.cpu(), row.intrinsics, (height_px, width))
    drawn = (fragments.face_ids[0] >= 0).numpy()
    return Agreement(limb_error, float(intersection_over_union(drawn, np.asarray(person.mask))))
