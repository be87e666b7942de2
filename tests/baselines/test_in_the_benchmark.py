"""The baselines as methods of the benchmark, found by their entry points."""

from functools import partial

from typer.testing import CliRunner

from anchorfit.cli.main import app
from anchorfit.evaluation import methods
from anchorfit.evaluation.records import Record
from anchorfit.plugins import plugin_names
from anchorfit_baselines import trainings


def test_each_has_an_entry_point():
    assert methods.BASELINES == trainings.BASELINES
    assert set(methods.BASELINES) <= set(plugin_names(methods.ENTRY_POINTS)), "pip install ./baselines"
    variants = methods.variants_of(methods.BASELINES)
    for name, variant in variants.items():
        assert isinstance(variant.make, partial)
        assert variant.make.args == (name,)
    assert all(variant.trained and variant.version == trainings.VERSION for variant in variants.values())


def test_baselines_are_trained_once_and_stand_in_the_table(tmp_path, monkeypatch):
    little = trainings.Effort(basis_poses=150)
    monkeypatch.setattr(trainings, "Effort", lambda: little)
    options = ["benchmark", "openbody", "--cache", str(tmp_path / "kept"), "--no-cases"]
    options += ["--variants", "direct,ramakrishna,landmarks-91", "--count", "2"]
    first, second = (CliRunner().invoke(app, [*options, "-o", str(tmp_path / out)]) for out in ("a", "b"))
    assert first.exit_code == 0, first.output
    assert "training ramakrishna" in first.stderr
    assert "training" not in second.stderr
    assert len(list((tmp_path / "kept" / "trained").glob("ramakrishna-*.safetensors"))) == 1
    table = (tmp_path / "a" / "table.md").read_text()
    (joints_alone,) = (line for line in table.splitlines() if "ramakrishna" in line)
    assert joints_alone.split("|")[2:7] == [" - "] * 5  # no segmentation, no mesh
    assert "nan" not in table
    assert joints_alone.split("|")[-2] == " keypoints "
    assert "| 91 true landmarks |" in table
    one, other = (list_of_errors(tmp_path / out / "records.jsonl") for out in ("a", "b"))
    assert one == other


def list_of_errors(path):
    return [Record.from_line(line).reconstruction_mm for line in path.read_text().splitlines()[1:]]
