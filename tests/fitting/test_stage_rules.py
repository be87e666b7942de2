"""What stages promise: no term is lost without a word, labels may be arrays, and what was wrong before stays known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import SyntheticSet, make_people
from anchorfit.fitting import FitConfig, anchored_config, only_terms
from anchorfit.fitting.least_squares import Stopping
from anchorfit.fitting.terms import Hinge, SharedShape, Smoothness
from anchorfit.pipeline import fit
from anchorfit.status import Status

COUNT = 8


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def people(body: BodyModel) -> SyntheticSet:
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    return make_people(body, poses, COUNT, seed=4)


def test_a_term_for_all_rows_is_on_in_a_stage_for_rows_with_evidence(body, people):
    config = anchored_config().with_term(Hinge(from_stage="outlines"))
    assert (fit(people.observations, body, config=config).diagnostics.energy["hinge"] > 0).all()


@pytest.mark.parametrize("spec", [SharedShape(from_stage="last"), Smoothness(from_stage="")])
def test_a_term_that_couples_rows_cannot_begin_where_they_are_apart(body, people, spec):
    with pytest.raises(ValueError, match=f"{spec.name} is to begin .* where rows are apart; it can in shared shape"):
        fit(people.observations, body, config=anchored_config().with_term(spec), persons=[0] * COUNT)


def test_a_schedule_begins_with_a_stage_for_all_rows(body, people):
    for stages in ((), FitConfig().stages[4:], FitConfig().stages[5:]):
        with pytest.raises(ValueError, match="stages: expected the first to be for all rows"):
            fit(people.observations, body, schedule="smplify", config=replace(FitConfig(), stages=stages))


def test_what_is_no_spec_is_named():
    with pytest.raises(TypeError, match="terms: expected values of kinds of TermSpec, got 5"):
        only_terms(FitConfig(), [5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="terms: expected values of kinds of TermSpec, got 5"):
        FitConfig().with_term(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", [np.array([0, 0, 1, 1, 1, 2, 3, 4]), torch.tensor([0, 0, 1, 1, 1, 2, 3, 4])])
def test_labels_may_be_arrays(body, people, labels):
    found = fit(people.observations, body, persons=labels, videos=labels)
    plain = fit(people.observations, body, persons=labels.tolist(), videos=labels.tolist())
    assert torch.equal(found.params, plain.params)
    assert torch.equal(found.betas[0], found.betas[1])


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_nobody_to_fit_is_said_in_one_line(body, people, schedule):
    with pytest.raises(ValueError, match="observations: expected at least one person, got none"):
        fit(people.observations.rows([]), body, schedule=schedule)


def test_a_row_out_of_steps_stays_so_when_its_shape_is_shared(body, people):
    """Its status said "converged" beside the reason "the solver ended out of steps"."""
    config = anchored_config()
    short = replace(config.stages[0], stopping=Stopping(rtol=1e-6, max_steps=2))
    config = replace(config, stages=(short, *config.stages[1:]))
    alone = fit(people.observations, body, config=config).diagnostics
    assert (alone.status == Status.OUT_OF_STEPS).all()
    shared = fit(people.observations, body, config=config, persons=[0] * COUNT).diagnostics
    assert (shared.status >= alone.status).all()


def test_diagnostics_of_coupled_rows_do_not_depend_on_others(body):
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    observations = make_people(body, poses, 17, seed=4).observations
    labels = ("a", "a", "a", *range(14))
    together = fit(observations, body, persons=labels).diagnostics.rows(range(3))
    alone = fit(observations.rows(range(3)), body, persons=labels[:3]).diagnostics
    assert torch.equal(together.score, alone.score)
    assert torch.equal(together.reprojection_px.nan_to_num(), alone.reprojection_px.nan_to_num())
    for name, energy in together.energy.items():
        assert torch.equal(energy, alone.energy[name]), name
