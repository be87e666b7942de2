"""Work split over processes: bounded memory, results as they come, and the same results whatever the number."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")

_WAITING = 2  # tasks a worker that are handed out ahead

_state: Any = None


def map_over_processes(
    prepare: Callable[[], Any],
    work: Callable[[Any, Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
) -> Iterator[Result]:
    """``work(state, task)`` for each task, in whatever order they are done.

    Args:
        prepare: makes the state, once a process; a picklable callable.
        work: a module's function, so that processes find it.
        tasks: taken from as they are needed.
        workers: processes, of one thread each; 1 works in this one.
    Raises:
        ValueError: less than one worker; and whatever ``work`` raises.
    """
    if workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    if workers == 1:
        state = prepare()
        for task in tasks:
            yield work(state, task)
        return
    # Spawned, not forked: a fork of a process that has used torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    remaining = iter(tasks)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(prepare,)) as pool:
        try:
            pending: set[Future[Result]] = set()
            while True:
                for task in islice(remaining, _WAITING * workers - len(pending)):
                    pending.add(pool.submit(_call, work, task))
                if not pending:
                    return
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start(prepare: Callable[[], Any]) -> None:
    global _state
    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _state = prepare()


def _leave_with_parent() -> None:
    """A process whose parent was killed would wait for tasks forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(work: Callable[[Any, Any], Any], task: Any) -> Any:
    return work(_state, task)
