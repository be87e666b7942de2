"""Leeds Sports Pose with the segmentations of Unite the People (set ``upi-s1h``): the benchmark of Table 5.

Layout: ``data/lsp/im%04d_segmentation.png`` (foreground above 0) and ``data/lsp/im%04d_part_segmentation.png`` (labels
0..6, 255 = to be ignored); the test images are im1001 to im2000. Photographs (``im%04d.jpg``) and keypoints
(``joints.mat``, SMPLify's ``est_joints.npz``) are looked for beside them and where LSP's own archive puts them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...body.parts import IGNORE, SIX_PARTS
from ...observations.images import opened_image
from .roots import DatasetError, Origin, existing_root, lacking

ORIGIN = Origin(
    "LSP with the annotations of upi-s1h",
    "https://files.is.tuebingen.mpg.de/classner/up/ (annotations) and https://sam.johnson.io/research/lsp.html (LSP)",
    "both for research purposes; their pages have the terms",
)
TEST_NUMBERS = range(1001, 2001)
MASK, PARTS = "_segmentation.png", "_part_segmentation.png"
_NAME = re.compile(r"im(\d{4})(?:_\w+)?", re.IGNORECASE)
_FOLDERS = ("", "images", "lsp", "lsp/images", "lsp_dataset", "lsp_dataset/images", "lsp_dataset_original/images")


class LspImage(NamedTuple):
    """One image: its name (im1001), its two annotations, and the photograph where there is one."""

    name: str
    mask: Path
    parts: Path
    photograph: Path | None


class Lsp(NamedTuple):
    """The images that can be scored, in order, and one line for everything that is not as it should be."""

    root: Path
    images: tuple[LspImage, ...]
    problems: tuple[str, ...]


class Annotation(NamedTuple):
    """mask: (H, W) bool foreground; parts: (H, W) uint8 labels 0..6 and 255."""

    mask: np.ndarray
    parts: np.ndarray


def open_lsp(root: str | Path, numbers: Sequence[int] = TEST_NUMBERS) -> Lsp:
    """Find the annotations of the test images.

    Args:
        root: the folder that holds ``data/lsp``, or that folder itself.
        numbers: of the images, the test set by default.
    Raises:
        DatasetError: no such folder, or not one annotated test image in it.
    """
    root = existing_root(root, ORIGIN)
    folder = next((root / part for part in ("data/lsp", "lsp", "") if any((root / part).glob(f"im*{MASK}"))), None)
    if folder is None:
        raise lacking(root, f"data/lsp/im1001{MASK}", ORIGIN)
    inside = {path.name for path in folder.iterdir()}
    images, incomplete, missing = [], [], []
    for number in numbers:
        name = f"im{number:04d}"
        there = [name + kind in inside for kind in (MASK, PARTS)]
        if all(there):
            images.append(LspImage(name, folder / (name + MASK), folder / (name + PARTS), _photograph(root, name)))
        elif any(there):
            incomplete.append(name)
        else:
            missing.append(name)
    if not images:
        raise lacking(root, [f"im{number:04d}{kind}" for number in numbers[:2] for kind in (MASK, PARTS)], ORIGIN)
    return Lsp(root, tuple(images), tuple(_problems(folder, incomplete, missing, len(numbers))))


def read_annotation(image: LspImage) -> Annotation:
    """Both annotations of an image.

    Raises:
        FileNotFoundError, ImageFileError: a file cannot be read.
        DatasetError: they differ in size, are colour pictures, or hold other labels.
    """
    mask, parts = _read_grey(image.mask), _read_grey(image.parts)
    if mask.shape != parts.shape:
        raise DatasetError(
            f"{image.parts}: {parts.shape[1]} x {parts.shape[0]} pixels, but {image.mask.name} has "
            f"{mask.shape[1]} x {mask.shape[0]}; both come from upi-s1h at the photograph's size"
        )
    strange = sorted(set(np.unique(parts).tolist()) - {0, *SIX_PARTS, IGNORE})
    if strange:
        raise DatasetError(f"{image.parts}: labels {strange[:5]}; expected 0..6 and 255 (the six-part annotation)")
    return Annotation(mask > 0, parts.astype(np.uint8))


def lsp_name(label: str) -> str | None:
    """im1001 for what is called im1001, im1001.jpg, im1001_0 or IM1001; None for what is called otherwise."""
    match = _NAME.fullmatch(Path(label).stem)
    return f"im{match[1]}" if match else None


def find_keypoints(root: Path, name: str) -> Path | None:
    """``joints.mat`` or ``est_joints.npz`` under a root, or None."""
    places = [root / part / name for part in (*_FOLDERS, "data/lsp")]
    return next((path for path in places if path.is_file()), None)


def _photograph(root: Path, name: str) -> Path | None:
    places = [root / part for part in (*_FOLDERS, "data/lsp", "data/lsp/images")]
    return next(
        (path for place in places for end in (".jpg", ".png") if (path := place / (name + end)).is_file()), None
    )


def _read_grey(path: Path) -> np.ndarray:
    """(H, W) whole numbers; a palette's index counts; colour only where all channels are the same."""
    with opened_image(path) as image:
        mode, values = image.mode, np.asarray(image)
    if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "biu":
        raise DatasetError(f"{path}: a picture of mode {mode}; expected one channel of labels, as upi-s1h has it")
    return values


def _problems(folder: Path, incomplete: list[str], missing: list[str], wanted: int) -> list[str]:
    lines = [f"{folder}: {name} has only one of {MASK} and {PARTS}; left out" for name in incomplete]
    if missing:
        lines.append(
            f"{folder}: {len(missing)} of {wanted} test images have no annotation ({missing[0]} ... {missing[-1]}): "
            "what follows does not compare with published numbers"
        )
    return lines
