"""Bodies on their floor: the change of frame, the files in it, and what is kept of a floor."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import anchorfit
from anchorfit import BodyEstimate, Floor
from anchorfit.body import BodyModel, load_body
from anchorfit.body.floor import heights
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import soles
from anchorfit.cli.main import app
from anchorfit.points.conventions import point_convention
from anchorfit.runs.outputs import write_results
from anchorfit.world import camera_matrix, in_frame, levelled, on_floor, to_world

FLOOR = Floor.of_camera(height=1.3, pitch_deg=12, roll_deg=4)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture
def people(some_estimate) -> BodyEstimate:
    return on_floor(some_estimate(3), FLOOR)


def test_heights_in_the_world_are_those_above_the_floor(body, people):
    posed = people.bodies(body).vertices
    world = to_world(people, body)
    vertices = body(**world).vertices
    torch.testing.assert_close(vertices[..., 1], heights(posed, people.floors.planes), atol=1e-5, rtol=0)
    between, before = (points[:, ::97, None] - points[:, None, ::97] for points in (vertices, posed))
    torch.testing.assert_close(between.norm(dim=-1), before.norm(dim=-1), atol=1e-5, rtol=0)  # rigid
    level = levelled(people, body).bodies(body).vertices
    torch.testing.assert_close(level * level.new_tensor([1.0, -1.0, -1.0]), vertices, atol=1e-5, rtol=0)


def test_rows_without_a_floor_stay_and_are_nowhere_in_the_world(body, some_estimate):
    people = some_estimate(2)
    assert levelled(people, body) is people
    assert bool(to_world(people, body)["transl"].isnan().all())
    mixed = BodyEstimate.concatenate([people, on_floor(people, FLOOR)])
    assert in_frame(mixed, body, "world") is mixed  # one person's rows are in one frame
    assert torch.equal(levelled(mixed, body).transl[:2], people.transl)


def test_a_level_camera_moves_bodies_up_alone(body, some_estimate):
    people = some_estimate(2)
    level = levelled(on_floor(people, Floor.of_camera(height=1.5)), body)
    torch.testing.assert_close(level.transl, people.transl - people.transl.new_tensor([0.0, 1.5, 0.0]))
    torch.testing.assert_close(level.bodies(body).joints, people.bodies(body).joints - torch.tensor([0.0, 1.5, 0.0]))


def test_floors_are_saved(tmp_path, people, some_estimate):
    people.save(tmp_path / "people.npz")
    again = BodyEstimate.load(tmp_path / "people.npz")
    assert torch.equal(again.floors.planes, people.floors.planes)
    assert torch.equal(again.floors.sigma, people.floors.sigma)
    assert again.floors.said == people.floors.said
    floor = people.to_dict()[0]["floor"]
    assert floor["height"] == pytest.approx(1.3)
    none = some_estimate(1)
    none.save(tmp_path / "none.npz")
    with np.load(tmp_path / "none.npz") as stored:
        assert not [name for name in stored.files if name.startswith("floors.")]
    assert "floor" not in none.to_dict()[0]


@pytest.mark.parametrize("ending", ["obj", "ply", "glb"])
def test_meshes_are_in_the_world_or_the_cameras_frame(tmp_path, body, people, ending):
    one = people[0]
    posed = one.bodies(body).vertices
    for frame, wanted in (("world", heights(posed, one.floors.planes).min()), ("camera", -posed[..., 1].max())):
        folder = tmp_path / frame
        folder.mkdir()
        (file,) = write_results(one, body, folder, [ending], frame=frame).files  # type: ignore[arg-type]
        scene = [path for path in folder.iterdir() if path.suffix == f".{ending}"]
        assert scene == [file]
        assert _mesh_lowest(file) == pytest.approx(float(wanted), abs=1e-3)


def _mesh_lowest(path: Path) -> float:
    import trimesh

    loaded = trimesh.load(path, process=False)
    return float(loaded.bounds[0][1])


def test_the_camera_of_a_rigged_file_stands_above_the_floor_and_sees_what_it_saw(body, people):
    columns = camera_matrix(people, "world")
    assert columns is not None
    placed = torch.tensor(columns).reshape(4, 4).T
    joints = people.bodies(body).joints[0]
    opengl = joints * torch.tensor([1.0, -1.0, -1.0])
    world = opengl @ placed[:3, :3].T + placed[:3, 3]
    torch.testing.assert_close(world, body(**to_world(people, body)).joints[0], atol=1e-5, rtol=0)
    assert camera_matrix(people, "camera") is None


def test_motions_are_in_the_world_by_the_command(tmp_path, body, people):
    people.save(tmp_path / "people.npz")
    world = to_world(people, body)
    pelvis = body(**world).joints[:, 0]
    for frame in ("world", "camera"):
        command = [
            "export",
            str(tmp_path / "people.npz"),
            "-o",
            str(tmp_path / frame),
            "--save",
            "bvh,amass",
            "--sequence",
        ]
        told = CliRunner().invoke(app, [*command, "--frame", frame])
        assert told.exit_code == 0, told.output
    lines = (tmp_path / "world" / "video.bvh").read_text().splitlines()
    start = next(row for row, line in enumerate(lines) if line.startswith("Frame Time")) + 1
    root = torch.tensor([[float(number) for number in line.split()[:3]] for line in lines[start:]])
    torch.testing.assert_close(root, pelvis, atol=1e-4, rtol=0)
    with (
        np.load(tmp_path / "world" / "amass" / "video.npz") as stored,
        np.load(tmp_path / "camera" / "amass" / "video.npz") as other,
    ):
        assert not np.allclose(stored["trans"], other["trans"])
        # z up, and the mean shape's pelvis where the mean shape's pelvis is at rest
        rest = body.rest_joints(people.betas.mean(0, keepdim=True))[0, 0].numpy()
        up = stored["trans"][:, 2] + rest[2]
        np.testing.assert_allclose(up, pelvis[:, 1].numpy(), atol=0.02)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--floor", "0,0,0,1", "no plane"), ("--floor", "low", "expected auto"), ("--frame", "moon", "world, camera")],
)
def test_what_cannot_be_is_said_before_any_work(tmp_path, option, value, said):
    told = CliRunner().invoke(app, ["fit", str(tmp_path), "-o", str(tmp_path / "out"), option, value])
    assert told.exit_code == 2
    assert said in " ".join(told.output.split())


def test_points_in_space_stand_on_the_floor_that_their_feet_show(body):
    rest = body.layout.zeros(40, body.v_template)
    low = float(body.from_params(rest[:1]).vertices[..., 1].min())
    joints = body.from_params(rest).joints * 1000 + torch.tensor([0.0, 300.0 - 1000 * low, 0.0])  # the floor at 300 mm
    noisy = joints + 8 * torch.randn(joints.shape, generator=torch.Generator().manual_seed(0))
    still, loose = (
        anchorfit.fit_points(noisy, convention="smpl24", body=body, sequence=True, floor=floor)
        for floor in ("auto", None)
    )
    assert any("floor: at 30" in text or "floor: at 29" in text for text in still.remarks)
    feet = [compiled_points(body, soles(body).names).points(one.estimate.params) for one in (still, loose)]
    move = [float((points[1:] - points[:-1]).norm(dim=-1).mean()) for points in feet]
    assert move[0] < 0.3 * move[1]
    ground = body(**to_world(still.estimate, body)).vertices[..., 1].amin(1)
    assert float(ground.abs().max()) < 0.02
    with pytest.raises(ValueError, match="above the middle of the points"):
        anchorfit.fit_points(noisy, convention="smpl24", body=body, floor=3000.0)


def test_a_floor_of_points_without_a_unit_is_where_it_is_said(body):
    joints = body.from_params(body.layout.zeros(12, body.v_template)).joints
    level = float(joints[0, :, 1].min()) - 0.06
    same = {"convention": "smpl24", "body": body, "up": "y", "sequence": True}
    found = [
        anchorfit.fit_points(joints, unit="m", floor=level, **same).estimate,
        anchorfit.fit_points(7 * joints, unit="free", floor=7 * level, **same).estimate,
    ]
    assert bool(found[1].floors.known.all())
    torch.testing.assert_close(found[1].floors.planes, found[0].floors.planes, atol=2e-3, rtol=0)
    floors: tuple[float, Literal["auto"]] = (7 * level, "auto")
    for floor in floors:
        with pytest.raises(ValueError, match="floor: without a unit each row has a size of its own"):
            anchorfit.fit_points(joints * 7, convention="smpl24", body=body, unit="free", floor=floor)


def test_markers_on_the_head_show_no_feet(body):
    names = [name for name in point_convention("coco17") if name and "ankle" not in name]
    names.append(f"vertex:{int(body.v_template[:, 1].argmax())}")
    points = compiled_points(body, tuple(names)).points(body.layout.zeros(12, body.v_template))
    found = anchorfit.fit_points(points, convention=names, body=body, unit="m", up="y", sequence=True, floor="auto")
    assert not bool(found.estimate.floors.known.any())
    assert found.remarks[-1] == "no floor: no feet are seen"
