"""Files of points: what real programs write, and where readers go wrong."""

import builtins
import json

import numpy as np
import pytest
import torch
from c3d_files import write_c3d  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import SMPL_JOINTS, load_body
from anchorfit.cli.main import app
from anchorfit.points import PointFileError, fit_points, read_points
from anchorfit.points.command import PointJob, fit_point_files
from anchorfit.results import BodyEstimate


def some_points(frames=4, count=3, seed=0):
    return np.random.default_rng(seed).normal(0, 500, (frames, count, 3)).astype(np.float32).astype(float)


@pytest.fixture(scope="module")
def standing():
    body = load_body()
    pose = body.layout.zeros(5, body.v_template)
    pose[:, 3 * 16 + 2] = torch.linspace(0, 0.5, 5)
    return body, body.from_params(pose).joints.numpy().astype(float)


def test_arrays(tmp_path):
    points = some_points()
    np.save(tmp_path / "a.npy", points)
    assert not read_points(tmp_path / "a.npy").in_time
    np.testing.assert_array_equal(read_points(tmp_path / "a.npy").points, points)
    sure = np.array([[1, 0, 0.5]] * 4)
    np.save(tmp_path / "b.npy", np.concatenate((points, sure[..., None]), -1))
    found = read_points(tmp_path / "b.npy")
    assert np.isnan(found.points[:, 1]).all()
    np.testing.assert_array_equal(found.confidence, sure)
    for rate in ("mocap_framerate", "mocap_frame_rate", "fps"):  # AMASS has the first two
        np.savez(tmp_path / "c.npz", joints=points, labels=["a", "b", "c"], unit="cm", **{rate: np.array(120.0)})
        found = read_points(tmp_path / "c.npz")
        assert (found.labels, found.unit, found.rate, found.in_time) == (("a", "b", "c"), "cm", 120.0, True)


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PointFileError, match=r"evil\.npy: it holds pickled objects"):
        read_points(tmp_path / "evil.npy")


def test_json(tmp_path):
    points = some_points(2).tolist()
    points[0][1] = None
    points[1][2] = [None, None, None]
    (tmp_path / "a.json").write_text(json.dumps({"points": points, "labels": ["a", "b", "c"], "rate": 30}))
    found = read_points(tmp_path / "a.json")
    assert np.isnan(found.points[[0, 1], [1, 2]]).all()
    assert found.confidence.tolist() == [[1, 0, 1], [1, 1, 0]]
    assert found.rate == 30
    (tmp_path / "b.json").write_text(json.dumps(points))
    assert read_points(tmp_path / "b.json").labels == ()
    for text, message in (("{", "not JSON"), ('{"x": 1}', "array called points"), ("[[1, 2], [3]]", "numbers")):
        (tmp_path / "c.json").write_text(text)
        with pytest.raises(PointFileError, match=rf"c\.json: .*{message}"):
            read_points(tmp_path / "c.json")


def test_csv(tmp_path):
    (tmp_path / "long.csv").write_text(
        "frame,point,x,y,z,confidence\n0,nose,1,2,3,1\n0,neck,4,5,6,0\n1,nose,7,8,9,.5\n"
    )
    found = read_points(tmp_path / "long.csv")
    assert found.labels == ("nose", "neck")
    assert np.isnan(found.points[:, 1]).all()
    assert found.points[1, 0].tolist() == [7, 8, 9]
    (tmp_path / "wide.csv").write_text(
        "time,nose_x,nose_y,nose_z,LKnee.X,LKnee.Y,LKnee.Z\n0,1,2,3,4,5,6\n.1,7,8,9,,,\n"
    )
    found = read_points(tmp_path / "wide.csv")
    assert found.labels == ("nose", "LKnee")
    assert np.isnan(found.points[1, 1]).all()
    (tmp_path / "bad.csv").write_text("frame,point,x,y,z\n0,nose,one,2,3\n")
    with pytest.raises(PointFileError, match=r"bad\.csv: expected a number, got 'one'"):
        read_points(tmp_path / "bad.csv")


def trc_text(
    points, labels, *, units="mm", first=1, gap="", blank=True, trailing=True, rate=50.0, stated=None, time=None
):
    """A TRC file in one of its variants; NaN is written as ``gap``."""
    end = "\t" if trailing else ""
    lines = ["PathFileType\t4\t(X/Y/Z)\tw.trc", "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits"]
    lines.append(f"{rate}\t{rate}\t{stated or len(points)}\t{len(labels)}\t{units}")
    lines.append("Frame#\tTime\t" + "\t\t\t".join(labels) + "\t\t" + end)
    lines.append("\t\t" + "\t".join(f"X{n}\tY{n}\tZ{n}" for n in range(1, len(labels) + 1)) + end)
    lines += [""] if blank else []
    for row, frame in enumerate(points):
        numbers = [gap if np.isnan(value) else f"{value:.6f}" for value in frame.ravel()]
        lines.append(f"{first + row}\t{row / rate:.6f}\t" + "\t".join(numbers) + end)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("first", [0, 1, 101])
@pytest.mark.parametrize("gap", ["", "nan", "NaN"])
@pytest.mark.parametrize(("blank", "trailing"), [(True, True), (False, True), (True, False), (False, False)])
def test_trc_in_all_its_variants(tmp_path, first, gap, blank, trailing):
    points = some_points(5)
    points[2, 1] = np.nan
    points[4, 2] = np.nan  # the last field of the last line
    text = trc_text(points, ["C7", "LASI", "RASI"], first=first, gap=gap, blank=blank, trailing=trailing, stated=4)
    (tmp_path / "w.trc").write_text(text)
    found = read_points(tmp_path / "w.trc")
    np.testing.assert_allclose(found.points, points, atol=1e-5)
    assert found.labels == ("C7", "LASI", "RASI")
    assert (found.rate, found.first_frame, found.unit, found.in_time) == (50.0, first, "mm", True)


def test_trc_whose_first_marker_holds_the_time(tmp_path):
    points = some_points(5)
    points[:, 0, 0] = np.arange(5) / 50.0
    (tmp_path / "w.trc").write_text(trc_text(points, ["a", "b", "c"]))
    found = read_points(tmp_path / "w.trc")
    assert "time in every frame" in found.remarks[0]
    assert np.isnan(found.points[:, 0]).all()
    assert np.isfinite(found.points[:, 1:]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "expected a TRC file"),
        (trc_text(some_points(2), ["a", "b"]), "line 7: 2 names but numbers for more markers"),
        (trc_text(some_points(2), ["a", "b", "c"]).replace("2\t0.02", "2\tlater"), "line 8: expected numbers"),
        (trc_text(some_points(0), ["a", "b", "c"]), "no frames"),
    ],
)
def test_a_broken_trc_is_one_line(tmp_path, text, message):
    (tmp_path / "w.trc").write_text(text)
    with pytest.raises(PointFileError, match=rf"w\.trc: .*{message}|w\.trc: {message}"):
        read_points(tmp_path / "w.trc")


@pytest.mark.parametrize(("units", "factor"), [("mm", 1), ("m", 100), ("mm", 100), ("cm", 1000)])
def test_a_wrong_unit_in_a_file_is_not_believed(tmp_path, standing, units, factor):
    body, joints = standing
    (tmp_path / "w.trc").write_text(trc_text(factor * joints, list(SMPL_JOINTS), units=units))
    recording = read_points(tmp_path / "w.trc")
    found = fit_points(
        recording.points, convention="smpl24", body=body, stated_unit=recording.unit, sequence=recording.in_time
    )
    assert found.frame.metres == 1 / factor
    assert f"the file says {units}" in found.remarks[0]


c3d = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("ezc3d") is None, reason="the extra c3d is not installed"
)


@c3d
@pytest.mark.parametrize(("scale", "off"), [(-1.0, 1e-3), (-0.1, 1e-3), (0.1, 0.051)])
def test_c3d_of_floats_and_of_integers(tmp_path, scale, off):
    points = some_points(6)
    missing = np.zeros((6, 3), bool)
    missing[2, 1] = True
    points[2, 1] = 777  # what is missing may hold any numbers
    points[5, 2] = 0  # a formal measurement; `fit_points` takes it as a gap, and says so
    write_c3d(tmp_path / "w.c3d", points, ["C7", "LASI", "RASI"], missing=missing, scale=scale, first_frame=101)
    found = read_points(tmp_path / "w.c3d")
    assert np.isnan(found.points[2, 1]).all()
    np.testing.assert_allclose(found.points[~missing], points[~missing], atol=off)
    assert (found.labels, found.unit, found.rate) == (("C7", "LASI", "RASI"), "mm", 100.0)
    assert found.first_frame == 101  # at 1.00 s, not at 0.00 or 1.01


@c3d
@pytest.mark.parametrize(("units", "expected"), [(None, ""), ("", ""), ("m", "m"), ("cm", "cm"), ("inch", "")])
def test_c3d_units_may_be_absent(tmp_path, units, expected):
    write_c3d(tmp_path / "w.c3d", some_points(2), ["a", "b", "c"], units=units or None)
    assert read_points(tmp_path / "w.c3d").unit == expected


@c3d
def test_c3d_names_beyond_the_255th(tmp_path):
    labels = [f"M{number:03d}" for number in range(300)]
    write_c3d(tmp_path / "w.c3d", some_points(2, 300), labels)
    assert read_points(tmp_path / "w.c3d").labels == tuple(labels)


@c3d
def test_c3d_with_fewer_names_than_points(tmp_path):
    write_c3d(tmp_path / "w.c3d", some_points(2, 3), ["a"])
    assert read_points(tmp_path / "w.c3d").labels == ("a", "point2", "point3")


@c3d
@pytest.mark.parametrize("content", [b"", b"x" * 2000, b"\x02\x50" + b"\0" * 600])
def test_a_broken_c3d_is_one_line(tmp_path, content):
    (tmp_path / "w.c3d").write_bytes(content)
    with pytest.raises(PointFileError, match=r"w\.c3d: ") as raised:
        read_points(tmp_path / "w.c3d")
    assert "\n" not in str(raised.value)


def test_c3d_without_its_reader(tmp_path, monkeypatch):
    own = builtins.__import__
    (tmp_path / "w.c3d").write_bytes(b"\x02\x50" + b"\0" * 600)

    def without(name, *rest):
        if name == "ezc3d":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"install it with: pip install '?ezc3d"):
        read_points(tmp_path / "w.c3d")


def test_files_to_bodies(tmp_path, standing):
    body, joints = standing
    np.save(tmp_path / "a.npy", 1000 * joints)
    (tmp_path / "a.trc").write_text(trc_text(joints, list(SMPL_JOINTS)))
    (tmp_path / "b.txt").write_text("no points")
    (tmp_path / "bad.npy").write_bytes(b"no numbers")
    paths = [tmp_path / name for name in ("a.npy", "a.trc", "b.txt", "bad.npy", "none.npy")]
    report = fit_point_files(paths, body, tmp_path / "out", PointJob(convention="smpl24"))
    assert report.bodies == 10
    names = sorted(path.name for path in report.files)
    written = (path.name for path in (tmp_path / "out").glob("[!.]*"))  # beside the journal
    assert sorted([*names, "index.jsonl"]) == sorted(written)
    assert names == sorted(
        [f"a_npy_0{ending}" for ending in (".npz", "_world.npz", ".csv")]
        + [f"a_trc_1{ending}" for ending in (".npz", "_world.npz", ".csv", ".bvh")]
    )
    assert len(report.problems) == 3
    assert all(name in text for name, text in zip(("b.txt", "bad.npy", "none.npy"), report.problems, strict=True))
    estimate = BodyEstimate.load(tmp_path / "out" / "a_npy_0.npz")
    assert estimate.method == "points"
    assert bool((estimate.diagnostics.joint_std_mm > 0).all())  # how sure joints are is in the files
    with np.load(tmp_path / "out" / "a_npy_0_world.npz") as world:
        found = body(
            **{name: torch.from_numpy(world[name]) for name in ("betas", "body_pose", "global_orient", "transl")}
        )
        assert str(world["unit"]) == "mm"
    assert np.abs(found.joints.numpy() - joints).max() < 0.005


def test_the_command(tmp_path, standing):
    _, joints = standing
    np.save(tmp_path / "a.npy", joints)
    result = CliRunner().invoke(
        app, ["fit", str(tmp_path / "a.npy"), "--points", "smpl24", "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 0
    assert "unit: m, told by the body's size" in result.output
    assert (tmp_path / "out" / "a.csv").read_text().count("True") == 5


def test_the_command_with_labels_of_its_own(tmp_path, standing):
    _, joints = standing
    labels = [f"M{number}" for number in range(24)]
    (tmp_path / "w.trc").write_text(trc_text(1000 * joints, labels))
    mapping = {label: f"joint:{name}" for label, name in zip(labels[:20], SMPL_JOINTS, strict=False)}
    (tmp_path / "map.json").write_text(json.dumps(mapping))
    command = ["fit", str(tmp_path / "w.trc"), "--points", str(tmp_path / "map.json"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert "no body point for M20, M21, M22, M23" in result.output
