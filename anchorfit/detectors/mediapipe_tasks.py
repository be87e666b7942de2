"""MediaPipe's Tasks API: any release, with networks from a ``.task`` file that the user has.

Documentation: https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker/python, where the files are, too.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..observations.people import PeopleFile, Person
from .blazepose import finished, person_from_landmarks
from .mediapipe_package import loading, release
from .quiet import quiet
from .search import Search
from .suppression import suppress
from .windows import Window, windows

MOST_IN_A_WINDOW = 10


class MediapipeTask:
    """A detector, with networks from a ``.task`` file.

    The landmarker takes several people by itself; small ones are found in windows, as with the bundled networks.

    Args:
        model: the file, such as pose_landmarker_full.task.
        search: how thoroughly to look.
    Raises:
        ImportError: MediaPipe, or a release with the Tasks API, is not installed.
        FileNotFoundError, ValueError: no such file, or none that MediaPipe takes.
    """

    def __init__(self, model: str | Path, search: Search = Search()) -> None:
        model = Path(model)
        if not model.is_file():
            raise FileNotFoundError(f"{model}: no such model; MediaPipe's page on its pose landmarker has .task files")
        with loading():
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        self.search, self.model = search.at_least(1), model
        self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.IMAGE,
            num_poses=MOST_IN_A_WINDOW,
            output_segmentation_masks=True,
        )
        try:
            with quiet():
                self._landmarker: Any = vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError, OSError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise ValueError(f"{model}: MediaPipe does not take this as a pose landmarker ({reason})") from error
        # Left to itself, it closes when Python has taken down what it needs for that: a traceback with 1.2.
        weakref.finalize(self, self._landmarker.close)

    @property
    def name(self) -> str:
        return f"{release()} ({self.model.name})"

    @property
    def most_people(self) -> int:
        return self.search.most_people

    def people(self, image: np.ndarray) -> PeopleFile:
        height, width = image.shape[:2]
        small = self.search.reduced(image)
        found: list[Person] = []
        with quiet():
            for level in range(self.search.most_levels + 1):
                if found and level > self.search.levels:
                    break
                for window in windows(small.shape[1], small.shape[0], level):
                    found.extend(p for p in self._seen(small, window) if (p.score or 0) >= self.search.least_score)
        return self.search.limited(
            [finished(person, i, (width, height), masks=self.search.masks) for i, person in enumerate(suppress(found))]
        )

    def _seen(self, image: np.ndarray, window: Window) -> list[Person]:
        """The people in a window, in pixels of the image."""
        left, top, right, bottom = window
        part = np.ascontiguousarray(image[top:bottom, left:right])
        result = self._landmarker.detect(self._image(image_format=self._format, data=part))
        masks = result.segmentation_masks or [None] * len(result.pose_landmarks)
        people = []
        for points, cover in zip(result.pose_landmarks, masks, strict=True):
            landmarks = np.array(
                [(left + (right - left) * p.x, top + (bottom - top) * p.y, p.visibility or 0.0) for p in points]
            )
            mask = None if cover is None else _placed(cover.numpy_view(), window, (image.shape[0], image.shape[1]))
            person = person_from_landmarks(landmarks, (image.shape[1], image.shape[0]), 1.0, mask)
            if person is not None:
                people.append(person)
        return people


def _placed(cover: np.ndarray, window: Window, shape: tuple[int, int]) -> np.ndarray:
    """The mask of a window, (H, W) or (H, W, 1) in 0..1, in the image it is a part of."""
    mask = np.zeros(shape, dtype=bool)
    left, top, right, bottom = window
    size = (right - left, bottom - top)
    values = Image.fromarray(np.ascontiguousarray(np.squeeze(cover), np.float32))
    mask[top:bottom, left:right] = np.asarray(values.resize(size, Image.Resampling.BILINEAR)) > 0.5
    return mask
