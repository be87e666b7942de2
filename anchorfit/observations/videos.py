"""Videos by OpenCV: upright frames with their times in, films that browsers play out."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import temporary_beside
from .images import VIDEO_SUFFIXES, ImageFileError

USUAL_RATE = 30.0  # frames per second, where a file states none that can be
HIGHEST_RATE = 60.0  # frames per second of what is written, unless the source states a higher one


class Video(NamedTuple):
    """Properties that a video states; ``length`` in frames, which some files only estimate, ``size`` upright."""

    path: Path
    size: tuple[int, int]
    frames_per_second: float
    length: int


class Frame(NamedTuple):
    """A frame of a video: its number from 0, seconds since the first frame, and (H, W, 3) uint8 RGB, upright."""

    number: int
    time_s: float
    image: np.ndarray


def is_video_path(path: Path) -> bool:
    """Whether the name looks like a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def probe_video(path: Path) -> Video:
    """Size, rate and length of a video.

    Raises:
        FileNotFoundError: there is no such file.
        ImageFileError: it is no video that OpenCV can read.
    """
    with FrameReader(path) as reader:
        return reader.video


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """The frames one by one, (H, W, 3) uint8 RGB, upright; `FrameReader` tells their times, too.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    with FrameReader(path) as reader:
        for frame in reader:
            yield frame.image


def frame_times(path: Path) -> np.ndarray:
    """(T,) float64, seconds of each frame since the first, found by decoding the whole video.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    with FrameReader(path) as reader:
        times = []
        while reader.skip():
            times.append(reader.time_s)
        return np.array(times)


class FrameReader:
    """The frames of a video, upright and with their times, in order or by number.

    Rising numbers are quick, a smaller one begins anew. Frames in between are decoded, but not unpacked: where a codec
    can begin is not known in general. One frame is held at a time.

    Whether OpenCV turns frames as the file's header says differs between its releases (4.11 does not): here it never
    does, and the turn is made from the angle that it reads.

    Attributes:
        video: as `probe_video` gives it.
        next: the number of the frame that comes next.
        time_s: seconds of the frame before that; rising, also where the file states no times or broken ones.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """

    video: Video

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()
        self._begin()

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[Frame]:
        while (image := self.frame(self.next)) is not None:
            yield Frame(self.next - 1, self.time_s, image)

    def frame(self, number: int) -> np.ndarray | None:
        """The frame, (H, W, 3) uint8 RGB; None behind the last."""
        import cv2

        if number < self.next:
            self._open.close()
            self._begin()
        while self.next <= number:
            if not self.skip():
                return None
        there, frame = self._capture.retrieve()
        if not there:
            return None
        frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        return frame if self._turn is None else cv2.rotate(frame, self._turn)

    def skip(self) -> bool:
        """Go on by a frame without unpacking it; False behind the last."""
        import cv2

        if not self._capture.grab():
            return False
        stated = 1e-3 * self._capture.get(cv2.CAP_PROP_POS_MSEC)
        if self.next == 0:
            self._start, self.time_s = stated, 0.0
        elif stated - self._start > self.time_s:
            self.time_s = stated - self._start
        else:
            self.time_s += 1 / self.video.frames_per_second
        self.next += 1
        return True

    def _begin(self) -> None:
        import cv2

        self._capture, self.next, self.time_s = self._open.enter_context(_opened(self._path)), 0, 0.0
        keys = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)
        width, height, rate, length = (self._capture.get(key) for key in keys)
        if width < 1 or height < 1:
            raise ImageFileError(f"{self._path}: no frame can be read from this video")
        turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
        self._turn = turns.get(round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        if self._turn not in (None, cv2.ROTATE_180):
            width, height = height, width
        rate = rate if 0 < rate < 1000 else USUAL_RATE
        self.video = Video(self._path, (int(width), int(height)), float(rate), max(int(length), 0))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """OpenCV's reader of the file, frames as they are stored."""
    import cv2

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such video; check the path")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise ImageFileError(f"{path}: this is no video that can be read; convert it to MP4")
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        yield capture
    finally:
        capture.release()


FILMS = {".webm": "VP80", ".mp4": "mp4v"}
"""Endings of what `write_video` writes, and codecs: VP8, which browsers play, and MPEG-4, which they do not.

VP8 since every wheel of OpenCV from 4.8 on has its encoder (libvpx, BSD), and no other that is quick and that browsers
play: VP9 takes four times as long for two thirds of the bytes, H.264 and AV1 are missing. PyAV's wheels have them all,
but come with x264 and x265 (GPL).
"""


def film_suffix() -> str:
    """``.webm`` where this OpenCV can write what browsers play, else ``.mp4``."""
    with tempfile.TemporaryDirectory() as folder:
        writer = _writer(Path(folder) / "probe.webm", USUAL_RATE, (16, 16))
        there: bool = writer.isOpened()
        writer.release()
        return ".webm" if there else ".mp4"


def write_video(path: Path, frames: Iterable[np.ndarray], frames_per_second: float) -> None:
    """Write frames (H, W, 3) uint8 RGB of one size as WebM (VP8) or MP4 (MPEG-4), as the name ends; all or nothing.

    Of an odd width or height the last column or row is left out: the codecs know even sizes only.

    Raises:
        ValueError: there is no frame, or the name ends otherwise.
        OSError: it cannot be written, or the disk is full.
    """
    import cv2

    suffix = path.suffix.lower()
    if suffix not in FILMS:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(FILMS)}")
    part = temporary_beside(path, suffix)  # OpenCV chooses the container by the name's ending
    writer: Any = None
    try:
        for frame in frames:
            if writer is None:
                writer = _writer(part, frames_per_second, (frame.shape[1], frame.shape[0]))
                if not writer.isOpened():
                    raise OSError(f"{path}: the video cannot be written; choose another folder")
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if writer is None:
            raise ValueError(f"{path}: there is no frame to write")
        writer.release()
        if not (_is_whole_webm if suffix == ".webm" else _is_whole_mp4)(
            part
        ):  # OpenCV does not say when a disk is full
            raise OSError(f"{path}: the video cannot be written whole; free space or choose another folder")
        os.replace(part, path)
    finally:
        if writer is not None:
            writer.release()
        part.unlink(missing_ok=True)


def at_constant_rate(frames: Iterable[Frame], frames_per_second: float) -> Iterator[np.ndarray]:
    """Images for `write_video` such that each is shown at its frame's time, to half of an interval.

    A frame that is shown for longer is repeated; of several in one interval the last is shown.
    """
    shown, latest = 0, None
    for frame in frames:
        begins = round(frame.time_s * frames_per_second)
        while latest is not None and shown < begins:
            yield latest.image
            shown += 1
        latest = frame
    if latest is not None:
        yield latest.image


def shown_rate(times_s: np.ndarray, stated: float) -> float:
    """Frames per second at which `at_constant_rate` shows frames of these times (T,) as they were taken.

    The rate that the file states, where frames keep it; else that of its usual interval, at most `HIGHEST_RATE`.
    """
    if len(times_s) < 2:
        return stated
    usual = 1 / float(np.median(np.diff(times_s)))
    return stated if abs(usual / stated - 1) < 0.05 else min(usual, HIGHEST_RATE)


def _writer(path: Path, frames_per_second: float, size: tuple[int, int]) -> Any:
    """OpenCV's writer of such a file; what FFmpeg says on opening it (a harmless line about VP8's tag) is not shown."""
    import cv2

    code = cv2.VideoWriter.fourcc(*FILMS[path.suffix.lower()])
    errors = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        return cv2.VideoWriter(str(path), code, frames_per_second, size)
    finally:
        os.dup2(errors, 2)
        os.close(errors)


def _is_whole_webm(path: Path) -> bool:
    """Whether the segment after the header (RFC 8794, RFC 9559) states a size and ends where the file ends."""
    with path.open("rb") as stream:
        head = stream.read(64)
    place, size = 0, 0
    for kind in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):
        start = place + size
        if head[start : start + 4] != kind or len(head) < start + 12:
            return False
        width = 9 - head[start + 4].bit_length()  # bytes of the size, its marking bit among them
        place = start + 4 + width
        size = int.from_bytes(head[start + 4 : place], "big") - (1 << 7 * width)
    return place + size == path.stat().st_size


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
