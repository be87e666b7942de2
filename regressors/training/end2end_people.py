"""People to refine all networks on, and others to judge by, of photographs or synthetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...body import BodyModel
from ...observations import Person
from ...options import OptionError
from ..datasets import AnnotatedPhotographs, KeptPictures, PersonCrops
from ..synthesis.other_look import unseen_pictures
from .end2end_task import Pictures

MOST_HELDOUT = 256  # people to evaluate on
BETTER = {"joints_percent": -1, "surface_mm": -1, "silhouette_iou": 1, "pck": 1, "mask_iou": 1}
"""Held-out figures, and which way they should go."""


def worsened(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """Names of the held-out figures that got worse, by a tenth at least: as they are printed."""
    both = [name for name in BETTER if name in before and name in after]
    return [name for name in both if BETTER[name] * (round(after[name], 1) - round(before[name], 1)) < 0]


class Target(NamedTuple):
    """What to refine on, and how many people that is; what to evaluate on, with true bodies where they are known."""

    pictures: Pictures
    people: int
    heldout: PersonCrops
    bodies: Tensor | None


def photographed_target(
    people: Sequence[Person], joints: tuple[str, ...], share: float, seed: int, tell: Callable[[str], None]
) -> Target:
    """Split people by photograph, so that no photograph is on both sides.

    Raises:
        OptionError: there are too few photographs to hold some out.
    """
    images = sorted({str(person.image) for person in people})
    count = round(share * len(images))
    if not 0 < count < len(images):
        raise OptionError(
            "heldout", f"{len(images)} photographs cannot be split: one at least is for training, one held out"
        )
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist()
    aside = {images[place] for place in order[:count]}
    own, others = (
        AnnotatedPhotographs(
            [p for p in people if (str(p.image) in aside) == held], joints=joints, seed=seed, tell=tell
        )
        for held in (False, True)
    )
    tested = torch.randperm(len(others.people), generator=torch.Generator().manual_seed(seed))[:MOST_HELDOUT]
    return Target(own, len(own.people), others.chosen(tested.tolist()), None)


def synthetic_target(body: BodyModel, joints: tuple[str, ...], count: int, share: float, seed: int) -> Target:
    """Synthetic pictures of another look, with the true bodies of those held out."""
    tested = max(1, round(share * count))
    annotated = unseen_pictures(body, max(1, count - tested), part="annotated", joints=joints, seed=seed)
    others = unseen_pictures(body, tested, part="heldout", joints=joints, seed=seed)
    pictures = KeptPictures([annotated.crops], joints=joints, seed=seed)
    return Target(pictures, len(pictures), others.crops, others.bodies)
