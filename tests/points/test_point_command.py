"""``anchorfit fit --points``: whose files are overwritten, which values are refused, what is smoothed."""

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import anchorfit
from anchorfit.cli.main import app
from anchorfit.points.command import PointJob, fit_point_files
from anchorfit.results import BodyEstimate
from anchorfit.runs import RunFolder

JOB = PointJob(convention="smpl24", covariance=False)


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture(scope="module")
def joints(body):
    pose = body.layout.zeros(4, body.v_template)
    pose[:, 3 * 16 + 2] = torch.tensor([0.0, 1.0, 0.0, 1.0])  # jumps: smoothing would show
    return body.from_params(pose).joints.numpy().astype(float)


def fit(*arguments):
    return CliRunner().invoke(app, ["fit", *map(str, arguments)])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", ["walk.npz", "walk_world.npz"])
def test_an_input_is_never_overwritten(name, body, joints, tmp_path):
    np.savez(tmp_path / name, joints=joints)
    if name == "walk_world.npz":
        np.save(tmp_path / "walk.npy", joints)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf"{name}: what is read lies where results go, and would be overwritten"):
        fit_point_files(sorted(tmp_path.iterdir()), body, tmp_path, JOB)
    assert contents(tmp_path) == before


def test_what_else_is_read_is_not_overwritten_either(body, joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    sizes = tmp_path / "walk.csv"
    sizes.write_text("name,height\nwalk,1.7\n")
    done = fit(tmp_path / "walk.npy", "--points", "smpl24", "--measure", sizes, "-o", tmp_path)
    assert done.exit_code != 0
    assert "walk.csv: what is read" in str(done.exception) + done.output
    assert sizes.read_text() == "name,height\nwalk,1.7\n"


def test_files_of_no_run_stay_and_those_of_a_run_are_replaced(body, joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    out = tmp_path / "out"
    out.mkdir()
    (out / "walk.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"walk\.csv: is there already, and is not of a run"):
        fit_point_files([tmp_path / "walk.npy"], body, out, JOB)
    assert contents(out) == {"walk.csv": b"mine"}
    (out / "walk.csv").rename(out / "notes.csv")
    first = fit_point_files([tmp_path / "walk.npy"], body, out, JOB)
    (tmp_path / "other.npy").write_bytes((tmp_path / "walk.npy").read_bytes())
    second = fit_point_files([tmp_path / "other.npy"], body, out, JOB)
    assert not any(path.exists() for path in first.files)  # the run before gives way
    assert {path.name for path in out.glob("[!.]*")} == {
        "notes.csv",
        "index.jsonl",
        *(path.name for path in second.files),
    }
    (tmp_path / "bad.npy").write_bytes(b"no numbers")
    assert not fit_point_files([tmp_path / "bad.npy"], body, out, JOB).bodies
    assert all(path.exists() for path in second.files)  # a command that fails touches nothing


def test_names_that_meet_are_told_apart(body, joints, tmp_path):
    for name in ("a", "a_world", "A"):
        np.save(tmp_path / f"{name}.npy", joints[:1])
    report = fit_point_files(sorted(tmp_path.iterdir()), body, tmp_path / "out", JOB)
    names = [path.name.lower() for path in report.files]
    assert report.bodies == 3
    assert len(set(names)) == len(names) == 9


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--frame", "bogus"), "frame"),
        (("--fps", "0"), "fps"),
        (("--save", "obj"), "save"),
        (("--save", ","), "save"),
        (("--save", ""), "save"),
        (("--unit", "ft"), "unit"),
        (("--up", "w"), "up"),
    ],
)
def test_values_that_cannot_be(given, named, joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    done = fit(tmp_path / "walk.npy", "--points", "smpl24", "-o", tmp_path / "out", *given)
    assert done.exit_code == 2
    assert f"--{named}" in done.output
    assert not (tmp_path / "out").exists()


def test_a_comma_at_the_end_of_save_is_nothing(joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    done = fit(tmp_path / "walk.npy", "--points", "smpl24", "-o", tmp_path / "out", "--save", "npz,")
    assert done.exit_code == 0, done.exception


def test_one_person_is_one_shape_and_is_smoothed_in_a_video_alone(joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    off_mm = {}
    for kind in ("--same-person", "--video"):
        out = tmp_path / kind
        done = fit(tmp_path / "walk.npy", "--points", "smpl24", "-o", out, kind, "--no-covariance")
        assert done.exit_code == 0, done.exception
        found = BodyEstimate.load(out / "walk.npz")
        assert bool((found.betas == found.betas[0]).all())
        assert (out / "walk.bvh").exists() == (kind == "--video")
        with np.load(out / "walk_world.npz") as world:
            off_mm[kind] = float(world["errors_mm"].max())
    assert off_mm["--same-person"] < 0.5 * off_mm["--video"], off_mm


def test_an_unfinished_run_of_photographs_is_left_alone(body, joints, tmp_path):
    np.save(tmp_path / "walk.npy", joints)
    out = tmp_path / "out"
    out.mkdir()
    unfinished = RunFolder.open(out, {"images": "others"})
    unfinished.commit([{"name": "a#0", "status": "skipped"}])
    before = contents(out)
    with pytest.raises(ValueError, match="holds an unfinished run of photographs; give another --output"):
        fit_point_files([tmp_path / "walk.npy"], body, out, JOB)
    assert contents(out) == before


def test_a_folder_of_results_is_read_by_its_index(body, joints, tmp_path):
    """Beside the estimates lie world files, which are none; the page of a report knew of photographs' methods alone."""
    from anchorfit.many_estimates import load_estimates
    from anchorfit.reports.saved import report_saved
    from anchorfit.runs import read_index

    out = tmp_path / "out"
    np.save(tmp_path / "joints.npy", joints)
    files = [tmp_path / "joints.npy"]
    for _ in range(2):  # a run done again takes the place of the one before
        fit_point_files(files, body, out, PointJob(convention="smpl24", kinds=("npz",)))
        read = load_estimates([out])
        assert [record["name"] for record in read_index(out)] == list(read.names)
    report_saved(tmp_path / "report.html", [out])
    assert (tmp_path / "report.html").stat().st_size > 100_000
    fit_point_files(files, body, out, PointJob(convention="smpl24", kinds=("json",)))
    with pytest.raises(FileNotFoundError, match=r"no \.npz file"):
        load_estimates([out])


def test_a_run_that_was_killed_after_its_last_file_is_done_anew(body, joints, tmp_path, monkeypatch):
    from anchorfit.many_estimates import load_estimates
    from anchorfit.runs.folder import RunFolder

    def killed(self):
        raise KeyboardInterrupt

    np.save(tmp_path / "joints.npy", joints)
    files = [tmp_path / "joints.npy"]
    job, out = PointJob(convention="smpl24", kinds=("npz",)), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            fit_point_files(files, body, out, job)
    fit_point_files(files, body, out, job)
    names = load_estimates([out]).names
    assert len(set(names)) == len(names)


def test_the_noise_may_be_said(joints, tmp_path):
    np.save(tmp_path / "joints.npy", joints)
    std = []
    for noise in ("2", "20"):
        line = (tmp_path / "joints.npy", "--points", "smpl24", "--noise-mm", noise, "-o", tmp_path / noise)
        assert fit(*line).exit_code == 0
        std.append(float(BodyEstimate.load(tmp_path / noise / "joints.npz").diagnostics.joint_std_mm.mean()))
    assert std[1] > 3 * std[0]
    for wrong in ("0", "-3", "nan"):
        told = fit(tmp_path / "joints.npy", "--points", "smpl24", "--noise-mm", wrong, "-o", tmp_path / "out")
        assert told.exit_code == 2
        assert "noise-mm" in told.output
    assert fit(tmp_path / "joints.npy", "--noise-mm", "3", "-o", tmp_path / "out").exit_code == 2
