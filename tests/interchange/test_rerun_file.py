"""Recordings for Rerun, read back with its own package."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.interchange import write_rerun

PHOTO = ASSETS / "demo" / "000000000785.jpg"


def table(path: Path):
    rerun = pytest.importorskip("rerun")
    if not hasattr(rerun, "dataframe"):
        pytest.skip("read back by rerun-sdk 0.22 alone; counterparts/rerun_viewer.py holds newer ones")
    recording = rerun.dataframe.load_recording(path)
    return recording.view(index="frame", contents="/**").select().read_all().to_pydict()


def test_bodies_cameras_and_photographs_come_back(some_estimate, tmp_path):
    pytest.importorskip("rerun")
    body = load_body()
    estimate = replace(
        some_estimate(2), images=(str(PHOTO), "elsewhere.jpg"), names=(f"{PHOTO.name}#7", "elsewhere.jpg#0")
    )
    write_rerun(tmp_path / "a.rrd", estimate, body)
    assert [path.name for path in tmp_path.iterdir()] == ["a.rrd"]
    read = table(tmp_path / "a.rrd")
    assert read["frame"] == [0, 1]
    vertices, joints = estimate.bodies(body)
    np.testing.assert_allclose(read["/world/people/7/body:Position3D"][0], vertices[0], atol=1e-6)
    np.testing.assert_allclose(read["/world/people/0/joints:Position3D"][1], joints[1], atol=1e-6)
    columns = np.reshape(read["/world/camera:PinholeProjection"][0], (3, 3))
    np.testing.assert_allclose(columns.T, estimate.intrinsics[0])
    assert bytes(read["/world/camera/image:Blob"][0][0]) == PHOTO.read_bytes()
    seen = estimate.confidence[0] > 0
    np.testing.assert_allclose(read["/world/camera/keypoints/7:Position2D"][0], estimate.keypoints[0][seen], atol=1e-4)


def test_a_videos_people_share_their_frames(some_estimate, tmp_path):
    pytest.importorskip("rerun")
    names = ("a.mp4/000004#1", "a.mp4/000006#1", "a.mp4/000006#2")
    write_rerun(tmp_path / "a.rrd", replace(some_estimate(3), names=names, images=("",) * 3), load_body())
    read = table(tmp_path / "a.rrd")
    assert read["frame"] == [4, 6]
    assert read["/world/people/2/body:Position3D"][0] is None
    assert read["/world/people/2/body:Position3D"][1] is not None


def test_without_the_package_it_is_one_line(some_estimate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ImportError, match=r"pip install 'rerun-sdk"):
        write_rerun(tmp_path / "a.rrd", some_estimate(1), load_body())
    assert list(tmp_path.iterdir()) == []
