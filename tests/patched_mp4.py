"""MP4 files changed by hand: a turn in the header as telephones write it, frames that last unequally long."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def turn(path: Path, degrees: int, size: tuple[int, int]) -> None:
    """Say in the track's header (ISO/IEC 14496-12, section 8.3.2) that frames of that size are to be shown turned
    clockwise."""
    width, height = size
    shift = {0: (0, 0), 90: (height, 0), 180: (width, height), 270: (0, width)}[degrees]
    a, b, c, d = TURNS[degrees]
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, shift[0] << 16, shift[1] << 16, 1 << 30)
    _change(path, b"tkhd", lambda content: content[:40] + matrix + content[76:])


def last(path: Path, ticks: Sequence[int]) -> None:
    """Let frames last so many ticks of the file each (section 8.6.1.2); the sum should stay."""
    table = b"".join(struct.pack(">II", 1, each) for each in ticks)
    _change(path, b"stts", lambda content: content[:4] + struct.pack(">I", len(ticks)) + table)


def _change(path: Path, kind: bytes, change: Callable[[bytes], bytes]) -> None:
    """The table of frames is behind the frames, so that it may grow."""
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    changed = _boxes(data, kind, change)
    assert changed != data or kind == b"tkhd"
    path.write_bytes(changed)


def _boxes(data: bytes, wanted: bytes, change: Callable[[bytes], bytes]) -> bytes:
    parts, place = [], 0
    while place < len(data):
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        content = data[place + 8 : place + size]
        if kind == wanted:
            content = change(content)
        elif kind in CONTAINERS:
            content = _boxes(content, wanted, change)
        parts.append(struct.pack(">I", len(content) + 8) + kind + content)
        place += size
    return b"".join(parts)
