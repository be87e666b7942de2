"""The loop: chunks, resumption, the index's content."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.body import CANONICAL_JOINTS
from anchorfit.observations import Person
from anchorfit.pipeline import InputProblem, Outcome
from anchorfit.runs import RunFolder, read_index
from anchorfit.runs.chunks import Progress, Worked, Written, chunk_people, work_through


def person(image: str | None, number: int) -> Person:
    count = len(CANONICAL_JOINTS)
    return Person(
        person_id=str(number),
        keypoints=np.zeros((count, 2)),
        confidence=np.ones(count),
        image=Path(image) if image else None,
        image_label=image or "?",
    )


PEOPLE = [person(f"{i // 3}.jpg", i) for i in range(11)]


def test_people_of_an_image_stay_together():
    sizes = [[p.person_id for p in chunk] for chunk in chunk_people(PEOPLE, 4)]
    assert sizes == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"], ["9", "10"]]
    assert [len(chunk) for chunk in chunk_people(PEOPLE, 6)] == [6, 5]
    assert [len(chunk) for chunk in chunk_people([person(None, i) for i in range(5)], 2)] == [2, 2, 1]


class Work:
    """Fits everybody but number 4, and can be killed before a chunk or between its files and its commit."""

    def __init__(self, some_estimate, *, fit_until: int = 99, write_until: int = 99) -> None:
        self.some_estimate, self.fit_until, self.write_until = some_estimate, fit_until, write_until
        self.fitted: list[str] = []

    def fit(self, people: list[Person]) -> Worked:
        if not self.fit_until:
            raise KeyboardInterrupt
        self.fit_until -= 1
        good = [p for p in people if p.person_id != "4"]
        self.fitted += [p.person_id for p in people]
        estimate = replace(self.some_estimate(len(good)), names=tuple(p.name for p in good))
        problems = tuple(InputProblem(p.name, "skipped: no joint") for p in people if p.person_id == "4")
        return Worked(Outcome(estimate, problems))

    def write(self, chunk, estimate) -> Written:
        if not self.write_until:
            raise KeyboardInterrupt
        self.write_until -= 1
        return Written({name: {"row": row} for row, name in enumerate(estimate.names)}, [])


def test_a_run_that_was_killed_twice_ends_as_one_that_was_not(some_estimate, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    work = Work(some_estimate)
    work_through(PEOPLE, RunFolder.open(whole, {}), work.fit, work.write, chunk_size=3)
    done: list[str] = []
    for killed in ({"fit_until": 2}, {"write_until": 1}, {}):
        work = Work(some_estimate, **killed)
        try:
            summary = work_through(PEOPLE, RunFolder.open(broken, {}), work.fit, work.write, chunk_size=3)
        except KeyboardInterrupt:
            done += [p for p in work.fitted if any(r["name"].endswith(f"#{p}") for r in read_index(broken))]
        else:
            done += work.fitted
            assert (summary.before, summary.fitted, summary.skipped) == (9, 2, 0)
    assert (whole / "index.jsonl").read_bytes() == (broken / "index.jsonl").read_bytes()
    assert done == [p.person_id for p in PEOPLE]  # each once


def test_the_index_says_what_became_of_each(some_estimate, tmp_path):
    work = Work(some_estimate)
    seen: list[int] = []
    summary = work_through(
        PEOPLE, RunFolder.open(tmp_path, {}), work.fit, work.write, chunk_size=6, progress=Progress(seen.append)
    )
    records = list(read_index(tmp_path))
    assert [record["name"] for record in records] == [p.name for p in PEOPLE]
    assert records[4] == {
        "name": "1.jpg#4",
        "image": "1.jpg",
        "status": "skipped",
        "notes": ["skipped: no joint"],
        "chunk": 0,
    }
    assert (records[5]["row"], records[10]["chunk"]) == (4, 1)
    errors = some_estimate(5).diagnostics.reprojection_px[0]
    assert records[0]["error_px"] == pytest.approx(float(errors.nanmean()), abs=1e-4)
    assert (records[0]["score"], records[0]["trusted"]) == (pytest.approx(0.9), True)
    assert (summary.fitted, summary.skipped, sum(seen)) == (10, 1, 11)
    assert summary.failures.first == ["1.jpg#4: skipped: no joint"]


def test_a_new_person_is_added_to_a_run_that_goes_on(some_estimate, tmp_path):
    work = Work(some_estimate, fit_until=2)
    with pytest.raises(KeyboardInterrupt):
        work_through(PEOPLE[:8], RunFolder.open(tmp_path, {}), work.fit, work.write, chunk_size=3)
    work = Work(some_estimate)
    work_through(PEOPLE, RunFolder.open(tmp_path, {}), work.fit, work.write, chunk_size=3)
    assert [record["name"] for record in read_index(tmp_path)] == [p.name for p in PEOPLE]
