"""What decides the results of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..body import AGES, GENDERS, Floor, chosen_body, parse_floor
from ..fitting import SCHEDULES, FitConfig, read_config
from ..observations.videos import LONGEST_GAP_S
from ..options import OptionError
from ..pipeline import FitOptions
from ..points.known import read_known_sizes
from ..world import FRAMES, Frame
from .detecting import Detection
from .fingerprint import fingerprint
from .sources import Source

METHODS = ("fit", "predict")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Everything that decides the results of a run beside its images: an unfinished run goes on only where all of it is
    the same.

    Attributes:
        method: "fit", or "predict": one forward pass.
        keypoints: file of 2D keypoints; None: people are detected, or the source is such a file itself.
        convention: of its keypoints, where it does not say.
        mask: None, "file", "detected", a PNG, or a folder of them.
        detector: "auto", another of `anchorfit.detectors`, or "boxes" of the keypoint file.
        detector_model: file of the detector's networks.
        thorough: look for small people, too.
        human2d_flip: flip test of Human2D.
        max_people: of a video, those seen longest; None: all.
        max_gap: seconds for which a video's person may be out of sight.
        body: "open", or the path of an SMPL file.
        gender: of the body.
        age: of the open body: "adult", or "child".
        focal: pixels; None: from EXIF, else the image's diagonal.
        pitch: degrees by which the camera looks down, or "people": as those who stand in an image show together; None:
            not known.
        floor: before the camera, which stands: "auto", estimated from feet that stand; a normal and an offset in the
            camera's frame, "0,1,0,1.2"; "height=1.4,pitch=10" of the camera; or a `Floor`. None: not known.
        frame: of meshes and animations: "world" where there is a floor (y up, the floor at 0), or "camera" always.
        height: metres, of everyone.
        measure: ``waist=0.81,inseam=0.79`` (metres), of everyone, or a CSV file by person.
        weights: folder with networks; None: the package's.
        init: files or folders of estimates to start from, by name.
        schedule: "anchored" or "smplify".
        config: the schedule's constants, or a TOML file of them; None: its usual ones.
        same_person: all images show one person, who gets one shape.
        video: they are one person's frames, in order, and are smoothed.
        fps: frames a second of ``video``, for its animation.
        covariance: whether results say how sure joints are, in millimetres; None: where each person has an npz or json.
    """

    method: str = "fit"
    keypoints: Path | None = None
    convention: str | None = None
    mask: str | None = None
    detector: str = "auto"
    detector_model: Path | None = None
    thorough: bool = False
    human2d_flip: bool = False
    max_people: int | None = None
    max_gap: float = LONGEST_GAP_S
    body: str = "open"
    gender: str = "neutral"
    age: str = "adult"
    focal: float | None = None
    pitch: float | str | None = None
    floor: Floor | str | None = None
    frame: Frame = "world"
    height: float | None = None
    measure: str | None = None
    weights: Path | None = None
    init: tuple[Path, ...] = ()
    schedule: str = "anchored"
    config: Path | FitConfig | None = None
    same_person: bool = False
    video: bool = False
    fps: float = 30.0
    covariance: bool | None = None

    def __post_init__(self) -> None:
        for name in ("keypoints", "detector_model", "weights", "config"):
            value = getattr(self, name)
            if isinstance(value, str):  # as files are often named in Python
                object.__setattr__(self, name, Path(value))
        given = (self.init,) if isinstance(self.init, str | Path) else self.init
        object.__setattr__(self, "init", tuple(map(Path, given)))

    def check(self) -> None:
        """Look at what can be looked at before any model is loaded.

        Raises:
            OptionError: a value that cannot be.
            FileNotFoundError: a file that is named is not there.
        """
        choices = {"method": METHODS, "gender": GENDERS, "age": AGES, "schedule": tuple(SCHEDULES), "frame": FRAMES}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise OptionError(name, f"expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        chosen_body(self.body, self.gender, self.age)
        if self.focal is not None and not 0 < self.focal < float("inf"):
            raise OptionError("focal", f"expected a positive number of pixels, got {self.focal}")
        if pitch_of(self.pitch) is not None and (self.method, self.schedule) == ("fit", "smplify"):
            raise OptionError("pitch", "only with --schedule anchored, got smplify")
        if floor_of(self.floor) is not None and self.method == "predict":
            raise OptionError("floor", "only for fits, got predict")
        if not 0 < self.fps < float("inf"):
            raise OptionError("fps", f"expected a positive number, got {self.fps}")
        read_known_sizes(self.height, self.measure)
        for path in (*self.init, *([self.weights] if self.weights else [])):
            if not path.exists():
                raise FileNotFoundError(f"{path}: no such file or folder")

    def settings(self) -> dict[str, Any]:
        """Every option as plain JSON; files by their content."""
        plain: dict[str, Any] = asdict(self)
        for name in ("keypoints", "detector_model", "weights", "config"):
            value = getattr(self, name)
            plain[name] = repr(value) if isinstance(value, FitConfig) else fingerprint(value)
        sizes = read_known_sizes(self.height, self.measure)
        plain["measure"] = dict(sizes.given) if sizes else None
        plain["floor"] = repr(self.floor) if isinstance(self.floor, Floor) else self.floor
        return {**plain, "init": [str(path.absolute()) for path in self.init]}

    def source(self, images: Sequence[Path], detector_device: str) -> Source:
        """The people of these images, as the options say."""
        return Source(
            images=images,
            keypoints=self.keypoints,
            convention=self.convention,
            mask=self.mask,
            detection=Detection(
                detector=self.detector,
                model=self.detector_model,
                thorough=self.thorough,
                flip=self.human2d_flip,
                device=detector_device,
            ),
            longest_gap_s=self.max_gap,
            most_people=self.max_people,
        )

    def fit_options(self, *, film: bool, own_files: bool) -> FitOptions:
        """As `anchorfit.pipeline` takes them.

        Args:
            film: the people are those of a video.
            own_files: each person has an npz or json.
        """
        config = read_config(self.config, SCHEDULES[self.schedule]()) if isinstance(self.config, Path) else self.config
        sizes = read_known_sizes(self.height, self.measure)
        if sizes is not None:
            config = (config or SCHEDULES[self.schedule]()).with_term(sizes)
        return FitOptions(
            focal=self.focal,
            pitch=pitch_of(self.pitch),
            floor=floor_of(self.floor),
            frames_per_second=self.fps,
            schedule=self.schedule,
            config=config,
            masks=self.mask is not None,
            covariance=own_files if self.covariance is None else self.covariance,
            same_person=self.same_person or film,
            video=self.video or film,
        )


def floor_of(given: Floor | str | None) -> Floor | Literal["auto"] | None:
    """A floor, "auto" or None.

    Raises:
        OptionError: anything besides.
    """
    return (parse_floor(given) or "auto") if isinstance(given, str) else given


def pitch_of(given: float | str | None) -> float | Literal["people"] | None:
    """Degrees, "people" or None.

    Raises:
        OptionError: anything besides.
    """
    if given is None or given == "people":
        return "people" if given else None
    try:
        degrees = float(given)
    except ValueError:
        degrees = math.nan
    if not abs(degrees) <= 90:
        raise OptionError("pitch", f"expected degrees from -90 to 90, or 'people', got {given!r}")
    return degrees
