"""Human2D as a detector: keypoints and masks of people whom something else found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ..body.joint_sets import CANONICAL_JOINTS
from ..observations.detectors import Detector, Search, installed_detectors, load_detector
from ..observations.masks import StoredMask, mask_to_run_lengths
from ..observations.people import Person
from .human2d import INPUT_SIZE, OUTPUT_SIZE, Human2D, Sight, see
from .image_crops import Framing
from .weights import load_human2d_network

LEAST_SURE = 0.1
"""Heatmap maxima below this are no joints."""


@dataclass(frozen=True, kw_only=True)
class Human2DDetector:
    """A detector for `anchorfit.detect`.

    Attributes:
        network: trained, in evaluation mode.
        finder: whose boxes are looked at; None takes every picture for one person's.
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
        return 2 if self.finder is None else self.finder.most_people

    def people(self, image: np.ndarray) -> list[Person]:
        height, width = image.shape[:2]
        boxes = [(0.0, 0.0, float(width), float(height))]
        if self.finder is not None:
            boxes = [person.box for person in self.finder.people(image) if person.box is not None]
        if not boxes:
            return []
        framings = [Framing.around(box, INPUT_SIZE) for box in boxes]
        device = next(self.network.parameters()).device
        pictures = torch.from_numpy(np.stack([framing.cut(image) for framing in framings])).to(device)
        sight = see(self.network, pictures.permute(0, 3, 1, 2).float() / 255, flip=self.flip, half=self.half)
        people = [self._person(sight, row, framing, (width, height)) for row, framing in enumerate(framings)]
        seen = [person for person in people if person is not None]
        return [replace(person, person_id=str(number)) for number, person in enumerate(seen)]

    def _person(self, sight: Sight, row: int, framing: Framing, size: tuple[int, int]) -> Person | None:
        positions = np.zeros((len(CANONICAL_JOINTS), 2))
        confidence = np.zeros(len(CANONICAL_JOINTS))
        chosen = [CANONICAL_JOINTS.index(name) for name in self.network.config.joints]
        sure = sight.confidence[row].cpu().double().numpy()
        places = framing.points_back(sight.positions[row].cpu().double().numpy())
        inside = (places >= 0).all(1) & (places <= size).all(1) & (sure >= LEAST_SURE)
        if inside.sum() < 2:
            return None
        positions[chosen], confidence[chosen] = np.where(inside[:, None], places, 0), np.where(inside, sure, 0)
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
    weights: str | Path | None, search: Search, *, device: torch.device | str = "cpu"
) -> Human2DDetector:
    """Human2D in the boxes of whatever other detector is installed; of the whole picture where none is.

    Args:
        weights: as `anchorfit train human2d` writes them; the package has none.
        search: how thoroughly the other detector looks.
        device: of the network; the other detector is on the CPU.
    Raises:
        ValueError: no weights are given; else as `load_human2d_network` and `load_detector`.
    """
    if weights is None:
        raise ValueError("human2d: give its weights with --detector-model; `anchorfit train human2d` makes them")
    finder = load_detector(search=replace(search, masks=False)) if installed_detectors() else None
    return Human2DDetector(network=load_human2d_network(weights).to(device), finder=finder, masks=search.masks)


def _in_image(body: np.ndarray, framing: Framing, size: tuple[int, int]) -> StoredMask:
    """The silhouette of a framing, put back where it was cut out."""
    matrix = framing._replace(size=OUTPUT_SIZE).matrix()
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the middle of the first pixel
    cover = cv2.warpAffine(body, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return StoredMask(segmentation=mask_to_run_lengths(cover > 0.5), width=size[0], height=size[1])
