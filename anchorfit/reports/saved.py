"""The report of saved estimates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..body import load_body
from ..index import INDEX, estimate_paths
from ..many_estimates import load_estimates_by_method, named_files
from ..options import OptionError
from ..results import possible_only
from ..runs.claiming import refuse_inputs
from ..runs.folder import JOURNAL
from ..runs.listening import Listener
from .page import write_report

_FIRST = ("anchored", "smplify", "views", "points", "direct", "given")
"""Methods by what is shown, where results of several are there; the others are compared with it."""


def report_saved(
    path: Path,
    results: Sequence[Path],
    *,
    against: Sequence[Path] = (),
    videos: Sequence[Path] = (),
    title: str = "anchorfit report",
    most: int = 200,
    listener: Listener = Listener(),
) -> None:
    """Write the page of `write_report` about files of estimates.

    Where they hold predictions and fits of the same people, the fits are shown, each beside its prediction.

    Args:
        path: where to.
        results: files of estimates, or folders of them.
        against: others of the same people, by name, to compare with.
        videos: files of the videos that people were seen in.
        title: of the page.
        most: people to show.
        listener: told how it goes, and what could not be shown.
    Raises:
        OSError, ValueError: the estimates cannot be read, or the page cannot be written, or would be over what is read.
    """
    if not path.name or path.is_dir():
        raise OptionError("output", f"expected the name of a page, got {str(path)!r}")
    listed = [folder / name for folder in (*results, *against) for name in (INDEX, JOURNAL)]
    refuse_inputs([*estimate_paths([*results, *against]), *videos, *listed], path.parent, [path.name])
    by_method = load_estimates_by_method(results, listener.warn)
    images = {image for estimate in by_method.values() for image in estimate.images if image}
    refuse_inputs(map(Path, images), path.parent, [path.name])
    order = [*(method for method in _FIRST if method in by_method), *sorted(by_method.keys() - {*_FIRST})]
    shown, lost = possible_only(by_method[order[0]], named_files(results))
    for line in lost:
        listener.warn(line)
    others = [by_method[method] for method in reversed(order[1:])]
    if against:
        compared = load_estimates_by_method(against, listener.warn).values()
        if set(shown.names).isdisjoint(name for estimate in compared for name in estimate.names):
            listener.warn(
                f"--against: nobody there has the name of one of the {len(shown)} people shown; nothing is compared"
            )
        others = [*compared, *others]
    seen_in = {name.rpartition("#")[0].rpartition("/")[0] for name in shown.names}  # clip.mp4/000012#2
    for video in videos:
        if video.name not in seen_in:
            listener.warn(f"--video: {video}: no person shown was seen in a video of this name; it is not shown")
    num_betas = max(estimate.betas.shape[1] for estimate in (shown, *others))
    model = load_body(shown.body, gender=shown.gender, num_betas=num_betas)
    with listener.phase("drawing people", min(len(shown), most)) as advance:
        problems = write_report(
            path, shown, model, against=others, videos=videos, title=title, most=most, progress=advance
        )
    for line in problems:
        listener.warn(line)
