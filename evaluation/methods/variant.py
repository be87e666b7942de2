"""What a method is, and what it is given and judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ...body import BodyModel
from ...observations import Observations
from ..answers import MethodResult
from ..storage import Store


class Method(Protocol):
    """Takes people to bodies, B at once; rows do not influence each other."""

    def estimate(self, observations: Observations, body: BodyModel) -> MethodResult: ...


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A method, and what it is given and judged by.

    Attributes:
        make: makes the method for a body: loads it, or trains it and keeps it in the store, where there is one.
        about: one line for the help.
        keypoints: "detected"; "annotated": without a detector's noise and gaps; "none".
        masks: whether it is given masks.
        landmarks: whether it is given the 91 landmarks of `landmarks`.
        trained: whether ``make`` may take minutes the first time.
        version: changes whenever the method gives something else from the same settings; records of another version
            are not mixed with its own.
        bodies: whether it gives bodies; else joints alone.
        on_crop: on LSP its body is drawn in the crop around the person and taken back to the image, as published
            crop-based predictions are.
        timed: whether how long it takes says how fast it is; not so of results that are read from files, nor of what
            begins with them.
    """

    make: Callable[[BodyModel, Store | None], Method]
    about: str
    keypoints: Literal["detected", "annotated", "none"] = "detected"
    masks: bool = False
    landmarks: bool = False
    trained: bool = False
    version: int = 1
    bodies: bool = True
    on_crop: bool = False
    timed: bool = True

    @property
    def given(self) -> str:
        """What it is given, as tables say it."""
        keypoints = {"detected": "keypoints", "annotated": "annotated keypoints", "none": ""}[self.keypoints]
        parts = (keypoints, "masks" if self.masks else "", "91 true landmarks" if self.landmarks else "")
        return ", ".join(filter(None, parts))
