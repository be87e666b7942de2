import re
import subprocess
import sys

import cv2
import pytest
import torch

from anchorfit import __version__
from anchorfit.body import load_body, measure
from anchorfit.cli.main import run


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["anchorfit", *arguments])
    try:
        run()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_help_names_the_commands_without_loading_torch():
    code = """import sys
sys.argv = ["anchorfit", "--help"]
from anchorfit.cli.main import run
try:
    run()
finally:
    assert "torch" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for command in ("fit", "demo", "body", "evaluate", "benchmark"):
        assert command in result.stdout


@pytest.mark.parametrize("wrong", [["--gender", "femal"], ["--engine", "spark"], ["-o", ""]])
def test_a_typo_is_answered_without_loading_torch(wrong):
    code = f"""import sys
sys.argv = ["anchorfit", "fit", "x.json", "-o", "out", *{wrong!r}]
from anchorfit.cli.main import run
try:
    run()
finally:
    assert "torch" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert wrong[0].replace("-o", "--output") in result.stderr


@pytest.mark.parametrize("command", [["body", "measure"], ["report"]])
def test_results_that_are_not_there_are_said_without_loading_torch(command, tmp_path):
    code = f"""import sys
sys.argv = ["anchorfit", *{command!r}, "gone.npz"]
from anchorfit.cli.main import run
try:
    run()
finally:
    assert "torch" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (result.returncode, [*tmp_path.iterdir()]) == (1, [])
    assert result.stderr == "anchorfit: error: gone.npz: no such file\n"


def test_version(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"anchorfit {__version__}\n"


def test_an_unknown_command_is_a_usage_error(monkeypatch):
    assert call(monkeypatch, "fti") == 2


@pytest.mark.parametrize("gender", ["neutral", "male", "female"])
def test_body_info_says_what_the_body_is(monkeypatch, capsys, gender):
    assert call(monkeypatch, "body", "info", "--gender", gender) == 0
    printed = capsys.readouterr().out
    assert gender in printed
    assert "CC0" in printed


def test_body_info_says_that_it_is_a_child(monkeypatch, capsys):
    assert call(monkeypatch, "body", "info", "--age", "child") == 0
    assert "children of 2 to 12 years" in capsys.readouterr().out
    assert call(monkeypatch, "body", "info", "--gender", "male", "--age", "child") == 1
    assert "leave 'male' out" in capsys.readouterr().err


def test_body_info_of_a_missing_file_is_one_line(monkeypatch, capsys):
    assert call(monkeypatch, "body", "info", "nowhere.pkl") == 1
    assert "nowhere.pkl" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_writes_pictures_meshes_and_figures(monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "demo", "--no-detect", "-o", str(tmp_path / "out")) == 0
    printed = capsys.readouterr().out
    assert "mask IoU" in printed
    limb_errors = re.findall(r"#\d+ +\d+ +[\d.]+ px +([\d.]+) +[\d.]+ ", printed)
    assert len(limb_errors) == 16
    assert max(map(float, limb_errors)) < 5  # % of the person's height in the image
    assert cv2.imread(str(tmp_path / "out" / "contact_sheet.jpg")) is not None
    assert len(list((tmp_path / "out").glob("*_overlay.png"))) == 6
    assert len(list((tmp_path / "out").glob("*.glb"))) >= 13


def test_body_export_writes_a_body_that_loads(monkeypatch, capsys, tmp_path):
    path = tmp_path / "open.pkl"
    assert call(monkeypatch, "body", "export", str(path), "--gender", "male") == 0
    assert "smplx.SMPL" in capsys.readouterr().out
    assert torch.equal(load_body(path, gender="male").v_template, load_body(gender="male").v_template)
    assert call(monkeypatch, "body", "export", str(path), "--joints-per-vertex", "4") == 0
    assert int((load_body(path).weights > 0).sum(1).max()) == 4
    assert call(monkeypatch, "body", "export", str(tmp_path / "open.txt")) == 1
    assert "expected a name that ends in .pkl or .npz" in capsys.readouterr().err


def test_body_measure_says_what_its_numbers_assume(monkeypatch, capsys, tmp_path, some_estimate):
    estimate = some_estimate(2)
    estimate.save(tmp_path / "two.npz")
    assert call(monkeypatch, "body", "measure", str(tmp_path / "two.npz")) == 0
    said = capsys.readouterr()
    for row, height in zip(estimate.names, (100 * measure(load_body(), estimate.betas).height).tolist(), strict=True):
        (line,) = [line for line in said.out.splitlines() if line.startswith(row)]
        assert f"{height:.1f}" in line
    assert "assumes an adult of about 1.7 m" in said.err
