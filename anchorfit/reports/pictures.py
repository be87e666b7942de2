"""The pictures of a report: each person's surroundings, cut out of the photograph or of the video's frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from ..observations import read_image
from ..observations.videos import FrameReader
from .cards import Card
from .packing import picture_source
from .records import Shown

PHOTO_SIDE, PHOTO_QUALITY = 384, 68  # pixels of the longer side of a person's picture
FRAME_SIDE, FRAME_QUALITY = 288, 55  # the same of a video's frames
_MARGIN = 0.2  # of the person's extent: what is shown around a person


class CardPictures(NamedTuple):
    """Of each card the window (x, y, width, height; pixels of the image) and for each of its frames the picture, None
    where it cannot be read; and a line for each photograph or video that could not be read."""

    windows: list[list[int]]
    sources: list[list[str | None]]
    problems: list[str]


def cut_pictures(
    cards: Sequence[Card],
    shown: Shown,
    videos: Mapping[str, Path],
    progress: Callable[[int], None] = lambda done: None,
) -> CardPictures:
    """Cut out the pictures of all cards; each photograph is read once, each video once through.

    Args:
        cards: rows are those of ``shown``.
        videos: paths by the name that people are named after.
        progress: called with the number of cards finished since the last call.
    """
    windows = [_window(card, shown) for card in cards]
    pictures = CardPictures(windows, [[None] * len(card.rows) for card in cards], [])
    photographs: dict[str, list[int]] = {}
    films: dict[str, list[int]] = {}
    for number, card in enumerate(cards):
        if card.frames[0] is None:
            photographs.setdefault(shown.estimate.images[card.rows[0]], []).append(number)
        else:
            films.setdefault(card.image, []).append(number)
    for image, numbers in photographs.items():
        if image:
            _cut_photograph(Path(image), numbers, cards, shown, pictures)
        progress(len(numbers))
    for video, numbers in films.items():
        if video in videos:
            _cut_film(videos[video], numbers, cards, shown, pictures)
        progress(len(numbers))
    return pictures


def _cut_photograph(
    path: Path, numbers: Sequence[int], cards: Sequence[Card], shown: Shown, pictures: CardPictures
) -> None:
    size = shown.estimate.image_size[cards[numbers[0]].rows[0]].tolist()
    share = max(PHOTO_SIDE / max(pictures.windows[number][2:]) for number in numbers)
    try:
        photograph = read_image(path, enough=max(1, round(min(1.0, share) * max(size))))
    except (OSError, ValueError) as error:
        pictures.problems.append(f"{error}; shown without it")
        return
    for number in numbers:
        crop = _crop(photograph, pictures.windows[number], size, PHOTO_SIDE)
        pictures.sources[number][0] = picture_source(crop, PHOTO_QUALITY)


def _cut_film(path: Path, numbers: Sequence[int], cards: Sequence[Card], shown: Shown, pictures: CardPictures) -> None:
    wanted: dict[int, list[tuple[int, int]]] = {}  # cards and their places, by the frame
    for number in numbers:
        for place, frame in enumerate(cards[number].frames):
            assert frame is not None  # of a film's cards
            wanted.setdefault(frame, []).append((number, place))
    try:
        with FrameReader(path) as reader:
            for frame in sorted(wanted):
                picture = reader.frame(frame)
                if picture is None:
                    raise OSError(f"{path}: ends before frame {frame}")
                for number, place in wanted[frame]:
                    size = shown.estimate.image_size[cards[number].rows[place]].tolist()
                    crop = _crop(picture, pictures.windows[number], size, FRAME_SIDE)
                    pictures.sources[number][place] = picture_source(crop, FRAME_QUALITY)
    except (OSError, ValueError) as error:
        pictures.problems.append(f"{error}; shown without it")


def _window(card: Card, shown: Shown) -> list[int]:
    """Around the bodies and keypoints of all of the card's frames, with a margin, inside the image."""
    estimate = shown.estimate
    vertices = shown.bodies.vertices[card.rows].float()
    homogeneous = vertices @ estimate.intrinsics[card.rows].float().mT
    front = homogeneous[..., 2] > 0.05
    seen = estimate.confidence[card.rows] > 0
    pixels = torch.cat(
        [homogeneous[front][:, :2] / homogeneous[front][:, 2:], estimate.keypoints[card.rows][seen].float()]
    )
    width, height = size = estimate.image_size[card.rows[0]].tolist()
    pixels = pixels.clamp(min=torch.zeros(2), max=torch.tensor(size, dtype=torch.float32))
    if not len(pixels):
        return [0, 0, width, height]
    low, high = pixels.amin(0), pixels.amax(0)
    margin = _MARGIN * float((high - low).max())
    left, top = (max(0, int(value - margin)) for value in low.tolist())
    right, bottom = (
        min(limit, int(value + margin) + 1) for value, limit in zip(high.tolist(), (width, height), strict=True)
    )
    if right - left < 2 or bottom - top < 2:  # beyond the border
        return [0, 0, width, height]
    return [left, top, right - left, bottom - top]


def _crop(image: np.ndarray, window: Sequence[int], full: Sequence[int], longest: int) -> np.ndarray:
    """The window, in pixels of an image of the full size, of an image that may be smaller; shrunk to ``longest``."""
    height, width = image.shape[:2]
    across, down = width / full[0], height / full[1]
    x, y, w, h = window
    box = (x * across, y * down, (x + w) * across, (y + h) * down)
    share = min(1.0, longest / max(box[2] - box[0], box[3] - box[1]))
    size = (max(1, round((box[2] - box[0]) * share)), max(1, round((box[3] - box[1]) * share)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS, box=box))
