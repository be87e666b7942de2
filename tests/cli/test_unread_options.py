"""Commands refuse options that nothing reads, in one line that names the option; nothing is loaded for that."""

import pytest
from typer.testing import CliRunner

from anchorfit.cli.main import app
from anchorfit.reports.saved import report_saved
from anchorfit.runs import Listener

FIT = ("fit", "people.json", "-o", "out")
CALLS = {
    "fit --fps without --video": ((*FIT, "--fps", "25"), "--fps"),
    "fit --unit without --points": ((*FIT, "--unit", "mm"), "--unit"),
    "fit --points with a detector's option": ((*FIT, "--points", "smpl24", "--thorough"), "--thorough"),
    "fit --points with masks": ((*FIT, "--points", "smpl24", "--mask", "file"), "--mask"),
    "fit --points with a report": ((*FIT, "--points", "smpl24", "--report"), "--report"),
    "fit --points from the start": ((*FIT, "--points", "smpl24", "--restart"), "--restart"),
    "fit --points on a cluster": ((*FIT, "--points", "smpl24", "--engine", "ray"), "--engine"),
    "fit --cluster without Ray": ((*FIT, "--cluster", "auto"), "--engine"),
    "fit --weights with smplify": ((*FIT, "--weights", ".", "--schedule", "smplify"), "--weights"),
    "export --fps without --sequence": (("export", "a.npz", "-o", "out", "--fps", "25"), "--fps"),
    "export --opacity without overlays": (("export", "a.npz", "-o", "out", "--opacity", "0.5"), "--opacity"),
    "export shards": (("export", "a.npz", "-o", "out", "--save", "shards"), "--save"),
    "evaluate --reduced on LSP": (
        ("evaluate", "--estimates", "a", "--dataset", "lsp", "--root", ".", "-o", "out", "--reduced", "b"),
        "--reduced",
    ),
    "adapt --human2d-steps without Human2D": (
        ("adapt", ".", "-a", "people.json", "-o", "out", "--human2d-steps", "3"),
        "--human2d-steps",
    ),
    "train priors --width of a network that goes on": (
        ("train", "priors", "-o", "out", "--start-from", "shipped", "--width", "3"),
        "--start-from",
    ),
    "train human2d --share without photographs": (("train", "human2d", "-o", "out", "--share", "0.3"), "--share"),
    "benchmark --cache beside --trained": (
        ("benchmark", "openbody", "-o", "out", "--count", "1", "--cache", "a", "--trained", "b"),
        "--cache",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_option_that_nothing_reads_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.json").write_text("{}")
    call, option = CALLS[name]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 2, result.output
    assert f"Invalid value for {option}" in " ".join(result.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_film_that_no_person_is_of_is_said(tmp_path, some_estimate):
    some_estimate(1).save(tmp_path / "one.npz")
    said: list[str] = []

    class Ear(Listener):
        def warn(self, line: object) -> None:
            said.append(str(line))

    report_saved(tmp_path / "page.html", [tmp_path / "one.npz"], videos=[tmp_path / "b.mp4"], listener=Ear())
    assert any("b.mp4: no person shown was seen in a video of this name" in line for line in said)
