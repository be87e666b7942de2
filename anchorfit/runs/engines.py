"""Engines: where a run's work is done, in this process, in several of this machine, or in a cluster's by Ray."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..options import OptionError, check_choice, option

ENGINES = ("local", "ray")
Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")

_WAITING = 2  # items a worker that are handed out ahead
_HOW = "forkserver" if sys.platform == "linux" else "spawn"
_PRELOADED = ("anchorfit.runs.fitting", "anchorfit.regressors")
"""What the process loads, once, that workers are forked from; it runs nothing of it, and so has no threads."""


class Engine(Protocol):
    """Executor of work: like ``map``, results in the order of the items, but perhaps in other processes."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]: ...


class Engines(NamedTuple):
    """Executors of a run's two kinds of work, detecting and fitting; each has resources of its own."""

    detect: Engine
    fit: Engine


def in_this_process(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The engine that needs nothing: one item after the other."""
    return map(work, items)


class Processes:
    """The engine of one machine's cores: processes of one PyTorch thread each, which end with the one that started
    them. Work, items and results are pickled; items are taken as they are needed."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Raises what the work raises; OSError where a process was killed."""
        # Not forked from here: a fork of a process that has used torch's threads may hang. Pickled here, by value:
        # multiprocessing's own way would move tensors to shared memory.
        warm_up(self._workers)
        context = multiprocessing.get_context(_HOW)
        remaining = iter(items)
        with ProcessPoolExecutor(
            self._workers, mp_context=context, initializer=_start, initargs=(pickle.dumps(work), os.getcwd())
        ) as pool:
            try:
                pending: deque[Future[bytes]] = deque()
                while True:
                    for item in islice(remaining, _WAITING * self._workers - len(pending)):
                        pending.append(pool.submit(_call, pickle.dumps(item)))
                    if not pending:
                        return
                    yield pickle.loads(pending.popleft().result())
            except BrokenProcessPool as error:
                raise OSError(
                    "a worker process was killed (out of memory?); the same command goes on with what is left, perhaps "
                    "with fewer --workers"
                ) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def warm_up(workers: int | None) -> None:
    """Begin to load PyTorch for so many processes, where they can share it, while the caller is busy with its own."""
    if _HOW == "forkserver" and (workers or 1) > 1:
        from multiprocessing import forkserver

        multiprocessing.set_forkserver_preload([*_PRELOADED])
        forkserver.ensure_running()


def processes(workers: int) -> Engine:
    """The engine of so many processes; one is this one.

    Raises:
        ValueError: less than one.
    """
    if workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    return in_this_process if workers == 1 else Processes(workers)


class Prepared(Generic[State, Item, Result]):
    """Work on a state that each process makes for itself, when it is first needed.

    Args:
        prepare: makes the state; a picklable callable.
        work: called with the state and an item; a module's function, so that processes find it.
    """

    def __init__(self, prepare: Callable[[], State], work: Callable[[State, Item], Result]) -> None:
        self._prepare, self._work = prepare, work
        self._state: list[State] = []

    def __call__(self, item: Item) -> Result:
        if not self._state:
            self._state.append(self._prepare())
        return self._work(self._state[0], item)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_state": []}


_work: Callable[[Any], Any] | None = None
"""In a worker process: what it does."""


def _start(work: bytes, folder: str) -> None:
    import torch

    global _work
    torch.set_num_threads(1)
    collect_seldom()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.chdir(folder)
    _work = pickle.loads(work)


def collect_seldom() -> None:
    """Let Python look for circles of objects seldom: people are many small objects, none of them in a circle."""
    gc.set_threshold(100_000, 50)


def _leave_with_parent() -> None:
    """A process whose parent was killed would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(item: bytes) -> bytes:
    assert _work is not None
    return pickle.dumps(_work(pickle.loads(item)))


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Choice of the engine.

    Attributes:
        name: "local", this machine without further packages; or "ray".
        workers: processes; None: this one alone with "local", else one a core, or a GPU.
        cluster: address of a running Ray cluster, or "auto"; None: a Ray of its own, on this machine.
        detector_gpus: GPUs, or a share of one, for each detecting worker of Ray; 0: CPU.
    """

    name: str = option(
        "local",
        name="engine",
        help="local: this machine; or ray: over a cluster, too, by the package Ray (docs/scaling.md).",
    )
    workers: int | None = option(None, takes=int, least=1, help="Processes. Default: 1; with ray one a core, or a GPU.")
    cluster: str | None = option(
        None,
        takes=str,
        help="Address of a running Ray cluster, or 'auto', for --engine ray; its machines see the same files under the "
        "same names. Default: a Ray of its own, on this machine.",
    )
    detector_gpus: float = option(
        0.0, least=0.0, help="GPUs, or a share of one, for each detecting worker of --engine ray; 0: CPU."
    )

    def detector_device(self, device: str) -> str:
        """Where detectors run that can choose: with the fits, or where each worker has its own GPU, or none."""
        return device if self.name == "local" else "cuda" if self.detector_gpus else "cpu"

    def warm_up(self) -> None:
        """Begin to load what workers share; called as soon as it is known that they are wanted."""
        if self.name == "local":
            warm_up(self.workers)

    def check(self, device: str) -> None:
        """Raises OptionError where there is no such engine, or it does not take these options."""
        check_choice("engine", self.name, ENGINES)
        if self.workers is not None and self.workers < 1:
            raise OptionError("workers", f"expected at least 1, got {self.workers}")
        if not 0 <= self.detector_gpus < float("inf"):
            raise OptionError("detector-gpus", f"expected 0 or more, got {self.detector_gpus}")
        given = {"--cluster": self.cluster is not None, "--detector-gpus": self.detector_gpus > 0}
        wrong = [name for name, one in given.items() if one]
        if self.name == "local" and wrong:
            raise OptionError("engine", f"{', '.join(wrong)}: only with --engine ray")
        if self.name == "ray" and device.startswith("cuda:"):
            raise OptionError("device", "each worker is given a GPU: say cuda, without a number")
        if self.name == "local" and (self.workers or 1) > 1 and device != "cpu":
            raise OptionError(
                "workers", "several processes on one GPU wait for each other: --workers is for --device cpu"
            )


@contextmanager
def opened_engines(
    chosen: EngineOptions, device: str = "cpu", warn: Callable[[str], None] = lambda line: None
) -> Iterator[Engines]:
    """The engines of that choice, for as long as the context lasts.

    Raises:
        OptionError: there is no such engine, or it does not take these options.
        ImportError, OSError: it is not installed, or cannot be started.
    """
    chosen.check(device)
    chosen.warm_up()
    if chosen.name == "local":
        engine = processes(chosen.workers or 1)
        yield Engines(engine, engine)
        return
    from .ray_engine import ray_engines

    with ray_engines(
        workers=chosen.workers,
        cluster=chosen.cluster,
        gpus=float(device == "cuda"),
        detector_gpus=chosen.detector_gpus,
        warn=warn,
    ) as engines:
        yield engines
