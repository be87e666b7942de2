"""MPII's annotations as JSON lists, as HRNet and Simple Baselines have them.

A list of ``image``, ``joints`` ([[x, y], ...] of 16), ``joints_vis`` (1 where annotated), ``center`` and ``scale``.
MPII counts pixels from 1, as MATLAB does; joints that were not annotated stand at (-1, -1) or (0, 0).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..gathering import Gathering, PersonEntry, triples_of
from ..people import PeopleFile
from ..reading import numbers
from .format import Content, Format
from .lsp import FIRST_PIXEL


def is_mpii_json(content: Any) -> bool:
    """Whether the content of a JSON file is HRNet's list of MPII's people."""
    if not isinstance(content, list) or not content:
        return False
    return all(
        isinstance(item, dict) and "joints" in item and isinstance(item.get("image"), str) for item in content[:9]
    )


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    for place, item in enumerate(file.json):
        try:
            if not isinstance(item, dict) or not isinstance(item.get("image"), str):
                raise ValueError("expected an object with image and joints")
            triples = gathering.scored(item, _triples(item), "joints", "joints_vis")
            joints = gathering.joints_of(len(triples))
        except ValueError as error:
            gathering.leave_out(f"person {place}", error)
            continue
        gathering.add(PersonEntry(identity=None, triples=triples, joints=joints, image=Path(item["image"])))
    return gathering.people_file(shift=FIRST_PIXEL)


def _triples(item: dict[str, Any]) -> np.ndarray:
    triples = triples_of(item["joints"], "joints").copy()
    if item.get("joints_vis") is not None:
        triples[:, 2] = numbers(item["joints_vis"], "joints_vis", len(triples))
    unseen = (triples[:, :2] < 0).all(1)
    triples[unseen] = 0
    return triples


FORMAT = Format(name="mpii", recognises=lambda file: file.is_json and is_mpii_json(file.json), read=_read)
