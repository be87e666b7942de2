"""The joint table of docs/conventions.md is the one in the code."""

from __future__ import annotations

from pathlib import Path

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import CONVENTIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"


def test_the_joint_table():
    lines = [
        line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    cells = [[cell.strip() for cell in line] for line in lines]
    head = next(place for place, line in enumerate(cells) if line[0] == "index")
    names = cells[head][3:]
    assert set(names) == set(CONVENTIONS) - {"canonical"}
    rows = cells[head + 2 : head + 2 + len(CANONICAL_JOINTS)]
    assert [row[1] for row in rows] == list(CANONICAL_JOINTS)
    assert [int(row[0]) for row in rows] == list(range(len(CANONICAL_JOINTS)))
    for column, name in enumerate(names, start=3):
        listed = {int(row[column]): row[1] for row in rows if row[column]}
        assert listed == {index: joint for index, joint in enumerate(CONVENTIONS[name]) if joint is not None}
