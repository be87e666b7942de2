"""SMPLify's pickles (also those that `BodyEstimate.save_smplify` writes): cam_t, f, pose, betas of one person.

The camera looks through the image's middle. The public code's LSP demo enlarged images twice: its f and its middle are
those of the enlarged image, which the file does not say.
"""

from __future__ import annotations

import numpy as np
import torch

from ....body.parameters import NUM_POSE
from ....body.unpickling import is_pickle
from ..arrays import named_numbers, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies


def _recognises(stored: StoredResult) -> bool:
    """Also of pickles that lack the camera, which is said when they are read."""
    if not stored.has("pose", "betas"):
        return False
    alone = np.size(stored.content["pose"]) == NUM_POSE and not stored.has("camera") and is_pickle(stored.path)
    return stored.has("cam_t", "f") or alone


def _read(stored: StoredResult) -> ResultFile:
    lacking = [key for key in ("cam_t", "f") if not stored.has(key)]
    if lacking:
        raise ResultFileError(f"no camera ({', '.join(lacking)}); SMPLify's results have cam_t and f")
    content = {key: torch.as_tensor(stored.content[key]).double()[None].numpy() for key in ("pose", "betas", "cam_t")}
    focal = torch.as_tensor(stored.content["f"]).double().reshape(-1)[:1]
    camera = Pinhole.of(named_numbers(content, "cam_t", 1, 3), focal)
    bodies = given_bodies(
        "SMPLify",
        camera,
        whole_body(turns(content, "pose")),
        named_numbers(content, "betas", 1, None),
        images=[stored.path.stem],
    )
    return ResultFile(bodies)


FORMAT = ResultFormat(name="SMPLify", recognises=_recognises, read=_read)
