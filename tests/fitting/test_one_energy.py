"""The guard of the one loop: whatever a fit is asked for beside its keypoints, no term of its energy gets lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import SCHEDULES, FitConfig
from anchorfit.fitting.least_squares import Stopping
from anchorfit.pipeline import fit
from anchorfit.rendering import rasterize
from anchorfit.results import BodyEstimate

COUNT = 6


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def people(body: BodyModel) -> SyntheticSet:
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    drawn = make_people(body, poses, COUNT, seed=4)
    pictures = rasterize(
        body.from_params(drawn.params).vertices, body.faces, drawn.observations.intrinsics, (480, 640)
    ).face_ids
    masks = tuple(picture.numpy() >= 0 for picture in pictures)
    return SyntheticSet(replace(drawn.observations, masks=masks), drawn.params)


def _hurried(schedule) -> FitConfig:
    """The schedule with a smoothing over time of two rounds of four steps: every term is there by then, and whole it
    takes three quarters of all these fits' time. The other stages are as they are."""
    config = SCHEDULES[schedule]()
    short = Stopping(rtol=1e-3, max_steps=4)
    stages = [replace(one, rounds=2, stopping=short) if one.name == "smoothness" else one for one in config.stages]
    assert stages != list(config.stages)
    return replace(config, stages=tuple(stages))


def _fitted(body, people, schedule, *, masks, persons, videos, init, whole=False) -> BodyEstimate:
    return fit(
        people.observations if masks else replace(people.observations, masks=(None,) * COUNT),
        body,
        schedule=schedule,
        config=None if whole else _hurried(schedule),
        init=people.params if init else None,
        persons=persons,
        videos=videos,
    )


LABELS = {"none": (), "one each": tuple(range(COUNT)), "shared": ("a", "a", "b", "b", "b", "c")}
WHOLE = {(schedule, True, "shared", "shared", False) for schedule in ("anchored", "smplify")}
"""Cases whose smoothing is not cut short."""


@pytest.fixture(scope="module")
def fits(body, people) -> dict[tuple, BodyEstimate]:
    cases = product(("anchored", "smplify"), (False, True), LABELS, LABELS, (False, True))
    return {case: _of_case(body, people, case, whole=case in WHOLE) for case in cases}


def _of_case(body, people, case, *, whole) -> BodyEstimate:
    schedule, masks, persons, videos, init = case
    labels = {"persons": LABELS[persons], "videos": LABELS[videos]}
    return _fitted(body, people, schedule, masks=masks, init=init, whole=whole, **labels)


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_every_fit_of_a_schedule_has_the_same_terms(fits, schedule):
    keys = {tuple(one.diagnostics.energy) for case, one in fits.items() if case[0] == schedule}
    assert len(keys) == 1
    assert {"keypoints", "pose_prior", "silhouette", "shared_shape", "smoothness"} <= set(keys.pop())


def test_masks_and_interpenetration_stay_on_where_rows_see_each_other(fits):
    for (schedule, masks, persons, videos, _), one in fits.items():
        energy = one.diagnostics.energy
        assert bool((energy["silhouette"] > 0).all()) == masks, (schedule, persons, videos)
        if schedule == "smplify":
            assert (energy["interpenetration"] > 0).all()
        if videos == "shared":
            assert (energy["smoothness"][:5] > 0).all()


def test_the_anchor_is_to_the_prediction_not_to_the_fit(fits):
    """In one shape for several rows the pose still pays for what lies between it and the prediction."""
    alone = fits["anchored", False, "none", "none", False].diagnostics.energy["anchor"]
    shared = fits["anchored", False, "shared", "none", False].diagnostics.energy["anchor"]
    assert (shared[:5] > 0.3 * alone[:5]).all()


def test_one_label_a_row_changes_nothing(fits):
    for (schedule, masks, persons, videos, init), one in fits.items():
        if "shared" not in (persons, videos):
            bare = fits[schedule, masks, "none", "none", init]
            assert torch.equal(one.params, bare.params), (schedule, masks, persons, videos, init)
            for name, energy in bare.diagnostics.energy.items():
                torch.testing.assert_close(one.diagnostics.energy[name], energy, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_masks_help_as_much_with_labels_as_without(fits, people, body, schedule):
    """The fault that this guards against: with labels masks and capsules vanished from the last fits."""

    def overlap(one: BodyEstimate) -> float:
        pictures = rasterize(one.bodies(body).vertices, body.faces, people.observations.intrinsics, (480, 640)).face_ids
        pairs = zip((picture.numpy() >= 0 for picture in pictures), people.observations.masks, strict=True)
        return sum(float((a & b).sum() / (a | b).sum()) for a, b in pairs) / COUNT

    without = overlap(fits[schedule, True, "none", "none", False])
    assert overlap(fits[schedule, True, "shared", "none", False]) > without - 0.02


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_skew_and_unequal_focal_lengths_are_honoured_by_camera_stage_and_masks(body, schedule):
    """The same bodies through a skewed camera are found as well as through a square one."""
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    exact = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
    drawn = make_people(body, poses, 8, seed=11, config=exact)
    errors = []
    for skewed in (False, True):
        intrinsics = drawn.observations.intrinsics.clone()
        if skewed:
            intrinsics[:, 0, 1] = 60.0
            intrinsics[:, 1, 1] *= 1.15
        joints = body.canonical_joints(body.from_params(drawn.params))
        pictures = rasterize(body.from_params(drawn.params).vertices, body.faces, intrinsics, (480, 640)).face_ids
        seen = replace(
            drawn.observations,
            keypoints=project(joints, intrinsics),
            intrinsics=intrinsics,
            masks=tuple(picture.numpy() >= 0 for picture in pictures),
        )
        found = fit(seen, body, schedule=schedule)
        ours, true = found.bodies(body).joints, body.from_params(drawn.params).joints
        errors.append(float((ours - ours[:, :1] - true + true[:, :1]).norm(dim=-1).mean()))
    assert errors[1] < errors[0] + 0.005
