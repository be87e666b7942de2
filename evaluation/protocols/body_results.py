"""Scoring results on data sets with known bodies or joints, and on openbody: any method's, a few at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

import torch

from ...body import BodyModel, load_body
from ...observations import Observations, Person
from ...runs.engines import Prepared, processes
from ..answers import answer_of
from ..datasets.lsp import Annotation
from ..datasets.samples import BodyDataset
from ..estimates import Entry, PlacedBody, read_estimate, what_is_wrong
from ..joint_regressor import JointRegressor
from ..records import Record, RecordFile
from ..scoring import empty_like, segmentation_counts
from ..surface_landmarks import SurfaceLandmarks
from ..truth import Truth, errors_against
from .bodies import truth_of
from .lsp import MISSING, centred, estimated_labels
from .openbody import OpenBody
from .runner import Case

PEOPLE_AT_ONCE = 25


class Known(NamedTuple):
    """Some people: the truth, annotations of their images where there are any, and what was seen of them."""

    truth: Truth
    annotations: tuple[Annotation, ...] | None
    people: tuple[Person, ...]


class People(Protocol):
    """People that results are scored on, block by block; must be picklable."""

    @property
    def names(self) -> Sequence[Sequence[str]]:
        """Names of all people, block by block, no two alike."""

    @property
    def labels(self) -> Sequence[tuple[str, ...]]:
        """What results may call each person, in the same order."""

    def known(self, index: int, body: BodyModel) -> Known:
        """A block, the truth of which is of this body."""


@dataclass(frozen=True, kw_only=True)
class DatasetPeople:
    """A data set.

    Attributes:
        dataset: the people.
        regressor, landmarks: as `bodies.BodyBenchmark` has them.
    """

    dataset: BodyDataset
    regressor: JointRegressor | None = None
    landmarks: SurfaceLandmarks | None = None

    @cached_property  # of large sets names take long to make
    def names(self) -> list[list[str]]:
        every = list(self.dataset.names)
        return [every[start : start + PEOPLE_AT_ONCE] for start in range(0, len(every), PEOPLE_AT_ONCE)]

    @property
    def labels(self) -> Sequence[tuple[str, ...]]:
        return self.dataset.labels

    def known(self, index: int, body: BodyModel) -> Known:
        first = index * PEOPLE_AT_ONCE
        samples = [self.dataset.sample(first + row, body) for row in range(len(self.names[index]))]
        truth = truth_of(samples, self.dataset.judged, body, self.regressor, self.landmarks)
        return Known(truth, None, tuple(sample.person for sample in samples))


@dataclass(frozen=True, kw_only=True)
class OpenBodyPeople:
    """openbody, with its masks and parts."""

    benchmark: OpenBody

    @property
    def names(self) -> list[list[str]]:
        return self.benchmark.names

    @property
    def labels(self) -> list[tuple[str, ...]]:
        return [(name,) for block in self.names for name in block]

    def known(self, index: int, body: BodyModel) -> Known:
        block = self.benchmark.block(index, body)
        return Known(block.truth, block.annotations, people_of(block.detected))


def people_of(seen: Observations) -> tuple[Person, ...]:
    """Observations as readers give people: one in each image."""
    return tuple(
        Person(
            person_id="0",
            keypoints=seen.keypoints[row].double().cpu().numpy(),
            confidence=seen.confidence[row].double().cpu().numpy(),
            image=Path(f"{name}.png"),
            image_size=(int(seen.image_size[row, 0]), int(seen.image_size[row, 1])),
        )
        for row, name in enumerate(seen.names)
    )


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Settings of reading and scoring results.

    Attributes:
        method: what records call the method.
        body: that the results are of: name or path and gender, as `load_body` takes them.
        num_betas: the most that a result has.
        true_body: that the truth is of.
        enlarged: as `estimates.read_estimate` takes it.
    """

    method: str
    body: tuple[str, str]
    true_body: tuple[str, str]
    num_betas: int = 10
    enlarged: float = 1.0

    def bodies(self) -> tuple[BodyModel, BodyModel]:
        """Both, loaded.

        Raises:
            ValueError: their surfaces are not of the same vertices.
        """
        (name, gender), (true_name, true_gender) = self.body, self.true_body
        true_body = load_body(true_name, gender=true_gender)
        same = self.body == self.true_body  # and then draws the truth, too
        num_betas = max(self.num_betas, true_body.num_betas) if same else self.num_betas
        body = load_body(name, gender=gender, num_betas=num_betas)
        if body.num_vertices != true_body.num_vertices:
            raise ValueError(
                f"results are of body {self.body[0]} with {body.num_vertices} vertices, the truth of "
                f"{self.true_body[0]} with {true_body.num_vertices}: they cannot be compared; give both of one kind"
            )
        return body, true_body


def score_people(
    people: People,
    entries: Sequence[Entry | None],
    file: RecordFile,
    scoring: Scoring,
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Score the people that the file does not hold yet; returns a line for each result that could not be used.

    Args:
        people: the data set.
        entries: the result of each, None where there is none.
        file: where records go, as they come.
        scoring: how results are read and judged.
        workers: processes.
        progress: called with the number of people done since the last call.
    """
    tasks, first = [], 0
    for index, names in enumerate(people.names):
        own = tuple(entries[first : first + len(names)])
        first += len(names)
        if all((scoring.method, name) in file.done for name in names):
            progress(len(names))
        else:
            tasks.append((index, tuple(names), own))
    engine = processes(workers)
    prepare = partial(_prepare, people, scoring)
    for records in engine(Prepared(prepare, _score), tasks):
        file.append(records)
        progress(len(records))
    scored = {name for names in people.names for name in names}  # the file may hold more people of an earlier run
    told = [record for record in file.records if record.problem not in ("", MISSING) and record.name in scored]
    return [f"{record.name}: {record.problem}; counts as failed" for record in told]


class _Judge(NamedTuple):
    """What a worker needs."""

    people: People
    scoring: Scoring
    body: BodyModel
    true_body: BodyModel


def _prepare(people: People, scoring: Scoring) -> _Judge:
    return _Judge(people, scoring, *scoring.bodies())


def _score(judge: _Judge, task: tuple[int, tuple[str, ...], tuple[Entry | None, ...]]) -> list[Record]:
    index, names, entries = task
    known = judge.people.known(index, judge.true_body)
    placed, problems = _read(entries, judge.body, judge.scoring.enlarged)
    nothing = judge.body.v_template.new_full((judge.body.layout.size,), torch.nan)
    params = torch.stack([nothing if p is None else p.params for p in placed])
    counts: list[tuple[int, ...]] = [()] * len(names)
    for row, annotation in enumerate(known.annotations or ()):
        labels, one = empty_like(annotation.mask), placed[row]
        if one is not None and not problems[row]:
            try:
                labels = estimated_labels(judge.body, one, annotation)
            except ValueError as error:
                problems[row] = str(error)
        counts[row] = segmentation_counts(labels, annotation.mask, annotation.parts)
    failed = torch.tensor([bool(problem) for problem in problems])
    params = params.to(judge.body.v_template).masked_fill(failed[:, None], torch.nan)
    errors = errors_against(known.truth, answer_of(params, judge.body), judge.body, judge.true_body)
    return [
        Record(
            method=judge.scoring.method,
            name=name,
            counts=counts[row],
            **{key: float(column[row]) for key, column in errors.items()},
            problem=problems[row],
            params=() if problems[row] else tuple(params[row].tolist()),
            version=1,  # of files, whose checksums tell them apart
        )
        for row, name in enumerate(names)
    ]


def _read(
    entries: Sequence[Entry | None], body: BodyModel, enlarged: float
) -> tuple[list[PlacedBody | None], list[str]]:
    """Results in the body's layout, and what is wrong with each, "" where nothing."""
    placed: list[PlacedBody | None] = []
    problems = []
    for entry in entries:
        one, problem = None, MISSING
        if entry is not None:
            try:
                one, problem = read_estimate(entry, enlarged=enlarged), ""
                one = replace(one, params=body.own_params(one.params[None])[0])
            except (OSError, ValueError) as error:
                problem = str(error)
        if one is not None and not problem:
            (problem,) = what_is_wrong(one.params[None])
        placed.append(one)
        problems.append(problem)
    return placed, problems


def case_of_person(people: People, name: str, entry: Entry, scoring: Scoring, true_body: BodyModel) -> Case:
    """Case of a person: in the result's camera, with observations and, where known, the truth.

    Raises:
        ValueError: there is no person of this name.
    """
    for index, names in enumerate(people.names):
        if name in names:
            row, known = list(names).index(name), people.known(index, true_body)
            break
    else:
        raise ValueError(f"{name}: nobody of this name")
    person, placed = known.people[row], read_estimate(entry, enlarged=scoring.enlarged)
    width, height = placed.image_size or person.image_size or _extent(placed)
    same = person.image_size in (None, (width, height))  # else keypoints are not of what the result is drawn in
    seen = Observations(
        keypoints=torch.from_numpy(person.keypoints).float()[None],
        confidence=torch.from_numpy(person.confidence * same).float()[None],
        intrinsics=centred(placed.intrinsics, width, height).float()[None],
        image_size=torch.tensor([[width, height]]),
        names=(name,),
    )
    bodies = known.truth.bodies if scoring.body == scoring.true_body else None
    return Case(
        observations=seen,
        annotation=None if known.annotations is None else known.annotations[row],
        truth=None if bodies is None else bodies[row],
        photograph=person.image if person.image is not None and person.image.is_file() else None,
    )


def _extent(placed: PlacedBody) -> tuple[int, int]:
    """An image that holds the crop, or as large as two focal lengths where there is none."""
    if placed.crop is None:
        side = math.ceil(2 * float(placed.intrinsics[0, 0]))
        return side, side
    right, bottom = (placed.crop.corner + placed.crop.side).tolist()
    return max(1, math.ceil(right)), max(1, math.ceil(bottom))
