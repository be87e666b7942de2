"""SMPLify's pickles (also those that `BodyEstimate.save_smplify` writes): cam_t, f, pose, betas of one person.

The camera looks through the image's middle. The public code's LSP demo enlarged images twice: its f and its middle are
those of the enlarged image, which the file does not say.
"""

from __future__ import annotations

import torch

from ..arrays import named_numbers, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies


def _read(stored: StoredResult) -> ResultFile:
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


FORMAT = ResultFormat(name="SMPLify", recognises=lambda s: s.has("pose", "betas", "cam_t", "f"), read=_read)
