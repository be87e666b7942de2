"""Files of points that cannot be read, and names that cannot be printed: one line each, and the others go on."""

import csv
import json
import os
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.cli.main import app
from anchorfit.fitting.terms import KnownSize
from anchorfit.options import OptionError
from anchorfit.points import PointFileError, fit_points, read_points
from anchorfit.points.command import PointJob, fit_point_files, floor_height

HUGE = {"descr": "<f8", "fortran_order": False, "shape": (10**11, 24, 3)}


def joints():
    body = load_body()
    return body().joints.numpy().astype(float)


def arrays(path):
    np.savez_compressed(path, points=np.random.default_rng(0).normal(size=(20, 24, 3)))
    return path.read_bytes()


def cut(path):
    path.write_bytes(arrays(path)[:2000])


def flipped(path):
    content = bytearray(arrays(path))
    content[400:600] = bytes(byte ^ 0xFF for byte in content[400:600])
    path.write_bytes(bytes(content))


def header_cut(path):
    with zipfile.ZipFile(path, "w") as archive:
        text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 24, 3"
        archive.writestr("points.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)


def huge_npy(path):
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, HUGE)


def huge_npz(path):
    huge_npy(path)
    content = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("points.npy", content)


def text(content):
    return lambda path: path.write_text(content if isinstance(content, str) else json.dumps(content))


def saved(**arrays):
    return lambda path: np.savez(path, **{"points": np.zeros((2, 3, 3)), **arrays})


AZURE = {"joint_names": ["PELVIS"], "frames": [{"bodies": [{"body_id": [1], "joint_positions": [[0, 0, 1]]}]}]}
POINTS = [[[1, 2, 3]]]
BROKEN = {
    "cut.npz": (cut, "damaged or cut short"),
    "flipped.npz": (flipped, "damaged or cut short"),
    "header.npz": (header_cut, "not an array as numpy writes it"),
    "huge.npy": (huge_npy, r"more than the 4 GB"),
    "huge.npz": (huge_npz, r"more than the 4 GB"),
    "number.csv": (text("frame,point,x,y,z\n1,99999999999,0,0,1\n"), "a point of number 99999999999"),
    "field.csv": (text("frame,point,x,y,z\n1," + "9" * 200_000 + ",0,0,1\n"), "no table of numbers"),
    "short.csv": (text("frame,point,x,y,z\n1\n"), "without frame and point"),
    "frames.json": (text({"frames": 5, "joint_names": ["PELVIS"]}), "expected frames as a list"),
    "body.json": (text(AZURE), "expected frames as a list"),
    "labels.json": (text({"points": POINTS, "labels": 5}), "labels as a list of names"),
    "rates.json": (text({"points": POINTS, "rate": [30, 30]}), "rate as one number"),
    "deep.json": (text("[" * 100_000), "not JSON"),
    "rate.npz": (saved(rate=np.nan), "expected rate above 0"),
    "complex.npz": (saved(points=np.ones((2, 3, 3), complex)), "expected real numbers, got complex128"),
    "sure.npz": (saved(confidence=np.ones((2, 3), complex)), "expected real numbers, got complex128"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_one_line_that_names_it(tmp_path, name):
    write, message = BROKEN[name]
    write(tmp_path / name)
    with pytest.raises(PointFileError, match=message) as told:
        read_points(tmp_path / name)
    assert str(told.value).startswith(f"{tmp_path / name}: ")
    assert len(str(told.value).splitlines()) == 1


def test_whatever_a_reader_raises_names_the_file(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros((1, 3, 3)))

    def out_of_memory(path):
        raise MemoryError

    monkeypatch.setattr("anchorfit.points.tables.read_npy", out_of_memory)
    with pytest.raises(PointFileError, match=r"a\.npy: MemoryError: no reason given"):
        read_points(tmp_path / "a.npy")


def test_tables_larger_than_are_read_are_refused_before_they_are_made(tmp_path, monkeypatch):
    monkeypatch.setenv("ANCHORFIT_LARGEST_ARRAY_GB", "0.001")
    rows = "".join(f"{row},p{row},0,0,1\n" for row in range(1000))
    (tmp_path / "a.csv").write_text("frame,point,x,y,z\n" + rows)
    with pytest.raises(PointFileError, match=r"a\.csv: 1000 frames of 1000 points are 0\.0 GB, more than"):
        read_points(tmp_path / "a.csv")


@pytest.mark.parametrize("nothing", [{"rate": None}, {"labels": None}, {"rate": 0}])
def test_null_is_not_said(tmp_path, nothing):
    (tmp_path / "a.json").write_text(json.dumps({"points": POINTS, **nothing}))
    found = read_points(tmp_path / "a.json")
    assert (found.rate, found.labels) == (None, ())


def test_null_times_of_azure_are_not_said(tmp_path):
    body = {"body_id": 1, "joint_positions": [[0, 0, 1]]}
    frames = [{"timestamp_usec": None, "bodies": [body]}] * 3
    (tmp_path / "a.json").write_text(json.dumps({"joint_names": ["PELVIS"], "frames": frames}))
    assert read_points(tmp_path / "a.json").rate is None


def test_labels_in_one_text_are_split_at_commas(tmp_path):
    np.savez(tmp_path / "a.npz", points=np.ones((2, 3, 3)), labels="a, b,c")
    assert read_points(tmp_path / "a.npz").labels == ("a", "b", "c")


def test_numbers_of_points_may_have_zeros_before_them(tmp_path):
    (tmp_path / "a.csv").write_text("frame,point,x,y,z\n1,01,0,0,1\n1,00,0,0,2\n")
    np.testing.assert_array_equal(read_points(tmp_path / "a.csv").points[0, :, 2], [2, 1])


def test_a_broken_file_and_an_empty_folder_cost_no_other(tmp_path):
    np.save(tmp_path / "good.npy", joints())
    cut(tmp_path / "cut.npz")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "empty", tmp_path / "cut.npz", tmp_path / "gone.npy", tmp_path / "good.npy"]
    told = fit_point_files(paths, load_body(), tmp_path / "out", PointJob(convention="smpl24", covariance=False))
    assert told.bodies == 1
    assert [line.partition(": ")[0] for line in told.problems] == [str(path) for path in paths[:3]]
    assert "no file of points in this folder" in told.problems[0]


def test_frames_that_were_sorted_as_text_are_in_time(tmp_path):
    """A film of frames 1, 10, 11, 2, 3 ... was smoothed in that order."""
    lines = [f"{frame},0,0,0,{frame}\n" for frame in sorted(map(str, range(1, 13)))]
    (tmp_path / "a.csv").write_text("frame,point,x,y,z\n" + "".join(lines))
    np.testing.assert_array_equal(read_points(tmp_path / "a.csv").points[:, 0, 2], range(1, 13))
    (tmp_path / "b.csv").write_text("frame,point,x,y,z\nlate,0,0,0,2\nearly,0,0,0,1\n")
    np.testing.assert_array_equal(read_points(tmp_path / "b.csv").points[:, 0, 2], [2, 1])


def test_a_column_that_is_there_twice_is_said(tmp_path):
    """The last counted in silence."""
    (tmp_path / "a.csv").write_text("nose_x,nose_y,nose_z,nose_x,nose_y,nose_z\n1,2,3,4,5,6\n")
    with pytest.raises(PointFileError, match="column nose_x is there twice"):
        read_points(tmp_path / "a.csv")


def test_one_reason_of_many_rows_is_one_line(tmp_path):
    """Each of the first 20 rows had a line, and those behind them none."""
    np.save(tmp_path / "a.npy", np.concatenate([np.full((30, 24, 3), np.nan), joints()]))
    told = fit_point_files([tmp_path / "a.npy"], load_body(), tmp_path / "out", PointJob(convention="smpl24"))
    (line,) = told.problems
    assert line.startswith("a.npy: row 0, row 1, row 2 and 27 more: 0 points are too few")


@pytest.mark.parametrize("name", [b"caf\xe9.npy", b"a\n\x1b[31mb.npy"])
def test_names_that_cannot_be_printed(tmp_path, name):
    good, bad = tmp_path / os.fsdecode(name), tmp_path / os.fsdecode(b"x" + name)
    np.save(good, joints())
    np.save(bad, np.zeros((0, 24, 3)))
    job = PointJob(convention="smpl24", covariance=False)
    told = fit_point_files([good, bad], load_body(), tmp_path / "out", job)
    assert told.bodies == 1
    assert len(told.problems) == 1
    assert all(line.isprintable() for line in (*told.remarks, *told.problems))
    (table,) = (tmp_path / "out").glob("*.csv")
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert all(row["name"].isprintable() for row in rows)


@pytest.mark.parametrize("floor", ["nan", "inf", "-inf", "low"])
def test_a_floor_that_is_no_height_is_refused(floor):
    with pytest.raises(OptionError, match="expected auto, or its height"):
        floor_height(floor)
    if floor != "low":
        with pytest.raises(ValueError, match="floor: expected auto or a finite height"):
            fit_points(joints(), convention="smpl24", floor=float(floor))


def test_known_sizes_of_people_of_free_scale_are_refused(tmp_path):
    known = KnownSize(given={"": {"height": 1.8}})
    with pytest.raises(OptionError, match="free makes people of mean size"):
        fit_points(joints(), convention="smpl24", unit="free", sizes=known)
    np.save(tmp_path / "a.npy", joints())
    (tmp_path / "cameras.json").write_text("{}")
    for evidence in (["--points", "smpl24"], ["--cameras", str(tmp_path / "cameras.json")]):
        for size in (["--height", "1.8"], ["--measure", "waist=0.8"]):
            asked = ["fit", str(tmp_path / "a.npy"), *evidence, "--unit", "free", *size, "-o", str(tmp_path / "out")]
            ran = CliRunner().invoke(app, asked)
            assert ran.exit_code != 0
            assert "free makes people of mean size" in " ".join(ran.output.split()), ran.output


def test_known_people_whose_names_cannot_be_printed(tmp_path):
    np.save(tmp_path / "a.npy", joints())
    job = PointJob(convention="smpl24", covariance=False, sizes=KnownSize(given={"b\n\x1b[31m": {"height": 1.8}}))
    told = fit_point_files([tmp_path / "a.npy"], load_body(), tmp_path / "out", job)
    assert told.problems == (r"b\x0a\x1b[31m: measured, but there is no file of this name",)
