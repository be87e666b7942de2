"""SMPLify-X's pickles: SMPL-X bodies before a camera of f = 5000, which the file does not say, and the image's middle.

With VPoser, which is the default there, the pose is 32 numbers of that network and no pose without it.
"""

from __future__ import annotations

import numpy as np

from ....body import matrix_to_axis_angle
from ..arrays import named_numbers, root_and_body, turns
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

FOCAL = 5000.0
VPOSER = 32


def _read(stored: StoredResult) -> ResultFile:
    content = dict(stored.content)
    if np.shape(content["body_pose"])[-1] == VPOSER:
        raise ResultFileError(
            "body_pose is VPoser's 32 numbers, which only VPoser's checkpoint decodes; run SMPLify-X with "
            "use_vposer: False, or save vposer.decode(body_pose) as body_pose (63 numbers)"
        )
    rotations = root_and_body(content)
    turn = turns(content, "camera_rotation") if "camera_rotation" in content else None
    if turn is not None and float(matrix_to_axis_angle(turn[:, 0]).norm()) > 1e-4:
        raise ResultFileError("camera_rotation: expected none; turn the body instead")
    transl = named_numbers(content, "camera_translation", None, 3)
    model = "smpl" if np.shape(content["body_pose"])[-1] == 69 else "smplx"
    bodies = given_bodies(
        "SMPLify-X",
        Pinhole.of(transl, transl.new_full((len(transl),), FOCAL)),
        rotations,
        named_numbers(content, "betas", None, None),
        model=model,
        images=[_image(stored)] * len(transl),
    )
    said = f"its focal length is not in it: {FOCAL:g} pixels, as by default there"
    return ResultFile(bodies, (said,))


def _image(stored: StoredResult) -> str:
    """``results/IMAGE/000.pkl``."""
    return stored.path.absolute().parent.name if stored.path.stem.isdigit() else stored.path.stem


FORMAT = ResultFormat(
    name="SMPLify-X", recognises=lambda s: s.has("body_pose", "global_orient", "camera_translation"), read=_read
)
