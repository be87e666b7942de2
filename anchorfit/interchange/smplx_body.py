"""The body part of SMPL-X: rotations as the ``smplx`` package takes them; its shape is another and not carried."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from ..atomic import write_atomically
from ..body import BodyModel
from ..results import BodyEstimate

NUM_BETAS = 10
_BODY_POSE = 63  # 21 joints, which SMPL and SMPL-X share; SMPL's two hands are left out

MHR_NEEDED = (
    "MHR's bodies are not written: the package mhr comes without its model, and only its own converter, "
    "tools/mhr_smpl_conversion of https://github.com/facebookresearch/MHR, knows how the two go together. It takes the "
    "licensed SMPL's bodies: fit with --body SMPL_NEUTRAL.pkl, write npz, and give it estimate.to_smplx()"
)


def smplx_arrays(estimate: BodyEstimate, body: BodyModel) -> dict[str, np.ndarray]:
    """B people: ``global_orient`` (B, 3), ``body_pose`` (B, 63), ``transl`` (B, 3), ``betas`` (B, 10), which are
    ``smplx.SMPLX``'s arguments, float32, axis-angle and metres, camera frame; and ``pelvis`` (B, 3), ``names`` (B,).

    Shape is not carried: the betas of SMPL and of the open body mean nothing to SMPL-X, so ``betas`` are 0. A model of
    another shape has its root joint elsewhere: ``transl`` here is of the body that was fitted, and
    ``pelvis - J`` is right for a model whose root joint at rest is J (``model(betas=...).joints[:, 0]``).

    Args:
        estimate: B rows.
        body: that they were made with.
    Source: SMPL-X (Pavlakos et al. 2019), whose first 22 joints are SMPL's; a body turns about its root joint.
    """
    posed = body.from_params(estimate.params.to(body.device, body.dtype))
    rows = {
        "global_orient": estimate.global_orient,
        "body_pose": estimate.body_pose[:, :_BODY_POSE],
        "transl": estimate.transl,
        "betas": torch.zeros(len(estimate), NUM_BETAS),
        "pelvis": posed.joints[:, 0],
    }
    return {
        **{name: value.detach().cpu().float().numpy() for name, value in rows.items()},
        "names": np.array(estimate.names, dtype=np.str_),
    }


def write_smplx(path: str | Path, estimate: BodyEstimate, body: BodyModel) -> None:
    """Write `smplx_arrays` as an ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **smplx_arrays(estimate, body))
    write_atomically(Path(path), buffer.getvalue())
