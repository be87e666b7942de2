"""Lists of numbers in little memory, exactly: most of COCO's have at most two decimals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SCALE = np.float64(100)
_RANGES = tuple((np.iinfo(kind).min / SCALE, np.iinfo(kind).max / SCALE, kind) for kind in (np.uint16, np.int32))
_SHORT = 16  # numbers of which an array is mostly its own head


@dataclass(frozen=True, slots=True)
class PackedNumbers:
    """N numbers as whole numbers of hundredths; ``numpy.asarray`` gives them as float64.

    A decimal of at most two places is the double next to hundredths / 100, to which that division rounds: what was
    read is given back to the bit (but for the sign of zero).
    """

    hundredths: np.ndarray

    def __len__(self) -> int:
        return len(self.hundredths)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self.hundredths / SCALE
        return values if dtype is None else values.astype(dtype)


def pack_numbers(values: list[Any]) -> PackedNumbers | np.ndarray:
    """Python's numbers or None (which is NaN), packed where that loses nothing, else as (N,) float64.

    Raises:
        OverflowError: a whole number beyond all doubles.
    """
    array = np.array(values, dtype=np.float64)
    if len(array) < _SHORT:
        return array
    least, most = array.min(), array.max()
    kind = next((kind for low, high, kind in _RANGES if low <= least and most <= high), None)
    if kind is None:  # nor where a number is not finite
        return array
    counts = np.rint(array * SCALE)
    return PackedNumbers(counts.astype(kind)) if np.array_equal(counts / SCALE, array) else array
