"""C3D files as motion capture programs write them, byte by byte: no reader's own idea of the format is in them."""

import struct
from pathlib import Path

import numpy as np


def write_c3d(
    path: Path,
    points: np.ndarray,
    labels: list[str],
    *,
    units: str | None = "mm",
    missing: np.ndarray | None = None,
    first_frame: int = 1,
    rate: float = 100.0,
    scale: float = -1.0,
    processor: int = 84,
    analog_rate: float | None = None,
    words: np.ndarray | None = None,
) -> None:
    """Write points (T, P, 3); a positive scale stores integers, ``missing`` (T, P) gets a negative residual.

    ``words`` (T, P): the fourth words of points that are there, the cameras that saw a point in the high byte, its
    residual in the low one. ``analog_rate``: stated although there is no analog channel, as many programs do.
    """
    frames, count, _ = points.shape
    missing = np.zeros(points.shape[:2], bool) if missing is None else missing
    parameters = [("USED", 2, (), struct.pack("<h", count)), ("SCALE", 4, (), struct.pack("<f", scale))]
    parameters += [("RATE", 4, (), struct.pack("<f", rate)), ("FRAMES", 2, (), struct.pack("<H", frames & 0xFFFF))]
    if units is not None:
        parameters.append(("UNITS", -1, (len(units),), units.encode()))  # type: ignore[arg-type]
    for number, start in enumerate(range(0, len(labels), 255)):
        some = labels[start : start + 255]
        width = max(map(len, some))
        text = "".join(label.ljust(width) for label in some).encode()
        parameters.append(("LABELS" + (str(number + 1) if number else ""), -1, (width, len(some)), text))  # type: ignore[arg-type]
    body = _group("POINT", 1)
    blocks = 0
    for _ in range(2):  # where the data start is known when the parameters are
        start = struct.pack("<h", 2 + blocks)  # type: ignore[assignment]
        body = _group("POINT", 1) + b"".join(_parameter(*one) for one in (*parameters, ("DATA_START", 2, (), start)))  # type: ignore[arg-type]
        body += _group("ANALOG", 2) + _parameter("USED", 2, (), struct.pack("<h", 0), group=2)
        if analog_rate is not None:
            body += _parameter("RATE", 4, (), struct.pack("<f", analog_rate), group=2)
        body += b"\0\0"
        blocks = -(-(len(body) + 4) // 512)
    head = struct.pack(
        "<BBhhHHhfhhf", 2, 0x50, count, 0, first_frame, first_frame + frames - 1, 10, scale, 2 + blocks, 0, rate
    )
    section = (struct.pack("<BBBB", 1, 0x50, blocks, processor) + body).ljust(blocks * 512, b"\0")
    data = np.zeros((frames, count, 4), "<f4" if scale < 0 else "<i2")
    data[..., :3] = points if scale < 0 else np.round(points / scale)
    data[..., 3] = np.where(missing, -1, 0 if words is None else words)
    path.write_bytes(head.ljust(512, b"\0") + section + data.tobytes())


def _group(name: str, number: int) -> bytes:
    return struct.pack("<bb", len(name), -number) + name.encode() + struct.pack("<hB", 3, 0)


def _parameter(name: str, kind: int, sizes: tuple[int, ...], data: bytes, group: int = 1) -> bytes:
    rest = struct.pack("<bB", kind, len(sizes)) + bytes(sizes) + data + b"\0"
    return struct.pack("<bb", len(name), group) + name.encode() + struct.pack("<h", len(rest) + 2) + rest
