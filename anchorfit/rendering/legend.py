"""A line of text in the corner of a picture that says what a colour in it means, or where up is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_SHARE = 0.03  # of the picture's height for a letter
_LEAST, _MOST = 9, 100  # pixels


def label_picture(
    picture: NDArray[np.uint8], text: str, color: Sequence[float] | None = None, *, top: bool = False
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with a text on white in its left bottom corner, smaller where it is narrow.

    Args:
        picture: uint8 RGB; a new one is returned.
        color: of a swatch's stripes before the text, sRGB 0..1; None: no swatch.
        top: whether it is the top corner.
    """
    height, width = picture.shape[:2]
    letter = min(max(_SHARE * height, _LEAST), _MOST)
    while True:
        font = ImageFont.load_default(letter)
        left, upper, right, bottom = font.getbbox(text)
        gap = round(letter / 2)
        start = gap if color is None else 2 * gap + round(letter)
        size = (round(right - left) + start + gap, round(bottom - upper + 2 * gap))
        if size[0] <= width or letter < 5:
            break
        letter *= 0.9
    label = Image.new("RGB", size, "white")
    if color is not None:
        rows, columns = np.mgrid[: size[1] - 2 * gap, : round(letter)]
        stripes = (rows + columns) % max(3, letter / 3) < max(3, letter / 3) / 2
        swatch = np.where(stripes[..., None], np.uint8(255 * np.asarray(color)), np.uint8(215)).astype(np.uint8)
        label.paste(Image.fromarray(swatch), (gap, gap))
    ImageDraw.Draw(label).text((start - left, gap - upper), text, fill=(40, 40, 40), font=font)
    result = picture.copy()
    part = np.asarray(label)[-height:, :width]
    first = 0 if top else height - part.shape[0]
    result[first : first + part.shape[0], : part.shape[1]] = part
    return result
