"""Estimates written for other programs: each file says what the estimate says, and reads back."""

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.array_files import ArrayFile
from anchorfit.body import axis_angle_to_matrix, load_body
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.camera import project
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.datasets.spin import SpinFile
from anchorfit.evaluation.estimates import index_estimates, read_estimate
from anchorfit.interchange import coco_results, openpose_people, spin_arrays, write_coco_results, write_openpose
from anchorfit.interchange.smplx_body import write_smplx
from anchorfit.interchange.spin import SPIN24, weak_perspective_camera, weak_perspective_translation, write_spin
from anchorfit.observations import read_people
from anchorfit.options import OptionError
from anchorfit.runs.outputs import parse_kinds


@pytest.fixture(scope="module")
def body():
    return load_body()


def pixels_of(estimate, body) -> torch.Tensor:
    joints = body.canonical_joints(estimate.bodies(body))
    return project(joints, estimate.intrinsics)


def named(estimate, *names: str):
    return replace(estimate, names=names, images=tuple(name.partition("#")[0] for name in names))


def test_openposes_file_reads_back_as_the_projected_body(tmp_path, body, some_estimate):
    estimate = some_estimate(2)
    write_openpose(tmp_path / "photo_keypoints.json", estimate, body)
    people = read_people(tmp_path / "photo_keypoints.json").people
    assert [person.name for person in people] == ["photo#0", "photo#1"]
    for person, pixels in zip(people, pixels_of(estimate, body), strict=True):
        seen = person.confidence > 0
        assert seen.sum() == 25
        np.testing.assert_allclose(person.keypoints[seen], pixels.numpy()[seen], atol=2e-3)  # three decimals


def test_cocos_results_read_back_as_the_projected_body(tmp_path, body, some_estimate):
    estimate = named(some_estimate(3), "000000000785.jpg#1", "a b.png#0", "a b.png#1")
    write_coco_results(tmp_path / "results.json", estimate, body)
    assert [entry["image_id"] for entry in json.loads((tmp_path / "results.json").read_text())] == [
        785,
        "a b.png",
        "a b.png",
    ]
    people = read_people(tmp_path / "results.json").people
    assert [str(person.image) for person in people] == ["000000000785.jpg", "a b.png", "a b.png"]
    for person, pixels in zip(people, pixels_of(estimate, body), strict=True):
        seen = person.confidence > 0
        assert seen.sum() == 23  # the feet, too
        np.testing.assert_allclose(person.keypoints[seen], pixels.numpy()[seen], atol=2e-3)


def test_cocos_evaluation_takes_the_seventeen(body, some_estimate):
    """`COCOeval` asks that keypoints be 17 triples of every result, and ranks by score."""
    for entry in coco_results(some_estimate(2), body):
        assert len(entry["keypoints"]) == 51
        assert len(entry["foot_kpts"]) == 18
        assert 0 < entry["score"] <= 1


def test_smplx_takes_the_body_part(tmp_path, body, some_estimate):
    estimate = some_estimate(3)
    write_smplx(tmp_path / "people.npz", estimate, body)
    arrays = ArrayFile(tmp_path / "people.npz")
    shapes = {"global_orient": (3, 3), "body_pose": (3, 63), "transl": (3, 3), "betas": (3, 10), "pelvis": (3, 3)}
    for name, shape in shapes.items():
        assert (arrays[name].shape, arrays[name].dtype) == (shape, np.float32)
    np.testing.assert_array_equal(arrays["body_pose"], estimate.body_pose[:, :63])
    assert not arrays["betas"].any()  # of another shape space
    np.testing.assert_allclose(arrays["pelvis"], estimate.bodies(body).joints[:, 0], atol=1e-6)
    # The same pose at the same place on a body whose root joint is elsewhere: the documented translation.
    other = {name: torch.from_numpy(arrays[name]) for name in ("global_orient", "transl", "betas")}
    rest = body(betas=other["betas"]).joints[:, 0]
    pose = torch.from_numpy(np.pad(arrays["body_pose"], ((0, 0), (0, 6))))
    placed = body(**{**other, "body_pose": pose, "transl": torch.from_numpy(arrays["pelvis"]) - rest})
    torch.testing.assert_close(placed.joints[:, 0], torch.from_numpy(arrays["pelvis"]))


def test_what_mhr_takes_is_said():
    with pytest.raises(OptionError, match=r"MHR's bodies are not written.*tools/mhr_smpl_conversion"):
        parse_kinds("npz,mhr")


def test_scores_rank_doubtful_fits_last(body, some_estimate):
    scores = [entry["score"] for entry in coco_results(some_estimate(3), body)]
    assert scores == [1.0, 0.1, 1.0]  # the second is not trusted


def test_joints_behind_the_camera_are_not_seen(body, some_estimate):
    estimate = replace(some_estimate(1), transl=torch.tensor([[0.0, 0.0, -3.0]]))
    (person,) = openpose_people(estimate, body)["people"]
    assert not any(person["pose_keypoints_2d"])


def test_weak_perspective_cameras_and_translations_are_inverse():
    camera = torch.tensor([[0.9, 0.1, -0.2], [0.3, 0.0, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(weak_perspective_camera(weak_perspective_translation(camera)), camera)
    # s = 1 on 224 pixels at f = 5000: HMR's 2 * 5000 / 224 metres
    assert weak_perspective_translation(torch.tensor([1.0, 0, 0]))[2] == pytest.approx(44.642857)


def test_spins_file_reads_back_as_truth_and_as_a_result(tmp_path, body, some_estimate):
    estimate = named(some_estimate(3), "a.jpg#0", "b.jpg#0", "b.jpg#1")
    path = tmp_path / "people.npz"
    write_spin(path, estimate, body)
    data = SpinFile(path, size=(640, 480))
    assert data.names == ["a.jpg#0", "b.jpg#1", "b.jpg#2"]  # by row
    sample = data.sample(0, body)
    np.testing.assert_allclose(
        sample.person.confidence[: len(CANONICAL_JOINTS)].sum(), 12
    )  # LSP's and more, every second
    joints = body.canonical_joints(estimate.bodies(body))
    rotation = torch.from_numpy(ArrayFile(path)["rotation"])
    expected = (joints - joints[:, [CANONICAL_JOINTS.index("pelvis")]]).double() @ rotation.mT
    for name, position in sample.joints.items():
        torch.testing.assert_close(position, expected[0, CANONICAL_JOINTS.index(name)], atol=1e-5, rtol=0)
    with pytest.raises(DatasetError, match="neither joints nor a body"):
        data.sample(1, body)  # not trusted, so no truth

    placed = [read_estimate(entry) for entry in index_estimates(path).entries]
    for row, found in enumerate(placed):
        torch.testing.assert_close(found.params[3:82], estimate.params[row, 3:82].double())
        orient = rotation[row] @ axis_angle_to_matrix(estimate.global_orient[row].double())
        torch.testing.assert_close(axis_angle_to_matrix(found.params[:3]), orient, atol=1e-6, rtol=0)
        read_back = body.canonical_joints(body.from_params(found.params[None].float()))
        pixels = project(read_back.double(), found.intrinsics[None])[0]
        off = (pixels - pixels_of(estimate, body)[row]).norm(dim=-1)
        # Weak perspective cannot show what nearness does to a person 3 m away: a few per cent of some 450 pixels.
        assert off.mean() < 0.03 * 450


def test_people_near_the_border_are_turned_to_spins_camera_and_drawn_in_place(tmp_path, body, some_estimate):
    estimate = replace(some_estimate(2), transl=torch.tensor([[1.5, 0.0, 4.0], [0.0, 0.0, 4.0]]))
    write_spin(tmp_path / "people.npz", estimate, body)
    for row, entry in enumerate(index_estimates(tmp_path / "people.npz").entries):
        found = read_estimate(entry)
        read_back = body.canonical_joints(body.from_params(found.params[None].float()))
        pixels = project(read_back.double(), found.intrinsics[None])[0]
        expected = pixels_of(estimate, body)[row]
        size = (expected.amax(0) - expected.amin(0)).max()
        assert (pixels - expected).norm(dim=-1).mean() < 0.02 * size
    rotation = ArrayFile(tmp_path / "people.npz")["rotation"]
    off = np.rad2deg(np.arccos(rotation[:, 2, 2]))
    assert off[0] == pytest.approx(np.rad2deg(np.arctan(1.5 / 4)), abs=3)  # the middle of the joints, not of the root
    assert off[1] < 5


def test_far_people_are_drawn_by_spins_camera_where_ours_draws_them(tmp_path, body, some_estimate):
    estimate = some_estimate(1)
    far = torch.tensor([[0.4, -0.2, 40.0]])
    intrinsics = torch.tensor([[[10000.0, 0, 320], [0, 10000, 240], [0, 0, 1]]])
    estimate = replace(estimate, transl=far, intrinsics=intrinsics)
    write_spin(tmp_path / "people.npz", estimate, body)
    (entry,) = index_estimates(tmp_path / "people.npz").entries
    found = read_estimate(entry)
    pixels = project(
        body.canonical_joints(body.from_params(found.params[None].float())).double(), found.intrinsics[None]
    )
    assert (pixels[0] - pixels_of(estimate, body)[0]).norm(dim=-1).max() < 1.0


def test_spin_arrays_have_its_keys_and_shapes(body, some_estimate):
    arrays = spin_arrays(some_estimate(2), body)
    shapes = {name: values.shape for name, values in arrays.items()}
    assert shapes == {
        "imgname": (2,),
        "center": (2, 2),
        "scale": (2,),
        "part": (2, 24, 3),
        "openpose": (2, 25, 3),
        "pose": (2, 72),
        "shape": (2, 10),
        "has_smpl": (2,),
        "S": (2, 24, 4),
        "camera": (2, 3),
        "rotation": (2, 3, 3),
        "body": (),
    }
    assert not arrays["S"][:, SPIN24.index(None)].any()
    male = replace(some_estimate(2), gender="male")
    assert spin_arrays(male, body)["gender"].tolist() == ["m", "m"]


def test_to_and_from_smplx_are_inverse(some_estimate):
    estimate = some_estimate(3)
    arguments = estimate.to_smplx()
    assert {name: tuple(value.shape) for name, value in arguments.items()} == {
        "global_orient": (3, 3),
        "body_pose": (3, 69),
        "betas": (3, 10),
        "transl": (3, 3),
    }
    settings = {"intrinsics": estimate.intrinsics, "image_size": (640, 480), "names": estimate.names}
    again = type(estimate).from_smplx(arguments, **settings)
    assert torch.equal(again.params, estimate.params)
    assert again.method == "given"
    assert len(again) == 3
    matrices = arguments | {
        name: axis_angle_to_matrix(arguments[name].unflatten(1, (-1, 3))) for name in ("global_orient", "body_pose")
    }
    turned = type(estimate).from_smplx(matrices, **settings)
    torch.testing.assert_close(turned.body_pose, estimate.body_pose, atol=1e-5, rtol=0)
    arguments["betas"] += 1  # a copy: the estimate stays
    assert torch.equal(again.betas, estimate.betas)


def test_from_smplx_says_what_does_not_fit(some_estimate):
    estimate = some_estimate(2)
    arguments = estimate.to_smplx()
    settings = {"intrinsics": estimate.intrinsics, "image_size": (640, 480), "names": estimate.names}

    def refuse(message: str, changes: dict, **other) -> None:
        with pytest.raises(ValueError, match=message):
            type(estimate).from_smplx({**arguments, **changes}, **{**settings, **other})

    refuse("expected betas, body_pose, global_orient, transl, got .*expression", {"expression": torch.zeros(2, 10)})
    refuse(r"body_pose: expected \(2, 69\), got \(2, 63\); .*six zeros", {"body_pose": torch.zeros(2, 63)})
    refuse(r"betas: expected \(2, 10\), got \(1, 10\)", {"betas": torch.zeros(1, 10)})
    refuse(r"intrinsics: expected \(3, 3\) or \(2, 3, 3\)", {}, intrinsics=torch.eye(4))
    refuse("images: expected 2 or none, got 1", {}, images=("a.jpg",))


def test_smplx_makes_the_same_bodies_of_the_arguments(body, some_estimate):
    smplx = pytest.importorskip("smplx")
    from smplx.utils import Struct  # type: ignore[import-not-found, unused-ignore]

    data = Struct(
        v_template=body.v_template.numpy(),
        shapedirs=body.shapedirs.numpy(),
        posedirs=body.posedirs.T.reshape(-1, 3, body.posedirs.shape[0]).numpy(),
        J_regressor=body.joint_regressor.to_dense().numpy(),
        weights=body.weights.numpy(),
        kintree_table=np.stack([np.array([-1, *body.parents[1:]]), np.arange(24)]),
        f=body.faces.numpy(),
    )
    estimate = some_estimate(2)
    oracle = smplx.SMPL("", data_struct=data, batch_size=2, vertex_ids=defaultdict(int))  # SMPL's are not this mesh's
    expected = oracle(**estimate.to_smplx()).vertices
    torch.testing.assert_close(expected, estimate.bodies(body).vertices, atol=1e-5, rtol=0)


def test_from_smplx_takes_arrays_single_rows_and_rotations_of_any_form(some_estimate):
    estimate = some_estimate(2)
    row = estimate[0]
    settings = {"intrinsics": row.intrinsics[0].numpy(), "image_size": (640, 480), "names": row.names}
    arguments = {name: value.double() for name, value in row.to_smplx().items()}
    matrices = {name: axis_angle_to_matrix(arguments[name].reshape(-1, 3)) for name in ("global_orient", "body_pose")}
    six = {
        "columns": lambda turn: turn[..., :2].mT.flatten(-2),
        "rows": lambda turn: turn[..., :2, :].flatten(-2),
        "interleaved": lambda turn: turn[..., :2].flatten(-2),
    }
    forms = [
        ({name: value[0].numpy() for name, value in arguments.items()}, None),
        ({**arguments, **{name: value.numpy() for name, value in matrices.items()}}, None),
        ({**arguments, "body_pose": arguments["body_pose"].reshape(1, 23, 3), "betas": arguments["betas"][0]}, None),
        *(({**arguments, **{name: take(turn) for name, turn in matrices.items()}}, kind) for kind, take in six.items()),
    ]
    for given, six_d in forms:
        again = type(estimate).from_smplx(given, six_d=six_d, **settings)
        before, after = (axis_angle_to_matrix(one.pose.double().reshape(24, 3)) for one in (row, again))
        torch.testing.assert_close(after, before, atol=1e-6, rtol=0)
        torch.testing.assert_close(again.betas.double(), row.betas.double())
    with pytest.raises(ValueError, match="layout: expected one of columns, rows, interleaved"):
        type(estimate).from_smplx(forms[-1][0], six_d="cols", **settings)
    with pytest.raises(ValueError, match=r"global_orient: expected \(1, 3\), got \(1, 6\)"):
        type(estimate).from_smplx(forms[-1][0], **settings)
