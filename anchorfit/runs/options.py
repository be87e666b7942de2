"""What decides the results of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..options import (
    AGES,
    FRAMES,
    GENDERS,
    LONGEST_GAP_S,
    Frame,
    OptionError,
    check_choice,
    check_positive,
    option,
    refuse_unread,
)
from .fingerprint import fingerprint, fingerprint_inside

if TYPE_CHECKING:
    from ..body import Floor
    from ..fit_options import FitOptions
    from ..fitting import FitConfig
    from .sources import Source

METHODS = ("fit", "predict", "refine")
_FITTED = ("fit", "refine")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Everything that decides the results of a run beside its images: an unfinished run goes on only where all of it is
    the same. The command line declares its options by these fields.

    Attributes:
        method: "fit"; "predict": one forward pass; or "refine": a fit from ``init``, which is matched by image and
            place, whoever wrote it, and is needed.
        keypoints: file of 2D keypoints; None: people are detected, or the source is such a file itself.
        convention: of its keypoints, where it does not say.
        image_names: COCO's annotation file that says what the images are called whose numbers the keypoint file has.
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
        pitch: degrees by which the camera looks down, or "people": as the people of an image show together; None:
            not known.
        floor: before the camera, which stands: "auto", estimated from feet that stand; a normal and an offset in the
            camera's frame, "0,1,0,1.2"; "height=1.4,pitch=10" of the camera; or a `Floor`. None: not known.
        frame: of meshes and animations: "world" where there is a floor (y up, the floor at 0), or "camera" always.
        height: metres, of everyone.
        measure: ``waist=0.81,inseam=0.79`` (metres), of everyone, or a CSV file by person.
        weights: folder with networks; None: the package's.
        init: files or folders of estimates to start from, by name; or other programs' results, by image and place.
        predict_missing: people whom other programs' results lack start from our own prediction.
        schedule: "anchored" or "smplify".
        config: the schedule's constants, or a TOML file of them; None: its usual ones.
        same_person: all images show one person, who gets one shape.
        video: they are one person's frames, in order, and are smoothed.
        fps: frames a second of ``video``, for its animation.
        covariance: whether results say how sure joints are, in millimetres; None: where each person has an npz or json.
    """

    method: str = "fit"
    keypoints: Path | None = option(
        None,
        short="-k",
        takes=Path,
        help="2D keypoints, of any usual tool: COCO, OpenPose, AlphaPose, MMPose, Ultralytics, MediaPipe ..., "
        "or a CSV/JSON/NPZ of our own (docs/formats.md). Without them a detector looks for people.",
    )
    convention: str | None = option(
        None, takes=str, help="Joint convention, where the file does not say: lsp14, coco17, body25 ..."
    )
    image_names: Path | None = option(
        None,
        name="images",
        takes=Path,
        help="COCO annotation file that names the images of which --keypoints, COCO results, has the numbers alone.",
    )
    mask: str | None = option(
        None,
        takes=str,
        help="Masks to use, too: 'file' (the keypoint file's), 'detected', a PNG, or a folder of them.",
    )
    detector: str = option(
        "auto",
        help="Detector of people without --keypoints: anchorfit (default: auto), mediapipe or human2d. With "
        "--keypoints: boxes, to detect keypoints anew in the boxes of the file's people.",
    )
    detector_model: Path | None = option(
        None,
        takes=Path,
        help="The detector's networks: MediaPipe's pose landmarker (.task), or Human2D's (.safetensors).",
    )
    thorough: bool = option(False, help="Look for small people, too, in many parts of each image: 40 times as slow.")
    human2d_flip: bool = option(False, help="Flip test of Human2D: a little better, at twice its time.")
    max_people: int | None = option(
        None, takes=int, least=1, help="Largest number of people of a video; those seen longest are kept."
    )
    max_gap: float = option(LONGEST_GAP_S, least=0.0, help="Seconds for which a video's person may be out of sight.")
    body: str = option("open", help="'open', or a path to an SMPL .pkl or .npz file.")
    gender: str = option("neutral", help="neutral, male or female.")
    age: str = option("adult", help="adult or child: whom the open body is. A child is 2 to 12 years old.")
    focal: float | None = option(
        None, takes=float, help="Focal length in pixels. Default: from EXIF, else the image's diagonal."
    )
    pitch: float | str | None = option(
        None,
        takes=str,
        help="Degrees by which the camera looks down, or 'people': as the people of an image show together. "
        "People who stand are balanced by it.",
    )
    floor: Floor | str | None = option(
        None,
        takes=str,
        help="The floor before the camera, which stands: auto (from feet that stand, in a video or of several people); "
        "a normal and an offset in the camera's frame, 0,1,0,1.2; or height=1.4,pitch=10 of the camera "
        "(docs/floor.md). Of --points: auto, or its height.",
        only=_FITTED,
    )
    frame: Frame = option(
        "world",
        help="Frame of meshes and animations: world (y up, the floor at 0) where there is a floor, or camera always.",
        only=_FITTED,
    )
    height: float | None = option(
        None,
        takes=float,
        help="Height of the people in metres, where known: distances are metric.",
        only=_FITTED,
    )
    measure: str | None = option(
        None,
        takes=str,
        help="Known measurements: waist=0.81,inseam=0.79 (metres) of everyone, or a CSV file with a column name "
        "(IMAGE#PERSON) and one for each measurement.",
        only=_FITTED,
    )
    weights: Path | None = option(
        None,
        takes=Path,
        help="Folder with networks of your own, as `anchorfit train priors` writes them. Default: the package's.",
    )
    init: tuple[Path, ...] = option(
        (),
        takes=Path,
        help="What to start from: estimates (.npz, or a folder of them), by name; or other programs' results, by "
        "image and place (docs/other_programs.md). May be given several times.",
        only=_FITTED,
    )
    predict_missing: bool = option(
        False,
        help="People whom other programs' results lack start from our own prediction; else they are left out.",
        only=_FITTED,
    )
    schedule: str = option(
        "anchored",
        help="anchored (held near --init, else near a prediction), or smplify (four stages).",
        only=("fit",),
    )
    config: Path | FitConfig | None = option(
        None,
        takes=Path,
        help="TOML file that changes constants of --schedule: weights, stages, limits (docs/fitting.md).",
        only=_FITTED,
    )
    same_person: bool = option(False, help="All images show one and the same person: one shape for all.", only=_FITTED)
    video: bool = option(False, help="The images are one person's frames, in order: smooth over time.", only=_FITTED)
    fps: float = option(30.0, help="Frames a second of --video, for its animation.", only=_FITTED)
    covariance: bool | None = option(
        None,
        takes=bool,
        help="Say how sure joints are, in millimetres. Default: where each person has an npz or json.",
    )

    def __post_init__(self) -> None:
        for name in ("keypoints", "image_names", "detector_model", "weights", "config"):
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
        self.check_values()
        refuse_unread(self, self.method, by="the method")
        if self.method == "refine" and not self.init:
            raise OptionError("init", "with the method refine, give results to refine")
        if self.predict_missing and not self.init:
            raise OptionError("predict-missing", "only with --init")
        if self.fps != RunOptions.fps and not self.video:
            raise OptionError("fps", "only with --video: a film says its own rate")
        floor_of(self.floor)
        if self.frame != RunOptions.frame and self.floor is None:
            raise OptionError("frame", "only with --floor: without one there is the camera's alone")
        pitch, smplify = pitch_of(self.pitch), self.schedule == "smplify"
        if pitch is not None and smplify:
            raise OptionError("pitch", "only with --schedule anchored, got smplify")
        if self.weights is not None and (smplify or (self.init and pitch != "people" and not self.predict_missing)):
            told = "--schedule smplify" if smplify else "--init"
            raise OptionError("weights", f"with {told} no network is asked: leave one out")
        from ..body import chosen_body  # which takes a second: what can be seen without it has been looked at
        from ..fit_options import check_pitch
        from ..fitting import SCHEDULES
        from ..points.known import read_known_sizes

        check_choice("schedule", self.schedule, tuple(SCHEDULES))
        check_pitch(floor_of(self.floor), pitch)
        chosen_body(self.body, self.gender, self.age)
        read_known_sizes(self.height, self.measure)
        named = [(path, "file or folder") for path in (*self.init, self.weights)]
        for path, what in (*named, (self.detector_model, "weights"), (self.config, "configuration file")):
            if isinstance(path, Path) and not path.exists():
                raise FileNotFoundError(f"{path}: no such {what}")

    def check_values(self) -> None:
        """The part of it that holds whatever the evidence is, each option by itself.

        Raises:
            OptionError: a value that cannot be.
        """
        check_choice("method", self.method, METHODS)
        check_choice("gender", self.gender, GENDERS)
        check_choice("age", self.age, AGES)
        check_choice("frame", self.frame, FRAMES)
        check_positive("focal", self.focal, " of pixels")
        check_positive("fps", self.fps)

    def says_how_sure(self, *, own_files: bool) -> bool:
        """Whether results have covariances of the joints.

        Args:
            own_files: each person has an npz or json.
        """
        return own_files if self.covariance is None else self.covariance

    def files(self) -> tuple[Path, ...]:
        """Files and folders that the options name, besides the weights of networks and ``init``."""
        named = (self.keypoints, self.image_names, self.mask, self.detector_model, self.config, self.body, self.measure)
        there = (Path(one) for one in named if isinstance(one, str | Path))
        return tuple(path for path in there if path.exists())

    def settings(self) -> dict[str, Any]:
        """Every option as plain JSON; files by their content."""
        from ..fitting import FitConfig
        from ..points.known import read_known_sizes

        plain: dict[str, Any] = asdict(self)
        plain["body"] = fingerprint(Path(self.body)) if Path(self.body).is_file() else self.body
        plain["mask"] = fingerprint(Path(self.mask)) if self.mask and Path(self.mask).exists() else self.mask
        for name in ("keypoints", "image_names", "detector_model", "weights", "config"):
            value = getattr(self, name)
            plain[name] = repr(value) if isinstance(value, FitConfig) else fingerprint(value)
        sizes = read_known_sizes(self.height, self.measure)
        plain["measure"] = dict(sizes.given) if sizes else None
        plain["floor"] = self.floor if self.floor is None or isinstance(self.floor, str) else repr(self.floor)
        return {**plain, "init": [_fingerprint_of_results(path) for path in self.init]}

    def source(self, images: Sequence[Path], detector_device: str) -> Source:
        """The people of these images, as the options say."""
        from .detecting import Detection
        from .sources import Source

        return Source(
            images=images,
            keypoints=self.keypoints,
            convention=self.convention,
            image_names=self.image_names,
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
        from ..fit_options import FitOptions
        from ..fitting import SCHEDULES, read_config
        from ..points.known import read_known_sizes

        config = read_config(self.config, SCHEDULES[self.schedule]()) if isinstance(self.config, Path) else self.config
        return FitOptions(
            focal=self.focal,
            pitch=pitch_of(self.pitch),
            floor=floor_of(self.floor),
            frames_per_second=self.fps,
            schedule=self.schedule,
            config=config,
            sizes=read_known_sizes(self.height, self.measure),
            masks=self.mask is not None,
            covariance=self.says_how_sure(own_files=own_files),
            same_person=self.same_person or film,
            video=self.video or film,
        )


def floor_of(given: Floor | str | None) -> Floor | Literal["auto"] | None:
    """A floor, "auto" or None.

    Raises:
        OptionError: anything besides.
    """
    from ..body import parse_floor

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


def _fingerprint_of_results(path: Path) -> str | None:
    """Of a file, or of all in a folder that may be read as results, and of the index that says which are."""
    from ..index import INDEX
    from ..interchange.results import ENDINGS

    return fingerprint_inside(path, (*ENDINGS, Path(INDEX).suffix))
