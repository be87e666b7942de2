"""From people seen in images to fitted bodies: cameras, batches, and one line for everything that went wrong."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from . import regressors
from .body import BodyModel, Floor, Gravity, load_body
from .body.floor import Floors
from .deprecation import renamed_arguments
from .fit_options import FitOptions as FitOptions
from .fit_options import InputProblem as InputProblem
from .fit_options import Outcome as Outcome
from .fit_options import check_floor, check_rate, gravity_of_floor
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
from .observations import Observations, Person
from .observations.doubts import doubted_keypoints
from .observations.videos import USUAL_RATE, frame_of
from .ready_people import check_asked, make_ready
from .regressors import Networks, Prediction
from .remembered_joints import remember_joints
from .results import BodyEstimate, concatenate

NO_FLOOR = "a prediction estimates none; fit, or give one"
SMOOTHED_ACROSS = 3  # frames of a video, at its usual pace: what lies farther apart is not drawn together


def _floor_wish(
    floor: Floor | Literal["auto"] | None, scenes: Sequence[Hashable], frames_per_second: float
) -> FloorWish | None:
    check_floor(floor)
    if floor is None:
        return None
    return FloorWish(given=None if floor == "auto" else floor, scenes=tuple(scenes), rate=frames_per_second)


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
        options: what is known of the people and their cameras, and how they are fitted.
        progress: called with the number of people finished since the last call.
    Returns:
        The estimates in the order of ``people``, without those that a problem names.

    Raises:
        TypeError: ``people`` is no sequence of people, or ``options`` no `FitOptions`.
    """
    check_asked(people, options)
    body = body or usual_body()
    if init is not None:
        check_predictions(init, body)
    if options.same_person or options.video:
        _check_one_an_image(people)
    together = options.same_person or options.video or options.floor == "auto"
    ready = make_ready(people, options, init)
    progress(len(people) - len(ready.people))
    estimates = []
    place = {} if init is None else {name: row for row, name in enumerate(init.names)}
    size = max(1, len(people)) if together else options.batch_size
    for observations, images, _, posed, gravity in ready.batches(size, options, body, networks):
        start = None if init is None else init.rows([place[name] for name in observations.names])
        scenes = [] if options.video else [image or row for row, image in enumerate(images)]
        estimate = _fit(
            observations,
            body,
            start if start is not None or posed is None else posed.placed(gravity),
            schedule=options.schedule,
            config=options.full_config,
            networks=networks,
            images=images,
            covariance=options.covariance,
            persons=[0] * len(observations) if options.same_person else (),
            videos=frame_stretches(observations) if options.video else (),
            gravity=gravity,
            floor=_floor_wish(options.floor, scenes, options.frames_per_second),
        )
        if start is not None:
            estimate = replace(estimate, world_from_camera=start.world_from_camera.to(estimate.transl))
        estimates.append(estimate)
        ready.problems.extend(_said_of_floors(estimate, scenes))
        progress(len(observations))
    return Outcome(concatenate(estimates) if estimates else None, tuple(ready.problems))


def _floors_said(floor: Floor | Literal["auto"] | None, like: Tensor) -> Floors:
    """Of predictions: the given floor, or that none is estimated."""
    if isinstance(floor, Floor):
        return Floors.of(floor, len(like), like)
    return Floors.none(len(like), like, f"no floor: {NO_FLOOR}" if floor == "auto" else "")


def _said_of_floors(estimate: BodyEstimate, scenes: Sequence[Hashable]) -> list[InputProblem]:
    """What is to be said of floors, once for each scene, by the first row that it is said of."""
    first: dict[tuple[Hashable, str], str] = {}
    for row, (name, text) in enumerate(zip(estimate.names, estimate.floors.said, strict=True)):
        if text:
            first.setdefault((scenes[row] if scenes else 0, text), name)
    return [InputProblem(name, text) for (_, text), name in first.items()]


@lru_cache(maxsize=1)
def usual_body() -> BodyModel:
    """Loaded once: its tables, too, are then made once."""
    return load_body()


@lru_cache(maxsize=4)
def shipped_pose_prior(dtype: torch.dtype, device: torch.device) -> GaussianMixture:
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
    check_asked(people, options)
    body = body or usual_body()
    ready = make_ready(people, options, None)
    progress(len(people) - len(ready.people))
    estimates = []
    for observations, images, _, posed, gravity in ready.batches(options.batch_size, options, body, networks):
        posed = posed or regressors.pose_people(observations, body, networks=networks)
        gravity = gravity or gravity_of_floor(options.floor, len(observations))
        found = _predicted(posed.placed(gravity), observations, body, images, gravity, covariance=options.covariance)
        estimates.append(replace(found, floors=_floors_said(options.floor, found.transl)))
        progress(len(observations))
    if options.floor == "auto" and estimates:
        ready.problems.append(InputProblem("floor", NO_FLOOR))
    return Outcome(concatenate(estimates) if estimates else None, tuple(ready.problems))


def frame_stretches(observations: Observations | BodyEstimate) -> list[int]:
    """A label for each row: one for neighbours in a video, the next where a person was out of sight for too long.

    By times where they are known, since frames of some videos are not equally far apart; else by frames' numbers.
    """
    frames = [frame_of(name) for name in observations.names]
    times = observations.time_s.tolist()
    steps = [None if a is None or b is None else b - a for a, b in pairwise(frames)]
    gaps = [b - a for a, b in pairwise(times)]
    paces = [gap / step for gap, step in zip(gaps, steps, strict=True) if step and gap > 0]
    longest_s = (SMOOTHED_ACROSS + 0.5) * statistics.median(paces) if paces else math.inf
    label, labels = 0, [0] * min(1, len(observations))
    for step, gap in zip(steps, gaps, strict=True):
        apart = step is not None and step > SMOOTHED_ACROSS
        label += gap > longest_s if gap > 0 and step is not None else apart
        labels.append(label)
    return labels


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
    body = body or usual_body()
    found = regressors.predict_params(observations, body, networks=networks, gravity=gravity)
    return _predicted(found, observations, body, images, gravity, covariance=covariance)


def _predicted(
    found: Prediction,
    observations: Observations,
    body: BodyModel,
    images: tuple[str, ...],
    gravity: Gravity | None,
    *,
    covariance: bool,
) -> BodyEstimate:
    """A prediction, judged by the observations."""
    observations = observations.to(body.device, body.dtype)
    pose_prior = shipped_pose_prior(body.dtype, body.device)
    known = found.uncertainty if covariance else None
    result = diagnose_prediction(body, observations, pose_prior, found.params, told=found.reasons, uncertainty=known)
    return to_estimate(result, observations, body, images or ("",) * len(observations), "direct", gravity)


def _check_one_an_image(people: Sequence[Person]) -> None:
    times = Counter(person.image for person in people if person.image is not None)
    crowded = next((image for image, count in times.items() if count > 1), None)
    if crowded is not None:
        raise ValueError(f"{crowded}: several people, but all images are to show one and the same person")


def check_predictions(init: BodyEstimate, body: BodyModel) -> None:
    """Raises ValueError where predictions are of another body than this, or two have one name."""
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
    _check_batch(observations, images, gravity, scenes, frames_per_second)
    return _fit(
        observations,
        body,
        init,
        schedule=schedule,
        config=config,
        terms=terms,
        pose_prior=pose_prior,
        networks=networks,
        images=images,
        persons=persons,
        videos=videos,
        gravity=gravity,
        floor=_floor_wish(floor, scenes, frames_per_second),
        covariance=covariance,
        device=device,
    )


def _fit(
    observations: Observations,
    body: BodyModel | None,
    start: BodyEstimate | Tensor | Prediction | None,
    *,
    schedule: str,
    config: FitConfig | None,
    networks: Networks | None,
    images: tuple[str, ...],
    persons: Sequence[Hashable],
    videos: Sequence[Hashable],
    gravity: Gravity | None,
    floor: FloorWish | None,
    covariance: bool,
    terms: Collection[str | TermSpec] | None = None,
    pose_prior: GaussianMixture | None = None,
    device: torch.device | str | None = None,
) -> BodyEstimate:
    """`fit`, which may also start from the network's own prediction, with how sure that is."""
    _check_batch(observations, images, gravity)
    if device is not None:
        _check_device(device)
    config = _config_of(schedule, config, terms, covariance)
    if gravity is not None and schedule == "smplify":
        raise ValueError("gravity: expected None with the schedule smplify, which has no prediction of who stands")
    if gravity is None and floor is not None:
        gravity = gravity_of_floor(floor.given, len(observations))
    body = (body or usual_body()).to(device)
    pose_prior = pose_prior or shipped_pose_prior(body.dtype, body.device)
    seen = observations.to(body.device, body.dtype)
    given = None if start is None or isinstance(start, Prediction) else _own_params(start, body)
    if schedule == "smplify":
        result = smplify(body, seen, pose_prior, init=given, config=config, persons=persons, videos=videos, floor=floor)
        return to_estimate(result, seen, body, images or ("",) * len(seen), schedule, gravity)
    known = None
    if given is None:
        guess = start if isinstance(start, Prediction) else None
        guess = guess or regressors.predict_params(seen, body, networks=networks, gravity=gravity)
        given, known = guess.params, guess.uncertainty
    foreign = isinstance(start, Tensor) or (isinstance(start, BodyEstimate) and start.method != "direct")
    result = anchored(
        body,
        seen,
        pose_prior,
        given,
        config,
        uncertainty=known,
        persons=persons,
        videos=videos,
        gravity=gravity,
        doubted=None if foreign else doubted_keypoints(body, given, seen),  # by a prediction alone: see there
        floor=floor,
    )
    return to_estimate(result, seen, body, images or ("",) * len(seen), schedule, gravity)


def _own_params(start: BodyEstimate | Tensor, body: BodyModel) -> Tensor:
    """Parameters (B, D) of the body's own number of betas, device and floating-point type."""
    given = body.own_params(start.params if isinstance(start, BodyEstimate) else start)
    return given.to(body.device, body.dtype)


def _config_of(
    schedule: str, config: FitConfig | None, terms: Collection[str | TermSpec] | None, covariance: bool
) -> FitConfig:
    """The constants of a schedule, as `fit` takes them.

    Raises:
        ValueError: there is no such schedule or term.
        TypeError: the configuration is none.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if not isinstance(config, FitConfig | None):
        raise TypeError(f"config: expected a FitConfig, got {config!r}; a file is read by fitting.read_config")
    config = config or SCHEDULES[schedule]()
    if terms is not None:
        config = only_terms(config, terms)
    return replace(config, covariance=True) if covariance else config


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


def _check_batch(
    observations: Observations,
    images: Sequence[str],
    gravity: Gravity | None,
    scenes: Sequence[Hashable] = (),
    frames_per_second: float = USUAL_RATE,
) -> None:
    if not isinstance(observations, Observations):
        raise TypeError(
            f"observations: expected Observations, got {type(observations).__name__}; people go to fit_people and "
            "predict_people, or through anchorfit.observations.observe"
        )
    if images and len(images) != len(observations):
        raise ValueError(f"images: expected {len(observations)} paths or none, got {len(images)}")
    if gravity is not None and len(gravity) != len(observations):
        raise ValueError(f"gravity: expected {len(observations)} rows or None, got {len(gravity)}")
    if len(scenes) not in (0, len(observations)):
        raise ValueError(f"scenes: expected {len(observations)} labels or none, got {len(scenes)}")
    check_rate(frames_per_second)


def to_estimate(
    result: FitResult,
    observations: Observations,
    body: BodyModel,
    images: tuple[str, ...],
    method: str,
    gravity: Gravity | None = None,
) -> BodyEstimate:
    params, observations = result.params.cpu(), observations.to("cpu")
    remember_joints(body)
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
        pitch_deg=params.new_full((len(params),), torch.nan) if gravity is None else gravity.pitch_deg.to(params),
        floors=result.floors.to("cpu"),
        diagnostics=result.diagnostics.to("cpu"),
    )
