"""Files as real old programs wrote them (make_old_pickles.py), through every door that reads pickles."""

from __future__ import annotations

import zipfile
from pathlib import Path

import make_old_pickles as made  # type: ignore[import-not-found]  # its folder is on pytest's path
import numpy as np
import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.unpickling import load_pickle_safely
from anchorfit.evaluation.estimates import index_estimates, read_estimate
from anchorfit.fitting import load_pose_prior

WRITERS = [f"python2.7/protocol{n}" for n in range(3)] + [f"python3.8/protocol{n}" for n in range(6)]


@pytest.fixture(params=WRITERS)
def writer(request) -> str:
    return request.param


def unpacked(writer: str, name: str, path: Path) -> Path:
    with zipfile.ZipFile(made.ZIP) as archive:
        path.write_bytes(archive.read(f"{writer}/{name}.pkl"))
    return path


@pytest.mark.parametrize("num_betas", [1, 10, made.NUM_BETAS])
def test_a_body_of_300_betas_loads_with_as_many_as_are_asked_for(tmp_path, writer, num_betas):
    path, arrays = unpacked(writer, "body", tmp_path / "basicmodel_f_lbs_10_207_0_v1.1.0.pkl"), made.body_arrays()
    body = load_body(path, num_betas=num_betas, dtype=torch.float64)
    assert body.num_betas == num_betas
    assert body.gender == "female"
    assert body.posedirs is not None
    np.testing.assert_array_equal(body.v_template.numpy(), arrays["v_template"])
    np.testing.assert_array_equal(body.shapedirs.numpy(), arrays["shapedirs"][:, :, :num_betas])
    np.testing.assert_array_equal(body.posedirs.T.reshape(-1, 3, 207).numpy(), arrays["posedirs"])
    np.testing.assert_array_equal(body.joint_regressor.numpy(), arrays["J_regressor"])
    np.testing.assert_array_equal(body.faces.numpy(), arrays["f"].astype(np.int64))
    np.testing.assert_allclose(body.weights.numpy(), arrays["weights"], atol=1e-15)  # their sum is brought to 1


@pytest.mark.parametrize("num_betas", [0, 301])
def test_betas_that_a_file_lacks_are_named(tmp_path, num_betas):
    path = unpacked("python2.7/protocol0", "body", tmp_path / "smpl.pkl")
    with pytest.raises(ValueError, match=rf"smpl\.pkl: shapedirs: {num_betas} betas were asked for, .* has 300"):
        load_body(path, num_betas=num_betas)


def test_every_value_comes_back(tmp_path, writer):
    loaded, expected = load_pickle_safely(unpacked(writer, "odd", tmp_path / "odd.pkl")), made.odd_values()
    assert loaded.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, np.ndarray) and value.dtype.kind != "U":
            np.testing.assert_array_equal(loaded[key], value, err_msg=key)
            assert loaded[key].dtype == value.dtype, key
        elif isinstance(value, np.ndarray):  # Python 2's texts are bytes
            assert loaded[key].astype(str).tolist() == value.tolist()
        else:
            assert loaded[key] == value, key
            assert type(loaded[key]) is type(value), key


def test_smplifys_prior_is_read(tmp_path, writer):
    path, arrays = unpacked(writer, "prior", tmp_path / "gmm_08.pkl"), made.prior_arrays()
    prior = load_pose_prior(path, dtype=torch.float64)
    covariances = torch.linalg.inv(prior.precisions_cholesky @ prior.precisions_cholesky.mT)
    np.testing.assert_array_equal(prior.means.numpy(), arrays["means"])
    np.testing.assert_array_equal(prior.weights.numpy(), arrays["weights"])
    np.testing.assert_allclose(covariances.numpy(), arrays["covars"], rtol=1e-12)


def test_smplifys_results_are_read(tmp_path, writer):
    unpacked(writer, "result", tmp_path / "0001.pkl")
    (entry,) = index_estimates(tmp_path).entries
    body, arrays = read_estimate(entry, enlarged=2.0), made.result_arrays()
    expected = np.concatenate([arrays["pose"], arrays["betas"], arrays["cam_t"]])
    # Angles go through rotation matrices, as those of all programs do: to the last bit but one.
    np.testing.assert_allclose(body.params.numpy(), expected, atol=1e-15, rtol=1e-15)
    np.testing.assert_array_equal(body.params[72:].numpy(), expected[72:])
    assert float(body.intrinsics[0, 0]) == 2500.0


def test_files_are_told_by_what_they_hold(tmp_path, writer):
    """Python 2's protocols 0 and 1 have no mark of their own at the head."""
    assert load_body(unpacked(writer, "body", tmp_path / "smpl.model")).num_vertices == 3
    assert load_pose_prior(unpacked(writer, "prior", tmp_path / "gmm_08")).num_components == 2
    (entry,) = index_estimates(unpacked(writer, "result", tmp_path / "0001")).entries
    assert read_estimate(entry).params.shape == (85,)
