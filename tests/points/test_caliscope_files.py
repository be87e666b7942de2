"""TRC files as caliscope 0.11.8 writes them: names in one order, numbers in another, and the time twice."""

import numpy as np
import pytest

from anchorfit.points import PointFileError, read_points

HALPE = ("nose", "left_eye", "left_foot", "left_foot_index", "left_eye_inner")
WHOLE = ("nose", "left_eye", "left_eye_inner", "face_0", "face_1")


def caliscope_trc(points, names):
    """The text that its ``xyz_to_trc`` writes, line by line, of points (T, P, 3) at 10 Hz."""
    columns = {f"{name}_{axis}": points[:, n, a] for n, name in enumerate(names) for a, axis in enumerate("xyz")}
    columns = dict(sorted(columns.items()))
    columns.pop(next(iter(columns)))  # the time is inserted behind the first number, and that is cut off
    columns = {"Time": np.arange(len(points)) / 10, **columns}
    columns = {name: column for name, column in columns.items() if not name.startswith("face")}
    labels = sorted({name.rsplit("_", 1)[0] for name in columns if name != "Time"})
    head: list[list[object]] = [
        ["PathFileType", "4", "(X/Y/Z)", "w.trc"],
        [
            "DataRate",
            "CameraRate",
            "NumFrames",
            "NumMarkers",
            "Units",
            "OrigDataRate",
            "OrigDataStartFrame",
            "OrigNumFrames",
        ],
        [10, 10, len(points) - 1, len(labels), "m", 10, 0, len(points) - 1],
        ["Frame#", "Time", *(field for label in labels for field in (label, "", ""))],
        ["", "", *(f"{axis}{n + 1}" for n in range(len(labels)) for axis in "XYZ")],
        [],
    ]
    rows = [[row, row / 10, *(column[row] for column in columns.values())] for row in range(len(points))]
    return "".join("\t".join(str(field) for field in line) + "\r\n" for line in (*head, *rows))


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(0, 1, (4, 5, 3)).round(3)


def test_names_of_which_one_begins_the_other_have_their_own_numbers(tmp_path, points):
    """left_eye and left_eye_inner, left_foot and left_foot_index stood for each other, in silence."""
    (tmp_path / "w.trc").write_text(caliscope_trc(points, HALPE))
    found = read_points(tmp_path / "w.trc")
    assert sorted(found.labels) == sorted(HALPE)
    for name, column in zip(found.labels, found.points.swapaxes(0, 1), strict=True):
        expected = points[:, HALPE.index(name)] if name != "left_eye_inner" else np.full((4, 3), np.nan)
        np.testing.assert_array_equal(column, expected, err_msg=name)
    assert "x of left_eye_inner is the time" in found.remarks[0]
    assert "left_eye_inner, left_eye, left_foot_index, left_foot stand under each other's names" in found.remarks[1]
    assert (found.rate, found.first_frame, found.unit) == (10.0, 0, "m")


def test_with_points_of_a_face_every_number_stands_a_field_too_late(tmp_path, points):
    """Its whole-body trackers have a face, which it leaves out, but not the time that it put into its first point."""
    points[2, 0] = np.nan  # the last marker's, which is the last field
    (tmp_path / "w.trc").write_text(caliscope_trc(points, WHOLE))
    found = read_points(tmp_path / "w.trc")
    assert sorted(found.labels) == sorted(WHOLE[:3])
    for name, column in zip(found.labels, found.points.swapaxes(0, 1), strict=True):
        np.testing.assert_array_equal(column, points[:, WHOLE.index(name)], err_msg=name)
    assert "the time stands in every frame twice" in found.remarks[0]


def test_a_number_too_many_that_is_not_the_time_is_refused(tmp_path, points):
    text = caliscope_trc(points, WHOLE).replace("\r\n1\t0.1\t0.1\t", "\r\n1\t0.1\t0.7\t")
    (tmp_path / "w.trc").write_text(text)
    with pytest.raises(PointFileError, match="3 names but numbers for more markers"):
        read_points(tmp_path / "w.trc")


def test_other_files_keep_their_order(tmp_path, points):
    text = caliscope_trc(points, HALPE).splitlines()
    rows = [line.split("\t") for line in text[6:]]
    for row in rows:
        row[2] = "0.5"
    (tmp_path / "w.trc").write_text("\n".join([*text[:6], *("\t".join(row) for row in rows)]))
    found = read_points(tmp_path / "w.trc")
    assert found.labels == tuple(sorted(HALPE))
    assert not found.remarks
