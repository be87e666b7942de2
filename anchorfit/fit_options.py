"""Options of fits and predictions of people, and what comes of them: bodies, and a line for each problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from .body import Floor, Gravity
from .body.standing import KNOWN_SIGMA_DEG
from .fitting import SCHEDULES, FitConfig
from .fitting.terms import KnownSize
from .observations.videos import USUAL_RATE
from .options import OptionError
from .results import BodyEstimate


class InputProblem(NamedTuple):
    """Something that went wrong with one image or person; the others went on."""

    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


class Outcome(NamedTuple):
    """Results of a run: the bodies, None where none could be fitted, and the problems."""

    estimate: BodyEstimate | None
    problems: tuple[InputProblem, ...]


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of `fit_people` and `predict_people`."""

    focal: float | None = None  # pixels; None: from EXIF, else the image's diagonal
    batch_size: int = 256  # bodies fitted at once: speed and memory only, the results do not depend on it
    same_person: bool = False  # they are all one person, once in each image, and get one shape; fitted all at once
    video: bool = False  # they are one person in successive frames, and are smoothed; fitted all at once
    minimum_joints: int = 0  # people with fewer seen joints are left out
    schedule: str = "anchored"  # as in `fit`
    config: FitConfig | None = None  # the schedule's constants; None: its usual ones
    sizes: KnownSize | None = None  # heights and measurements that are known of people, whatever the constants are
    pitch: float | Literal["people"] | None = None  # degrees by which the camera looks down, or "people": as the
    # people of an image show together; None: not known, as is usual
    floor: Floor | Literal["auto"] | None = None  # before the camera, which stands; "auto": estimated from feet that
    # stand in a video, or of several people in an image, who are then fitted all at once; a prediction takes which
    # way gravity is from one that is given, and estimates none
    frames_per_second: float = USUAL_RATE  # of a video whose frames say no times
    masks: bool = False  # whether outlines are fitted too, where people have masks: for people that nothing hides
    covariance: bool = False  # whether diagnostics have covariances of the joints

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that cannot be."""
        if self.batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {self.batch_size}")
        if self.focal is not None and not 0 < self.focal < float("inf"):
            raise ValueError(f"focal: expected a positive number of pixels, got {self.focal}")
        if self.minimum_joints < 0:
            raise ValueError(f"minimum_joints: expected at least 0, got {self.minimum_joints}")
        check_rate(self.frames_per_second)
        check_floor(self.floor)
        check_pitch(self.floor, self.pitch)

    @property
    def full_config(self) -> FitConfig | None:
        """The constants with the sizes that are known; None: the schedule's usual ones."""
        if self.sizes is None or self.schedule not in SCHEDULES:  # which `fit` says
            return self.config
        return (self.config or SCHEDULES[self.schedule]()).with_term(self.sizes)


def check_rate(frames_per_second: float) -> None:
    """Raises ValueError for what is no rate of a video."""
    if not 0 < frames_per_second < float("inf"):
        raise ValueError(f"frames_per_second: expected a positive number, got {frames_per_second}")


def check_floor(floor: object) -> None:
    """Raises ValueError for what is no floor."""
    if not (floor is None or floor == "auto" or isinstance(floor, Floor)):
        raise ValueError(f"floor: expected a Floor, 'auto' or None, got {floor!r}")


_SAME_PITCH_DEG = 1.0


def check_pitch(floor: Floor | str | None, pitch: float | str | None) -> None:
    """Raises OptionError where a floor and a pitch are given that contradict each other."""
    if not isinstance(floor, Floor) or pitch is None or isinstance(pitch, str):
        return
    if not abs(pitch - floor.pitch_deg) <= _SAME_PITCH_DEG:
        said = f"the camera looks down by {pitch:g} degrees, by {floor.pitch_deg:.3g} as the floor says"
        raise OptionError("pitch", f"{said}: leave one out")


def gravity_of_floor(floor: object, count: int) -> Gravity | None:
    """What a given floor says of gravity before the cameras of ``count`` rows; None where none is given."""
    if not isinstance(floor, Floor):
        return None
    return Gravity.known(torch.full((count,), floor.pitch_deg), max(KNOWN_SIGMA_DEG, floor.tilt_sigma_deg))
