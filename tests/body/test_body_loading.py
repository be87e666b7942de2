from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse
from synthetic_bodies import synthetic_arrays  # type: ignore[import-not-found]  # its folder is on pytest's path

from anchorfit.body import LANDMARKS, SMPL_JOINTS, body_from_arrays, compile_points, load_body
from anchorfit.body.landmarks import chin_vertex, neck_ring
from anchorfit.body.parts import SEGMENT_PART, SEGMENTS, SIX_PARTS


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return synthetic_arrays()


def save(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type, unused-ignore]
    return path


def test_an_npz_gives_back_what_it_holds(tmp_path, arrays):
    body = load_body(save(tmp_path / "body.npz", arrays), dtype=torch.float64)
    np.testing.assert_allclose(body.v_template.numpy(), arrays["v_template"])
    np.testing.assert_allclose(body.weights.numpy(), arrays["weights"], atol=1e-15)
    assert body.posedirs is not None
    np.testing.assert_allclose(body.posedirs.T.reshape(-1, 3, 207).numpy(), arrays["posedirs"])
    assert body.parents == (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
    assert body.landmark_names == LANDMARKS
    assert body.faces.dtype == torch.int64


def test_compact_correctives_are_scaled(tmp_path, arrays):
    posedirs = arrays.pop("posedirs")
    scale = np.abs(posedirs).max((0, 1)) / 127
    arrays["posedirs_q"], arrays["posedirs_scale"] = np.round(posedirs / scale).astype(np.int8), scale
    body = load_body(save(tmp_path / "body.npz", arrays), dtype=torch.float64)
    assert body.posedirs is not None
    difference = np.abs(body.posedirs.T.reshape(-1, 3, 207).numpy() - posedirs)
    assert (difference <= scale * 0.51).all()


def test_correctives_that_are_zero_are_left_out(arrays):
    assert body_from_arrays(arrays | {"posedirs": np.zeros_like(arrays["posedirs"])}).posedirs is None


def test_official_keys_are_enough(tmp_path, arrays):
    """As pickles: test_old_pickles.py."""
    expected = body_from_arrays(arrays, dtype=torch.float64)
    path = save(tmp_path / "SMPL_FEMALE.npz", {k: v for k, v in arrays.items() if "landmark" not in k})
    body = load_body(path, dtype=torch.float64)
    for name in ("v_template", "shapedirs", "posedirs", "weights", "joint_regressor", "faces"):
        torch.testing.assert_close(getattr(body, name), getattr(expected, name))
    assert body.gender == "female"
    assert body.landmark_names == ()
    with pytest.raises(ValueError, match=r"no landmark 'neck' \(it has none\)"):
        compile_points(body)
    with pytest.raises(ValueError, match=r"gender 'male' was asked for, the file is 'female'"):
        load_body(path, gender="male")


def test_smpls_own_mesh_gets_landmarks():
    body = body_from_arrays({k: v for k, v in synthetic_arrays(vertices=6890).items() if "landmark" not in k})
    assert set(body.landmark_names) == set(LANDMARKS)
    torch.testing.assert_close(body.landmark_weights.sum(1), torch.ones(len(LANDMARKS)))
    assert body.landmark_vertices[body.landmarks["nose"], 0] == 332
    assert compile_points(body).num_points == 39


def test_the_rules_for_chin_and_neck_find_them_on_the_open_body():
    body = load_body(dtype=torch.float64)
    rest, weights = body.v_template.numpy(), body.weights.numpy()
    joints = body.rest_joints_table[0].numpy()
    chin = rest[chin_vertex(rest, weights)[0]]
    ring = rest[neck_ring(rest, weights, joints)]
    neck, head = joints[SMPL_JOINTS.index("neck")], joints[SMPL_JOINTS.index("head")]
    assert abs(chin[0]) < 0.02
    assert chin[2] > head[2] + 0.03
    assert np.linalg.norm(ring.mean(0) - (neck + head) / 2) < 0.04
    assert np.ptp(ring[:, 0]) > 0.06


@pytest.mark.parametrize("gender", ["neutral", "male", "female"])
def test_the_open_body_ships_in_each_gender(gender):
    body = load_body("open", gender=gender)
    assert body.gender == gender
    assert body.num_betas == 10
    assert body.meta["license"] == "CC0-1.0"
    assert set(LANDMARKS) <= set(body.landmark_names)


def test_fewer_betas_on_request(arrays):
    assert body_from_arrays(arrays, num_betas=4).num_betas == 4
    with pytest.raises(ValueError, match="shapedirs: 16 betas were asked for, the file has 10"):
        body_from_arrays(arrays, num_betas=16)


def test_labels_are_made_where_the_file_has_none(arrays):
    body = body_from_arrays(arrays)
    assert body.face_parts is not None
    assert body.face_segments is not None
    assert body.face_parts.tolist() == [SEGMENT_PART[segment] for segment in body.face_segments.tolist()]


def test_each_segment_belongs_to_its_part():
    parts = {SEGMENTS[joint]: SIX_PARTS[SEGMENT_PART[joint]] for joint in range(24)}
    assert parts["head"] == "head"
    assert parts["neck"] == parts["left_collar"] == parts["pelvis"] == parts["spine2"] == "torso"
    assert parts["left_shoulder"] == parts["left_hand"] == "left_arm"
    assert parts["right_hip"] == parts["right_foot"] == "right_leg"


def changed(key: str, value: object) -> dict[str, object]:
    return synthetic_arrays() | {key: value}


def without(key: str) -> dict[str, object]:
    arrays: dict[str, object] = dict(synthetic_arrays())
    del arrays[key]
    return arrays


WRONG_ENTRIES = {
    "no template": (without("v_template"), "missing v_template"),
    "no correctives": (without("posedirs"), "missing posedirs"),
    "no regressor": (without("J_regressor"), "missing J_regressor"),
    "wrong template": (
        changed("v_template", np.zeros((60, 4))),
        r"v_template: expected shape \(any, 3\), got \(60",
    ),
    "wrong shapes": (changed("shapedirs", np.zeros((59, 3, 10))), r"shapedirs: expected shape \(60, 3, any\)"),
    "NaN": (changed("v_template", np.full((60, 3), np.nan)), "v_template: holds NaN"),
    "text": (changed("v_template", np.full((60, 3), "x")), "v_template: expected numbers"),
    "weights": (changed("weights", np.ones((60, 24))), "weights: expected rows"),
    "faces": (changed("f", np.full((4, 3), 60)), r"f: expected values in 0\.\.59, got 60\.\.60"),
    "tree": (changed("kintree_table", np.zeros((2, 24))), "kintree_table: not SMPL's"),
    "landmarks": (without("landmark_weights"), "missing landmark_weights"),
    "meta": (changed("meta", np.array("{")), "meta: not JSON"),
    "SMPL-X": (changed("weights", np.zeros((60, 55))), "looks like a SMPL-X file"),
    "SMPL+H": (changed("weights", np.zeros((60, 52))), r"looks like a SMPL\+H file"),
    "MANO": (changed("weights", np.zeros((60, 16))), "looks like a MANO file"),
    "STAR": (changed("posedirs", np.zeros((60, 3, 93))), "looks like a STAR file"),
    "matrix": (changed("J_regressor", sparse.csc_matrix(np.eye(24, 60))), "J_regressor: holds Python objects; save it"),
    "objects": (changed("weights", np.full((60, 24), None)), "weights: holds Python objects; save it"),
    "names": (changed("landmark_names", np.array(LANDMARKS, dtype=object)), "landmark_names: holds Python objects"),
    "nothing": ({}, r"missing v_template, .*\(it has nothing\)"),
}


@pytest.mark.parametrize("name", WRONG_ENTRIES)
def test_wrong_entries_are_named_in_one_line(tmp_path, name):
    content, message = WRONG_ENTRIES[name]
    path = tmp_path / "wrong.npz"
    np.savez(path, **content)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message) as caught:
        load_body(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "https://smpl.is.tue.mpg.de" in text
    assert "\n" not in text


WRONG_FILES = {
    "empty.npz": (b"", "is empty"),
    "page.pkl": (b"<!DOCTYPE html><html>login</html>", "web page"),
    "pointer.npz": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git-lfs pointer"),
    "cut.npz": (b"PK\x03\x04" + b"\0" * 50, "truncated or damaged"),
    "cut.pkl": (b"\x80\x02}q\x01U\x04", "truncated"),
    "image.png": (b"\x89PNG\r\n\x1a\n", "neither an .npz archive nor a pickle"),
    "list.pkl": (pickle.dumps([1, 2]), "expected a dictionary of arrays, got list"),
}


def test_objects_in_entries_that_no_body_needs_do_no_harm(tmp_path, arrays):
    extra = {"J_regressor_prior": sparse.csc_matrix(np.eye(24, 60)), "gender": np.array(["female"], dtype=object)}
    path = tmp_path / "body.npz"
    np.savez(path, **arrays, **extra)
    assert load_body(path).num_betas == 10


def test_lists_of_unequal_lengths_are_named(tmp_path, arrays):
    path = tmp_path / "uneven.pkl"
    path.write_bytes(pickle.dumps(arrays | {"v_template": [[0.0, 1.0, 2.0], [3.0]]}))
    with pytest.raises(ValueError, match=r"uneven\.pkl: v_template: holds Python objects"):
        load_body(path)


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_files_are_named_in_one_line(tmp_path, name):
    content, message = WRONG_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_body(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_truncated_archives_are_named(tmp_path, arrays, share):
    path = save(tmp_path / "body.npz", arrays)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"body\.npz: a truncated or damaged"):
        load_body(path)


def test_a_damaged_entry_is_named(tmp_path, arrays):
    path = save(tmp_path / "body.npz", arrays)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"body\.npz: a truncated or damaged"):
        load_body(path)


def test_missing_files_and_folders_say_what_to_do(tmp_path, arrays):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pkl: no such body file; .*smpl\.is\.tue\.mpg\.de"):
        load_body(tmp_path / "nowhere.pkl")
    with pytest.raises(ValueError, match=r"is a folder, not a body file; and it holds no"):
        load_body(tmp_path)
    save(tmp_path / "SMPL_MALE.npz", arrays)
    with pytest.raises(ValueError, match=r"give one of its files \(SMPL_MALE\.npz\)"):
        load_body(tmp_path)


def test_an_unknown_gender_is_named():
    with pytest.raises(ValueError, match="gender: expected one of neutral, male, female, got 'other'"):
        load_body(gender="other")


def test_a_child_is_a_body_of_its_own_on_the_adults_surface():
    child, adult = load_body(age="child"), load_body()
    assert (child.name, child.source, child.ages_years) == ("open_child", "open_child", (2.0, 12.0))
    assert adult.ages_years is None
    torch.testing.assert_close(
        load_body(child.source, gender=child.gender).v_template, child.v_template, rtol=0, atol=0
    )
    for name in ("faces", "mirror", "landmark_vertices", "face_parts", "face_segments"):
        assert torch.equal(getattr(child, name), getattr(adult, name)), name
    assert child.landmark_names == adult.landmark_names
    assert 1.15 < float(torch.Tensor.__sub__(*child.v_template[:, 1].aminmax()[::-1])) < 1.25


def test_a_child_is_asked_for_alone():
    with pytest.raises(ValueError, match="age: expected one of adult, child, got 'baby'"):
        load_body(age="baby")
    with pytest.raises(ValueError, match="one open body for children, of girls and boys; leave 'male' out"):
        load_body(gender="male", age="child")
    with pytest.raises(ValueError, match=r"SMPL_NEUTRAL\.pkl: age 'child' means the open body .*kid template are not"):
        load_body("SMPL_NEUTRAL.pkl", age="child")


@pytest.mark.parametrize("ages", [[2], ["2", "12"], {"2": 12}, None, 7])
def test_ages_that_are_no_pair_of_numbers_are_no_ages(arrays, ages):
    body = body_from_arrays(arrays | {"meta": np.array(json.dumps({"ages_years": ages}))})
    assert body.ages_years is None
