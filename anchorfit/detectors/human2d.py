"""Human2D as a detector: keypoints and masks of people whom something else found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch

from ..body.joint_sets import CANONICAL_JOINTS
from ..observations.masks import StoredMask, mask_to_run_lengths
from ..observations.people import PeopleFile, Person
from ..regressors.human2d import INPUT_SIZE, LEAST_SURE, OUTPUT_SIZE, Human2D, Sight, fast_in_half, see
from ..regressors.image_crops import Framing
from ..regressors.weights import load_human2d_network
from .protocol import FEWEST_JOINTS, Detector

LEAST_SCORE = 0.05
"""Of a person, the mean of all joints' maxima: pictures of one colour and of noise give up to 0.035."""
LEAST_EXTENT = 0.1
"""Of the picture: a person who seems smaller in it is not looked at again."""
_TILE = 16_384  # pixels a side: OpenCV refuses more than 32767


@dataclass(frozen=True, kw_only=True)
class Human2DDetector:
    """A detector for `anchorfit.detect`.

    Attributes:
        network: trained, in evaluation mode.
        finder: whose boxes are looked at; None looks for one person in every picture, and again at where that is.
        flip, half: as `human2d.see` takes them.
        masks: whether people carry masks.
    """

    network: Human2D
    finder: Detector | None = None
    flip: bool = False
    half: bool = False
    masks: bool = True

    @property
    def name(self) -> str:
        return "human2d" if self.finder is None else f"human2d in boxes of {self.finder.name}"

    @property
    def most_people(self) -> int:
        return 1 if self.finder is None else self.finder.most_people

    def people(self, image: np.ndarray) -> PeopleFile:
        if self.finder is None:
            return PeopleFile(tuple(self._only_one(image)))
        found = self.finder.people(image)
        seen = self._seen(image, [person.box for person in found if person.box is not None])
        lost = len(found) - len(seen)
        told = (f"human2d sees too little of {lost} of the {len(found)} people that are found",) if lost else ()
        return PeopleFile(tuple(seen), (*found.problems, *told))

    def _only_one(self, image: np.ndarray) -> list[Person]:
        """The one person of a whole picture, or none."""
        height, width = image.shape[:2]
        found = self._seen(image, [(0.0, 0.0, float(width), float(height))])
        closer = [box for person in found if (box := person.box) and max(box[2:]) >= LEAST_EXTENT * max(width, height)]
        return self._seen(image, closer) or found

    def _seen(self, image: np.ndarray, boxes: list[tuple[float, float, float, float]]) -> list[Person]:
        """Those who are in boxes: x, y, width, height."""
        if not boxes:
            return []
        height, width = image.shape[:2]
        framings = [Framing.around(box, INPUT_SIZE) for box in boxes]
        device = next(self.network.parameters()).device
        pictures = torch.from_numpy(np.stack([framing.cut(image) for framing in framings])).to(device)
        sight = see(self.network, pictures.permute(0, 3, 1, 2).float() / 255, flip=self.flip, half=self.half)
        people = [self._person(sight, row, framing, (width, height)) for row, framing in enumerate(framings)]
        return _surest_first([person for person in people if person is not None])

    def _person(self, sight: Sight, row: int, framing: Framing, size: tuple[int, int]) -> Person | None:
        positions = np.zeros((len(CANONICAL_JOINTS), 2))
        confidence = np.zeros(len(CANONICAL_JOINTS))
        chosen = [CANONICAL_JOINTS.index(name) for name in self.network.config.joints]
        sure = sight.confidence[row].cpu().double().numpy()
        places = framing.points_back(sight.positions[row].cpu().double().numpy())
        inside = (places >= 0).all(1) & (places <= size).all(1) & (sure >= LEAST_SURE)
        if inside.sum() < FEWEST_JOINTS or sure.mean() < LEAST_SCORE:
            return None
        # Roots, as maxima are far below what detectors say of the same joints, for which energies are weighed: with
        # maxima as they are, some bodies left the picture.
        positions[chosen], confidence[chosen] = np.where(inside[:, None], places, 0), np.where(inside, np.sqrt(sure), 0)
        low, extent = places[inside].min(0), np.ptp(places[inside], axis=0)
        return Person(
            person_id="0",
            keypoints=positions,
            confidence=confidence,
            image_size=size,
            box=(float(low[0]), float(low[1]), float(extent[0]), float(extent[1])),
            mask=_in_image(sight.body[row].cpu().float().numpy(), framing, size) if self.masks else None,
            score=float(sure.mean()),
        )


def load_human2d_detector(
    weights: str | Path | None = None,
    *,
    finder: Detector | None = None,
    masks: bool = True,
    flip: bool = False,
    device: torch.device | str = "cpu",
) -> Human2DDetector:
    """Human2D, in half precision where the device is fast at it.

    Args:
        weights: as `anchorfit train human2d` writes them; None for those in the package.
        finder, masks, flip: as `Human2DDetector` has them.
        device: of the network.
    Raises:
        FileNotFoundError, ValueError: as `load_human2d_network`.
    """
    network = load_human2d_network(weights).to(device)
    return Human2DDetector(network=network, finder=finder, masks=masks, flip=flip, half=fast_in_half(device))


def _surest_first(people: Sequence[Person]) -> list[Person]:
    ranked = sorted(people, key=lambda person: -(person.score or 0.0))
    return [replace(person, person_id=str(number)) for number, person in enumerate(ranked)]


def _in_image(body: np.ndarray, framing: Framing, size: tuple[int, int]) -> StoredMask:
    """The silhouette of a framing, put back where it was cut out."""
    left, top, right, bottom = framing.window(size)
    matrix = framing._replace(size=OUTPUT_SIZE).matrix()
    mask = np.zeros((size[1], size[0]), bool)
    for y, x in product(range(top, bottom, _TILE), range(left, right, _TILE)):
        tile = mask[y : min(y + _TILE, bottom), x : min(x + _TILE, right)]
        moved = matrix.copy()  # OpenCV counts from the middle of the first pixel
        moved[:, 2] += matrix[:, :2] @ (x + 0.5, y + 0.5) - 0.5
        tile[:] = cv2.warpAffine(body, moved, tile.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 0.5
    return StoredMask(segmentation=mask_to_run_lengths(mask), width=size[0], height=size[1])
