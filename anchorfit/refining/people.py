"""`refine_people`: people with another program's bodies, fitted near them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..body import BodyModel, load_body
from ..fit_options import FitOptions, InputProblem, Outcome
from ..fitting import SCHEDULES, FitConfig
from ..fitting.terms import Anchor, JointAnchor
from ..interchange.results import ResultFile
from ..observations import Person
from ..pipeline import fit_people
from ..ready_people import seen_people
from ..regressors import Networks
from ..results import BodyEstimate
from .starts import FoundStarts, find_starts
from .usual_errors import usual_errors_deg

LEFT_OUT = "skipped: no body of it in the results; --predict-missing starts it from a prediction"
PREDICTED = "no body of it in the results: it starts from a prediction"


class Refined(NamedTuple):
    """What became of the people; what their fits began with; and lines of what was decided about the files."""

    outcome: Outcome
    start: BodyEstimate | None
    remarks: tuple[str, ...]


def refine_config(program: str, schedule: str = "anchored") -> FitConfig:
    """The constants of a refinement: anchors are weighed by the program's usual error of each joint."""
    config = SCHEDULES[schedule]()
    if schedule != "anchored":
        return config
    root, *joints = usual_errors_deg(program)
    anchor = JointAnchor(errors_deg=tuple(joints))
    orient = Anchor(name="anchor_orient", part="global_orient", weight=anchor.weight / root, sigma=anchor.sigma)
    return config.without("anchor").with_term(anchor).with_term(orient)


def refine_people(
    people: Sequence[Person],
    results: Sequence[ResultFile],
    body: BodyModel | None = None,
    *,
    networks: Networks | None = None,
    options: FitOptions = FitOptions(),
    predict_missing: bool = False,
    images: Sequence[Path] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> Refined:
    """Fit bodies to people from where other programs put them, and hold them near what those are usually good at.

    Args:
        people: with ``image`` a readable path, or with ``image_size``.
        results: as `anchorfit.read_results` reads them; where several have a body of a person, the first counts.
        body: sets device and floating-point type; None takes the neutral open body.
        networks: for people without a body, and for the directions of bodies that no camera saw.
        options: ``config`` None: that of `refine_config`.
        predict_missing: people without a body start from our own prediction; else they are left out, with a line.
        images: of the whole source, also those without people (`PeopleFile.images`): they tell which is frame 0.
        progress: called with the number of people finished since the last call.
    Returns:
        The estimates in the order of ``people``; a run repeated gives the same numbers.
    """
    body = body or load_body()
    found = find_starts(
        people, results, body, networks=networks, options=options, predict_missing=predict_missing, images=images
    )
    outcome = fit_from(people, found, body, networks=networks, options=options, progress=progress)
    return Refined(outcome, found.estimate, found.remarks)


def fit_from(
    people: Sequence[Person],
    found: FoundStarts,
    body: BodyModel,
    *,
    networks: Networks | None = None,
    options: FitOptions = FitOptions(),
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """`fit_people` from the starts that were found; a person without one is a problem."""
    if options.config is None:
        options = replace(options, config=refine_config(found.program, options.schedule))
    init = found.of(people)
    names = set() if init is None else set(init.names)
    lost = [person for person in people if isinstance(person, Person) and person.name not in names]
    usable = seen_people(lost, options)
    without = {person.name for person in usable.people}
    problems = [problem for problem in usable.problems if problem.subject not in without]
    problems += [InputProblem(person.name, LEFT_OUT) for person in usable.people]
    progress(len(lost))
    if init is None:
        return Outcome(None, tuple(problems))
    left = {id(person) for person in lost}
    wanted = [person for person in people if id(person) not in left]
    outcome = fit_people(wanted, body, init=init, networks=networks, options=options, progress=progress)
    problems += [InputProblem(name, PREDICTED) for name in init.names if name in found.predicted]
    return Outcome(outcome.estimate, (*outcome.problems, *problems))
