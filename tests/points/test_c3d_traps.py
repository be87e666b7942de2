"""C3D of other processors, of more frames than the header counts, and gaps as each writer leaves them."""

import numpy as np
import pytest
from c3d_files import write_c3d  # type: ignore[import-not-found]

from anchorfit.points import PointFileError, read_points

pytest.importorskip("ezc3d")


def as_dec(values):
    """Bytes of VAX floats: four times as large as IEEE's of the same bits, the halves of a word the other way round."""
    words = (np.asarray(values, "<f4") * 4).astype("<f4").view("<u2").reshape(-1, 2)
    return words[:, ::-1].tobytes()


def rewritten(path, points, *, processor):
    """The file with numbers of another processor: DEC (85), or MIPS (86), in name alone."""
    write_c3d(path, points, ["a", "b", "c"], processor=processor)
    content = bytearray(path.read_bytes())
    if processor == 85:
        for known in (-1.0, 100.0):  # POINT:SCALE and RATE, in the header and among the parameters
            content = content.replace(np.float32(known).tobytes(), as_dec([known]))
        start = len(content) - points.shape[0] * points.shape[1] * 16
        content[start:] = as_dec(np.frombuffer(bytes(content[start:]), "<f4"))
    path.write_bytes(content)


def test_a_file_of_dec_is_read_as_any(tmp_path):
    points = np.random.default_rng(0).normal(0, 500, (4, 3, 3)).astype(np.float32)
    rewritten(tmp_path / "w.c3d", points, processor=85)
    found = read_points(tmp_path / "w.c3d")
    np.testing.assert_allclose(found.points, points, rtol=1e-6)
    assert (found.rate, found.labels) == (100.0, ("a", "b", "c"))


def test_a_file_of_mips_is_one_line(tmp_path):
    rewritten(tmp_path / "w.c3d", np.ones((4, 3, 3)), processor=86)
    with pytest.raises(PointFileError, match=r"w\.c3d: ezc3d cannot read it") as caught:
        read_points(tmp_path / "w.c3d")
    assert "\n" not in str(caught.value)


def test_a_gap_is_what_the_residual_or_a_nan_says(tmp_path):
    points = np.random.default_rng(0).normal(0, 500, (5, 3, 3)).astype(np.float32)
    true, missing = points.copy(), np.zeros((5, 3), bool)
    points[1, 0], missing[1, 0] = 0, True
    points[2, 0], missing[2, 0] = points[1, 0], True  # c3d's writer leaves the frame before
    points[3, 1] = np.nan  # ezc3d's, with a residual of 0
    write_c3d(tmp_path / "w.c3d", points, ["a", "b", "c"], missing=missing)
    found = read_points(tmp_path / "w.c3d")
    gaps = [(1, 0), (2, 0), (3, 1)]
    assert [tuple(place) for place in np.argwhere(np.isnan(found.points).any(-1))] == gaps
    assert [tuple(place) for place in np.argwhere(found.confidence == 0)] == gaps
    np.testing.assert_array_equal(found.points[found.confidence > 0], true[found.confidence > 0])


def test_more_frames_than_a_file_counts_are_said(tmp_path):
    write_c3d(tmp_path / "w.c3d", np.ones((65535, 1, 3)), ["a"])
    assert any("65535 frames at most" in remark for remark in read_points(tmp_path / "w.c3d").remarks)


@pytest.mark.parametrize("rate", [0.0, 100.0, 1000.0, 333.0])
def test_a_rate_of_analog_channels_that_are_not_there_changes_nothing(tmp_path, rate):
    """The package c3d refuses such files ("inconsistent analog rate")."""
    points = np.random.default_rng(0).normal(0, 500, (4, 3, 3)).astype(np.float32)
    write_c3d(tmp_path / "w.c3d", points, ["a", "b", "c"], analog_rate=rate)
    found = read_points(tmp_path / "w.c3d")
    np.testing.assert_array_equal(found.points, points)
    assert (found.rate, found.labels, found.remarks) == (100.0, ("a", "b", "c"), ())


@pytest.mark.parametrize("scale", [-1.0, -0.1, 0.1])
def test_masks_of_cameras_are_no_gaps_and_touch_no_point(tmp_path, scale):
    """The high byte of the fourth word says which cameras saw a point, up to seven; its sign alone that none did."""
    points = np.random.default_rng(0).normal(0, 500, (4, 4, 3)).astype(np.float32)
    missing = np.zeros((4, 4), bool)
    missing[2, 1] = True
    words = np.broadcast_to([0x0005, 0x0100, 0x7F00, 0x7FFF], (4, 4))
    write_c3d(tmp_path / "w.c3d", points, list("abcd"), missing=missing, words=words, scale=scale)
    found = read_points(tmp_path / "w.c3d")
    np.testing.assert_array_equal(found.confidence, np.where(missing, 0.0, 1.0))
    assert np.isnan(found.points[2, 1]).all()
    near = 0.0 if scale < 0 else 0.51 * scale
    np.testing.assert_allclose(found.points[~missing], points[~missing], atol=near + 1e-4, rtol=0)
