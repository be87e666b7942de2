"""PosePrior, refined on 2D keypoints beside synthetic people, and tested on held-out photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..body import BodyModel
from ..evaluation.agreement import agreement
from ..observations import Person
from ..pipeline import predict_people
from ..regressors import Networks, PosePrior
from ..regressors.datasets.crops import box_of
from ..regressors.training import Annotated, PoseTask, RefineTask, Trained, Training
from ..regressors.training.loop import Task
from ..results import BodyEstimate
from .comparison import Comparison, Verdict, compare, judge
from .people import Split

WEIGHT, ANCHOR = 30.0, 10.0
"""As `RefineTask` takes them. Without the anchor a few dozen people's reprojection falls further, and their errors in
space rise (docs/adapting.md)."""
TOLERANCE = 0.02
"""Share by which errors in space may rise: the interval of a thousand synthetic people sees much less than matters."""


class PoseAdaptation(NamedTuple):
    """The refined network, the run, the figures before and after, what follows, and a line for who was left out."""

    network: PosePrior
    run: Trained
    figures: list[Comparison]
    verdict: Verdict
    problems: list[str]


def adapt_pose_prior(
    split: Split,
    shipped: Networks,
    body: BodyModel,
    run: Callable[[Task, Training], Trained],
    config: Training,
) -> PoseAdaptation:
    """Refine PosePrior on the learned people, and compare on the held-out ones.

    What is to fall is the reprojection. The silhouettes' IoU, where people have masks, and the errors in space of
    synthetic people must not get worse for it: few keypoints are fitted by many bodies that no person has.

    Args:
        split: people with images that can be read.
        shipped: the networks to start from; stay as they are.
        body: of the synthetic people.
        run: trains, as `regressors.training.train` does.
        config: of the run.
    Raises:
        ValueError: not one person to learn from, or to test on, can be predicted.
    """
    known = predict_people(split.learned, body, networks=shipped)
    before = predict_people(split.heldout, body, networks=shipped)
    if known.estimate is None or before.estimate is None:
        problem = (*known.problems, *before.problems)[0]
        raise ValueError(f"nobody could be predicted in the {'held-out' if known.estimate else ''} images ({problem})")
    seen = known.estimate
    target = Annotated(seen.keypoints.float(), seen.confidence.float(), seen.intrinsics.float())
    source = PoseTask(body, network=shipped.pose.config, seed=config.seed)
    task = RefineTask(source, deepcopy(shipped.pose), target, weight=WEIGHT, anchor=ANCHOR, seed=config.seed)
    trained = run(task, config)
    network = task.model.eval()
    after = predict_people(split.heldout, body, networks=replace(shipped, pose=network))
    figures = _in_images(before.estimate, after.estimate or before.estimate, body, split.heldout)
    guards = _in_space(source, shipped.pose, network)
    verdict = judge(figures[:1], [*figures[1:], *guards])
    problems = [str(problem) for problem in (*known.problems, *before.problems)]
    return PoseAdaptation(network, trained, [*figures, *guards], verdict, problems)


def _in_images(
    before: BodyEstimate, after: BodyEstimate, body: BodyModel, people: Sequence[Person]
) -> list[Comparison]:
    """Reprojection first, then the overlap of silhouettes, if there are masks."""
    by_name = {person.name: person for person in people}
    rows = [by_name[name] for name in before.names]
    images = [person.image for person in rows]
    size = np.array([max(box_of(person)[2:]) for person in rows])
    old, new = (_apart(estimate) / size for estimate in (before, after))
    reprojection = compare("reprojection", "% of a person's size", old, new, images, lower_is_better=True)
    old, new = (_overlap(estimate, body, rows) for estimate in (before, after))
    silhouettes = compare("silhouette IoU", "", old, new, images, lower_is_better=False)
    return [figure for figure in (reprojection, silhouettes) if figure is not None]


def _apart(estimate: BodyEstimate) -> np.ndarray:
    """(N,) mean distances of the annotated joints, hundredths of a pixel."""
    apart: np.ndarray = 100 * estimate.diagnostics.reprojection_px.nanmean(1).double().numpy()
    return apart


def _overlap(estimate: BodyEstimate, body: BodyModel, people: Sequence[Person]) -> np.ndarray:
    """(N,) of the drawn bodies and the people's masks; NaN without."""
    found = [figures.mask_iou for figures in agreement(estimate, body, people)]
    return np.array([np.nan if iou is None else iou for iou in found])


def _in_space(source: PoseTask, before: PosePrior, after: PosePrior) -> list[Comparison]:
    """Joint errors of synthetic people in poses of subjects who were not trained on."""
    figures = []
    for kind, people in source.heldout.items():
        old, new = (source.joint_errors_mm(network, people).double().numpy() for network in (before, after))
        figures.append(
            compare(
                f"joints in space, {kind} synthetic people",
                "mm",
                old,
                new,
                range(len(old)),
                lower_is_better=True,
                tolerance=TOLERANCE * float(old.mean()),
            )
        )
    return [figure for figure in figures if figure is not None]
