"""Parts that were not seen are named, in diagnostics and in every file that says whether a body is trusted."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.cli.main import app
from anchorfit.interchange import write_spreadsheet
from anchorfit.observations.unseen import unseen_parts, unseen_texts

ARM, FOOT = ("elbow", "wrist", "hand"), ("ankle", "heel", "foot", "toe")


def without(*endings: str) -> torch.Tensor:
    """(1, K) all seen but the joints whose names contain one of the texts."""
    return torch.tensor([[not any(ending in name for ending in endings) for name in CANONICAL_JOINTS]])


@pytest.mark.parametrize(
    ("missing", "parts"),
    [
        ((), ()),
        (("left_wrist", "left_hand"), ("left forearm",)),
        (tuple(f"right_{joint}" for joint in ARM), ("right arm",)),
        (("knee", *FOOT), ("legs",)),
        (FOOT, ("lower legs",)),
        (("left_knee",), ()),  # the ankle shows both its halves
        (("right_knee", *FOOT), ("left lower leg", "right leg")),
        (("nose", "eye", "ear", "jaw", "head_top", *ARM), ("head", "arms")),
        (CANONICAL_JOINTS, ()),  # nothing at all
    ],
)
def test_parts_without_a_joint_are_named(missing, parts):
    assert unseen_parts(without(*missing)) == (parts,)


def test_texts_say_whose_pose_it_is():
    seen = torch.cat(
        [without(), without("left_wrist", "left_hand"), without("head", "nose", "eye", "ear", "jaw", *ARM)]
    )
    assert unseen_texts(seen) == (
        "",
        "left forearm not seen: its pose is the prior's",
        "head and arms not seen: their pose is the prior's",
    )
    assert unseen_texts(seen[:0]) == ()


def test_people_at_a_table_are_trusted_but_not_their_legs(tmp_path):
    """The man behind the table is seen to the waist: whether he stands or sits is anybody's guess, and it is said."""
    body, demo = load_body(), ASSETS / "demo"
    everybody = anchorfit.read_people(demo / "person_keypoints.json").people
    people = anchorfit.match_people(everybody, [demo / "000000000790.jpg"]).people
    for run in (anchorfit.predict_people, anchorfit.fit_people):
        estimate = run(people, body).estimate
        assert estimate is not None
        told = dict(zip(estimate.names, estimate.diagnostics.unseen, strict=True))
        waist = [name for name, text in told.items() if text == "legs not seen: their pose is the prior's"]
        assert waist
        row = estimate.names.index(waist[0])
        assert estimate.diagnostics.trusted[row]
        assert estimate.diagnostics.reasons[row] == ""
    assert estimate is not None
    estimate.save(tmp_path / "people.npz")
    assert anchorfit.BodyEstimate.load(tmp_path / "people.npz").diagnostics.unseen == estimate.diagnostics.unseen
    assert [record["unseen"] for record in estimate.to_dict()] == list(told.values())
    write_spreadsheet(tmp_path / "people.csv", estimate, body)
    with (tmp_path / "people.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [line["unseen"] for line in csv.DictReader(file)] == list(told.values())


def test_commands_the_index_and_the_report_say_it(tmp_path):
    demo = ASSETS / "demo"
    command = [str(demo / "000000000790.jpg"), "-k", str(demo / "person_keypoints.json"), "-o", str(tmp_path)]
    said = CliRunner().invoke(app, ["fit", *command, "--report"])
    assert said.exit_code == 0, said.output
    assert "yes (legs not seen)" in " ".join(said.output.split())
    records = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    assert "legs not seen: their pose is the prior's" in [record["unseen"] for record in records]
    assert "legs not seen: their pose is the prior" in (tmp_path / "report.html").read_text("utf-8")


def test_bodies_of_other_programs_say_nothing_of_what_was_seen():
    body = load_body()
    given = anchorfit.BodyEstimate.from_smplx(
        body.layout.split(body.layout.zeros(2, body.v_template))._asdict(),
        intrinsics=torch.eye(3),
        image_size=(640, 480),
        names=("a", "b"),
    )
    assert given.diagnostics.unseen == ("", "")
    assert replace(given.diagnostics, reasons=("x", "y")).unseen == ("", "")
