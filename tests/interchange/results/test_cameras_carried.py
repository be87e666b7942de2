"""Each program's file is read in its true layout, and its camera draws the body where the program's own draws it."""

from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from program_files import (  # type: ignore[import-not-found]
    EXACT,
    HEIGHT,
    IMAGES,
    ROTATIONS,
    WIDTH,
    gvhmr,
    hmr2,
    tram,
    two_bodies,
    wham,
    write_licensed_like,
)  # fmt: skip

from anchorfit.body import matrix_to_axis_angle
from anchorfit.camera import intrinsics_matrix, project
from anchorfit.interchange.results import (
    FocalRule,
    PaddedImage,
    Roots,
    StoredResult,
    motion_between,
    read_results,
    result_formats,
)
from anchorfit.refining import carry
from anchorfit.refining.shapes import belongs_to, shaped


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    return two_bodies(write_licensed_like(tmp_path_factory.mktemp("body") / "SMPL_LIKE.npz"))


def sizes(count):
    return torch.tensor([[WIDTH, HEIGHT]] * count, dtype=torch.float64)


def drawn(bodies, params, intrinsics):
    return project(bodies.body.from_params(params).joints, intrinsics)


@pytest.mark.parametrize("program", EXACT)
def test_joints_land_where_the_programs_camera_puts_them(bodies, tmp_path, program):
    written = EXACT[program](bodies, tmp_path)
    given = read_results(written.path).bodies
    rows = list(written.rows)
    assert len(given) == len(rows)
    torch.testing.assert_close(given.rotations, torch.from_numpy(bodies.rotations[rows]), atol=2e-6, rtol=0)
    torch.testing.assert_close(given.betas, torch.from_numpy(bodies.betas[rows]), atol=1e-6, rtol=0)
    assert belongs_to(given, bodies.body)
    found = shaped(given, bodies.body)
    theirs = given.place(sizes(len(rows))).intrinsics
    carried = carry(given, found, bodies.body, theirs, sizes(len(rows)))  # into the file's own camera
    assert bool(carried.placed.all())
    pixels = drawn(bodies, carried.params, theirs)
    np.testing.assert_allclose(pixels.numpy(), written.pixels, atol=2e-3)


@pytest.mark.parametrize("program", EXACT)
def test_another_camera_sees_the_same_body_at_the_same_place(bodies, tmp_path, program):
    """The root stays on its pixel, the size is kept, and the body is seen from the same side."""
    written = EXACT[program](bodies, tmp_path)
    given = read_results(written.path).bodies
    count = len(given)
    ours = intrinsics_matrix(torch.full((count,), 800.0), torch.tensor([[WIDTH / 2, HEIGHT / 2]] * count)).double()
    carried = carry(given, shaped(given, bodies.body), bodies.body, ours, sizes(count))
    pixels = drawn(bodies, carried.params, ours).numpy()
    np.testing.assert_allclose(pixels[:, 0], written.pixels[:, 0], atol=2e-3)
    extent = np.linalg.norm(np.ptp(written.pixels, axis=1), axis=1)
    away = np.linalg.norm(pixels - written.pixels, axis=2).mean(1)
    assert (away < 0.035 * extent).all()  # other perspectives of one body: near things grow, no more


def test_romps_orthographic_camera_keeps_the_origin_and_the_size(bodies, tmp_path):
    written = ROTATIONS["ROMP"](bodies, tmp_path)
    given = read_results(written.path).bodies
    assert isinstance(given.camera, PaddedImage)
    far = replace(given.camera, rule=FocalRule("longer", 200.0))  # so far that perspective is none
    placed = far.place(sizes(2))
    at = torch.from_numpy(bodies.joints) + placed.transl[:, None]
    np.testing.assert_allclose(project(at, placed.intrinsics).numpy(), written.pixels, atol=0.5)
    near = given.place(sizes(2))
    origin = project(near.transl[:, None], near.intrinsics)
    same = project(placed.transl[:, None], placed.intrinsics)
    torch.testing.assert_close(origin, same, atol=1e-9, rtol=0)


@pytest.mark.parametrize("program", ["GVHMR", "SMPLify-X"])
def test_bodies_of_smplx_keep_their_rotations_and_cameras(bodies, tmp_path, program):
    written = ROTATIONS[program](bodies, tmp_path)
    given = read_results(written.path).bodies
    rows = list(written.rows)
    assert given.model == "smplx"
    assert not belongs_to(given, bodies.body)
    torch.testing.assert_close(given.rotations, torch.from_numpy(bodies.rotations[rows]), atol=1e-9, rtol=0)
    placed = given.place(sizes(len(rows)))
    at = torch.from_numpy(bodies.joints[rows]) + placed.transl[:, None]
    np.testing.assert_allclose(project(at, placed.intrinsics).numpy(), written.pixels, atol=1e-6)


def test_motion_of_a_world_has_no_camera(bodies, tmp_path):
    given = read_results(ROTATIONS["AMASS"](bodies, tmp_path).path).bodies
    assert (given.oriented, given.gender, given.model) == (False, "female", "smplh")
    assert given.betas.shape == (2, 16)
    assert bool(given.place(sizes(2)).transl.isnan().all())
    pose = matrix_to_axis_angle(given.rotations[:, 1:22]).flatten(1)
    np.testing.assert_allclose(pose.numpy(), bodies.pose[:, 3:66], atol=1e-9)


def test_images_people_and_frames_are_named_as_in_the_file(bodies, tmp_path):
    phalp = read_results(EXACT["PHALP"](bodies, tmp_path).path)
    assert phalp.bodies.images == IMAGES
    assert phalp.bodies.tracks == ("1", "2")
    assert "1 entries of lost tracks" in phalp.remarks[0]
    assert read_results(EXACT["CLIFF"](bodies, tmp_path).path).bodies.images == (IMAGES[1], IMAGES[1])
    assert read_results(EXACT["VIBE"](bodies, tmp_path).path).bodies.frames.tolist() == [0, 1]
    assert read_results(EXACT["PARE, an image"](bodies, tmp_path).path).bodies.images == ("000001", "000001")
    assert read_results(EXACT["BEV"](bodies, tmp_path).path).bodies.images == ("000001", "000001")
    assert read_results(ROTATIONS["SMPLify-X"](bodies, tmp_path).path).bodies.images == ("000002",)


def test_every_programs_file_is_recognised_by_one_format_alone(bodies, tmp_path):
    for number, (program, write) in enumerate((EXACT | ROTATIONS).items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        stored = StoredResult(write(bodies, folder).path)
        narrow = [one.name for one in result_formats() if one.recognises(stored) and not one.general]
        wide = [one.name for one in result_formats() if one.recognises(stored) and one.general]
        assert len(narrow) == 1 or (not narrow and len(wide) == 1), (program, narrow, wide)


def test_a_smoothed_rotation_becomes_the_nearest_one(bodies, tmp_path):
    written = EXACT["PARE"](bodies, tmp_path)
    held = joblib.load(written.path)
    held[4]["pose"] = 0.9 * held[4]["pose"]
    joblib.dump(held, written.path)
    given = read_results(written.path).bodies
    torch.testing.assert_close(given.rotations, torch.from_numpy(bodies.rotations), atol=1e-6, rtol=0)


@pytest.mark.parametrize("program", ["PHALP", "WHAM", "CameraHMR", "SMPLify"])
def test_the_line_that_converts_a_file_writes_one_that_is_read(bodies, tmp_path, program):
    written = EXACT[program](bodies, tmp_path)
    held = torch.load(written.path) if written.path.suffix == ".pt" else joblib.load(written.path)
    np.savez(tmp_path / "results.npz", results=held)
    before, after = read_results(written.path).bodies, read_results(tmp_path / "results.npz").bodies
    torch.testing.assert_close(after.rotations, before.rotations)
    assert after.program == before.program


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("transl", [0.0, 0.0, 1e30], "cannot be"),
        ("transl", [0.0, 0.0, -4.0], "cannot be"),
        ("betas", [1e30] * 10, "cannot be"),
        ("global_orient", [1e30, 0.0, 0.0], "not finite"),
    ],
)
def test_numbers_that_cannot_be_are_said_and_left_out(tmp_path, key, value, line):
    held = {
        "global_orient": np.zeros((2, 3)),
        "body_pose": np.zeros((2, 69)),
        "betas": np.zeros((2, 10)),
        "transl": np.array([[0.0, 0.0, 4.0]] * 2),
    }
    held[key][1] = value
    np.savez(tmp_path / "some.npz", **held)
    found = read_results(tmp_path / "some.npz")
    assert len(found.bodies) == 1
    assert len(found.problems) == 1
    assert line in found.problems[0]
    assert "rows 1" in found.problems[0]


@pytest.mark.parametrize("focal", [0.0, -500.0, float("inf")])
def test_a_focal_length_that_cannot_be_is_said(tmp_path, focal):
    held = {"pose": np.zeros(72), "betas": np.zeros(10), "cam_t": np.array([0.0, 0.0, 4.0]), "f": np.array(focal)}
    joblib.dump(held, tmp_path / "one.pkl")
    with pytest.raises(ValueError, match="cannot be"):
        read_results(tmp_path / "one.pkl")


@pytest.mark.parametrize("program", [wham, gvhmr, tram])
def test_roots_in_the_programs_world_are_where_the_program_has_them(bodies, tmp_path, program):
    """GVHMR's by the body that its translations belong to, whichever that is."""
    written = program(bodies, tmp_path)
    given = read_results(written.path).bodies
    rest = bodies.body.rest_joints(torch.from_numpy(bodies.betas))[:, 0]
    before = Roots(given.rotations[:, 0], given.place(torch.tensor([[WIDTH, HEIGHT]] * 2)).transl + rest)
    there = given.world.roots(before, rest)
    np.testing.assert_allclose(there.place.numpy(), written.world[:, 0], atol=1e-5)
    motion = motion_between(before, there)
    joints = torch.from_numpy(bodies.joints) + (before.place - torch.from_numpy(bodies.joints)[:, 0])[:, None]
    joints = joints @ motion[:, :3, :3].mT + motion[:, None, :3, 3]
    np.testing.assert_allclose(joints.numpy(), written.world, atol=1e-5)


def turned_over(held):
    held["world_cam_R"] = -held["world_cam_R"]


def lost_frame(held):
    held["world_cam_T"] = held["world_cam_T"].clone()
    held["world_cam_T"][0] = torch.nan


def without(held):
    del held["world_cam_T"]


@pytest.mark.parametrize(
    ("change", "said", "known"),
    [
        (turned_over, "not known of 2 of 2 bodies", [False, False]),
        (lost_frame, "not known of 1 of 2 bodies", [False, True]),
        (without, "the key 'world_cam_T' is missing", [False, False]),
    ],
)
def test_a_world_that_is_none_is_said(bodies, tmp_path, change, said, known):
    """Mirrors became the nearest rotations; the rest was silent."""
    written = tram(bodies, tmp_path)
    held = np.load(tmp_path / "camera.npy", allow_pickle=True).item()
    change(held)
    np.save(tmp_path / "camera.npy", np.array(held, dtype=object), allow_pickle=True)
    found = read_results(written.path)
    assert said in "".join(found.problems)
    assert len(found.problems) == 1
    world = found.bodies.world
    there = torch.isfinite(world.transl).all(1) & torch.isfinite(world.rotation).flatten(1).all(1)
    assert there.tolist() == known


def test_frames_that_are_no_numbers_cost_the_world_alone(bodies, tmp_path):
    """`cannot convert float NaN to integer`, and nothing of the file was read."""
    written = tram(bodies, tmp_path)
    held = np.load(written.path, allow_pickle=True).item()
    held["frame"] = torch.tensor([0.0, torch.nan])
    np.save(written.path, np.array(held, dtype=object), allow_pickle=True)
    found = read_results(written.path)
    assert len(found.bodies) == 2
    assert "its world is not read" in found.problems[0]


@pytest.mark.parametrize("filled", ["zeros", "mirrored"])
def test_matrices_that_are_no_rotations_are_no_pose(bodies, tmp_path, filled):
    """Rows that programs fill up with zeros were bodies of some pose."""
    written = tram(bodies, tmp_path)
    held = np.load(written.path, allow_pickle=True).item()
    held["pred_rotmat"] = held["pred_rotmat"].clone()
    held["pred_rotmat"][1] = 0 if filled == "zeros" else -held["pred_rotmat"][1]
    np.save(written.path, np.array(held, dtype=object), allow_pickle=True)
    found = read_results(written.path)
    assert found.bodies.frames.tolist() == [0]
    assert "rows 1: numbers that are not finite, or matrices that are no rotations" in "".join(found.problems)


@pytest.mark.parametrize("focal", [float("nan"), 0.0, -700.0, float("inf")])
def test_a_focal_length_beside_the_bodies_that_is_none_names_its_own_file(bodies, tmp_path, focal):
    written = tram(bodies, tmp_path)
    held = np.load(tmp_path / "camera.npy", allow_pickle=True).item()
    held["img_focal"] = focal
    np.save(tmp_path / "camera.npy", np.array(held, dtype=object), allow_pickle=True)
    found = read_results(written.path)
    (line,) = found.problems
    assert f"{tmp_path / 'camera.npy'}: img_focal: expected pixels above 0, got {focal:g}; the image's dia" in line
    places = found.bodies.place(sizes(2)).intrinsics[:, 0, 0]
    torch.testing.assert_close(places, sizes(2).norm(dim=1))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("img_focal", np.zeros(0), "img_focal: expected pixels above 0, got none; the image's diagonal is taken"),
        ("img_center", np.array([320.0]), "img_center: expected two numbers, got 320; the image's middle is taken"),
        ("img_center", np.zeros(0), "img_center: expected two numbers, got none; the image's middle is taken"),
    ],
)
def test_a_camera_of_too_few_numbers_costs_no_body(bodies, tmp_path, key, value, said):
    """One number was taken for both of the principal point's, and none left out all bodies, with torch's words."""
    written = tram(bodies, tmp_path)
    held = np.load(tmp_path / "camera.npy", allow_pickle=True).item()
    held[key] = value
    np.save(tmp_path / "camera.npy", np.array(held, dtype=object), allow_pickle=True)
    found = read_results(written.path)
    (line,) = found.problems
    assert line.endswith(f"{tmp_path / 'camera.npy'}: {said}")
    assert len(found.bodies) == 2


def gvhmr_line(bodies, folder, where, value):
    written = gvhmr(bodies, folder)
    held = torch.load(written.path)
    held["K_fullimg"][where] = value
    torch.save(held, written.path)
    return read_results(written.path)


def test_focal_lengths_and_principal_points_that_are_no_numbers_are_said(bodies, tmp_path):
    """The image's diagonal and its middle took their place in silence."""
    nan = float("nan")
    found = gvhmr_line(bodies, tmp_path, (1, 0, 0), nan)
    assert found.problems == (
        f"{tmp_path / 'hmr4d_results.pt'}: rows 1: no finite focal length; the image's diagonal is taken",
    )
    assert len(found.bodies) == 2
    found = gvhmr_line(bodies, tmp_path, (0, 1, 2), float("inf"))
    (line,) = found.problems
    assert line.endswith("rows 0: no finite principal point; the image's middle is taken")
    assert bool(torch.isfinite(found.bodies.place(sizes(2)).intrinsics).all())
    assert not gvhmr_line(bodies, tmp_path, (0, 0, 1), nan).problems  # a skew that is not read
    written = hmr2(bodies, tmp_path)
    held = dict(np.load(written.path)) | {"cam_int": np.stack([np.diag([nan, nan, 1.0])] * 2)}
    np.savez(written.path, **held)
    (line,) = read_results(written.path).problems
    assert line.endswith("rows 0, 1: no finite focal length; 19.53 times the image's longer side is taken")


def test_places_that_are_no_numbers_are_said(bodies, tmp_path):
    written = wham(bodies, tmp_path)
    held = joblib.load(written.path)
    track = next(iter(held.values()))
    track["trans"] = np.array(track["trans"]) * np.nan
    joblib.dump(held, written.path)
    (line,) = read_results(written.path).problems
    assert line.endswith("no finite place before the camera; where they are is not known")
