"""The cards of a report: a person in a photograph, or a person through a video's frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..observations.videos import frame_of
from ..results import BodyEstimate, split_name
from .selection import choose_rows

MOST_FRAMES = 480
"""Frames in one report, of all people of videos together: some 20 kB each."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One person of a report.

    Attributes:
        name: of the person; of a video's without the frame, ``clip.mp4#2``.
        image: the label of the photograph or the video, to filter by.
        rows: of the estimate, in the order of time.
        frames: for each row the frame's number; None for a photograph.
        dropped: frames of the person that are not among the rows.
    """

    name: str
    image: str
    rows: list[int]
    frames: list[int | None]
    dropped: int = 0


def make_cards(estimate: BodyEstimate) -> list[Card]:
    """Cards of all rows, in their order; rows of one person in one video are one card."""
    tracks: dict[tuple[str, str], list[tuple[int, int]]] = {}
    cards: list[Card | tuple[str, str]] = []
    for row, (name, image) in enumerate(zip(estimate.names, estimate.images, strict=True)):
        frame = frame_of(name)
        label, person_id = split_name(name, image)
        if frame is None:
            cards.append(Card(name=name, image=label, rows=[row], frames=[None]))
            continue
        key = label.rpartition("/")[0], person_id
        if key not in tracks:
            tracks[key] = []
            cards.append(key)
        tracks[key].append((frame, row))
    return [card if isinstance(card, Card) else _track(*card, sorted(tracks[card])) for card in cards]


def _track(video: str, person_id: str, seen: list[tuple[int, int]]) -> Card:
    frames, rows = zip(*seen, strict=True)
    return Card(name=f"{video}#{person_id}", image=video, rows=list(rows), frames=list(frames))


def choose_cards(cards: Sequence[Card], estimate: BodyEstimate, most: int) -> list[Card]:
    """At most ``most`` of the cards (`choose_rows` of their mean scores), long videos thinned out evenly."""
    scores = [float(estimate.diagnostics.score[card.rows].nanmean()) for card in cards]
    chosen = [cards[place] for place in choose_rows(scores, most)]
    videos = sum(card.frames[0] is not None for card in chosen)
    return [_thinned(card, max(2, MOST_FRAMES // max(1, videos))) for card in chosen]


def _thinned(card: Card, most: int) -> Card:
    step = -(-len(card.rows) // most)
    rows = card.rows[::step]
    return Card(
        name=card.name,
        image=card.image,
        rows=rows,
        frames=card.frames[::step],
        dropped=len(card.rows) - len(rows),
    )
