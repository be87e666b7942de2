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
from anchorfit.fitting.terms import silhouette
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
    """The schedule with two rounds of two steps a stage at most: every term is built, refreshed and minimised."""
    config = SCHEDULES[schedule]()
    steps = [replace(one.stopping, max_steps=min(one.stopping.max_steps, 2)) for one in config.stages]
    pairs = zip(config.stages, steps, strict=True)
    return replace(config, stages=tuple(replace(one, rounds=min(one.rounds, 2), stopping=few) for one, few in pairs))


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
WHOLE = [
    *product(("anchored", "smplify"), (True,), LABELS, ("none",), (False,)),
    *product(("anchored",), (False,), ("none", "shared"), ("none",), (False,)),
    ("anchored", True, "shared", "shared", False),
]
"""Cases that are fitted to the end, too: where the fit itself is judged, not its terms alone."""


@pytest.fixture(scope="module")
def fits(body, people) -> dict[tuple, BodyEstimate]:
    """Of every case, hurried, and with few of the surface's points for masks to pull at."""
    cases = product(("anchored", "smplify"), (False, True), LABELS, LABELS, (False, True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silhouette, "SURFACE_SAMPLE", 100)
        return {case: _of_case(body, people, case, whole=False) for case in cases}


@pytest.fixture(scope="module")
def whole_fits(body, people) -> dict[tuple, BodyEstimate]:
    return {case: _of_case(body, people, case, whole=True) for case in WHOLE}


def _of_case(body, people, case, *, whole) -> BodyEstimate:
    schedule, masks, persons, videos, init = case
    labels = {"persons": LABELS[persons], "videos": LABELS[videos]}
    return _fitted(body, people, schedule, masks=masks, init=init, whole=whole, **labels)


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_every_fit_of_a_schedule_has_the_same_terms(fits, whole_fits, schedule):
    everything = (*fits.items(), *whole_fits.items())
    keys = {tuple(one.diagnostics.energy) for case, one in everything if case[0] == schedule}
    assert len(keys) == 1
    assert {"keypoints", "pose_prior", "silhouette", "shared_shape", "smoothness"} <= set(keys.pop())


def test_masks_and_interpenetration_stay_on_where_rows_see_each_other(fits, whole_fits):
    for (schedule, masks, persons, videos, _), one in (*fits.items(), *whole_fits.items()):
        energy = one.diagnostics.energy
        assert bool((energy["silhouette"] > 0).all()) == masks, (schedule, persons, videos)
        if schedule == "smplify":
            assert (energy["interpenetration"] > 0).all()
        if videos == "shared":
            assert (energy["smoothness"][:5] > 0).all()


def test_the_anchor_is_to_the_prediction_not_to_the_fit(whole_fits):
    """In one shape for several rows the pose still pays for what lies between it and the prediction."""
    alone = whole_fits["anchored", False, "none", "none", False].diagnostics.energy["anchor"]
    shared = whole_fits["anchored", False, "shared", "none", False].diagnostics.energy["anchor"]
    assert (shared[:5] > 0.8 * alone[:5]).all()  # 1.01 times at least; 0.36 where it is to the fit


def test_one_label_a_row_changes_nothing(fits, whole_fits):
    for found, case in [(some, case) for some in (fits, whole_fits) for case in some]:
        schedule, masks, persons, videos, init = case
        if "shared" not in (persons, videos):
            one, bare = found[case], found[schedule, masks, "none", "none", init]
            assert torch.equal(one.params, bare.params), (schedule, masks, persons, videos, init)
            for name, energy in bare.diagnostics.energy.items():
                torch.testing.assert_close(one.diagnostics.energy[name], energy, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_masks_help_as_much_with_labels_as_without(whole_fits, people, body, schedule):
    """The fault that this guards against: with labels masks and capsules vanished from the last fits."""

    def overlap(one: BodyEstimate) -> float:
        pictures = rasterize(one.bodies(body).vertices, body.faces, people.observations.intrinsics, (480, 640)).face_ids
        pairs = zip((picture.numpy() >= 0 for picture in pictures), people.observations.masks, strict=True)
        return sum(float((a & b).sum() / (a | b).sum()) for a, b in pairs) / COUNT

    without = overlap(whole_fits[schedule, True, "none", "none", False])
    assert overlap(whole_fits[schedule, True, "shared", "none", False]) > without - 0.02


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
