"""AMASS-style files and spreadsheets say what the estimate says."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.body import load_body, measure
from anchorfit.interchange import amass_arrays, write_amass, write_spreadsheet


@pytest.fixture(scope="module")
def body():
    return load_body()


def test_an_amass_file_poses_the_same_bodies_z_up(tmp_path, body, some_estimate):
    """Read as SMPL-H's readers do: 52 joints, of which SMPL has the first 22."""
    estimate = some_estimate(4)
    estimate = replace(estimate, betas=estimate.betas[:1].expand(4, 10).clone())  # one person
    estimate.body_pose[:, 63:] = 0  # SMPL's hands, which SMPL-H does not have
    write_amass(tmp_path / "a.npz", estimate, body, 25.0)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    assert arrays["poses"].shape == (4, 156)
    assert not arrays["poses"][:, 66:].any()
    assert (int(arrays["mocap_framerate"]), str(arrays["gender"]), arrays["betas"].shape) == (25, "neutral", (16,))
    poses = torch.from_numpy(arrays["poses"]).float()
    posed = body(
        betas=torch.from_numpy(arrays["body_betas"]).float().expand(4, 10),
        global_orient=poses[:, :3],
        body_pose=torch.cat([poses[:, 3:66], torch.zeros(4, 6)], 1),
        transl=torch.from_numpy(arrays["trans"]).float(),
    )
    x, y, z = estimate.bodies(body).vertices.unbind(-1)
    torch.testing.assert_close(posed.vertices, torch.stack([x, z, -y], -1), atol=2e-5, rtol=0)


def test_betas_of_another_shape_space_are_not_passed_off_as_smpls(body, some_estimate):
    estimate = some_estimate(2)
    assert not amass_arrays(estimate, body, 30.0)["betas"].any()
    licensed = amass_arrays(replace(estimate, body="SMPL_MALE.pkl", gender="male"), body, 30.0)
    np.testing.assert_allclose(licensed["betas"][:10], estimate.betas.mean(0), rtol=1e-6)
    assert str(licensed["body"]) == "SMPL_MALE.pkl"
    with pytest.raises(ValueError, match="frames_per_second: expected more than 0, got 0"):
        amass_arrays(estimate, body, 0)


def test_a_spreadsheet_has_a_line_a_person_and_runs_no_formula(tmp_path, body, some_estimate):
    names = ("=cmd|' /C calc'!A0#0", "+1.jpg#0", "-1.jpg#0", "@a.jpg#0", "é, \"b\".jpg#0")  # fmt: skip
    estimate = replace(some_estimate(5), names=names, images=tuple(name.partition("#")[0] for name in names))
    estimate.transl[4, 2] = -3.0
    write_spreadsheet(tmp_path / "a.csv", estimate, body)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # Excel's sign of UTF-8
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == [*(f"'{name}" for name in names[:4]), names[4]]
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert [row["trusted"] for row in rows[:2]] == ["True", "False"]
    assert rows[1]["reason"] == "too few joints"
    nose = estimate.joint_names.index("nose")
    for row, line in enumerate(rows):
        found = [float(line[f"nose_{axis}_m"]) for axis in "xyz"]
        np.testing.assert_allclose(found, estimate.joints[row, nose], atol=2e-5)
    np.testing.assert_allclose(float(rows[0]["nose_y_px"]), estimate.joints_px[0, nose, 1], atol=0.02)
    assert rows[4]["nose_x_px"] == ""  # behind the camera
    height = measure(body, estimate.betas).height
    np.testing.assert_allclose([float(line["height_m"]) for line in rows], height, atol=1e-5)
