"""Videos by OpenCV: frames in and out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import temporary_beside
from .images import VIDEO_SUFFIXES, ImageFileError

LONGEST_GAP_S = 1.0  # seconds that a person may be out of sight and still be followed


class Video(NamedTuple):
    """Properties that a video states; ``length`` in frames, which some files only estimate."""

    path: Path
    size: tuple[int, int]
    frames_per_second: float
    length: int


def is_video_path(path: Path) -> bool:
    """Whether the name looks like a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def probe_video(path: Path) -> Video:
    """Size, rate and length of a video.

    Raises:
        FileNotFoundError: there is no such file.
        ImageFileError: it is no video that OpenCV can read.
    """
    import cv2

    with _opened(path) as capture:
        width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if width < 1 or height < 1:
        raise ImageFileError(f"{path}: no frame can be read from this video")
    return Video(path, (width, height), rate if 0 < rate < 1000 else 30.0, max(count, 0))


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """The frames one by one, (H, W, 3) uint8 RGB.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    with FrameReader(path) as reader:
        while (frame := reader.frame(reader.next)) is not None:
            yield frame


def count_frames(path: Path) -> int:
    """Count the frames of a video by decoding them.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    with _opened(path) as capture:
        count = 0
        while capture.grab():
            count += 1
        return count


class FrameReader:
    """The frames of a video by number; rising numbers are quick, a smaller one begins anew.

    Frames in between are decoded, but not unpacked: where a codec can begin is not known in general.

    Attributes:
        next: the number of the frame that comes next.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.next = path, 0
        self._open = ExitStack()
        self._capture = self._open.enter_context(_opened(path))

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def frame(self, number: int) -> np.ndarray | None:
        """The frame, (H, W, 3) uint8 RGB; None behind the last."""
        import cv2

        if number < self.next:
            self._open.close()
            self._capture, self.next = self._open.enter_context(_opened(self._path)), 0
        while self.next < number and self._capture.grab():
            self.next += 1
        there, frame = self._capture.read()
        if not there or self.next != number:
            return None
        self.next += 1
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def write_video(path: Path, frames: Iterable[np.ndarray], frames_per_second: float) -> None:
    """Write frames (H, W, 3) uint8 RGB of one size as MP4 (MPEG-4); all or nothing.

    Raises:
        ValueError: there is no frame.
        OSError: it cannot be written, or the disk is full.
    """
    import cv2

    part = temporary_beside(path, ".mp4")  # OpenCV chooses the container by the name's ending
    writer: Any = None
    try:
        for frame in frames:
            if writer is None:
                size = (frame.shape[1], frame.shape[0])
                writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), frames_per_second, size)
                if not writer.isOpened():
                    raise OSError(f"{path}: the video cannot be written; choose another folder")
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if writer is None:
            raise ValueError(f"{path}: there is no frame to write")
        writer.release()
        if not _is_whole_mp4(part):  # OpenCV does not say when a disk is full
            raise OSError(f"{path}: the video cannot be written whole; free space or choose another folder")
        os.replace(part, path)
    finally:
        if writer is not None:
            writer.release()
        part.unlink(missing_ok=True)


def _is_whole_mp4(path: Path) -> bool:
    """Whether the file's boxes (ISO/IEC 14496-12, section 4.2) end where it ends, the table of frames among them."""
    kinds, place, length = [], 0, path.stat().st_size
    with path.open("rb") as stream:
        while place < length:
            stream.seek(place)
            head = stream.read(16).ljust(16, b"\0")
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            if size < 8:
                return False
            kinds.append(kind)
            place += size
    return place == length and b"moov" in kinds


def frame_name(video: str, frame: int) -> str:
    """What stands before ``#NUMBER`` in the names of people of a video's frame."""
    return f"{video}/{frame:06}"


def frame_of(name: str) -> int | None:
    """The frame of a person named as `track_people` does; None for any other name.

    >>> frame_of("clip.mp4/000012#2"), frame_of("000012.jpg#2")
    (12, None)
    """
    found = re.search(r"/(\d+)#\d+$", name)
    return int(found.group(1)) if found else None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import cv2

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such video; check the path")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise ImageFileError(f"{path}: this is no video that can be read; convert it to MP4")
        yield capture
    finally:
        capture.release()
