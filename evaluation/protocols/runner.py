"""Methods over a benchmark, block by block: resumable, in bounded memory, over any number of processes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ...body import BodyModel, load_body
from ...camera import Crop
from ...observations import Observations
from ...runs.engines import Prepared, processes
from ..datasets.lsp import Annotation
from ..estimates import what_is_wrong
from ..landmarks import without_landmarks
from ..methods import Method, MethodResult, Variant, variants_of
from ..part_labels import draw_labels
from ..records import Record, RecordFile
from ..scoring import empty_like, segmentation_counts
from ..storage import Store
from ..truth import Truth, errors_against


class Block(NamedTuple):
    """Some people of a benchmark.

    detected: what a detector saw of them, with their masks and 91 landmarks where there are any.
    annotated: the same without noise and gaps.
    truth: what is known of them.
    annotations: masks and part labels, where known.
    crops: what crop-based predictions see of each, where that is part of the protocol.
    photographs: of each, where there is one.
    """

    detected: Observations
    annotated: Observations
    truth: Truth = Truth()  # immutable
    annotations: tuple[Annotation, ...] | None = None
    crops: tuple[Crop, ...] | None = None
    photographs: tuple[Path | None, ...] | None = None


class Case(NamedTuple):
    """One person to be shown: observations and truth."""

    observations: Observations
    annotation: Annotation | None
    truth: Tensor | None
    photograph: Path | None


class Benchmark(Protocol):
    """People in blocks; a block is made when it is needed. Must be picklable."""

    @property
    def names(self) -> Sequence[Sequence[str]]:
        """Names of all people, block by block."""

    def block(self, index: int, body: BodyModel) -> Block: ...


def run_benchmark(
    benchmark: Benchmark,
    variants: Sequence[str],
    file: RecordFile,
    *,
    body: tuple[str, str],
    device: str = "cpu",
    workers: int = 1,
    store: Store | None = None,
    more: Mapping[str, Variant] = MappingProxyType({}),
    progress: Callable[[int], None] = lambda done: None,
) -> list[Record]:
    """Run methods over a benchmark; blocks that the file has whole are not run again.

    Args:
        benchmark: the people.
        variants: names of methods.
        file: where records go, a block at a time.
        body: name or path and gender, as `load_body` takes them.
        device: where methods run and bodies are drawn.
        workers: processes; with more than one, times are those of a busy machine.
        more: methods by name that no register has, such as results of files; they must be picklable.
        store: keeps what methods learn, so that they are trained once; None: each process trains its own.
        progress: called with the number of people (times methods) done since the last call.
    Returns:
        Records of all people, method by method.
    Raises:
        ValueError: there is no such method, or the file has records of another version of one.
    """
    _check_versions(_chosen(variants, more), file)
    tasks = []
    for index, names in enumerate(benchmark.names):
        waiting = [v for v in variants if any((v, name) not in file.done for name in names)]
        progress((len(variants) - len(waiting)) * len(names))
        if waiting:
            tasks.append((index, waiting))
    if store is not None and tasks:
        _train(_chosen(dict.fromkeys(name for _, waiting in tasks for name in waiting), more), body, store)
        store = store._replace(say=_silent)  # for workers: it must be picklable, and all has been said
    engine = processes(workers)
    prepare = partial(_prepare, benchmark, body, device, store, dict(more))
    for records in engine(Prepared(prepare, _run_block), tasks):
        file.append(records)
        progress(len(records))
    known = {name for names in benchmark.names for name in names}
    chosen = [record for record in file.records if record.method in variants and record.name in known]
    return sorted(chosen, key=lambda record: variants.index(record.method))


def case_of(benchmark: Benchmark, name: str, body: BodyModel) -> Case:
    """Case of a person by name.

    Raises:
        ValueError: there is no person of this name.
    """
    for index, names in enumerate(benchmark.names):
        if name in names:
            row, block = list(names).index(name), benchmark.block(index, body)
            return Case(
                observations=block.detected.rows([row]),
                annotation=None if block.annotations is None else block.annotations[row],
                truth=None if block.truth.bodies is None else block.truth.bodies[row],
                photograph=None if block.photographs is None else block.photographs[row],
            )
    raise ValueError(f"{name}: nobody of this name")


class _Runner:
    """A worker's body and methods; each method is made when it is first needed."""

    def __init__(self, benchmark: Benchmark, body: BodyModel, store: Store | None, more: Mapping[str, Variant]) -> None:
        self.benchmark, self.body, self.store, self.more = benchmark, body, store, more
        self.methods: dict[str, Method] = {}

    def method(self, name: str, variant: Variant, block: Block) -> Method:
        """The method, warmed up on two people, so that no one pays for what is prepared once."""
        if name not in self.methods:
            method = variant.make(self.body, self.store)
            method.estimate(_given(block, variant).rows([0, len(block.detected) - 1]), self.body)
            self.methods[name] = method
        return self.methods[name]


def _check_versions(variants: Mapping[str, Variant], file: RecordFile) -> None:
    """Raises ValueError where records of another version of a method would be mixed with its own."""
    for record in file.records:
        if record.method in variants and record.version != variants[record.method].version:
            raise ValueError(
                f"{file.path}: {record.method} was of version {record.version} and is of "
                f"{variants[record.method].version} now; give another folder, or delete it"
            )


def _chosen(names: Iterable[str], more: Mapping[str, Variant]) -> dict[str, Variant]:
    """Methods by name, in the order of the names: of those given, else of the register."""
    own = [name for name in names if name not in more]
    known = {**(variants_of(own) if own or not more else {}), **more}
    return {name: known[name] for name in names}


def _train(variants: Mapping[str, Variant], body: tuple[str, str], store: Store) -> None:
    """Have methods that are trained in the store, before any process asks for them."""
    name, gender = body
    for variant in variants.values():
        if variant.trained:
            variant.make(load_body(name, gender=gender), store)


def _silent(line: str) -> None:
    pass


def _prepare(
    benchmark: Benchmark, body: tuple[str, str], device: str, store: Store | None, more: Mapping[str, Variant]
) -> _Runner:
    name, gender = body
    return _Runner(benchmark, load_body(name, gender=gender, device=device), store, more)


def _run_block(runner: _Runner, task: tuple[int, Sequence[str]]) -> list[Record]:
    index, variants = task
    block = runner.benchmark.block(index, runner.body)
    records = []
    for name, variant in _chosen(variants, runner.more).items():
        method = runner.method(name, variant, block)
        observations = _given(block, variant)
        start = time.perf_counter()
        result = method.estimate(observations, runner.body)
        if runner.body.device.type == "cuda":
            torch.cuda.synchronize(runner.body.device)
        milliseconds = 1000 * (time.perf_counter() - start) / len(observations)
        records.extend(score_block(name, variant, result, block, runner.body, milliseconds))
    return records


def _given(block: Block, variant: Variant) -> Observations:
    """What a method is given of a block, and nothing else of it."""
    observations = block.annotated if variant.keypoints == "annotated" else block.detected
    if not variant.landmarks:
        observations = without_landmarks(observations)
    if not variant.masks:
        observations = replace(observations, masks=())
    if variant.keypoints == "none":
        nothing = torch.zeros_like(observations.keypoints), torch.zeros_like(observations.confidence)
        unseen = torch.full_like(observations.world, torch.nan)
        observations = replace(observations, keypoints=nothing[0], confidence=nothing[1], world=unseen)
    return observations


def score_block(
    name: str, variant: Variant, result: MethodResult, block: Block, body: BodyModel, milliseconds: float
) -> list[Record]:
    """Records of a method's answer."""
    names = block.detected.names
    params = result.params
    problems = what_is_wrong(result.joints_cam if params is None else params)
    errors = errors_against(block.truth, result, body)
    counts = _counts(variant, params, block, body)
    return [
        Record(
            method=name,
            name=names[row],
            counts=counts[row],
            **{key: math.nan if problems[row] else float(column[row]) for key, column in errors.items()},
            ms=milliseconds,
            version=variant.version,
            problem=problems[row],
            params=() if params is None else tuple(params[row].tolist()),
        )
        for row in range(len(names))
    ]


def _counts(variant: Variant, params: Tensor | None, block: Block, body: BodyModel) -> list[tuple[int, ...]]:
    """Segmentation counts, where masks are compared and the method has bodies."""
    if block.annotations is None or params is None:
        return [()] * len(block.detected)
    sizes = [(a.mask.shape[1], a.mask.shape[0]) for a in block.annotations]
    crops = block.crops if variant.on_crop else None
    labels = draw_labels(body, params, block.detected.intrinsics, sizes, crops)
    shown = [empty_like(a) if problem else a for a, problem in zip(labels, what_is_wrong(params), strict=True)]
    pairs = zip(shown, block.annotations, strict=True)
    return [segmentation_counts(drawn, annotation.mask, annotation.parts) for drawn, annotation in pairs]
