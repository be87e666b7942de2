"""The people of a benchmark as files, for methods of other programs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..atomic import write_atomically
from ..body import BodyModel
from ..observations.formats.own_npz import write_npz
from ..observations.people import Observations, Person
from .blocks import Benchmark


def write_people_seen(folder: Path, benchmark: Benchmark, body: BodyModel) -> None:
    """Write ``keypoints.npz`` (anchorfit's own layout), ``cameras.npz`` (name (N,), intrinsics (N, 3, 3) pixels) and
    ``masks/NAME.png``; the truth stays where it is.

    Raises:
        OSError: the folder cannot be written to.
    """
    people: list[Person] = []
    cameras: list[np.ndarray] = []
    (folder / "masks").mkdir(exist_ok=True)
    for index, names in enumerate(benchmark.names):
        seen = benchmark.block(index, body).detected
        people += people_of(seen)
        cameras += list(seen.intrinsics.double().cpu().numpy())
        for name, mask in zip(names, seen.masks, strict=True):
            if mask is not None:
                Image.fromarray(np.asarray(mask)).save(folder / "masks" / f"{name}.png")
    write_npz(folder / "keypoints.npz", people)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, name=[name for names in benchmark.names for name in names], intrinsics=cameras)
    write_atomically(folder / "cameras.npz", buffer.getvalue())


def people_of(seen: Observations) -> tuple[Person, ...]:
    """Observations as readers give people: one in each image."""
    return tuple(
        Person(
            person_id="0",
            keypoints=seen.keypoints[row].double().cpu().numpy(),
            confidence=seen.confidence[row].double().cpu().numpy(),
            image=Path(f"{name}.png"),
            image_size=(int(seen.image_size[row, 0]), int(seen.image_size[row, 1])),
        )
        for row, name in enumerate(seen.names)
    )
