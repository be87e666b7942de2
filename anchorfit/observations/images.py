"""Photographs in and pictures out: always uint8 RGB, turned as the photographer held the camera.

Pillow does the work: unlike OpenCV it says when a file is truncated, reads a size from the header alone, takes any
path, and needs no system library.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..atomic import write_atomically
from ..image_formats import HEAD, UnreadFormatError, image_format, open_image

IMAGE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "bmp", "webp", "tif", "tiff", "gif", "ppm", "pgm"),
        *("jp2", "j2k", "jxl", "avif", "heic", "heif", "hif"),
    )
)
"""Names that promise an image: what is none in spite of it is told of, not passed over."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".mts"})

MAX_PIXELS = 150_000_000
"""Images beyond this are refused rather than let fill the memory (0.45 GB as RGB); Pillow stops at 179 million."""

ORIENTATION = 0x0112
_FORMAT_OPTIONS: dict[str, dict[str, int]] = {
    "JPEG": {"quality": 92},
    # zlib's first level and run lengths: a quarter to a half of the time, a photograph's file stays as large.
    "PNG": {"compress_level": 1, "compress_type": 3},
}

SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""


class ImageFileError(ValueError):
    """A file that is there but is no usable image; the message is one line that names it."""


def read_image(path: str | Path, *, enough: int | None = None) -> np.ndarray:
    """Read an image as displayed.

    EXIF orientation is applied. Grey, palette and CMYK become RGB; 16 bits keep their upper 8; what is transparent
    is composited over white; of an animation the first frame counts.

    Args:
        path: of the file.
        enough: pixels of the longer side that do: a JPEG may then come at a half, a quarter or an eighth of its size,
            not smaller than that, in a part of the time.
    Returns:
        (height, width, 3) uint8 RGB, C-contiguous, owned by the caller.
    Raises:
        FileNotFoundError: no such file, or a folder.
        ImageFileError: empty, truncated, not an image, a video, too large.
    """
    path = Path(path)
    with opened_image(path) as image:
        if enough is not None:
            longest = max(image.size)
            width, height = (-(-side * min(enough, longest) // longest) for side in image.size)
            image.draft(None, (width, height))
        return np.array(_as_rgb(_upright(image), path), dtype=np.uint8)


def image_size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels as displayed (EXIF orientation applied), from the file's header alone.

    Raises:
        FileNotFoundError, ImageFileError: as `read_image`; a file truncated after its header passes here.
    """
    with opened_image(Path(path)) as image:
        width, height = image.size
        return (height, width) if _orientation(image) in SIDEWAYS else (width, height)


def is_turned_sideways(path: str | Path) -> bool:
    """Whether the file stores its picture lying, for EXIF's orientation to turn it; False of what cannot be read."""
    try:
        with opened_image(Path(path)) as image:
            return _orientation(image) in SIDEWAYS
    except (OSError, ValueError):
        return False


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write (height, width, 3) uint8 RGB or (height, width) uint8 grey; the suffix says the format. All or nothing.

    Raises:
        ValueError: the array is not such an image, or the suffix names no format.
        OSError: the folder is missing, read-only or full; one line that names the file.
    """
    path = Path(path)
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or image.size == 0:
        raise ValueError(
            f"image: expected uint8 (height, width, 3) or (height, width), got {image.dtype} {image.shape}"
        )
    file_format = Image.registered_extensions().get(path.suffix.lower())
    if file_format is None:
        raise ValueError(f"{path}: {path.suffix or 'no suffix'} names no image format; use .png or .jpg")
    buffer = io.BytesIO()
    options = _FORMAT_OPTIONS.get(file_format, {})
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format=file_format, **options)
    write_atomically(path, buffer.getvalue())


def is_image_path(path: Path) -> bool:
    """Whether the name looks like an image's; the content is not read."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def looks_like_image(path: Path) -> bool:
    """Whether the first bytes are an image's, or the name promises one."""
    return is_image_path(path) or image_format(path) is not None


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """The image, with its header read; whatever goes wrong inside becomes one line that names the file."""
    if os.path.isdir(path):
        raise FileNotFoundError(f"{path}: this is a folder, an image file was expected")
    if not os.path.exists(path):  # of a name that no file can have, too
        reason = "a link that leads nowhere" if os.path.islink(path) else "no such image"
        raise FileNotFoundError(f"{path}: {reason}; check the path")
    if path.stat().st_size == 0:
        raise ImageFileError(f"{path}: the image file is empty; copy it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's hints about large images and broken EXIF records: judged below
            with open_image(path) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ImageFileError(f"{path}: {width} x {height} pixels is too large; scale it down first")
                yield image
    except ImageFileError:
        raise
    except UnreadFormatError as error:
        raise ImageFileError(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{path}: {_what_it_is(path)}") from error
    except PermissionError as error:
        raise PermissionError(f"{path}: the image may not be read; check its permissions") from error
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"{path}: the image is too large ({error}); scale it down first") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError) as error:
        raise ImageFileError(f"{path}: the image is damaged or cut short ({error}); copy it again") from error


def _what_it_is(path: Path) -> str:
    if image_format(path) is not None:
        return "the image is damaged or cut short; copy it again"
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    riff_video = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    if path.suffix.lower() in VIDEO_SUFFIXES or head[4:8] == b"ftyp" or riff_video or head[:4] == b"\x1aE\xdf\xa3":
        return f"this is a video, not an image; {_how_to_give_a_video(path)}"
    if not any(byte < 9 for byte in head):
        return "this is a text file, not an image"
    return "this is not an image of a known format; convert it to JPEG or PNG"


def _how_to_give_a_video(path: Path) -> str:
    """The command line takes one by itself, and knows it by its ending."""
    known = path if path.suffix.lower() in VIDEO_SUFFIXES else path.with_suffix(".mp4")
    renamed = "" if known == path else f"name it {known.name} and "
    return f"{renamed}give it alone: anchorfit fit {known.name} (or predict)"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a broken EXIF record must not cost the picture
        return 1


def _upright(image: Image.Image) -> Image.Image:
    if _orientation(image) not in range(2, 9):
        return image
    return ImageOps.exif_transpose(image)


def _as_rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey (as I;16, or I from older files): the upper byte
        values = np.asarray(image).astype(np.int64)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise ImageFileError(f"{path}: 32-bit pixels are not read; convert it to 8 or 16 bits")
        small = image.mode == "I" and values.size and values.max() <= 255  # 32 bits that hold what 8 could
        return Image.fromarray((values if small else values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageFileError(f"{path}: floating-point pixels are not read; convert it to 8 bits")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # no copy of what may be hundreds of megabytes
