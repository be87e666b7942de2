"""The loop: methods over a benchmark, block by block; resumable, in bounded memory, over any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import torch

from ..body import BodyModel, load_body
from ..observations import Observations
from ..runs.engines import Prepared, processes
from .blocks import Benchmark, Block
from .landmarks import without_landmarks
from .methods import Method, Variant, variants_of
from .methods.refined import without_keypoints
from .records import Record, RecordFile
from .scoring import score_block
from .storage import Store


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """Models of the answers and of the truth.

    Attributes:
        body: of the answers: name or path and gender, as `load_body` takes them.
        true_body: of the truth; None: the same.
        num_betas: the most that an answer has; None: as many as the body's file keeps by default.
        device: where methods run and bodies are drawn.
    """

    body: tuple[str, str]
    true_body: tuple[str, str] | None = None
    num_betas: int | None = None
    device: str = "cpu"

    def load(self) -> tuple[BodyModel, BodyModel]:
        """Both, of answers and of the truth.

        Raises:
            ValueError: their surfaces are not of the same vertices.
        """
        (name, gender), truth = self.body, None
        most = self.num_betas
        if self.true_body is not None:
            true_name, true_gender = self.true_body
            truth = load_body(true_name, gender=true_gender, device=self.device)
            if self.body == self.true_body and most is not None:
                most = max(most, truth.num_betas)  # for it draws the truth, too
        body = load_body(name, gender=gender, num_betas=most, device=self.device)
        if truth is not None and body.num_vertices != truth.num_vertices:
            raise ValueError(
                f"results are of body {name} with {body.num_vertices} vertices, the truth of {true_name} with "
                f"{truth.num_vertices}: they cannot be compared; give both of one kind"
            )
        return body, truth or body


def run_benchmark(
    benchmark: Benchmark,
    variants: Sequence[str],
    file: RecordFile,
    *,
    body: tuple[str, str] | Bodies,
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
        body: name or path and gender, as `load_body` takes them; or more of it.
        workers: processes; with more than one, times are those of a busy machine.
        more: methods by name that no register has, such as results of files; they must be picklable.
        store: keeps what methods learn, so that they are trained once; None: each process trains its own.
        progress: called with the number of people (times methods) done since the last call.
    Returns:
        Records of all people, method by method.
    Raises:
        ValueError: there is no such method, or the file has records of another version of one.
    """
    bodies = body if isinstance(body, Bodies) else Bodies(body=body)
    _check_versions(_chosen(variants, more), file)
    tasks = []
    for index, names in enumerate(benchmark.names):
        waiting = [v for v in variants if any((v, name) not in file.done for name in names)]
        progress((len(variants) - len(waiting)) * len(names))
        if waiting:
            tasks.append((index, waiting))
    if store is not None and tasks:
        _train(_chosen(dict.fromkeys(name for _, waiting in tasks for name in waiting), more), bodies, store)
        store = store._replace(say=_silent)  # for workers: it must be picklable, and all has been said
    engine = processes(workers)
    prepare = partial(_Runner, benchmark, bodies, store, dict(more))
    for records in engine(Prepared(prepare, _run_block), tasks):
        file.append(records)
        progress(len(records))
    known = {name for names in benchmark.names for name in names}  # the file may hold more, of an earlier run
    chosen = [record for record in file.records if record.method in variants and record.name in known]
    return sorted(chosen, key=lambda record: variants.index(record.method))


class _Runner:
    """A worker's bodies and methods; each method is made when it is first needed."""

    def __init__(self, benchmark: Benchmark, bodies: Bodies, store: Store | None, more: Mapping[str, Variant]) -> None:
        self.benchmark, self.store, self.more = benchmark, store, more
        self.body, self.true_body = bodies.load()
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


def _train(variants: Mapping[str, Variant], bodies: Bodies, store: Store) -> None:
    """Have methods that are trained in the store, before any process asks for them."""
    name, gender = bodies.body
    for variant in variants.values():
        if variant.trained:
            variant.make(load_body(name, gender=gender), store)


def _silent(line: str) -> None:
    pass


def _run_block(runner: _Runner, task: tuple[int, Sequence[str]]) -> list[Record]:
    index, variants = task
    block = runner.benchmark.block(index, runner.true_body)
    records = []
    for name, variant in _chosen(variants, runner.more).items():
        method = runner.method(name, variant, block)
        observations = _given(block, variant)
        start = time.perf_counter()
        result = method.estimate(observations, runner.body)
        if runner.body.device.type == "cuda":
            torch.cuda.synchronize(runner.body.device)
        milliseconds = 1000 * (time.perf_counter() - start) / len(observations)
        if not variant.timed:
            milliseconds = float("nan")
        records.extend(score_block(name, variant, result, block, (runner.body, runner.true_body), milliseconds))
    return records


def _given(block: Block, variant: Variant) -> Observations:
    """What a method is given of a block, and nothing else of it."""
    observations = block.annotated if variant.keypoints == "annotated" else block.detected
    if not variant.landmarks:
        observations = without_landmarks(observations)
    if not variant.masks:
        observations = replace(observations, masks=())
    return without_keypoints(observations) if variant.keypoints == "none" else observations
