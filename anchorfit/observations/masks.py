"""Masks of people: polygons and run lengths as COCO stores them, and mask images.

A mask is a (height, width) bool array, True on the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .images import opened_image

MAX_MASK_PIXELS = 150_000_000


@dataclass(frozen=True, kw_only=True)
class StoredMask:
    """A mask as a file stores it, decoded each time it is asked for: a file of a million people fits in memory.

    ``numpy.asarray(mask)`` gives the (height, width) bool array; errors are those of `decode_segmentation`.

    Attributes:
        segmentation: COCO's: a list of polygons, or a run-length dictionary.
        width, height: pixels of the image.
    """

    segmentation: Any
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        return (self.height, self.width)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        mask = decode_segmentation(self.segmentation, self.width, self.height)
        return mask if dtype is None else mask.astype(dtype)


def mask_box(mask: np.ndarray) -> tuple[float, float, float, float] | None:
    """The smallest box around a mask (height, width): x, y, width, height in pixels; None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    left, top, right, bottom = (float(side) for side in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return left, top, right - left, bottom - top


def decode_segmentation(segmentation: Any, width: int, height: int) -> np.ndarray:
    """COCO's ``segmentation`` of any kind -> (height, width) bool.

    Args:
        segmentation: a list of polygons [[x0, y0, x1, y1, ...], ...], or {"size": [height, width], "counts": ...} with
            counts as a list (uncompressed) or a string (compressed).
    Raises:
        ValueError: it is none of these, is inconsistent, or is of another size than the image.
    """
    polygons, counts = _parse(segmentation, width, height)
    return _fill_all(polygons, width, height) if counts is None else _expand(counts, width, height)


def polygons_to_mask(polygons: list[Any], width: int, height: int) -> np.ndarray:
    """The union of polygons, as COCO merges the parts of a person: a pixel is in if its centre is inside one of them.

    Inside one polygon the even-odd rule holds. COCO's polygons have no holes: where it needs one it stores run lengths.
    pycocotools rounds outlines to a fifth of a pixel, so single pixels on the outline may differ from it.

    Args:
        polygons: each x0, y0, x1, y1, ... in pixels, (0, 0) the image's top-left corner; they may leave the image.
    Returns:
        (height, width) bool.
    Raises:
        ValueError: a polygon has an odd number of coordinates, fewer than three corners, or one that is not finite.
    """
    return _fill_all([_corners(polygon) for polygon in polygons], width, height)


def run_lengths_to_mask(counts: Any, width: int, height: int) -> np.ndarray:
    """Run lengths in COCO's order (columns from left to right, each from top to bottom, background first) -> mask.

    Args:
        counts: a list of run lengths, or COCO's compressed string (str or ASCII bytes).
    Returns:
        (height, width) bool.
    Raises:
        ValueError: a run is negative, or they do not sum to width * height.
    """
    return _expand(_checked_counts(counts, width, height), width, height)


def mask_to_run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """(height, width) bool -> COCO's uncompressed {"size": [height, width], "counts": [...]}; inverse of decoding."""
    flat = mask.T.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(edges).tolist()
    return {"size": [int(side) for side in mask.shape], "counts": [0, *counts] if flat[:1].any() else counts}


def decompress_counts(text: str | bytes) -> list[int]:
    """COCO's compressed string -> run lengths.

    Each number is written in groups of 5 bits, lowest first, one character (code + 48) a group, with bit 5 set while
    more follow and the sign in bit 4 of the last; from the fourth number on it is the difference to the one two before.
    Source: rleFrString in the public COCO API (maskApi.c).

    Raises:
        ValueError: a character is outside that alphabet, or the string ends inside a number.
    """
    codes = text.encode("utf-8") if isinstance(text, str) else text
    counts: list[int] = []
    value, shift = 0, 0
    for code in codes:
        group = code - 48
        if not 0 <= group < 64:
            raise ValueError(f"mask: {chr(code)!r} is not a character of COCO's compressed run lengths")
        if shift > 60:
            raise ValueError("mask: a number of COCO's compressed run lengths does not end")
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError("mask: COCO's compressed run lengths end inside a number; the file is cut short")
    return counts


def read_mask(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a mask image: grey, palette (its index counts) or colour; foreground is whatever is above 0.

    An alpha channel counts only where the image has no other content than it (all colours equal).

    Args:
        size: (width, height) of the photograph, to be checked against.
    Returns:
        (height, width) bool.
    Raises:
        FileNotFoundError, ImageFileError: as `images.read_image`.
        ValueError: the mask is of another size than the photograph.
    """
    path = Path(path)
    with opened_image(path) as image:
        values = np.asarray(image)
        has_alpha = image.mode in ("LA", "RGBA")
    if size is not None and (values.shape[1], values.shape[0]) != tuple(size):
        raise ValueError(
            f"{path}: the mask is {values.shape[1]} x {values.shape[0]} pixels, the image {size[0]} x {size[1]}; "
            "make the mask for this image"
        )
    if values.ndim == 2:
        return values > 0
    if has_alpha:
        colour, alpha = values[..., :-1], values[..., -1]
        plain = bool((colour == colour[:1, :1]).all())
        return alpha > 0 if plain else (colour > 0).any(axis=-1) & (alpha > 0)
    return (values > 0).any(axis=-1)


def find_mask(image: str | Path, folder: str | Path | None = None) -> Path | None:
    """The mask image that belongs to a photograph, or None.

    NAME_mask.png, NAME_segmentation.png (as the LSP segmentations are called) or NAME.png, in ``folder``, or beside the
    photograph (there NAME.png could be the photograph itself and is not taken).
    """
    image = Path(image)
    place = image.parent if folder is None else Path(folder)
    suffixes = ("_mask.png", "_segmentation.png") if folder is None else ("_mask.png", "_segmentation.png", ".png")
    return next((path for suffix in suffixes if (path := place / (image.stem + suffix)).is_file()), None)


def mask_problem(mask: np.ndarray | StoredMask, size: tuple[int, int]) -> str | None:
    """Why a mask cannot be used for an image of that (width, height), or None; nothing is decoded for it."""
    width, height = size
    if not (isinstance(mask, StoredMask) or (isinstance(mask, np.ndarray) and mask.dtype.kind in "biuf")):
        came = f"an array of {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        return f"expected a mask as a (height, width) bool array or a StoredMask, got {came}"
    if tuple(mask.shape) != (height, width):
        return f"expected a mask of {width} x {height} pixels as the image, got shape {tuple(mask.shape)}"
    if isinstance(mask, StoredMask):
        try:
            _parse(mask.segmentation, width, height)
        except ValueError as error:
            return str(error)
    return None


def check_mask(mask: np.ndarray | StoredMask, size: tuple[int, int], name: str) -> np.ndarray:
    """The mask as a (height, width) bool array of exactly the image's size; ``name`` is whose it is.

    Raises:
        ValueError: it is of another size, or cannot be decoded.
    """
    problem = mask_problem(mask, size)
    if problem is not None:
        raise ValueError(f"{name}: {problem}")
    return np.asarray(mask) > 0


def _parse(segmentation: Any, width: int, height: int) -> tuple[list[np.ndarray], list[int] | None]:
    """The polygons' corners, or the run lengths, after every check that needs no pixels."""
    if not (width > 0 and height > 0 and width * height <= MAX_MASK_PIXELS):
        raise ValueError(f"mask: expected an image size up to {MAX_MASK_PIXELS} pixels, got {width} x {height}")
    if isinstance(segmentation, list):
        return [_corners(polygon) for polygon in segmentation], None
    if isinstance(segmentation, dict) and {"size", "counts"} <= segmentation.keys():
        if segmentation["size"] not in ([height, width], (height, width)):
            raise ValueError(f"mask: expected size [{height}, {width}] as the image, got {segmentation['size']}")
        return [], _checked_counts(segmentation["counts"], width, height)
    kind = type(segmentation).__name__
    raise ValueError(f"mask: expected a list of polygons or a dictionary with size and counts, got {kind}")


def _checked_counts(counts: Any, width: int, height: int) -> list[int]:
    if isinstance(counts, (str, bytes)):
        counts = decompress_counts(counts)
    elif not (isinstance(counts, list) and all(type(count) is int for count in counts)):
        raise ValueError("mask: expected run lengths as a list of whole numbers or a compressed string")
    if any(count < 0 for count in counts) or sum(counts) != width * height:
        raise ValueError(
            f"mask: expected run lengths that sum to {width} x {height} = {width * height}, got {sum(counts)}"
        )
    return counts


def _expand(counts: list[int], width: int, height: int) -> np.ndarray:
    values = np.arange(len(counts)) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, counts).reshape(width, height).T)


def _corners(polygon: Any) -> np.ndarray:
    try:
        corners = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("mask: expected polygons of numbers x0, y0, x1, y1, ...") from error
    if corners.ndim != 1 or corners.size % 2 or corners.size < 6 or not np.isfinite(corners).all():
        raise ValueError(f"mask: expected polygons of at least 3 finite x, y pairs, got one of {corners.size} numbers")
    return corners.reshape(-1, 2)


def _fill_all(polygons: list[np.ndarray], width: int, height: int) -> np.ndarray:
    mask = np.zeros((height, width), dtype=bool)
    for corners in polygons:
        # Only the window that the polygon reaches is worked on: people are small in most images.
        left, top = (int(value) for value in np.clip(np.floor(corners.min(axis=0)), 0, (width, height)))
        right, bottom = (int(value) for value in np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)))
        if left < right and top < bottom:
            mask[top:bottom, left:right] |= _fill(corners - (left, top), right - left, bottom - top)
    return mask


def _fill(corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """Even-odd fill at pixel centres: each edge flips every pixel to the right of where it crosses the pixel's row."""
    (x0, y0), (x1, y1) = corners.T, np.roll(corners, -1, axis=0).T
    # An edge crosses the rows whose centre is in [low, high): half-open, so a corner of two edges counts once.
    first, last = (
        np.clip(np.ceil(bound(y0, y1) - 0.5), 0, height).astype(np.int64) for bound in (np.minimum, np.maximum)
    )
    rows_of = last - first
    edge = np.repeat(np.arange(len(corners)), rows_of)  # one entry for each crossing
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows_of) - rows_of, rows_of) + first[edge]
    x = x0[edge] + (row + 0.5 - y0[edge]) * ((x1 - x0)[edge] / (y1 - y0)[edge])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    flips = np.bincount(row * (width + 1) + column, minlength=height * (width + 1)).reshape(height, width + 1)
    odd = (flips[:, :width] % 2).astype(bool)
    return np.logical_xor.accumulate(odd, axis=1)
