"""WHAM's ``wham_output.pkl``, by person: ``pose`` and ``trans`` before a camera of f = the diagonal.

``pose_world`` and ``trans_world`` are in a world of gravity, y up. WHAM's own evaluation gives ``trans_world`` to the
body model as its translation, and so it is read here; its viewer puts the middle of the hips there. Image names are not
in it: frames count from 0.
"""

from __future__ import annotations

from ..arrays import named_numbers, need_rows, stated_world, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import GivenBodies, ResultFile, given_bodies

_NEEDED = ("pose", "trans", "betas", "frame_ids", "trans_world")


def _read(stored: StoredResult) -> ResultFile:
    parts, problems = [], []
    for track, held in stored.records.items():
        rotations = whole_body(turns(held, "pose"))
        need_rows(held, len(rotations), "trans", "betas", "frame_ids")
        frames = named_numbers(held, "frame_ids", None)
        world, wrong = stated_world(held, "pose_world", "trans_world", len(rotations))
        part = given_bodies(
            "WHAM",
            Pinhole.of(named_numbers(held, "trans", None, 3)),
            rotations,
            named_numbers(held, "betas", None, None),
            gender="neutral",
            tracks=[track] * len(frames),
            frames=frames,
            world=world,
        )
        parts.append(part)
        problems += [f"person {track}: {line}" for line in wrong]
    return ResultFile(GivenBodies.concatenate(parts), problems=tuple(problems))


FORMAT = ResultFormat(name="WHAM", recognises=lambda s: s.each_has(*_NEEDED), read=_read)
