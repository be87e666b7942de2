"""From people seen in images to fitted bodies: cameras, batches, and one line for everything that went wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from . import regressors
from .body import BodyModel, Floor, Gravity, load_body
from .camera import PLAUSIBLE_FOCAL, default_focal, focal_from_exif, intrinsics_matrix
from .deprecation import renamed_arguments
from .fitting import (
    SCHEDULES,
    FitConfig,
    FitResult,
    GaussianMixture,
    TermSpec,
    anchored,
    load_pose_prior,
    only_terms,
    smplify,
)
from .fitting.diagnostics import diagnose_prediction
from .fitting.grounds import FloorWish
from .observations import Observations, Person, image_size, observe, sanitise_all, size_problem, too_little
from .observations.apart import reason_of, work_apart
from .observations.checks import checked_size
from .observations.videos import USUAL_RATE, frame_of
from .regressors import Networks
from .results import BodyEstimate, concatenate

SMOOTHED_ACROSS = 3  # frames of a video: what lies farther apart is not drawn together


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


def _check_floor(floor: object) -> None:
    if not (floor is None or floor == "auto" or isinstance(floor, Floor)):
        raise ValueError(f"floor: expected a Floor, 'auto' or None, got {floor!r}")


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
    pitch: float | Literal["people"] | None = None  # degrees by which the camera looks down, or "people": as those who
    # stand in an image show together; None: not known, as is usual
    floor: Floor | Literal["auto"] | None = None  # before the camera, which stands; "auto": estimated from feet that
    # stand in a video, or of several people in an image, who are then fitted all at once
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
        if not 0 < self.frames_per_second < float("inf"):
            raise ValueError(f"frames_per_second: expected a positive number, got {self.frames_per_second}")
        _check_floor(self.floor)


@renamed_arguments(priors="networks")
def fit_people(
    people: Sequence[Person],
    body: BodyModel | None = None,
    *,
    init: BodyEstimate | None = None,
    networks: Networks | None = None,
    options: FitOptions = FitOptions(),
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Fit bodies to people, and give the reason for each person that cannot be fitted.

    Args:
        people: with ``image`` a readable path, or with ``image_size``.
        body: sets device and floating-point type; None takes the neutral open body.
        init: predictions to start from; a person's is the row of the same name.
        networks: (formerly ``priors``) to predict with where there is no ``init``; None takes the package's.
        progress: called with the number of people finished since the last call.
    Returns:
        The estimates in the order of ``people``, without those that a problem names.
    """
    body = body or _usual_body()
    if init is not None:
        _check_predictions(init, body)
    if options.same_person or options.video:
        _check_one_an_image(people)
    together = options.same_person or options.video or options.floor == "auto"
    ready = _made_ready(people, options, init)
    progress(len(people) - len(ready.people))
    estimates = []
    place = {} if init is None else {name: row for row, name in enumerate(init.names)}
    gravity = ready.gravity(body, networks, options)
    size = max(1, len(people)) if together else options.batch_size
    for observations, images, rows in ready.batches(size, options):
        scenes = () if options.video else images_of(ready.people, rows)
        estimate = fit(
            observations,
            body,
            init=None if init is None else init.rows([place[name] for name in observations.names]),
            schedule=options.schedule,
            config=options.config,
            networks=networks,
            images=images,
            covariance=options.covariance,
            persons=[0] * len(observations) if options.same_person else (),
            videos=_stretches(observations.names) if options.video else (),
            gravity=None if gravity is None else gravity.rows(rows),
            floor=options.floor,
            scenes=scenes,
            frames_per_second=options.frames_per_second,
        )
        estimates.append(estimate)
        ready.problems.extend(_said_of_floors(estimate, scenes))
        progress(len(observations))
    return Outcome(concatenate(estimates) if estimates else None, tuple(ready.problems))


def images_of(people: Sequence[Person], rows: Sequence[int]) -> list[Hashable]:
    """What image each of some people is in; a person of none is in one alone."""
    return [people[row].image or people[row].name for row in rows]


def _said_of_floors(estimate: BodyEstimate, scenes: Sequence[Hashable]) -> list[InputProblem]:
    """What is to be said of floors, once for each scene, by the first row that it is said of."""
    first: dict[tuple[Hashable, str], str] = {}
    for row, (name, text) in enumerate(zip(estimate.names, estimate.floors.said, strict=True)):
        if text:
            first.setdefault((scenes[row] if scenes else 0, text), name)
    return [InputProblem(name, text) for (_, text), name in first.items()]


@lru_cache(maxsize=1)
def _usual_body() -> BodyModel:
    """Loaded once: its tables, too, are then made once."""
    return load_body()


@lru_cache(maxsize=4)
def _shipped_pose_prior(dtype: torch.dtype, device: torch.device) -> GaussianMixture:
    """Load the shipped mixture once: reading it takes longer than a fit."""
    return load_pose_prior(dtype=dtype, device=device)


@renamed_arguments(priors="networks")
def predict_people(
    people: Sequence[Person],
    body: BodyModel | None = None,
    *,
    networks: Networks | None = None,
    options: FitOptions = FitOptions(),
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Predict the body of every person from keypoints and, with ``options.masks``, masks; as `fit_people` otherwise.

    Formerly ``priors``: ``networks``.
    """
    body = body or _usual_body()
    ready = _made_ready(people, options, None)
    progress(len(people) - len(ready.people))
    estimates = []
    gravity = ready.gravity(body, networks, options)
    for observations, images, rows in ready.batches(options.batch_size, options):
        found = predict(
            observations,
            body,
            networks=networks,
            images=images,
            gravity=None if gravity is None else gravity.rows(rows),
            covariance=options.covariance,
        )
        estimates.append(found)
        progress(len(observations))
    return Outcome(concatenate(estimates) if estimates else None, tuple(ready.problems))


def _stretches(names: Sequence[str]) -> list[int]:
    """A label for each row: one for neighbours in a video, the next where a person was out of sight for too long."""
    label, labels = 0, [0] * min(1, len(names))
    for before, after in pairwise(map(frame_of, names)):
        label += before is not None and after is not None and after - before > SMOOTHED_ACROSS
        labels.append(label)
    return labels


class _Ready(NamedTuple):
    """Usable people, their images' sizes and cameras (N, 3, 3), and the problems of the others."""

    people: list[Person]
    sizes: list[tuple[int, int]]
    cameras: Tensor
    problems: list[InputProblem]

    def batches(self, size: int, options: FitOptions) -> Iterator[tuple[Observations, tuple[str, ...], list[int]]]:
        """Observations, their images' paths, and which of the people they are, so many at a time; who cannot be
        observed is a problem."""

        def look(rows: Sequence[int]) -> Observations:
            people, sizes = [self.people[row] for row in rows], [self.sizes[row] for row in rows]
            return observe(people, self.cameras[list(rows)], image_sizes=sizes, masks=options.masks)

        for start in range(0, len(self.people), size):
            rows = range(start, min(start + size, len(self.people)))
            seen, (kept, reasons) = work_apart(look, rows)
            for place, reason in reasons.items():
                self.problems.append(InputProblem(self.people[rows[place]].name, f"skipped: {reason}"))
            there = [rows[place] for place in kept]
            images = (self.people[row].image for row in there)
            if kept:
                yield seen, tuple(str(image.absolute()) if image else "" for image in images), there

    def gravity(self, body: BodyModel, networks: Networks | None, options: FitOptions) -> Gravity | None:
        """What the options say of each person's camera; None: nothing, or there are no people."""
        if options.pitch is None or not self.people:
            return None
        everybody = len(self.people)
        if options.pitch != "people":
            if isinstance(options.pitch, str) or not abs(options.pitch) <= 90:
                raise ValueError(f"pitch: expected degrees from -90 to 90, 'people' or None, got {options.pitch!r}")
            return Gravity.known(torch.full((everybody,), float(options.pitch)))
        lean = regressors.Lean(*torch.zeros(3, everybody).unbind())  # of who cannot be observed: nothing, for sure
        lean.sigma.fill_(1.0)
        for seen, _, rows in self._replace(problems=[]).batches(options.batch_size, options):
            for known, found in zip(lean, regressors.predict_lean(seen, body, networks=networks), strict=True):
                known[rows] = found.to(known)
        images = images_of(self.people, range(everybody))
        place = {image: number for number, image in enumerate(dict.fromkeys(images))}
        return regressors.common_gravity(lean, torch.tensor([place[image] for image in images]))


def _made_ready(people: Sequence[Person], options: FitOptions, init: BodyEstimate | None) -> _Ready:
    """Check all people and give each a camera; a person that cannot be fitted has a problem that says why.

    Whatever goes wrong with a person costs that person alone.
    """
    images = _Images()
    looks = [_look_at(person, images, options) for person in people]
    clean, (kept, broken) = work_apart(
        lambda rows: sanitise_all([people[row] for row in rows], [looks[row].size for row in rows]), range(len(people))
    )
    problems = [InputProblem(_name_of(people[row], row), f"skipped: {reason}") for row, reason in broken.items()]
    predicted = None if init is None else set(init.names)
    ready: list[Person] = []
    sizes: list[tuple[int, int]] = []
    focals: list[float] = []
    for look, (person, notes) in zip([looks[row] for row in kept], clean, strict=True):
        try:
            focals.append(_focal_length(person, look, notes, images, predicted, options))
        except Exception as error:
            problems.append(InputProblem(person.name, f"skipped: {reason_of(error)}"))
            continue
        problems.extend(InputProblem(person.name, note) for note in (*look.notes, *notes))
        ready.append(person)
        sizes.append(look.size)
    middles = torch.tensor([(width / 2, height / 2) for width, height in sizes]).reshape(-1, 2)
    return _Ready(ready, sizes, intrinsics_matrix(torch.tensor(focals), middles), problems)


@renamed_arguments(priors="networks")
def predict(
    observations: Observations,
    body: BodyModel | None = None,
    *,
    networks: Networks | None = None,
    images: tuple[str, ...] = (),
    gravity: Gravity | None = None,
    covariance: bool = False,
) -> BodyEstimate:
    """Predict bodies in one forward pass: what `fit` takes as ``init``.

    Args:
        observations: B people, pixels; masks, where there are any, give the shape.
        body: sets device and floating-point type; None takes the neutral open body.
        networks: (formerly ``priors``) trained networks; None takes those that ship with the package.
        images: B paths to record in the estimate.
        gravity: what is known of it before each row's camera: bodies that stand are turned towards balance.
        covariance: whether ``diagnostics`` have covariances of the joints, where the network says how sure it is.
    Returns:
        The estimate, B rows, on the CPU. A row that could not be predicted stands upright and is not trusted.
    Raises:
        FileNotFoundError, ValueError: the package's networks are missing or damaged.
        TypeError: ``observations`` are not `Observations`, but people for instance.

    >>> import anchorfit
    >>> from anchorfit.assets import ASSETS
    >>> from anchorfit.camera import default_intrinsics
    >>> from anchorfit.observations import observe
    >>> skier = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    >>> observations = observe([skier], [default_intrinsics(640, 425)])
    >>> guess = anchorfit.predict(observations)
    >>> guess.method, guess.names
    ('direct', ('000000000785.jpg#442619',))
    """
    _check_batch(observations, images, gravity)
    body = body or _usual_body()
    found = regressors.predict_params(observations, body, networks=networks, gravity=gravity)
    observations = observations.to(body.device, body.dtype)
    pose_prior = _shipped_pose_prior(body.dtype, body.device)
    known = found.uncertainty if covariance else None
    result = diagnose_prediction(body, observations, pose_prior, found.params, told=found.reasons, uncertainty=known)
    return _to_estimate(result, observations, body, images or ("",) * len(observations), "direct")


class _Look(NamedTuple):
    """A person's image: (width, height), notes, and the reason why the person is left out."""

    size: tuple[int, int]
    notes: tuple[str, ...] = ()
    reason: str = ""


def _look_at(person: Person, images: _Images, options: FitOptions) -> _Look:
    if not isinstance(person, Person):
        return _Look((0, 0))
    if options.minimum_joints > 0:
        seen = int((person.confidence > 0).sum())
        if seen < options.minimum_joints:
            return _Look((0, 0), reason=f"{seen} joints, fewer than {options.minimum_joints}")
    try:
        return _Look(*images.size_of(person))
    except Exception as error:
        return _Look((0, 0), reason=reason_of(error))


def _name_of(person: Person, row: int) -> str:
    """The name even of what is no person."""
    return person.name if isinstance(person, Person) else f"person {row}"


def _focal_length(
    person: Person,
    look: _Look,
    notes: tuple[str, ...],
    images: _Images,
    predicted: set[str] | None,
    options: FitOptions,
) -> float:
    """Of a (sanitised) person's camera, pixels; raises ValueError with the reason where it cannot be fitted."""
    if look.reason:
        raise ValueError(look.reason)
    reason = too_little(person)
    if reason is not None:
        raise ValueError("; ".join([reason, *notes]))
    if predicted is not None and person.name not in predicted:
        raise ValueError("no prediction of this name to start from")
    usual = default_focal(*look.size)
    focal = options.focal or images.focal_of(person) or usual
    shortest, longest = (share * usual for share in PLAUSIBLE_FOCAL)
    if not shortest <= focal <= longest:
        raise ValueError(f"a focal length of {focal:g} pixels; expected {shortest:.0f} to {longest:.0f} for this image")
    return focal


def _check_one_an_image(people: Sequence[Person]) -> None:
    times = Counter(person.image for person in people if person.image is not None)
    crowded = next((image for image, count in times.items() if count > 1), None)
    if crowded is not None:
        raise ValueError(f"{crowded}: several people, but all images are to show one and the same person")


def _check_predictions(init: BodyEstimate, body: BodyModel) -> None:
    made_with = (init.body, init.gender)
    if made_with != (body.source or body.name, body.gender):
        raise ValueError(
            f"init: the predictions were made with body {init.body} ({init.gender}), "
            f"the fit is to use {body.source or body.name} ({body.gender}); give the same body"
        )
    if len(set(init.names)) < len(init):
        twice = next(name for name in init.names if init.names.count(name) > 1)
        raise ValueError(f"init: there are several predictions of the name {twice}; give one for each person")


@renamed_arguments(prior="pose_prior", priors="networks")
def fit(
    observations: Observations,
    body: BodyModel | None = None,
    *,
    init: BodyEstimate | Tensor | None = None,
    schedule: str = "anchored",
    config: FitConfig | None = None,
    terms: Collection[str | TermSpec] | None = None,
    pose_prior: GaussianMixture | None = None,
    networks: Networks | None = None,
    images: tuple[str, ...] = (),
    persons: Sequence[Hashable] = (),
    videos: Sequence[Hashable] = (),
    gravity: Gravity | None = None,
    floor: Floor | Literal["auto"] | None = None,
    scenes: Sequence[Hashable] = (),
    frames_per_second: float = USUAL_RATE,
    covariance: bool = False,
    device: torch.device | str | None = None,
) -> BodyEstimate:
    """Fit bodies to a batch of observed people; rows are independent, unless ``persons`` or ``videos`` joins them.

    Args:
        observations: B people, pixels.
        body: sets floating-point type and, without ``device``, the device; None takes the neutral open body.
        init: a prediction to start from, an estimate of B rows or parameters (B, D).
        schedule: "anchored", the default (the last stage, held near ``init`` or, without one, near what `predict`
            says), or "smplify" (four stages, from keypoints alone or from ``init``'s pose).
        config: the schedule's constants; None takes its defaults.
        terms: of the energy, to be used alone beside the essential ones: names, as in ``diagnostics.energy``, or specs
            of ``fitting.terms`` or one's own (docs/extending.md); None takes the config's.
        pose_prior: (formerly ``prior``) a Gaussian mixture; None takes the one that ships with the package.
        networks: (formerly ``priors``) to predict with where there is no ``init``; None takes the package's.
        images: B paths to record in the estimate.
        persons: B labels; rows of one label are one person and get one shape.
        videos: B labels; neighbouring rows of one label are frames of one video and are smoothed.
        gravity: what is known of it before each row's camera, for people who stand; None: nothing.
        floor: before the cameras, which stand; "auto": estimated, for each of the scenes; None: nothing is known. One
            that is given says which way gravity is, where ``gravity`` does not. In videos feet that stand stay there.
        scenes: B labels; rows of one label were filmed by one camera. None: all were.
        frames_per_second: of ``videos`` whose frames say no times.
        covariance: whether ``diagnostics`` have covariances of the joints.
        device: where to fit; None takes the body's.
    Returns:
        The estimate, B rows, on the CPU. A fit that failed is marked in ``diagnostics``, never an exception.
    Raises:
        ValueError: an unknown schedule or term, a device that is not there, an ``init`` of another number of rows.
        TypeError: ``observations`` are not `Observations`, but people for instance; ``config`` is no `FitConfig`.

    >>> import anchorfit
    >>> from anchorfit.assets import ASSETS
    >>> from anchorfit.camera import default_intrinsics
    >>> from anchorfit.observations import observe
    >>> skier = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    >>> observations = observe([skier], [default_intrinsics(640, 425)])
    >>> estimate = anchorfit.fit(observations)  # predicts, then fits near the prediction
    >>> estimate.pose.shape, estimate.betas.shape, bool(estimate.diagnostics.trusted[0])
    (torch.Size([1, 72]), torch.Size([1, 10]), True)
    >>> own_start = estimate.params  # (B, D): pose, betas, transl of any method
    >>> anchorfit.fit(observations, init=own_start).method
    'anchored'
    """
    _check_batch(observations, images, gravity)
    _check_floor(floor)
    wish = None
    if floor is not None:
        wish = FloorWish(given=None if floor == "auto" else floor, scenes=tuple(scenes), rate=frames_per_second)
    if isinstance(floor, Floor) and gravity is None and schedule == "anchored":
        gravity = Gravity.known(torch.full((len(observations),), floor.pitch_deg))
    if device is not None:
        _check_device(device)
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if not isinstance(config, FitConfig | None):
        raise TypeError(f"config: expected a FitConfig, got {config!r}; a file is read by fitting.read_config")
    if gravity is not None and schedule == "smplify":
        raise ValueError("gravity: expected None with the schedule smplify, which has no prediction of who stands")
    config = config or SCHEDULES[schedule]()
    if terms is not None:
        config = only_terms(config, terms)
    if covariance:
        config = replace(config, covariance=True)
    body = (body or _usual_body()).to(device)
    pose_prior = pose_prior or _shipped_pose_prior(body.dtype, body.device)
    observations = observations.to(body.device, body.dtype)
    start = init.params if isinstance(init, BodyEstimate) else init
    start = None if start is None else body.own_params(start)
    if schedule == "smplify":
        result = smplify(
            body, observations, pose_prior, init=start, config=config, persons=persons, videos=videos, floor=wish
        )
    else:
        known = None
        if start is None:
            guess = regressors.predict_params(observations, body, networks=networks, gravity=gravity)
            start, known = guess.params, guess.uncertainty
        result = anchored(
            body,
            observations,
            pose_prior,
            start,
            config,
            uncertainty=known,
            persons=persons,
            videos=videos,
            gravity=gravity,
            floor=wish,
        )
    return _to_estimate(result, observations, body, images or ("",) * len(observations), schedule)


def load_body_on(name_or_path: str, gender: str, device: str, *, age: str = "adult") -> BodyModel:
    """``load_body`` on a device that is checked first.

    Raises:
        ValueError: there is no such device here.
    """
    _check_device(device)
    return load_body(name_or_path, gender=gender, age=age, device=device)


def _check_device(device: torch.device | str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise ValueError(f"device {str(device)!r} is not to be had here ({first_line}); use cpu") from error


def _check_batch(observations: Observations, images: Sequence[str], gravity: Gravity | None) -> None:
    if not isinstance(observations, Observations):
        raise TypeError(
            f"observations: expected Observations, got {type(observations).__name__}; people go to fit_people and "
            "predict_people, or through anchorfit.observations.observe"
        )
    if images and len(images) != len(observations):
        raise ValueError(f"images: expected {len(observations)} paths or none, got {len(images)}")
    if gravity is not None and len(gravity) != len(observations):
        raise ValueError(f"gravity: expected {len(observations)} rows or None, got {len(gravity)}")


def _to_estimate(
    result: FitResult, observations: Observations, body: BodyModel, images: tuple[str, ...], method: str
) -> BodyEstimate:
    params, observations = result.params.cpu(), observations.to("cpu")
    return BodyEstimate(
        **body.layout.split(params)._asdict(),
        intrinsics=observations.intrinsics,
        image_size=observations.image_size,
        crop_from_image=torch.eye(3, dtype=params.dtype).expand(len(observations), 3, 3).clone(),
        keypoints=observations.keypoints,
        confidence=observations.confidence,
        names=observations.names,
        images=images,
        body=body.source or body.name,
        gender=body.gender,
        method=method,
        time_s=observations.time_s,
        floors=result.floors.to("cpu"),
        diagnostics=result.diagnostics.to("cpu"),
    )


class _Images:
    """Sizes and EXIF focal lengths of images, read once an image."""

    def __init__(self) -> None:
        self._sizes: dict[Path, tuple[int, int] | Exception] = {}
        self._focals: dict[Path, float | None] = {}
        self._told: set[Path | None] = set()

    def size_of(self, person: Person) -> tuple[tuple[int, int], tuple[str, ...]]:
        """The size of the person's image, and a note where the image cannot be read and the file's word is taken.

        Raises:
            ValueError: the image's size is not known, or is not what the keypoint file says.
        """
        stated = person.image_size
        if stated is not None:
            stated = checked_size(stated)
        if person.image is None and stated is not None:
            return stated, ()
        actual = self._read_size(person.image)
        if isinstance(actual, Exception):
            if stated is None:
                raise ValueError(str(actual)) from actual
            first = person.image not in self._told
            self._told.add(person.image)
            return stated, (
                f"{reason_of(actual)}; whoever is in it is fitted from the keypoints alone",
            ) if first else ()
        problem = size_problem(person, actual)
        if problem is not None:
            raise ValueError(problem)
        return actual, ()

    def focal_of(self, person: Person) -> float | None:
        """The focal length in pixels that the image's EXIF record states, or None."""
        if person.image is None or not os.path.isfile(person.image):
            return None
        if person.image not in self._focals:
            self._focals[person.image] = focal_from_exif(person.image)
        return self._focals[person.image]

    def _read_size(self, path: Path | None) -> tuple[int, int] | Exception:
        if path is None:
            return ValueError("neither an image nor its size is known")
        if path not in self._sizes:
            try:
                self._sizes[path] = image_size(path)
            except (OSError, ValueError) as error:
                self._sizes[path] = error
        return self._sizes[path]
