"""Benchmarks run end to end on a few people: openbody, LSP, methods of one's own."""

import pickle

import numpy as np
import pytest
import torch
from lsp_sets import drawn, names_of, small_estimate, write_set, write_smplify  # type: ignore[import-not-found]
from scipy.io import savemat
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation import methods
from anchorfit.evaluation.answers import Answer
from anchorfit.evaluation.benchmarks.lsp import open_lsp_blocks
from anchorfit.evaluation.benchmarks.openbody import BLOCK, OpenBody
from anchorfit.evaluation.blocks import Block
from anchorfit.evaluation.crops import crop_around_joints
from anchorfit.evaluation.landmarks import LandmarkObservations
from anchorfit.evaluation.records import Record, RecordFile
from anchorfit.evaluation.running import run_benchmark
from anchorfit.evaluation.showing import case_of
from anchorfit.evaluation.summary import summarise
from anchorfit.observations.conventions import LSP14

OPEN = ("open", "neutral")


def first_block(people: OpenBody) -> tuple[Block, torch.Tensor]:
    """The first people, and their bodies."""
    block = people.block(0, load_body())
    assert block.truth.bodies is not None
    return block, block.truth.bodies


class Oracle:
    """Knows the truth; forgets the mesh, or the first person, where it is told to."""

    def __init__(self, body, *, mesh: bool = True, fail: bool = False):
        _, self.truth = first_block(OpenBody(count=3))
        self.mesh, self.fail = mesh, fail

    def estimate(self, observations, body):
        params = self.truth[: len(observations)].clone()
        joints = body.from_params(params).joints
        if self.fail:
            params[0] = torch.nan
        return Answer(params if self.mesh else None, joints)


@pytest.fixture
def oracles(monkeypatch):
    table = {
        "oracle": methods.Variant(make=lambda body, store: Oracle(body), about="knows"),
        "joints": methods.Variant(make=lambda body, store: Oracle(body, mesh=False), about="knows joints"),
        "failing": methods.Variant(make=lambda body, store: Oracle(body, fail=True), about="fails once"),
    }
    monkeypatch.setattr(methods, "VARIANTS", {**methods.VARIANTS, **table})
    return list(table)


def test_the_truth_scores_perfectly_and_failures_are_counted(oracles, tmp_path):
    with RecordFile(tmp_path / "r.jsonl", {}) as file:
        records = run_benchmark(OpenBody(count=3), oracles, file, body=OPEN)
    oracle, joints, failing = summarise(records, resamples=20)
    for key in ("fb_accuracy", "fb_f1", "part_accuracy", "part_f1"):
        assert oracle.scores[key].value == 1
        assert failing.scores[key].value < 1  # the failed person counts as nobody
    for key in ("surface_mm", "joints_mm", "reconstruction_mm"):
        assert oracle.scores[key].value < 1e-2  # float32
    assert "fb_f1" not in joints.scores
    assert "surface_mm" not in joints.scores
    assert joints.scores["joints_mm"].value < 1e-2
    assert (oracle.failed, failing.failed) == (0, 1)


def test_a_smaller_openbody_is_the_beginning_of_a_larger():
    (small, bodies), (large, more) = (first_block(OpenBody(count=count)) for count in (2, BLOCK + 1))
    assert torch.equal(small.detected.keypoints, large.detected.keypoints[:2])
    assert torch.equal(bodies, more[:2])
    assert not torch.equal(bodies, first_block(OpenBody(count=2, seed=1))[1])
    assert [len(names) for names in OpenBody(count=BLOCK + 1).names] == [BLOCK, 1]
    with pytest.raises(ValueError, match="at least one person"):
        OpenBody(count=0)


def test_annotated_keypoints_are_the_same_people_without_noise():
    body = load_body()
    block, truth = first_block(OpenBody(count=4))
    joints = body.canonical_joints(body.from_params(truth))
    pixels = project(joints, block.annotated.intrinsics)
    knee = CANONICAL_JOINTS.index("left_knee")
    torch.testing.assert_close(block.annotated.keypoints[:, knee], pixels[:, knee], atol=0.01, rtol=0)
    assert (block.annotated.confidence[:, knee] > 0).all()
    assert not torch.allclose(block.detected.keypoints, block.annotated.keypoints)
    assert block.annotations is not None
    assert block.annotations[0].parts.max() <= 6


def test_the_command_resumes_grows_and_writes_everything(tmp_path, oracles):
    options = ["benchmark", "openbody", "--variants", "oracle", "-o", str(tmp_path), "--no-cases"]
    for count, lines in ((2, 3), (3, 4)):
        result = CliRunner().invoke(app, [*options, "--count", str(count)])
        assert result.exit_code == 0, result.output
        assert (tmp_path / "records.jsonl").read_text().count("\n") == lines
    whole = (tmp_path / "table.csv").read_text()
    for count, lines in ((3, 4), (2, 4)):  # nothing is left to do: the tables are made again
        (tmp_path / "table.md").unlink()
        if count == 2:
            assert (tmp_path / "table.csv").read_text() == whole  # to the last digit
        result = CliRunner().invoke(app, [*options, "--count", str(count)])
        assert result.exit_code == 0, result.output
        assert f"| {count} | 0 |" in (tmp_path / "table.md").read_text()
        assert (tmp_path / "records.jsonl").read_text().count("\n") == lines
    assert {"table.csv", "table.md", "table.tex", "manifest.json"} <= {path.name for path in tmp_path.iterdir()}
    again = CliRunner().invoke(app, [*options, "--count", "2", "--seed", "3"])
    assert "holds another run (seed differ)" in str(again.exception)
    wrong = CliRunner().invoke(app, ["benchmark", "openbody", "--variants", "oracel", "-o", str(tmp_path)])
    assert wrong.exit_code == 2
    assert "oracel" in wrong.output


def test_cases_are_pictures_in_one_page(tmp_path, oracles):
    options = ["benchmark", "openbody", "--variants", "failing", "-o", str(tmp_path), "--count", "2"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "cases.html").read_text()
    assert page.count("data:image/jpeg") == 2
    assert "http" not in page
    again = CliRunner().invoke(app, options)  # whose records come from the file: NaN is written as null
    assert again.exit_code == 0, again.exception
    assert (tmp_path / "cases.html").read_text().count("data:image/jpeg") == 2


class Looker:
    """Keeps what it was given."""

    def __init__(self):
        self.given = []

    def estimate(self, observations, body):
        self.given.append(observations)
        return Answer(None, torch.zeros(len(observations), 24, 3))


@pytest.mark.parametrize(
    ("keypoints", "masks", "landmarks"),
    [("detected", False, False), ("annotated", True, False), ("none", True, False), ("none", False, True)],
)
def test_methods_are_given_what_the_table_says_and_nothing_else(keypoints, masks, landmarks, monkeypatch, tmp_path):
    looker = Looker()
    variant = methods.Variant(
        make=lambda body, store: looker, about="looks", keypoints=keypoints, masks=masks, landmarks=landmarks
    )
    monkeypatch.setitem(methods.VARIANTS, "looker", variant)
    with RecordFile(tmp_path / "r.jsonl", {}) as file:
        run_benchmark(OpenBody(count=2), ["looker"], file, body=OPEN)
    (seen,) = looker.given[1:]  # the first is the warm-up
    block, _ = first_block(OpenBody(count=2))
    expected = {"detected": block.detected, "annotated": block.annotated}.get(keypoints)
    assert torch.equal(seen.keypoints, torch.zeros_like(seen.keypoints) if expected is None else expected.keypoints)
    assert bool((seen.confidence > 0).any()) == (keypoints != "none")
    assert all((mask is not None) == masks for mask in seen.masks)
    assert isinstance(seen, LandmarkObservations) == landmarks
    assert ("keypoints" in variant.given, "masks" in variant.given, "91 true landmarks" in variant.given) == (
        keypoints != "none", masks, landmarks
    )  # fmt: skip


def test_landmarks_of_a_smaller_set_are_the_first_of_a_larger():
    (small, _), (large, _) = (first_block(OpenBody(count=count)) for count in (2, 5))
    assert isinstance(small.detected, LandmarkObservations)
    assert isinstance(large.detected, LandmarkObservations)
    assert torch.equal(small.detected.landmarks, large.detected.landmarks[:2])


@pytest.fixture
def other_methods(offer):
    """Of other packages: one whose truth is known, two whose package is broken."""

    def broken():
        raise ModuleNotFoundError("No module named 'gone'")

    oracle = methods.Variant(make=lambda body, store: Oracle(body), about="knows", version=2)
    offer("anchorfit.methods", {"theirs": lambda: oracle, "lost": broken, "gone": broken})


def test_methods_of_other_packages_run_and_broken_ones_are_said(other_methods, tmp_path):
    options = ["benchmark", "openbody", "-o", str(tmp_path / "scores"), "--no-cases", "--count", "2", "--variants"]
    done = CliRunner().invoke(app, [*options, "theirs"])
    assert done.exit_code == 0, done.output
    assert "| theirs |" in (tmp_path / "scores" / "table.md").read_text()
    lost = CliRunner().invoke(app, [*options, "lost"])
    assert lost.exit_code == 2
    assert "lost cannot be loaded (No module named 'gone')" in " ".join(lost.stderr.replace("│", " ").split())
    every = CliRunner().invoke(app, ["benchmark", "methods"])
    assert [line.split()[0] for line in every.stdout.splitlines()] == [*methods.VARIANTS, "theirs"]
    said = "lost, gone cannot be loaded (No module named 'gone'); reinstall or uninstall other"
    assert every.stderr == f"anchorfit: anchorfit.methods: {said}\n"
    with pytest.raises(ValueError, match="theirs: there is a method of this name already"):
        methods.register("theirs", methods.VARIANTS["direct"])


def test_none_of_another_package_replaces_ours(offer):
    theirs = methods.Variant(make=lambda body, store: Oracle(body), about="theirs")
    offer("anchorfit.methods", {"direct": lambda: theirs})
    ours = methods.VARIANTS["direct"]
    assert methods.variants_of(["direct"]) == {"direct": ours}
    assert methods.all_variants().found["direct"] is ours


def test_baselines_that_are_not_installed_say_what_to_install(offer, tmp_path):
    offer("anchorfit.methods", {})
    options = ["benchmark", "openbody", "-o", str(tmp_path), "--variants", "direct,zhou,tan-direct"]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 2
    said = " ".join(done.stderr.replace("│", " ").split())
    assert "zhou, tan-direct: of the distribution anchorfit-baselines, which is not installed; in a clone" in said
    assert "pip install ./baselines" in said


def test_records_of_another_version_of_a_method_are_not_mixed(other_methods, tmp_path):
    path = tmp_path / "r.jsonl"
    with RecordFile(path, {}) as file:
        file.append([Record(method="theirs", name="person000000", version=1), Record(method="direct", name="x")])
        with pytest.raises(ValueError, match=r"r\.jsonl: theirs was of version 1 and is of 2 now; give another folder"):
            run_benchmark(OpenBody(count=2), ["theirs"], file, body=OPEN)
    with RecordFile(tmp_path / "new.jsonl", {}) as file:
        assert {record.version for record in run_benchmark(OpenBody(count=2), ["theirs"], file, body=OPEN)} == {2}


def test_nobody_of_a_name_and_no_method_of_a_name():
    with pytest.raises(ValueError, match="nobody of this name"):
        case_of(OpenBody(count=1), "person9", load_body())
    with pytest.raises(ValueError, match=r"expected some of direct, .*; got magic"):
        methods.variants_of(["magic"])
    with pytest.raises(ValueError, match="already"):
        methods.register("direct", methods.VARIANTS["direct"])


@pytest.fixture
def lsp_root(tmp_path, some_estimate):
    """Two images drawn from bodies, and LSP's joints.mat of where their joints are."""
    names = names_of(2)
    estimate = small_estimate(some_estimate, names, (150, 200))
    write_set(tmp_path / "lsp", names, drawn(estimate))
    body = load_body()
    pixels = project(body.canonical_joints(estimate.bodies(body)), estimate.intrinsics)
    joints = np.zeros((3, 14, 2000))
    places = [CANONICAL_JOINTS.index(name) for name in LSP14 if name is not None]
    joints[:2, :, 1000:1002] = pixels[:, places].numpy().transpose(2, 1, 0) + 0.5
    savemat(tmp_path / "lsp" / "joints.mat", {"joints": joints})
    return tmp_path / "lsp"


def test_lsp_from_keypoints_to_a_table(lsp_root, tmp_path):
    options = ["benchmark", "lsp", "--root", lsp_root, "-o", tmp_path / "out", "--variants", "direct,smplify-on-gt"]
    result = CliRunner().invoke(app, [str(option) for option in options])
    assert result.exit_code == 0, result.output
    assert "no est_joints.npz" in result.stderr
    assert "DecoMR" in result.stdout
    lines = (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]
    rows = {row.method: row for row in summarise([Record.from_line(line) for line in lines], resamples=20)}
    assert rows["smplify-on-gt"].people == 2
    assert rows["smplify-on-gt"].scores["fb_f1"].value > 0.85
    assert rows["direct"].scores["fb_f1"].value > 0.6


def test_masks_are_not_given_where_they_are_the_answer(lsp_root, tmp_path, monkeypatch):
    told = methods.Variant(make=lambda body, store: Looker(), about="looks", landmarks=True)
    monkeypatch.setitem(methods.VARIANTS, "told", told)
    options = ["benchmark", "lsp", "--root", str(lsp_root), "-o", str(tmp_path), "--variants", "anchored+masks"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 2
    assert "anchored+masks" in result.output
    options[options.index("anchored+masks")] = "told"
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 2
    assert "no 91 landmarks" in result.output


def test_the_crop_is_that_of_the_joints(lsp_root):
    people = open_lsp_blocks(lsp_root).people
    assert people is not None
    block = people.block(0, load_body())
    seen = block.annotated.keypoints[0][block.annotated.confidence[0] > 0]
    assert block.crops is not None
    crop = block.crops[0]
    longer = (seen.amax(0) - seen.amin(0)).max().item()
    assert crop.side.item() == pytest.approx(1.2 * longer, rel=1e-6)
    assert crop.out_size == 224
    block.annotated.confidence[0, 1:] = 0
    whole = crop_around_joints(block.annotated, 0, scale=1.2, out_size=100)
    assert (whole.side.item(), whole.out_size) == (max(block.annotated.image_size[0].tolist()), 100)


def test_two_people_of_one_image_are_refused(lsp_root, tmp_path):
    rows = "".join(f"im{number}.jpg,0,{joint},10,20,1\n" for number in (1001, 1002) for joint in ("neck", "left_hip"))
    (tmp_path / "k.csv").write_text("image,person,joint,x,y,confidence\n" + rows + rows.replace(",0,", ",1,"))
    with pytest.raises(ValueError, match=r"k\.csv: two people in im1001\.jpg; LSP has one person an image"):
        open_lsp_blocks(lsp_root, detections=tmp_path / "k.csv")


def test_lsp_without_keypoints_says_what_is_missing(lsp_root):
    (lsp_root / "joints.mat").unlink()
    with pytest.raises(ValueError, match=r"found no joints\.mat"):
        open_lsp_blocks(lsp_root)


def test_table1_names_its_script():
    result = CliRunner().invoke(app, ["benchmark", "table1"])
    assert "scripts/reproduce_table1.py" in result.stdout


def test_results_take_part_on_lsp_by_the_public_codes_numbers(lsp_root, tmp_path, some_estimate):
    """`1000.pkl` is im1001: the public SMPLify counts all images from 0."""
    estimate = small_estimate(some_estimate, names_of(2), (150, 200))
    (tmp_path / "r").mkdir()
    write_smplify(tmp_path / "r" / "1000.pkl", estimate[0])
    write_smplify(tmp_path / "r" / "im1002.pkl", estimate[1])
    options = ["benchmark", "lsp", "--root", lsp_root, "-o", tmp_path / "out", "--variants", "direct", "--no-cases"]
    result = CliRunner().invoke(app, [str(option) for option in [*options, "--results", tmp_path / "r"]])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "1000.pkl is taken for im1001" in result.stderr
    lines = (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]
    rows = {row.method: row for row in summarise([Record.from_line(line) for line in lines], resamples=20)}
    assert list(rows) == ["direct", "results", "results+2d"]
    assert rows["results"].scores["fb_f1"].value > 0.97  # drawn by another focal length
    assert rows["results+2d"].failed == 0


def test_results_that_cannot_be_read_fail_and_cost_no_other(tmp_path):
    block, truth = first_block(OpenBody(count=2))
    held = {"pose": truth[0, :72].double().numpy(), "betas": truth[0, 72:82].double().numpy()}
    held |= {"cam_t": truth[0, 82:].double().numpy(), "f": block.detected.intrinsics[0, 0, 0].numpy()}
    (tmp_path / "person000000.pkl").write_bytes(pickle.dumps(held))
    (tmp_path / "person000001.pkl").write_bytes(pickle.dumps({**held, "cam_t": np.zeros(2)}))
    options = ["benchmark", "openbody", "--count", "2", "--variants", "direct", "--results", str(tmp_path)]
    done = CliRunner().invoke(app, [*options, "-o", str(tmp_path / "out"), "--no-cases"])
    assert done.exit_code == 0, (done.output, done.exception)
    lines = (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]
    found = [record for record in map(Record.from_line, lines) if record.method == "results"]
    assert [bool(record.problem) for record in found] == [False, True]
    assert found[0].surface_mm < 0.01


@pytest.mark.parametrize("name", ["table.csv", "manifest.json", "cases.html", "people.csv"])
def test_files_that_no_benchmark_wrote_are_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("{}")
    options = ["benchmark", "openbody", "--count", "1", "--variants", "direct", "-o", str(tmp_path)]
    refused = CliRunner().invoke(app, options)
    assert isinstance(refused.exception, ValueError)
    assert f"{name}: no benchmark wrote it" in str(refused.exception)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "{}")]


def test_a_benchmark_starts_over_where_its_records_were_deleted(tmp_path):
    options = ["benchmark", "openbody", "--count", "1", "--variants", "direct", "-o", str(tmp_path)]
    assert CliRunner().invoke(app, options).exit_code == 0
    (tmp_path / "records.jsonl").unlink()
    assert CliRunner().invoke(app, options).exit_code == 0
