"""The engine of many cores and machines: Ray Data hands work to processes, and again where one was killed."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..options import install_command, without_package
from .engines import Engines, Item, Result

RETRIES = 3  # of work whose process was killed: what kills every process must not go round for ever


@contextmanager
def ray_engines(
    *,
    workers: int | None = None,
    cluster: str | None = None,
    gpus: float = 0.0,
    detector_gpus: float = 0.0,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[Engines]:
    """Start Ray, or join a cluster, for as long as the context lasts.

    Args:
        workers: processes, each with one PyTorch thread; None takes as many as there are cores, or GPUs to go round.
        cluster: address of a running Ray cluster, or "auto" for this machine's; all its machines see the same files
            under the same names. None starts a Ray of our own on this machine, which listens on loopback alone.
        gpus: for each worker that fits.
        detector_gpus: for each worker that detects; without a GPU in the cluster they have CPUs instead.
        warn: called with a line about that.
    Yields:
        The engines. Work and items are pickled, results come in the order of the items. What the work raises as
        OSError or ValueError is raised here as it is.
    Raises:
        ImportError: Ray is not installed.
        OSError: it cannot be started or reached; or, while it works, it gave up: a chunk's workers were killed again
            and again, the cluster is gone.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray reads these when first imported; it has no arguments for them
    if cluster is None:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # as there by default: listen on loopback only
    try:
        import ray
        import ray.data
    except ImportError as error:
        why = without_package("ray", f"it is not installed: {install_command('ray', 'ray[data]')}", error)
        raise ImportError(f"the engine ray needs Ray: {why} (--workers alone needs nothing)") from error
    own = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    where: dict[str, Any] = own if cluster is None else {"address": cluster}
    try:
        ray.init(**where, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        hint = "" if cluster is None else "; where the cluster asks for a token, set RAY_AUTH_MODE=token"
        raise OSError(f"ray: cannot be started or reached ({str(error).strip().splitlines()[0]}){hint}") from error
    try:
        _quieten()
        if _room(gpus) < 1:
            raise OSError("ray: there is no GPU in the cluster; use --device cpu")
        if _room(detector_gpus) < 1:
            warn("ray: there is no GPU in the cluster; people are looked for on CPUs")
            detector_gpus = 0.0
        yield Engines(
            detect=_RayEngine(min(workers or _room(detector_gpus), _room(detector_gpus)), detector_gpus, stays=True),
            fit=_RayEngine(min(workers or _room(gpus), _room(gpus)), gpus),
        )
    finally:
        ray.shutdown()


def _room(gpus: float) -> int:
    """How many workers of so many GPUs, or of a core, the cluster has room for."""
    import ray

    resources = ray.cluster_resources()
    return int(resources.get("GPU", 0) / gpus) if gpus else int(resources.get("CPU", 1))


class _RayEngine:
    """Items over a pool of worker processes of Ray Data: tasks, or actors that stay and keep what they have loaded."""

    def __init__(self, workers: int, gpus: float, *, stays: bool = False) -> None:
        self._workers, self._gpus, self._stays = workers, gpus, stays

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        import ray

        items = list(items)
        if not items:
            return
        size = min(self._workers, len(items))
        todo: Any = ray.data.from_items([{"item": item} for item in items], override_num_blocks=len(items))
        shared = ray.put((work, os.getcwd()))  # once, not with every worker's start
        with warnings.catch_warnings(action="ignore"):  # until Ray 2.64 there is no other way to say max_retries
            if self._stays:
                done = todo.map(
                    _Worker,
                    fn_constructor_args=(shared,),
                    compute=ray.data.ActorPoolStrategy(size=size),
                    num_cpus=1,
                    num_gpus=self._gpus,
                    max_restarts=RETRIES,
                    max_task_retries=-1,  # a node that goes answers many calls with "unavailable" first
                )
            else:
                done = todo.map(
                    _work_on,
                    fn_args=(shared,),
                    compute=ray.data.TaskPoolStrategy(size=size),
                    num_cpus=1,
                    num_gpus=self._gpus,
                    max_retries=RETRIES,
                )
        try:
            for row in done.iter_rows():
                if isinstance(row["result"], Exception):
                    raise row["result"]
                yield row["result"]
        except (ray.exceptions.RayTaskError, ray.exceptions.UserCodeException):
            raise  # a fault of the work's: its trace is wanted
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            raise OSError(f"ray: gave up ({reason}); the same command goes on with what is left") from error


class _Worker:
    """An actor: the work, with all that it has loaded, for as long as there are items."""

    def __init__(self, shared: Any) -> None:
        import ray
        import torch

        torch.set_num_threads(1)
        self._work = _arrive(ray.get(shared))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return _outcome(self._work, row["item"])


_at_hand: dict[Any, Callable[[Any], Any]] = {}
"""In a worker process: the work it did last, with all that it has loaded. Ray uses processes again."""


def _work_on(row: dict[str, Any], shared: Any) -> dict[str, Any]:
    import ray
    import torch

    if shared not in _at_hand:
        torch.set_num_threads(1)
        _at_hand.clear()
        _at_hand[shared] = _arrive(ray.get(shared))
    return _outcome(_at_hand[shared], row["item"])


def _arrive(sent: tuple[Callable[[Any], Any], str]) -> Callable[[Any], Any]:
    """The work, in the folder from which relative paths count: a cluster's processes start in another."""
    work, folder = sent
    os.chdir(folder)
    return work


def _outcome(work: Callable[[Any], Any], item: Any) -> dict[str, Any]:
    try:
        return {"result": work(item)}
    except (OSError, ValueError) as error:
        return {"result": error}  # said in one line by who started this, and not tried again


def _quieten() -> None:
    """Results in order; nothing of Ray's own on the terminal."""
    import ray

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
