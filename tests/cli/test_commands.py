import re
import subprocess
import sys

import cv2
import pytest

from anchorfit import __version__
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
