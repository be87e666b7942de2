"""Body models as SMPL files: what is written loads again, here and in smplx."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.body import body_arrays, load_body, write_body


@pytest.mark.parametrize("ending", ["pkl", "npz"])
def test_a_written_body_is_the_body(tmp_path, ending):
    body = load_body(gender="female")
    path = tmp_path / f"open.{ending}"
    write_body(path, body)
    again = load_body(path, gender="neutral")
    for name in ("v_template", "shapedirs", "posedirs", "weights", "joint_regressor", "faces"):
        torch.testing.assert_close(getattr(again, name), getattr(body, name), atol=1e-7, rtol=0)


def test_the_pickle_holds_plain_arrays_by_smpls_keys(tmp_path):
    write_body(tmp_path / "open.pkl", load_body())
    record = pickle.loads((tmp_path / "open.pkl").read_bytes())
    assert record["posedirs"].dtype == np.float64
    assert record["posedirs"].shape == (6882, 3, 207)
    assert record["kintree_table"][0].tolist()[:5] == [4294967295, 0, 0, 0, 1]
    assert (record["bs_style"], record["bs_type"]) == ("lbs", "lrotmin")
    np.testing.assert_allclose(record["J"], record["J_regressor"] @ record["v_template"])


def test_a_body_without_correctives_has_zeros():
    assert not body_arrays(replace(load_body(), posedirs=None))["posedirs"].any()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"open\.txt: expected a name that ends in \.pkl or \.npz"):
        write_body(tmp_path / "open.txt", load_body())


def test_smplx_poses_the_written_body_alike(tmp_path):
    smplx = pytest.importorskip("smplx")
    body, generator = load_body(), torch.Generator().manual_seed(0)
    write_body(tmp_path / "open.pkl", body)
    arguments = {
        name: size[1] * torch.randn(3, size[0], generator=generator)
        for name, size in {
            "betas": (10, 1.0),
            "body_pose": (69, 0.4),
            "global_orient": (3, 1.0),
            "transl": (3, 1.0),
        }.items()
    }
    theirs = smplx.SMPL(str(tmp_path / "open.pkl"), batch_size=3)(**arguments)
    ours = body(**arguments)
    torch.testing.assert_close(theirs.vertices, ours.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(theirs.joints[:, :24], ours.joints, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["mine.pkl", "mine.npz"])
def test_people_can_be_fitted_with_an_exported_body(name, tmp_path):
    body = load_body(gender="female")
    write_body(tmp_path / name, body)
    again = load_body(tmp_path / name)
    assert (again.gender, again.landmark_names) == ("female", body.landmark_names)
    for key in ("landmark_vertices", "landmark_weights", "face_segments", "face_parts", "mirror"):
        torch.testing.assert_close(getattr(again, key), getattr(body, key))
