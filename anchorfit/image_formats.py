"""Pictures told by their first bytes, and opened by Pillow as what these say.

No other of Pillow's readers is tried: some run programs, or are hardly used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from .options import install_command

HEAD = 512  # bytes that tell a format
_BOXES = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # HEIF's major brands
_STARTS = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BMP"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"P[1-6]\s+[#0-9]", "PPM"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG2000"),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
)
_MISSING = {
    "AVIF": "AVIF is not read by this Pillow: pip install 'pillow>=11.3', or convert it to JPEG or PNG",
    "HEIF": "HEIC is not read without another package: "
    f"{install_command('heif', 'pillow-heif')}, or convert it to JPEG "
    "or PNG",
}
_REDUCED, _SUBFILE = 1, 254  # TIFF 6.0, NewSubfileType: a smaller version of another picture in the file


class UnreadFormatError(ValueError):
    """A picture of a format that is not read here; one line that says what to do, without the path."""


def image_format(path: Path) -> str | None:
    """The picture format that a file's first bytes are of, whatever its name; None for other files.

    Pillow's name, or JPEG XL. Raises nothing: a file that cannot be read is of none.
    """
    try:
        with path.open("rb") as stream:
            return format_of(stream.read(HEAD))
    except OSError:
        return None


def format_of(head: bytes) -> str | None:
    """As `image_format`, of the first bytes."""
    if head[4:8] == b"ftyp":
        brands = [head[start : start + 4] for start in range(8, min(int.from_bytes(head[:4], "big"), len(head)), 4)]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        return "HEIF" if brands and brands[0] in _BOXES else None
    return next((name for pattern, name in _STARTS if re.match(pattern, head, re.DOTALL)), None)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """The picture with its header read, of one of the formats `READ`.

    Raises:
        UnreadFormatError: it is a picture of another format.
        OSError, ...: whatever Pillow raises of what is missing, damaged, or no picture.
    """
    kind = image_format(path)
    if kind is None:
        raise UnidentifiedImageError(str(path))
    if not _has_reader(kind):
        raise UnreadFormatError(_MISSING.get(kind, f"{kind} is not read; convert it to JPEG or PNG"))
    with Image.open(path, formats=(kind,)) as image:
        if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_SUBFILE, 0) & _REDUCED:
            raise UnreadFormatError(
                "the picture in it is a small preview, as in cameras' raw files; convert it to JPEG"
            )
        yield image


def _has_reader(kind: str) -> bool:
    """Whether this Pillow reads a format, perhaps by another package."""
    Image.preinit()
    if kind not in Image.OPEN:
        Image.init()
    if kind == "HEIF" and kind not in Image.OPEN and find_spec("pillow_heif"):
        with suppress(ImportError):
            import pillow_heif

            pillow_heif.register_heif_opener()
    return kind in Image.OPEN
