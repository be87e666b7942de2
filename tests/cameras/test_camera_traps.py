"""Camera files as single programs leave them: cameras without a place, lenses of few numbers, a line cut off."""

import numpy as np
import pytest

from anchorfit.cameras import CalibratedCamera, read_cameras

K = [[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]]


def table(name, *, rotation="[0.1, 0.2, 0.3]", translation="[0.0, 0.0, 3.0]", lens="[0.1, 0.0, 0.0, 0.0, 0.0]"):
    return f"[{name}]\nmatrix = {K}\ndistortions = {lens}\nrotation = {rotation}\ntranslation = {translation}\n"


@pytest.mark.parametrize("nothing", ["[]", '"null"', '""'])
def test_a_camera_that_caliscope_could_not_place_costs_no_other(tmp_path, nothing):
    text = table("cameras.1") + table("cameras.2", rotation=nothing, translation=nothing)
    (tmp_path / "c.toml").write_text(text + table("cameras.3", translation="[1.0, 0.0, 3.0]"))
    found = read_cameras(tmp_path / "c.toml")
    assert found.names == ("cam_1", "cam_3")
    assert "cam_2" in found.problems[0]
    assert "no R and t" in found.problems[0]


@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
def test_every_number_of_coefficients_is_kept(tmp_path, count):
    lens = [-0.1, 0.02, 0.001, -0.002, 0.003, 0.01, 0.002, 0.001, 1e-4, 2e-4, 3e-4, 4e-4, 0.0, 0.0][:count]
    (tmp_path / "c.toml").write_text(table("cam_0", lens=str(lens)))
    kept = read_cameras(tmp_path / "c.toml").cameras[0].distortion
    assert kept[:count] == tuple(lens[:12])  # k3, which Pose2Sim drops, too
    assert not any(kept[count:])


def test_colmap_without_its_last_empty_line_has_its_last_image(tmp_path):
    """pycolmap leaves the last image out then, in silence, and the next one where an empty line is missing between."""
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 1280 720 900 900 640 360\n")
    places = ("0 0 3", "1 0 3", "2 0 3")
    lines = [f"{n} 1 0 0 0 {place} 1 v{n}/a b.jpg" for n, place in enumerate(places, start=1)]
    (tmp_path / "images.txt").write_text(f"# Number of images: 3\n{lines[0]}\n\n{lines[1]}\n{lines[2]}")
    found = read_cameras(tmp_path)
    assert found.names == ("v1", "v2", "v3")
    assert not found.problems
    assert [camera.translation.tolist() for camera in found.cameras] == [[x, 0.0, 3.0] for x in (0.0, 1.0, 2.0)]


def test_whole_numbers_are_as_good_as_others():
    camera = CalibratedCamera(name="a", intrinsics=np.array(K, dtype=int))  # type: ignore[arg-type]
    assert camera.intrinsics.tolist() == K
