"""The page itself: everything inside one HTML file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import torch

from .._version import __version__
from ..assets import ASSETS
from ..atomic import write_atomically
from ..body import SMPL_JOINTS, BodyModel
from ..observations.videos import probe_video
from ..results import BodyEstimate, possible_only
from .cards import Card, choose_cards, make_cards
from .packing import MeshOrder, pack_bytes, pack_indices
from .pictures import cut_pictures
from .records import Others, Shown, card_records

MOST_PEOPLE = 200
"""People in one report: some 55 kB each, 80 kB with a comparison."""

ERROR_TOP_PERCENT = 6.0  # of the person's size: the red end of the colours
DISTANCE_TOP_MM = 150.0
SCRIPTS = ("meshes.js", "drawing.js", "sections.js", "stage.js", "report.js")


def write_report(
    path: str | Path,
    estimate: BodyEstimate,
    body: BodyModel,
    *,
    against: Sequence[BodyEstimate] = (),
    videos: Sequence[Path] = (),
    frames_per_second: float = 30.0,
    title: str = "anchorfit report",
    most: int = MOST_PEOPLE,
    unseen: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Write one self-contained HTML page about an estimate.

    A person of a photograph is a card; so is a person of a video, all frames together.

    Args:
        path: where to.
        estimate: rows to show; those of no possible body or camera are left out, with a line.
        body: the body that they were made with.
        against: other estimates of the same people (the prediction that a fit started from, say); a row is compared
            with the first row of its name there.
        videos: files of the videos that people are named after; without its file a video's frames are not shown.
        frames_per_second: that videos without a file are played at.
        title: of the page.
        most: people to show; of more than that the least trusted and some from all over the run.
        unseen: people of the run beyond the estimate, for the page to say that they are not in it.
        progress: called with the number of people drawn since the last call.
    Returns:
        One line for each photograph or video that could not be shown, and one for all bodies that could not.
    Raises:
        ValueError: there is no body to show.
        OSError: the file cannot be written.
    """
    if not len(estimate):
        raise ValueError(f"{path}: there is nobody to show in the report")
    estimate, lost = possible_only(estimate)
    all_cards = make_cards(estimate)
    cards = choose_cards(all_cards, estimate, most)
    estimate = estimate.rows([row for card in cards for row in card.rows])
    cards = list(_renumbered(cards))
    order = MeshOrder.of(body.faces.cpu().numpy(), body.num_vertices)
    with torch.no_grad():
        shown = Shown.of(estimate, body)
        records = card_records(cards, shown, body, _by_name(against, set(estimate.names), body), order)
        pictures = cut_pictures(cards, shown, {video.name: video for video in videos}, progress)
    for record, window, sources in zip(records, pictures.windows, pictures.sources, strict=True):
        record["window"] = window
        for frame, source in zip(record["frames"], sources, strict=True):
            frame["picture"] = source
    data = {
        "body": estimate.body,
        "gender": estimate.gender,
        "left_out": len(all_cards) - len(cards) + unseen,
        "frames_per_second": _rate(videos, frames_per_second),
        "joints": SMPL_JOINTS,
        "parents": body.parents,
        "error_top": ERROR_TOP_PERCENT,
        "distance_top": DISTANCE_TOP_MM,
        "people": records,
        "faces": pack_indices(order.renumbered(body.faces.cpu().numpy())),
        "guides": pack_indices(order.guides),
    }
    write_atomically(Path(path), _fill_page(title, data).encode())
    return [*lost, *pictures.problems]


def _renumbered(cards: Sequence[Card]) -> Iterator[Card]:
    """The cards, their rows counted one after the other."""
    start = 0
    for card in cards:
        yield replace(card, rows=list(range(start, start + len(card.rows))))
        start += len(card.rows)


def _rate(videos: Sequence[Path], usual: float) -> float:
    for video in videos:
        with suppress(OSError, ValueError):
            return probe_video(video).frames_per_second
    return usual


def _by_name(estimates: Sequence[BodyEstimate], names: set[str], body: BodyModel) -> Others:
    """For each name the first possible row of it."""
    found: dict[str, tuple[Shown, int]] = {}
    for estimate in estimates:
        possible = estimate.possible.tolist()
        rows = [row for row, name in enumerate(estimate.names) if name in names - found.keys() and possible[row]]
        if rows:
            shown = Shown.of(estimate.rows(rows), body)
            for row, name in enumerate(shown.estimate.names):
                found.setdefault(name, (shown, row))
    return found


def _fill_page(title: str, data: dict[str, Any]) -> str:
    viewer = ASSETS / "viewer"
    # "<" is escaped, so that no name can end the element; JSON reads it back as it was.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Template((viewer / "report.html").read_text("utf-8")).substitute(
        title=escape(title),
        version=__version__,
        style=(viewer / "report.css").read_text("utf-8"),
        script="".join((viewer / name).read_text("utf-8") for name in SCRIPTS),
        licence=(viewer / "three.LICENSE.txt").read_text("utf-8"),
        three=pack_bytes((viewer / "three.module.min.js").read_bytes()),
        data=text,
    )
