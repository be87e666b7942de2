"""Rows of sightings solved: those that views settle in one energy, the others each by its best view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .. import regressors
from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..body.moving import moved
from ..cameras import CalibratedCamera
from ..fitting import FitConfig, FitResult, GaussianMixture, TermSpec, anchored
from ..fitting.point_fit import fit_positions
from ..fitting.schedules import skeleton_groups
from ..fitting.terms import Anchor, InView, View, Views
from ..observations import Observations
from ..regressors import Networks
from ..rows import Rows
from .agreement import ViewAgreement, sides_exchanged
from .config import SAME_SHAPE, START, ViewOptions, one_view_config, views_config
from .joints import about_their_middle, mirror_image_fits_better
from .observing import Seen


def seen_as_believed(seen: Seen, agreement: ViewAgreement) -> Seen:
    """What was seen, with exchanged sides exchanged back and confidence by how far each view is believed.

    Where views do not settle a place, all are kept as they are: one of them is fitted alone.
    """
    found = []
    for view, one in enumerate(seen.observations):
        turned = sides_exchanged(one, agreement.exchanged[:, view])
        weight = torch.where(agreement.usable, agreement.weight[:, view], 1.0)
        found.append(replace(turned, confidence=turned.confidence * weight[:, None].to(turned.confidence)))
    return replace(seen, observations=tuple(found))


@dataclass(frozen=True, kw_only=True)
class FittedRows(Rows):
    """Fitted rows.

    Attributes:
        result: what the fit found, in the frames of the main cameras.
        main: (B,) those cameras.
        world: (B, D) parameters in the world.
        exchanged: (B,) bool, the views agree, but about a person with left and right exchanged.
    """

    result: FitResult
    main: Tensor
    world: Tensor
    exchanged: Tensor

    def __len__(self) -> int:
        return len(self.main)


@dataclass(frozen=True, eq=False)
class ViewTask:
    body: BodyModel
    pose_prior: GaussianMixture
    networks: Networks | None
    options: ViewOptions
    cameras: tuple[CalibratedCamera, ...]
    seen: Seen
    agreement: ViewAgreement
    persons: tuple[int, ...] = ()  # of a sequence: the person of each row

    def run(self) -> FittedRows:
        """All rows: those that views settle in one energy, the others each by its best view.

        In a sequence the others take the shape that views settled of their person.
        """
        usable = self.agreement.usable
        shapes: dict[int, Tensor] = {}
        parts: list[FittedRows] = []
        order: list[int] = []
        for settled in (True, False):
            rows = torch.nonzero(usable == settled)[:, 0].tolist()
            whole = self.options.sequence
            for group in [rows] if whole and rows else self._groups(rows):
                for start in range(0, len(group), len(group) if whole else self.options.batch_size):
                    some = group[start : start + (len(group) if whole else self.options.batch_size)]
                    parts.append(self._fit(some, settled, shapes))
                    order += some
                    if whole and settled:
                        betas = parts[-1].world[:, self.body.layout.betas]
                        shapes = {self.persons[row]: betas[place] for place, row in enumerate(some)}
        back = torch.tensor(order).argsort()
        return FittedRows.concatenate(parts).rows(back)

    def _groups(self, rows: list[int]) -> list[list[int]]:
        """Rows by the smallest skeleton that covers what any view has seen of them."""
        if not rows:
            return []
        union = self._union().rows(rows)
        return [[rows[place] for place in members] for _, members in skeleton_groups(union)]

    def _union(self) -> Observations:
        confidence = self.seen.stacked("confidence").amax(1)
        return replace(self.seen.observations[0], confidence=confidence)

    def _main(self, rows: list[int], settled: bool) -> Tensor:
        """(R,) the camera that sees most of each row; of a sequence one for all."""
        index = torch.tensor(rows)
        worth = self.seen.stacked("confidence")[index].sum(-1)
        if settled and self.options.sequence:
            worth = worth.sum(0, keepdim=True).expand_as(worth)
        return worth.argmax(1)

    def _fit(self, rows: list[int], settled: bool, shapes: Mapping[int, Tensor]) -> FittedRows:
        index, main = torch.tensor(rows), self._main(rows, settled)
        rotation = torch.stack([camera.rotation for camera in self.cameras])[main]
        translation = torch.stack([camera.translation for camera in self.cameras])[main]
        observed = self.observed(index, main)
        exchanged = torch.zeros(len(rows), dtype=torch.bool)
        if settled:
            places = (self.agreement.points[index][..., None, :] * rotation[:, None]).sum(-1) + translation[:, None]
            result = self._in_all_views(index, main, rotation, translation, observed, places)
            sure = self.agreement.confidence[index]
            exchanged = mirror_image_fits_better(self.body, self.pose_prior, places, sure, result)
        else:
            result = self._in_one_view(observed, index, main, shapes)
        back = rotation.mT
        away = -(back * translation[:, None]).sum(-1)
        params = moved(self.body, result.params.cpu().double(), back, away)
        world = params.to(result.params.dtype)
        return FittedRows(result=result.to("cpu"), main=main, world=world, exchanged=exchanged)

    def observed(self, index: Tensor, place: Tensor) -> Observations:
        """Observations of rows (R,), each by the camera (R,) of its own."""
        joined = Observations.concatenate(list(self.seen.observations))
        picked = joined.rows(place * len(self.seen.observations[0]) + index)
        return picked.to(self.body.device, self.body.dtype)

    def _in_one_view(
        self, observed: Observations, index: Tensor, main: Tensor, shapes: Mapping[int, Tensor]
    ) -> FitResult:
        """Rows (R,) each in its camera (R,); of people whose shape (S,) is known with that."""
        guess = regressors.predict_params(observed, self.body, networks=self.networks)
        config = replace(_known_size(one_view_config(), self.options), covariance=self.options.covariance)
        start = guess.params.clone()
        if not self.options.sequence:
            return anchored(self.body, observed, self.pose_prior, start, config, uncertainty=guess.uncertainty)
        people = [self.persons[row] for row in index.tolist()]
        known = [place for place, person in enumerate(people) if person in shapes]
        for place in known:
            start[place, self.body.layout.betas] = shapes[people[place]].to(start)
        rest = [place for place, person in enumerate(people) if person not in shapes]
        parts = []
        for places in filter(None, (known, rest)):
            same: dict[str, Any] = {}
            some = config
            if places is known:
                some = config.with_term(Anchor(name="anchor_betas", part="betas", weight=SAME_SHAPE, sigma=2.0))
            else:  # views settled none of them: what they are in time, they are in their own camera
                same["persons"] = [people[place] for place in places]
                same["videos"] = [(people[place], int(main[place])) for place in places]
            sure = None if guess.uncertainty is None else guess.uncertainty.rows(places)
            found = anchored(
                self.body, observed.rows(places), self.pose_prior, start[places], some, uncertainty=sure, **same
            )
            if places is known:
                params = found.params.clone()
                params[:, self.body.layout.betas] = start[places][:, self.body.layout.betas]
                found = replace(found, params=params)
            parts.append(found)
        return FitResult.concatenate(parts).rows(torch.tensor(known + rest).argsort())

    def _in_all_views(
        self,
        index: Tensor,
        main: Tensor,
        rotation: Tensor,
        translation: Tensor,
        observed: Observations,
        places: Tensor,
    ) -> FitResult:
        body = self.body
        others = self._others(index, main, rotation, translation)
        start = self.start(index, main, places, self.agreement.confidence[index])
        config = self.options.config or views_config()
        union = self._union().rows(index)
        joints = skeleton_groups(union)[-1][0] if not self.options.sequence else CANONICAL_JOINTS
        config = config.with_term(
            Views(
                views=others, joints=joints, sigma=config.keypoints.sigma, joint_weights=config.keypoints.joint_weights
            )
        )
        config = _known_size(config, self.options)
        for term in ("silhouette", "limb_directions"):
            config = _seen_by_all(config, term, others)
        config = replace(config, covariance=self.options.covariance)
        same: dict[str, Any] = {}
        if self.options.sequence and len(index) > 1:
            people = [self.persons[row] for row in index.tolist()]
            same = {"persons": people} | ({"videos": people} if self.options.smooth else {})
        return anchored(body, observed, self.pose_prior, start, config, placed=True, **same)

    def _others(self, index: Tensor, main: Tensor, rotation: Tensor, translation: Tensor) -> tuple[View, ...]:
        """The other cameras of each row, in turn after its main one, relative to that."""
        rotations = torch.stack([camera.rotation for camera in self.cameras])
        translations = torch.stack([camera.translation for camera in self.cameras])
        found = []
        for step in range(1, len(self.cameras)):
            place = (main + step) % len(self.cameras)
            turn = (rotations[place][..., None, :] * rotation[:, None]).sum(-1)  # R_v R_main^T
            away = translations[place] - (turn * translation[:, None]).sum(-1)
            observed = self.observed(index, place)
            like = observed.keypoints
            found.append(View(observations=observed, rotation=turn.to(like), translation=away.to(like)))
        return tuple(found)

    def start(self, index: Tensor, main: Tensor, places: Tensor, confidence: Tensor) -> Tensor:
        """(R, D) bodies fitted to the triangulated joints (R, K, 3), metres, frames of the main cameras (R,)."""
        middle, local, sure = about_their_middle(self.body, places, confidence)
        found = fit_positions(self.body, self.pose_prior, CANONICAL_JOINTS, local, sure, START)
        params = found.params.clone()
        params[:, self.body.layout.transl] += middle
        thin = torch.nonzero(self.agreement.thin[index])[:, 0]
        if len(thin):
            params[thin.to(params.device)] = self.predicted_start(
                index[thin], main[thin], places[thin], confidence[thin]
            )
        return params

    def predicted_start(self, index: Tensor, main: Tensor, places: Tensor, confidence: Tensor) -> Tensor:
        """(R, D) of each row the view whose prediction, moved onto the triangulated joints, lies nearest to them."""
        body = self.body
        middle, local, sure = about_their_middle(self.body, places, confidence)
        rotations = torch.stack([camera.rotation for camera in self.cameras])
        found: list[Tensor] = []
        costs: list[Tensor] = []
        for camera in range(len(self.cameras)):
            seen = self.observed(index, torch.full_like(main, camera))
            guess = regressors.predict_params(seen, body, networks=self.networks)
            turn = (rotations[main][..., None, :] * rotations[camera]).sum(-1)  # R_main R_camera^T
            params = moved(body, guess.params, turn.to(local), local.new_zeros(3))
            off = local - compiled_points(body, CANONICAL_JOINTS).points(params)
            shift = (off * sure[..., None]).sum(1) / sure.sum(1)[:, None].clamp_min(1e-9)
            params[:, body.layout.transl] += shift
            cost = ((off - shift[:, None]).norm(dim=-1) * sure).sum(1)
            there = (seen.confidence > 0).any(-1)
            found.append(params)
            costs.append(torch.where(there, cost, torch.inf))
        best = torch.stack(costs).argmin(0)
        params = torch.stack(found)[best, torch.arange(len(best), device=best.device)]
        params[:, body.layout.transl] += middle
        return params


def _known_size(config: FitConfig, options: ViewOptions) -> FitConfig:
    return config if options.sizes is None else config.with_term(options.sizes)


def _seen_by_all(config: FitConfig, name: str, views: tuple[View, ...]) -> FitConfig:
    """The configuration with one of its terms in every view that has evidence for it, not in the main one alone."""
    spec: TermSpec | None = config.term(name)
    if spec is None:
        return config
    for number, view in enumerate(views, start=1):
        seen = view.observations
        nothing = all(mask is None for mask in seen.masks) if name == "silhouette" else bool(seen.world.isnan().all())
        if not nothing:
            label = f"{name} of view {number}"
            config = config.with_term(InView(name=label, view=view, spec=spec, from_stage=spec.from_stage))
    return config
