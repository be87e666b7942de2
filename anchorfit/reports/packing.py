"""Arrays and pictures as text inside a page."""

from __future__ import annotations

import base64
import gzip
import io
from typing import Any

import numpy as np
from PIL import Image

STEPS = 65535  # of 16 bits


def pack_bytes(data: bytes) -> str:
    """gzip, then base64: what ``unpack`` of the page's script undoes. The same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def pack_vertices(vertices: np.ndarray) -> dict[str, Any]:
    """Vertices (V, 3) in 16 bits a coordinate over their bounding box: 0.02 mm for a person of 1.8 m.

    Returns:
        ``low`` and ``span`` of the box (3,), and ``steps``, packed little-endian.
    """
    low = vertices.min(0)
    span = np.maximum(vertices.max(0) - low, 1e-9)
    steps = np.rint((vertices - low) / span * STEPS).astype("<u2")
    return {"low": low.tolist(), "span": span.tolist(), "steps": pack_bytes(steps.tobytes())}


def picture_source(image: np.ndarray, quality: int = 82) -> str:
    """(H, W, 3) uint8 RGB as a data URL of a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
