"""WHAM's ``wham_output.pkl``, by person: ``pose`` and ``trans`` before a camera of f = the diagonal.

``pose_world`` and ``trans_world`` are in a world and are not read. Image names are not in it: frames count from 0.
"""

from __future__ import annotations

from ..arrays import named_numbers, need_rows, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import GivenBodies, ResultFile, given_bodies

_NEEDED = ("pose", "trans", "betas", "frame_ids", "trans_world")


def _read(stored: StoredResult) -> ResultFile:
    parts = []
    for track, held in stored.records.items():
        rotations = whole_body(turns(held, "pose"))
        need_rows(held, len(rotations), "trans", "betas", "frame_ids")
        frames = named_numbers(held, "frame_ids", None)
        part = given_bodies(
            "WHAM",
            Pinhole.of(named_numbers(held, "trans", None, 3)),
            rotations,
            named_numbers(held, "betas", None, None),
            gender="neutral",
            tracks=[track] * len(frames),
            frames=frames,
        )
        parts.append(part)
    return ResultFile(GivenBodies.concatenate(parts), ("the camera's frame is read, not the world's",))


FORMAT = ResultFormat(name="WHAM", recognises=lambda s: s.each_has(*_NEEDED), read=_read)
