from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from standers import (  # type: ignore[import-not-found]  # its folder is on pytest's path
    RATE,
    SIZE,
    standers,
    write_standers,
)
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, BodyModel, Floor, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.camera import default_intrinsics, project
from anchorfit.cli.main import app
from anchorfit.fit_options import FitOptions
from anchorfit.observations import Person
from anchorfit.pipeline import fit_people
from anchorfit.results import BodyEstimate
from anchorfit.runs import RunFolder, fitting
from anchorfit.runs.engines import in_this_process
from anchorfit.runs.film_floor import FilmFloors, FoundFloor, find_film_floors, telling_frames
from anchorfit.world import to_world

FRAMES = 40
WHOLE = ["--save", "shards,bvh,amass", "--floor", "auto"]


def fit(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["fit", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> tuple[Path, Path]:
    return write_standers(tmp_path_factory.mktemp("two"), FRAMES)


@pytest.fixture(scope="module")
def results(film, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    said = fit(film[0], "-k", film[1], "-o", out, *WHOLE)
    assert "two.mp4/000000#1, two.mp4/000000#2: floor, estimated from" in said
    assert "disagree" not in said
    return out


def _stand_together(out: Path, body: BodyModel) -> list[BodyEstimate]:
    """The film's estimates, which stand on one floor, as far from each other as they are."""
    found = [BodyEstimate.load(out / f"person-{number}.npz") for number in (1, 2)]
    assert torch.equal(found[0].floors.planes, found[1].floors.planes)
    places = [to_world(one, body)["transl"].mean(0) for one in found]
    truth = [one[:, body.layout.transl].mean(0) for one in standers(FRAMES)[:2]]
    between = (truth[1] - truth[0]) * torch.tensor([1.0, -1.0, -1.0])
    assert (places[1] - places[0] - between).abs().max() < 0.2
    for number, place in enumerate(places, 1):
        root = _bvh_roots(out / f"person-{number}.bvh").mean(0)
        assert np.abs(root - place.numpy()).max() < 0.08  # but for the mean betas, and the frames between
        amass = np.load(out / "amass" / f"person-{number}.npz")["trans"].mean(0)  # z up
        assert np.abs(amass[[0, 2, 1]] * [1, 1, -1] - place.numpy()).max() < 0.08
    return found


def _bvh_roots(path: Path) -> np.ndarray:
    lines = path.read_text().split("Frame Time:")[1].splitlines()[1:]
    return np.array([[float(number) for number in line.split()[:3]] for line in lines])


def test_who_sits_gets_the_floor_of_who_stands(results, body):
    _, sitter = _stand_together(results, body)
    lowest = body(**to_world(sitter, body)).vertices[..., 1].amin(1)
    assert lowest.abs().max() < 0.03


def test_who_is_seen_to_the_waist_gets_it_and_is_not_lifted_onto_it(tmp_path, body):
    clip, keypoints = write_standers(tmp_path, FRAMES, legs=False)
    fit(clip, "-k", keypoints, "-o", tmp_path / "out", *WHOLE)
    _, half = _stand_together(tmp_path / "out", body)
    assert float(half.diagnostics.reprojection_px.nanmean()) < 3
    assert bool(half.diagnostics.trusted.all())


@pytest.mark.parametrize("how", ["workers", "stopped"])
def test_the_floor_is_the_same_in_two_processes_and_after_a_stop(film, results, tmp_path, monkeypatch, how):
    command = [film[0], "-k", film[1], "-o", tmp_path, *WHOLE]
    if how == "workers":
        fit(*command, "--workers", 2)
    else:
        commit = RunFolder.commit

        def killed_at_the_second(self: RunFolder, records) -> None:
            if self.chunks:
                raise KeyboardInterrupt
            commit(self, records)

        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "commit", killed_at_the_second)
            assert CliRunner().invoke(app, ["fit", *map(str, command)]).exit_code != 0
        monkeypatch.setattr(fitting, "find_film_floors", None)  # the floor that was noted is taken
        assert f"{FRAMES} of {2 * FRAMES} are done" in fit(*command)
    for name in ("person-1.npz", "person-2.npz", "person-1.bvh", "person-2.bvh", "index.jsonl"):
        assert (tmp_path / name).read_bytes() == (results / name).read_bytes(), name


def _filmed(body: BodyModel, params: Sequence[torch.Tensor], first: Sequence[int]) -> list[Person]:
    """People 1, 2, ... as keypoints, each from a frame on."""
    people = []
    for number, (rows, start) in enumerate(zip(params, first, strict=True), 1):
        pixels = project(
            compiled_points(body, CANONICAL_JOINTS).points(rows), default_intrinsics(*SIZE).expand(len(rows), 3, 3)
        )
        people += [
            Person(
                person_id=str(number),
                keypoints=points.double().numpy(),
                confidence=np.ones(len(CANONICAL_JOINTS)),
                image_size=SIZE,
                image_label=f"two.mp4/{start + frame:06}",
                time_s=(start + frame) / RATE,
            )
            for frame, points in enumerate(pixels)
        ]
    return people


def _found(body: BodyModel, people: Sequence[Person], cuts: Sequence[int]) -> FilmFloors:
    options = FitOptions(video=True, same_person=True)
    return find_film_floors(
        people,
        cuts,
        lambda some: fit_people(some, body, options=options).estimate,
        body,
        rate=RATE,
        engine=in_this_process,
    )


def test_each_scene_of_several_people_has_a_floor_of_its_own(body):
    stepper, sitter, nearer = standers(30)
    people = _filmed(body, [stepper, sitter, nearer, stepper, stepper], [0, 0, 30, 30, 60])
    found = _found(body, people, [30, 60])
    assert set(found.of) == {"1", "2", "3", "4"}  # the fifth is alone: its own fit finds its floor
    assert found.of["1"] == found.of["2"] != found.of["3"] == found.of["4"]
    again = FilmFloors.of_plain(json.loads(json.dumps(found.plain())))
    assert again is not None
    assert (again.of, again.remarks) == (found.of, found.remarks)
    assert FilmFloors.of_plain(None) is None
    assert FilmFloors.of_plain({"people": {"1": [[[1]], ""]}, "remarks": []}) is None


def test_people_on_floors_of_their_own_are_told(body):
    stepper, _, nearer = standers(30)
    raised = nearer.clone()
    raised[:, body.layout.transl.start + 1] -= 0.3
    same, other = (_found(body, _filmed(body, [stepper, one], [0, 0]), []) for one in (nearer, raised))
    assert not same.remarks
    assert len(other.remarks) == 1
    assert other.remarks[0].startswith("people's floors disagree (camera ")


def test_a_film_of_nobody_who_stands_has_none(body):
    sitter = standers(30)[1]
    aside = sitter.clone()
    aside[:, body.layout.transl.start] -= 1.5
    found = _found(body, _filmed(body, [sitter, aside], [0, 0]), [])
    assert found.of["1"] == FoundFloor(None, "no floor: no person stands for long enough")
    assert found.options(FitOptions(floor="auto", pitch=5.0), _filmed(body, [sitter], [0])).floor is None


def test_a_person_whose_fit_left_the_floor_out_is_in_its_world(body):
    people = _filmed(body, [standers(10)[0]], [0])
    floor = Floor.of_camera(height=3.0)
    floors = FilmFloors({"1": FoundFloor(floor, "the film's")})
    options = floors.options(FitOptions(floor="auto", pitch=5.0, video=True, same_person=True), people)
    assert (options.floor, options.pitch) == (floor, None)
    outcome = floors.stood(fit_people(people, body, options=options), people)
    assert outcome.estimate is not None
    assert bool(outcome.estimate.floors.known.all())
    assert "m above the given floor: it is left out" in outcome.estimate.floors.said[0]


def test_some_seconds_in_which_feet_are_seen_tell_the_floor(body):
    people = _filmed(body, [standers(200)[0]], [0])
    unseen = [replace(person, confidence=np.zeros(len(CANONICAL_JOINTS))) for person in people[:50]]
    some = telling_frames([*unseen, *people[50:]], RATE)
    assert len(some) == 3 * 24
    assert (some[0], some[-1]) == (people[50], people[-1])
    assert telling_frames(unseen, RATE) == []
    assert telling_frames(people[:70], RATE) == people[:70]
