"""`fit_views`: people seen by several calibrated cameras, one body for all views of an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.moving import moved
from ..cameras import CalibratedCamera, CameraRig
from ..fitting import GaussianMixture
from ..observations import Person
from ..pipeline import shipped_pose_prior, to_estimate, usual_body
from ..plain_text import printable
from ..points.frames import check_scale
from ..regressors import Networks
from ..results import BodyEstimate
from .config import ViewOptions
from .identity import longest_of
from .observing import Seen
from .pairing import Instant
from .settling import Sighted, settle_views
from .solving import FittedRows, ViewTask, seen_as_believed
from .trust import ViewVerdict, judge_views


@dataclass(frozen=True, kw_only=True)
class ViewFit:
    """Bodies fitted to several views.

    Attributes:
        estimate: B bodies, each in the frame of its main camera, without the lens.
        main: B names of those cameras.
        world: what ``smplx.SMPL`` takes, in metres and the axes of the cameras' world.
        cameras: in metres; the frame that ``world`` is in.
        seen: what each camera saw, as its ideal pinhole has it.
        errors_px: (B, V) mean distance between keypoints and body in each view; NaN where it has not seen the person.
        weights: (B, V) how far a view was believed, 0..1.
        remarks: what was decided about the cameras and views as a whole.
        problems: a line for each row with something wrong, ``(row, text)``; the others went on.
        persons: of a sequence B numbers, who each row is; else none.
    """

    estimate: BodyEstimate
    main: tuple[str, ...]
    world: dict[str, Tensor]
    cameras: tuple[CalibratedCamera, ...]
    seen: Seen
    errors_px: Tensor
    weights: Tensor
    remarks: tuple[str, ...]
    problems: tuple[tuple[int, str], ...]
    persons: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.estimate)

    def in_view(self, camera: str, body: BodyModel | None = None) -> BodyEstimate:
        """The bodies in the frame of one camera, with what it saw of them.

        Of a camera with a lens the images are not named: bodies are drawn on them without the lens
        (`observing.undistorted_image`).

        Raises:
            ValueError: no camera of this name.
        """
        names = [one.name for one in self.cameras]
        if camera not in names:
            raise ValueError(f"camera: expected one of {', '.join(names)}, got {camera!r}")
        place = names.index(camera)
        own, observed = self.cameras[place], self.seen.observations[place]
        body = body or usual_body()
        params = body.layout.join(**self.world)
        there = body.layout.split(moved(body, params.double(), own.rotation, own.translation).to(params.dtype))
        like = self.estimate.transl
        return replace(
            self.estimate,
            **there._asdict(),
            intrinsics=observed.intrinsics.to(like),
            image_size=observed.image_size,
            keypoints=observed.keypoints.to(like),
            confidence=observed.confidence.to(like),
            images=_drawable(self.seen.images[place], own),
        )

    def motion(self, body: BodyModel | None = None, person: int | None = None) -> BodyEstimate:
        """The bodies as one motion: all in the frame of one camera, the one that is main most often.

        Args:
            body: as they were fitted.
            person: of a sequence whose rows; None: of who was seen longest. Rows of no sequence are all taken.
        Raises:
            ValueError: no person of this number.
        """
        rows = list(range(len(self)))
        if self.persons:
            person = longest_of(self.persons) if person is None else person
            rows = [row for row, one in enumerate(self.persons) if one == person]
        if not rows or (person is not None and not self.persons):
            raise ValueError(f"person: expected one of {sorted(set(self.persons))}, got {person}")
        mains = [self.main[row] for row in rows]
        camera = max(dict.fromkeys(mains), key=mains.count)
        return self.in_view(camera, body).rows(rows)


def _drawable(images: Sequence[str], camera: CalibratedCamera) -> tuple[str, ...]:
    """Paths of images that a pinhole's bodies may be drawn on: none of a camera with a lens."""
    return ("",) * len(images) if camera.distortion else tuple(images)


def fit_views(
    views: Mapping[str, Sequence[Person]] | Sequence[Instant],
    cameras: CameraRig | Sequence[CalibratedCamera],
    body: BodyModel | None = None,
    *,
    pose_prior: GaussianMixture | None = None,
    networks: Networks | None = None,
    options: ViewOptions = ViewOptions(),
) -> ViewFit:
    """Fit bodies to people whom several calibrated cameras saw at the same instants.

    Args:
        views: camera's name -> its people; instants by the names of images, or by order (`pair_views`); or instants.
        cameras: as of `read_cameras`.
        body: sets device and floating-point type; None takes the neutral open body.
        pose_prior: a Gaussian mixture; None takes the one that ships with the package.
        networks: to predict with, where an instant has one view alone; None takes the package's.
        options: see `ViewOptions`.
    Raises:
        ValueError: no camera, no people, an unknown unit, or known sizes of people whose unit is free. What is wrong
            with single views or instants is no error, but stands in ``problems`` and in the diagnostics.

    >>> import anchorfit, torch
    >>> from anchorfit.cameras import CalibratedCamera
    >>> from anchorfit.assets import ASSETS
    >>> skier = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    >>> K = [[765.0, 0, 320], [0, 765, 212.5], [0, 0, 1]]
    >>> alone = CalibratedCamera(name="one", intrinsics=torch.tensor(K), image_size=(640, 425))
    >>> found = anchorfit.fit_views({"one": [skier]}, [alone])
    >>> found.estimate.method, found.main
    ('views', ('one',))
    """
    check_scale(options.unit, options.sizes)
    body = body or usual_body()
    rig = tuple(cameras.cameras if isinstance(cameras, CameraRig) else cameras)
    if not rig:
        raise ValueError("cameras: expected at least one, got none")
    stated = cameras.unit if isinstance(cameras, CameraRig) else ""
    saw = settle_views(views, rig, body, options, stated=stated, networks=networks)
    return fit_sighted(saw, body, pose_prior=pose_prior, networks=networks, options=options)


def fit_sighted(
    saw: Sighted,
    body: BodyModel,
    *,
    pose_prior: GaussianMixture | None = None,
    networks: Networks | None = None,
    options: ViewOptions = ViewOptions(),
) -> ViewFit:
    """Fit bodies to what is settled of the views; arguments as for `fit_views`."""
    pose_prior = (pose_prior or shipped_pose_prior(body.dtype, body.device)).to(body.device, body.dtype)
    believed = seen_as_believed(saw.seen, saw.agreement)
    task = ViewTask(body, pose_prior, networks, options, saw.cameras, believed, saw.agreement, saw.persons)
    fitted = task.run()
    fitted = replace(fitted, exchanged=fitted.exchanged | saw.mirrored)
    verdict = judge_views(task, fitted, saw.misnamed)
    problems = [*saw.problems, *((row, text) for row, text in enumerate(verdict.reasons) if text)]
    return ViewFit(
        estimate=_estimate(body, task, fitted, verdict),
        main=tuple(saw.cameras[place].name for place in fitted.main.tolist()),
        world={name: value.cpu() for name, value in body.layout.split(fitted.world)._asdict().items()},
        cameras=saw.cameras,
        seen=task.seen,
        errors_px=verdict.errors_px.cpu(),
        weights=saw.agreement.weight,
        remarks=tuple(printable(remark) for remark in saw.remarks),
        problems=tuple((row, printable(text)) for row, text in sorted(dict.fromkeys(problems))),
        persons=saw.persons,
    )


def _estimate(body: BodyModel, task: ViewTask, fitted: FittedRows, verdict: ViewVerdict) -> BodyEstimate:
    observed = task.observed(torch.arange(len(fitted)), fitted.main)
    judged = {"score": verdict.score.cpu(), "trusted": verdict.trusted.cpu(), "reasons": verdict.reasons}
    result = replace(fitted.result, **judged)  # type: ignore[arg-type]
    by_camera = [_drawable(images, camera) for images, camera in zip(task.seen.images, task.cameras, strict=True)]
    images = tuple(by_camera[place][row] for row, place in enumerate(fitted.main.tolist()))
    return to_estimate(result, observed, body, images, "views")
