import json
import pickle
from dataclasses import fields, replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from anchorfit import remembered_joints
from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.camera import project
from anchorfit.many_estimates import load_estimates_by_method
from anchorfit.observations import read_people
from anchorfit.pipeline import predict_people
from anchorfit.results import BodyEstimate, concatenate, size_remark


def assert_same(first: BodyEstimate, second: BodyEstimate) -> None:
    for record, other in ((first, second), (first.diagnostics, second.diagnostics), (first.floors, second.floors)):
        for field in fields(record):
            mine, theirs = getattr(record, field.name), getattr(other, field.name)
            if isinstance(mine, torch.Tensor):
                assert mine.dtype == theirs.dtype
                torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)
            elif isinstance(mine, dict):
                assert mine.keys() == theirs.keys()
                assert all(torch.equal(mine[key], theirs[key]) for key in mine)
            elif field.name not in ("diagnostics", "floors"):
                assert mine == theirs


def test_npz_gives_everything_back_bit_for_bit(tmp_path, some_estimate):
    estimate = some_estimate(3)
    estimate.save(tmp_path / "people.npz")
    assert_same(BodyEstimate.load(tmp_path / "people.npz"), estimate)


def test_rows_and_concatenate_are_inverse(some_estimate):
    estimate = some_estimate(4)
    assert_same(concatenate([estimate[i] for i in range(4)]), estimate)
    assert estimate[-1].names == (estimate.names[3],)
    with pytest.raises(IndexError):
        estimate[4]


def test_concatenate_refuses_other_bodies_and_nothing(some_estimate):
    with pytest.raises(ValueError, match="at least one BodyEstimate"):
        concatenate([])
    estimate = some_estimate(1)
    other = BodyEstimate(**{**{f.name: getattr(estimate, f.name) for f in fields(estimate)}, "gender": "male"})
    with pytest.raises(ValueError, match="gender differs: 'neutral', 'male'"):
        concatenate([estimate, other])


def test_what_sizes_follow_from(some_estimate):
    estimate, body = some_estimate(1), load_body()
    assert "one photograph does not tell size" in size_remark(estimate, body)
    assert "unit of the points" in size_remark(replace(estimate, method="points"), body)
    assert "the cameras' unit" in size_remark(replace(estimate, method="views"), body)
    told = replace(estimate.diagnostics, energy={"known_size": torch.zeros(1)})
    assert size_remark(replace(estimate, diagnostics=told), body) == ""


def test_pickle_is_smplifys(tmp_path, some_estimate):
    estimate = some_estimate(2)
    estimate[1].save_smplify(tmp_path / "one.pkl")
    record = pickle.loads((tmp_path / "one.pkl").read_bytes())
    assert sorted(record) == ["betas", "cam_t", "f", "pose"]
    np.testing.assert_array_equal(record["pose"], estimate.pose[1].numpy())
    assert record["betas"].shape == (10,)
    np.testing.assert_array_equal(record["f"], [800, 800])
    with pytest.raises(ValueError, match="expected one body, got 2"):
        estimate.save_smplify(tmp_path / "two.pkl")


def test_json_is_plain_and_complete(tmp_path, some_estimate):
    estimate = some_estimate(2)
    estimate.save_json(tmp_path / "people.json")
    rows = json.loads((tmp_path / "people.json").read_text())
    assert [row["name"] for row in rows] == list(estimate.names)
    assert len(rows[0]["body_pose"]) == 69
    assert rows[0]["joints"]["pelvis"]["reprojection_px"] == pytest.approx(
        float(estimate.diagnostics.reprojection_px[0, 0])
    )
    assert rows[1]["reason"] == "too few joints"
    assert [row["score"] for row in rows] == pytest.approx([0.9, 0.1])


def test_a_fit_knows_its_joints_without_reading_the_body_again(monkeypatch):
    """Reading it cost 60 MB at the peak of a run of many people."""
    people = read_people(ASSETS / "demo" / "person_keypoints.json")
    found = predict_people(people).estimate
    assert found is not None
    monkeypatch.setattr(remembered_joints, "load_body", Mock(side_effect=AssertionError("read again")))
    whole = found.joints
    for count in (1, 2, 3):
        assert torch.equal(found.rows(range(count)).joints, whole[:count])


def test_joints_are_those_of_the_bodies_in_metres_and_pixels(tmp_path, some_estimate):
    body = load_body()
    estimate = replace(some_estimate(3), transl=torch.tensor([[0.3, 0.1, 3.0], [0.0, 0.0, 2.0], [0.0, 0.0, -3.0]]))
    expected = body.canonical_joints(estimate.bodies(body))
    torch.testing.assert_close(estimate.joints, expected, atol=1e-5, rtol=0)
    pixels = project(expected, estimate.intrinsics)
    torch.testing.assert_close(estimate.joints_px[:2], pixels[:2], atol=2e-2, rtol=0)
    assert estimate.joints_px[2].isnan().all()  # behind the camera
    assert torch.equal(estimate.rows([1]).joints[0], estimate.joints[1])
    assert estimate.to(dtype=torch.float64).joints.dtype == torch.float64

    estimate.save(tmp_path / "people.npz")
    with np.load(tmp_path / "people.npz") as stored:
        assert stored["joint_names"].tolist() == list(estimate.joint_names)
        np.testing.assert_array_equal(stored["joints_m"], estimate.joints)
        np.testing.assert_array_equal(stored["joints_px"], estimate.joints_px)
    nose = estimate.joint_names.index("nose")
    first, _, behind = estimate.to_dict()
    assert first["joints_m"]["nose"] == pytest.approx(estimate.joints[0, nose].tolist(), abs=1e-5)
    assert first["joints_px"]["nose"] == pytest.approx(estimate.joints_px[0, nose].tolist(), abs=1e-4)
    assert behind["joints_px"]["nose"] is None


def test_an_estimate_whose_bodys_file_is_gone_is_saved_without_joints(tmp_path, some_estimate):
    estimate = replace(some_estimate(1), body=str(tmp_path / "gone.pkl"))
    estimate.save(tmp_path / "people.npz")
    assert_same(BodyEstimate.load(tmp_path / "people.npz"), estimate)
    assert "joints_m" not in estimate.to_dict()[0]
    with pytest.raises(FileNotFoundError, match=r"gone\.pkl"):
        _ = estimate.joints


def test_an_estimate_prints_as_one_line(some_estimate):
    assert repr(some_estimate(3)) == (
        "BodyEstimate(3 rows of 1 images, 'smplify', body 'open' (neutral, 10 betas), 2 trusted)"
    )


def test_files_without_a_score_are_read_and_nobody_judged_them(tmp_path, some_estimate):
    estimate = some_estimate(2)
    estimate.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as stored:
        np.savez(tmp_path / "old.npz", **{key: stored[key] for key in stored if key != "diagnostics.score"})
    old = BodyEstimate.load(tmp_path / "old.npz")
    assert old.diagnostics.score.isnan().all()
    assert torch.equal(old.diagnostics.trusted, estimate.diagnostics.trusted)
    assert [row["score"] for row in old.to_dict()] == [None, None]
    assert concatenate([old, estimate]).diagnostics.score.isnan().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a readable .npz"), (b"PK\x03\x04 truncated", "not a readable .npz"), (None, "no such file")],
)
def test_wrong_files_are_named(tmp_path, content, message):
    path = tmp_path / "wrong.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        BodyEstimate.load(path)
    assert str(path) in str(caught.value)


def test_npz_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="expected an estimate of format 1, got None"):
        BodyEstimate.load(tmp_path / "other.npz")


def test_an_npz_that_hides_a_pickle_is_refused(tmp_path):
    np.savez(tmp_path / "evil.npz", format_version=np.array(1), names=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"evil\.npz"):
        BodyEstimate.load(tmp_path / "evil.npz")


def test_half_written_files_are_never_seen(tmp_path, monkeypatch, some_estimate):
    estimate = some_estimate(1)
    path = tmp_path / "one.npz"
    estimate.save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device") as caught:
        some_estimate(1, seed=1).save(path)
    assert str(caught.value).startswith(f"{path}: cannot be written")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["one.npz"]


def test_a_term_that_a_part_does_not_have_had_no_energy(some_estimate):
    plain, masked = some_estimate(2), some_estimate(1, seed=1)
    energy = masked.diagnostics.energy | {"silhouette": torch.ones(1)}
    masked = replace(masked, diagnostics=replace(masked.diagnostics, energy=energy))
    assert concatenate([plain, masked]).diagnostics.energy["silhouette"].tolist() == [0, 0, 1]
    assert concatenate([masked, plain]).diagnostics.energy["silhouette"].tolist() == [1, 0, 0]


def test_predictions_and_fits_are_told_apart(some_estimate, tmp_path):
    some_estimate(2).save(tmp_path / "fit.npz")
    replace(some_estimate(3), method="direct").save(tmp_path / "direct.npz")
    found = load_estimates_by_method([tmp_path])
    assert {method: len(estimate) for method, estimate in found.items()} == {"direct": 3, "smplify": 2}
    replace(some_estimate(1), gender="female").save(tmp_path / "woman.npz")
    with pytest.raises(ValueError, match=r"woman\.npz: made with body open \(female\)"):
        load_estimates_by_method([tmp_path])
