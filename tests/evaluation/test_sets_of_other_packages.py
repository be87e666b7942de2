"""Benchmark data sets: options of a set alone, and sets, methods and formats of a package installed beside this one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from forked_commands import run_all  # type: ignore[import-not-found]  # its folder is on pytest's path
from typer.testing import CliRunner

from anchorfit.assets import ASSETS
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks import OPTIONS, BenchmarkSet, all_benchmarks, benchmark_of, shipped_benchmarks
from anchorfit.options import declared
from anchorfit.runs.evaluation_options import (
    DATASETS,
    GENDERED,
    DataOptions,
    EvaluateOptions,
    OpenBodyOptions,
    SeenOptions,
)
from anchorfit.runs.set_files import SetWords, sets_in_files


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result):
    return " ".join((result.output + str(result.exception or "")).split())


@pytest.mark.parametrize(
    ("dataset", "foreign"),
    [
        ("openbody", ("--reduced", "/nowhere")),
        ("openbody", ("--root", "/nowhere")),
        ("lsp", ("--count", "3")),
        ("up3d", ("--joint-regressor", "/nowhere")),
        ("h36m", ("--people", "male")),
        ("spin", ("--landmarks", "/nowhere")),
        ("emdb", ("--smplx-model", "/nowhere")),
    ],
)
def test_another_sets_options_are_refused(tmp_path, dataset, foreign):
    """`--reduced` for openbody was passed over in silence."""
    root = () if dataset == "openbody" else ("--root", tmp_path)
    result = invoke("evaluate", "--dataset", dataset, "--estimates", tmp_path, *root, "-o", tmp_path / "out", *foreign)
    assert result.exit_code == 2
    line = said(result).replace("│ ", "")
    assert f"Invalid value for {foreign[0]}: " in line
    assert ("openbody has none" if foreign[0] == "--root" else "only with --dataset") in line
    assert not (tmp_path / "out").exists()
    shown = invoke("evaluate", f"--dataset={dataset}", "--help").output
    assert foreign[0] not in shown
    assert "--estimates" in shown


def test_without_a_set_the_help_shows_every_option():
    shown = invoke("evaluate", "--help").output
    assert "--reduced" in shown
    assert "--count" in shown


@pytest.mark.parametrize("name", [*DATASETS, "table4"])
def test_every_set_has_a_command_with_its_own_options(name):
    shown = invoke("benchmark", name, "--help")
    assert shown.exit_code == 0, shown.output
    one = benchmark_of({"table4": "h36m"}.get(name, name))
    words = shown.output.split()
    for option in OPTIONS:
        flag = f"--{option.replace('_', '-')}"
        assert (flag in words) == (option in one.options), flag


def test_every_option_of_a_set_is_one_of_the_command_line():
    declared_somewhere = {one.field for kind in (DataOptions, OpenBodyOptions, SeenOptions) for one in declared(kind)}
    assert {"gender", *declared_somewhere} == set(OPTIONS)
    with pytest.raises(ValueError, match=r"of-mine: options: expected some of gender, .*; got \('wings',\)"):
        BenchmarkSet(name="of-mine", about="", open=lambda wanted: None, options=("wings",))  # type: ignore[arg-type, return-value]


def test_options_say_themselves_which_sets_read_them():
    """The command line's help lists sets without loading them; here the two are held together."""
    sets = shipped_benchmarks()
    assert set(DATASETS) == sets.keys()
    assert {name for name, one in sets.items() if "gender" in one.required} == set(GENDERED)
    for name, words in sets_in_files().items():
        assert words == SetWords(*(getattr(sets[name], field) for field in SetWords._fields))
    for one in (*declared(EvaluateOptions), *declared(SeenOptions)):
        if one.only and (one.field in OPTIONS or one.field == "people"):
            name = "gender" if one.field == "people" else one.field
            reading = {known for known, other in sets.items() if name in other.options}
            if one.field == "people":
                reading = {known for known in reading if sets[known].bodies}  # else it is the methods' body's gender
            assert {*one.only} == reading, one.field


def test_what_a_set_needs_must_be_given(tmp_path):
    for name, given, needed in (
        ("rich", (), "--smplx-model"),
        ("emdb", ("--body", "x.pkl"), "--gender"),
        ("up3d", (), "--body"),
    ):
        result = invoke("benchmark", name, "--root", tmp_path, "-o", tmp_path / "out", *given)
        assert result.exit_code == 2
        assert f"Missing option '{needed}'" in said(result)


def test_a_command_that_is_no_set(tmp_path):
    result = invoke("benchmark", "nothing", "--root", tmp_path, "-o", tmp_path)
    assert result.exit_code == 2
    assert "No such command 'nothing'" in said(result)


PLUGIN = '''
from pathlib import Path

import numpy as np
import torch
from anchorfit.evaluation.answers import answer_of
from anchorfit.evaluation.benchmarks import BenchmarkSet, OpenedSet
from anchorfit.evaluation.datasets.samples import Sample
from anchorfit.evaluation.methods import Variant
from anchorfit.detectors import Kind
from anchorfit.observations import Format, PeopleFile, Person


class Two:
    """Two people, who stand."""

    names = ("a", "b")
    labels = (("a",), ("b",))
    files = ()
    judged = ()

    def sample(self, index, body):
        params = torch.zeros(85, dtype=torch.float64)
        params[0], params[84] = torch.pi, 4.0 + index
        camera = torch.tensor([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]], dtype=torch.float64)
        joints = body.canonical_joints(body.from_params(params[None].to(body.v_template)))[0].double() @ camera.mT
        person = Person(
            person_id=self.names[index], image_size=(640, 480),
            keypoints=(joints[:, :2] / joints[:, 2:]).numpy(), confidence=np.ones(len(joints)),
        )
        return Sample(person, intrinsics=camera, params=params)


class Rest:
    def estimate(self, observations, body):
        params = torch.zeros(len(observations), body.layout.size, dtype=body.dtype)
        params[:, 0], params[:, 84] = torch.pi, 4.0
        return answer_of(params, body)


TWO = BenchmarkSet(name="two", about="Two people, who stand.", open=lambda wanted: OpenedSet(dataset=Two()), smpl=False)
class Looks:
    name = "looks 1.0"
    most_people = 1

    def people(self, image):
        return PeopleFile((), ("looks finds nobody, ever",))


def read(file, convention):
    return PeopleFile((), ("a file of the other package",))


LOOKS = Kind(None, None, lambda wanted: Looks())
TRACKS = Format(name="tracks", recognises=lambda file: file.text.startswith("#tracks"), read=read)
REST = Variant(make=lambda body, store: Rest(), about="the rest pose")
'''


def test_a_package_installed_in_a_folder_brings_a_set_a_method_and_a_format(tmp_path, some_estimate):
    """As pip leaves a package: modules, and a .dist-info with its entry points."""
    (tmp_path / "other.py").write_text(PLUGIN)
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[anchorfit.benchmarks]\ntwo = other:TWO\nbroken = other:NOTHING\n[anchorfit.methods]\nrest = other:REST\n"
        "[anchorfit.detectors]\nlooks = other:LOOKS\n[anchorfit.formats]\ntracks = other:TRACKS\n"
    )
    results, out, photograph = tmp_path / "results", tmp_path / "out", ASSETS / "demo" / "000000000785.jpg"
    results.mkdir()
    replace(some_estimate(2), names=("a#0", "b#0"), images=("a", "b")).save(results / "two.npz")
    (tmp_path / "a.txt").write_text("#tracks")
    two = ("benchmark", "two", "--root", tmp_path, "-o", out)
    score = ("evaluate", "--dataset", "two", "--root", tmp_path, "--estimates", results, "-o", tmp_path / "s")
    commands = {
        "listed": ("benchmark", "--help"),
        "done": (*two, "--variants", "rest", "--no-cases"),
        "own": ("evaluate", "--dataset", "two", "--help"),
        "scored": (*score, "--no-cases", "--workers", 1),  # whose truth is of the open body: "truth is of SMPL"
        "foreign": (*score, "--reduced", tmp_path),
        "refused": (*two, "--reduced", tmp_path),
        "looked": ("fit", photograph, "-o", tmp_path / "o", "--detector", "looks"),
        "read": ("fit", photograph, "-k", tmp_path / "a.txt", "-o", tmp_path / "o"),
    }
    said = run_all(commands, tmp_path / "said", paths=[tmp_path])
    assert "Two people, who stand." in said["listed"].stdout, said["listed"].stderr
    assert "anchorfit.benchmarks: broken cannot be loaded" in said["listed"].stderr
    assert said["done"].returncode == 0, said["done"].stderr
    table = (out / "table.csv").read_text().splitlines()
    assert table[1].startswith("rest,")
    assert (out / "records.jsonl").read_text().count('"surface_mm"') == 2
    assert "--truth-body" in said["own"].stdout
    assert "--reduced" not in said["own"].stdout
    assert said["scored"].returncode == 0, said["scored"].stderr
    assert (tmp_path / "s" / "records.jsonl").read_text().count('"surface_mm"') == 2
    assert "Invalid value for --reduced: two does not read it" in said["foreign"].stderr
    assert said["refused"].returncode == 2
    assert "No such option: --reduced" in said["refused"].stderr
    assert "looks finds nobody, ever" in said["looked"].stderr
    assert "a file of the other package" in said["read"].stderr


def test_a_set_of_another_package_does_not_replace_ours():
    assert all_benchmarks().found["up3d"] is benchmark_of("up3d")


TOY = '''
"""A new data set: this is the whole of it."""

from __future__ import annotations

import numpy as np
import torch

from ...observations import Person
from ..datasets.roots import DatasetError
from ..datasets.samples import Sample
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys


class Toys:
    """People who stand, as many as a file has lines."""

    judged = ()

    def __init__(self, file):
        self.files = [file]
        self.names = file.read_text().split()
        self.labels = [(name,) for name in self.names]

    def sample(self, index, body):
        params = torch.zeros(85, dtype=torch.float64)
        params[0], params[84] = torch.pi, 4.0 + index
        camera = torch.tensor([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]], dtype=torch.float64)
        joints = body.canonical_joints(body.from_params(params[None].to(body.v_template)))[0].double() @ camera.mT
        pixels = (joints[:, :2] / joints[:, 2:]).numpy()
        person = Person(
            person_id=self.names[index], image_size=(640, 480), keypoints=pixels, confidence=np.ones(len(joints))
        )
        return Sample(person, intrinsics=camera, params=params)


def _open(wanted: SetOptions) -> OpenedSet:
    file = wanted.root / f"{wanted.split or 'usual'}.txt"
    if not file.is_file():
        raise DatasetError(f"{file}: no such split of toys")
    toys = Toys(file)
    return OpenedSet(dataset=toys, keys=data_keys(toys))


BENCHMARK = BenchmarkSet(name="toys", about="Toys, who stand.", open=_open, options=("split",), smpl=False)
'''


def test_a_new_data_set_is_one_new_file(tmp_path, some_estimate):
    """A file in the folder of data sets, and nothing else: commands, help, options and refusals follow from it."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "toys.py").write_text(TOY)
    (tmp_path / "usual.txt").write_text("a b")
    (tmp_path / "other.txt").write_text("a b c")
    started = f"import anchorfit.evaluation.benchmarks as sets; sets.__path__.append({str(tmp_path / 'new')!r}); "
    started += "from anchorfit.cli.main import run; run()"
    results, out = tmp_path / "r", tmp_path / "out"
    results.mkdir()
    replace(some_estimate(2), names=("a#0", "b#0"), images=("a", "b")).save(results / "r.npz")
    toys = ("benchmark", "toys", "--root", tmp_path, "--split", "other", "-o", out)
    few = ("--variants", "direct", "--no-cases")
    score = ("evaluate", "--dataset", "toys", "--root", tmp_path, "--estimates", results, "-o", tmp_path / "e")
    commands = {
        "listed": ("benchmark", "--help"),
        "named": ("evaluate", "--help"),
        "own": ("evaluate", "--dataset", "toys", "--help"),
        "done": (*toys, *few),
        "refused": (*toys, *few, "--every", "2"),
        "scored": (*score, "--workers", 1, "--no-cases"),
        "foreign": (*score, "--every", "2"),
        "gone": (*score, "--split", "lost"),
    }
    said = run_all(commands, tmp_path / "said", start=started)
    assert "Toys, who stand." in said["listed"].stdout
    assert "toys" in said["named"].stdout
    assert "--split" in said["own"].stdout
    assert "--every" not in said["own"].stdout
    assert said["done"].returncode == 0, said["done"].stderr
    assert (out / "records.jsonl").read_text().count('"surface_mm"') == 3
    assert "No such option: --every" in said["refused"].stderr
    assert said["scored"].returncode == 0, said["scored"].stderr
    assert (tmp_path / "e" / "records.jsonl").read_text().count('"surface_mm"') == 2
    assert "Invalid value for --every: only with --dataset rich, got toys" in said["foreign"].stderr
    assert "lost.txt: no such split of toys" in said["gone"].stderr
