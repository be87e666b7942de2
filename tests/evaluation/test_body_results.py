"""Results of any kind on every data set with known bodies or joints: who knows the truth has no error."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from body_sets import some_params, write_spin, write_surreal, write_threedpw, write_up3d  # type: ignore[import-not-found]
from smpl_like import write_smpl_like  # type: ignore[import-not-found]
from torch import Tensor
from typer.testing import CliRunner

from anchorfit.body import BodyModel, load_body
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks import OpenedSet, SetOptions, benchmark_of
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.datasets.samples import BodyDataset
from anchorfit.evaluation.estimates import EstimateError, index_estimates
from anchorfit.evaluation.matching import match_results
from anchorfit.evaluation.methods.given import MISSING, entries_by_name, looked_up
from anchorfit.evaluation.records import Record, RecordFile
from anchorfit.evaluation.running import Bodies, run_benchmark
from anchorfit.results import BodyEstimate

KINDS = ("anchorfit", "smplify", "spin")


@pytest.fixture(scope="module")
def smpl(tmp_path_factory) -> str:
    """A body file with SMPL's number of vertices."""
    return str(write_smpl_like(tmp_path_factory.mktemp("body") / "smpl.npz"))


@pytest.fixture(scope="module")
def body(smpl) -> BodyModel:
    return load_body(smpl)


def with_bodies(estimate: BodyEstimate, params: Tensor) -> BodyEstimate:
    """The same rows with other bodies (B, 85)."""
    orient, pose, betas, transl = params.float().split((3, 69, 10, 3), 1)
    return replace(estimate, global_orient=orient, body_pose=pose, betas=betas, transl=transl)


def write_results(kind: str, folder: Path, labels: Sequence[str], params: Tensor, some_estimate, body="open") -> Path:
    """Results (B, 85) of images that are called so, in a new folder."""
    folder.mkdir()
    count, params = len(labels), params.float()
    if kind == "anchorfit":
        names = [label if "#" in label else f"{label}#0" for label in labels]
        images = tuple(name.partition("#")[0] for name in names)
        estimate = with_bodies(some_estimate(count), params)
        replace(estimate, names=tuple(names), images=images, body=body).save(folder / "results.npz")
    elif kind == "smplify":
        for label, row in zip(labels, params.double().numpy(), strict=True):
            result = {"pose": row[:72], "betas": row[72:82], "cam_t": row[82:], "f": 5000.0}
            (folder / f"{label.replace('/', '@')}.pkl").write_bytes(pickle.dumps(result, protocol=2))
    else:
        crop = {"center": np.full((count, 2), 500.0), "scale": np.ones(count)}
        bodies = {"pose": params[:, :72].numpy(), "shape": params[:, 72:82].numpy()}
        camera = np.tile([0.9, 0.0, 0.0], (count, 1))
        np.savez(folder / "results.npz", imgname=np.array(labels), camera=camera, **crop, **bodies)
    return folder


def true_bodies(dataset: BodyDataset | None, body: BodyModel) -> Tensor:
    """(B, 85)."""
    assert dataset is not None
    found = [dataset.sample(row, body).params for row in range(len(dataset.names))]
    return torch.stack([params for params in found if params is not None])


def scored(opened: OpenedSet, results: Path, smpl: str, tmp_path: Path, name: str) -> list[Record]:
    people = opened.blocks(true_cameras=True, truth_alone=True)
    matched = match_results(people.labels, index_estimates(results).entries, name)
    more = {"m": looked_up(entries_by_name(people.names, matched.entries))}
    bodies = Bodies(body=(smpl, "neutral"), true_body=(smpl, "neutral"), num_betas=10)
    with RecordFile(tmp_path / f"{results.name}.jsonl", {}) as file:
        return run_benchmark(people, ["m"], file, body=bodies, more=more)


def opened_by(name: str, root: Path, smpl: str, **options: Any) -> OpenedSet:
    return benchmark_of(name).open(SetOptions(root=root, body=smpl, **options))


def opened_set(name: str, root: Path, body: BodyModel, smpl: str) -> tuple[OpenedSet, list[str]]:
    """A small set, and what results may call its images in folders and in names of files."""
    if name == "up3d":
        write_up3d(root, body)
        return opened_by("up3d", root, smpl), ["up-3d/00001_image.png", "up-3d/00002_image.png"]
    if name == "surreal":
        write_surreal(root, body)
        return opened_by("surreal", root, smpl, gender="male"), [
            f"run0/walk/walk_c0001_{frame:06d}.png" for frame in (0, 5)
        ]
    if name == "3dpw":
        write_threedpw(root, some_params())
        return opened_by("3dpw", root, smpl, gender="female"), ["imageFiles/walk/image_00000.jpg#1"]
    params = torch.stack([some_params(1), some_params(2)]).to(body.dtype)
    images = ["images/S9_Posing.60457274_000001.jpg", "images/S9_Posing.60457274_000006.jpg"]
    if name == "h36m":
        write_spin(root / "h36m_valid_protocol2.npz", body, images, params)
        return opened_by("h36m", root, smpl), images
    files = {"S": None, "part": None, "pose": params[:, :72].numpy(), "shape": params[:, 72:82].numpy()}
    write_spin(root / "set.npz", body, images, params, **files)
    return opened_by("spin", root / "set.npz", smpl, truth_alone=True), images


@pytest.mark.parametrize("name", ["up3d", "surreal", "3dpw", "spin", "h36m"])
def test_the_truth_has_no_error_whatever_it_is_written_in(name, tmp_path, body, smpl, some_estimate):
    opened, labels = opened_set(name, tmp_path, body, smpl)
    if name == "h36m":
        params = torch.stack([some_params(1), some_params(2)])
    else:
        params = true_bodies(opened.dataset, body)
    for kind in KINDS:
        called = [Path(label).name.partition(".")[0] if kind == "smplify" else label for label in labels]
        if name == "3dpw" and kind == "smplify":
            called = ["image_00000#1"]
        if name in ("spin", "h36m") and kind == "smplify":
            called = [Path(label).stem for label in labels]
        results = write_results(kind, tmp_path / kind, called, params, some_estimate)
        records = scored(opened, results, smpl, tmp_path, name)
        assert [record.problem for record in records] == [""] * len(labels), kind
        assert max(record.reconstruction_mm for record in records) < 0.01, kind  # float32
        assert max(record.joints_mm for record in records) < 0.01, kind
        assert all((record.surface_mm < 0.01) == (name != "h36m") for record in records), kind


def test_who_is_off_by_so_much_has_that_error_and_who_is_missing_counts_as_failed(tmp_path, body, smpl, some_estimate):
    opened, labels = opened_set("up3d", tmp_path, body, smpl)
    params = true_bodies(opened.dataset, body)
    params[0, 72] += 1  # one unit of the first shape
    results = write_results("anchorfit", tmp_path / "results", labels[:1], params[:1], some_estimate)
    first, second = scored(opened, results, smpl, tmp_path, "up3d")
    one = body.from_params(torch.stack([params[0], true_bodies(opened.dataset, body)[0]]).to(body.dtype))
    apart = one.vertices - one.joints[:, :1]
    assert first.surface_mm == pytest.approx(1000 * (apart[0] - apart[1]).norm(dim=-1).mean().item(), abs=0.01)
    assert second.problem == MISSING
    assert np.isnan(second.surface_mm)
    (results / "bad.pkl").write_bytes(pickle.dumps({"pose": np.zeros(72), "betas": np.zeros(10)}))
    (results / "bad.pkl").rename(results / "00002.pkl")
    (tmp_path / "results.jsonl").unlink()
    assert "(SMPLify): no camera (cam_t, f)" in scored(opened, results, smpl, tmp_path, "up3d")[1].problem


def test_what_spins_evaluation_saves_goes_by_row(tmp_path, body, smpl, some_estimate):
    """pose, betas and camera, a row for each of the data set's, and no names of images."""
    opened, _ = opened_set("spin", tmp_path, body, smpl)
    params = true_bodies(opened.dataset, body).float()
    (tmp_path / "saved").mkdir()
    camera = np.tile([0.9, 0.0, 0.0], (2, 1))
    np.savez(tmp_path / "saved" / "r.npz", pose=params[:, :72], betas=params[:, 72:82], camera=camera)
    records = scored(opened, tmp_path / "saved", smpl, tmp_path, "spin")
    assert max(record.surface_mm for record in records) < 0.01
    options = ["evaluate", "--estimates", tmp_path / "saved", "--dataset", "spin", "--root", tmp_path / "set.npz"]
    result = invoke(*options, "--body", smpl, "-o", tmp_path / "out", "--workers", 1)  # its page of cases, too
    assert result.exit_code == 0, result.output
    write_up3d(tmp_path, body)
    with pytest.raises(EstimateError, match=r"not one result is of a person of up3d, .* they are of row0, row1 \.\.\."):
        scored(opened_by("up3d", tmp_path, smpl), tmp_path / "saved", smpl, tmp_path, "up3d")
    named = {"imgname": np.array(["a"]), "center": np.ones((2, 2)), "scale": np.ones(2), "camera": camera}
    np.savez(tmp_path / "saved" / "r.npz", pose=params[:, :72], betas=params[:, 72:82], **named)
    with pytest.raises(EstimateError, match="1 rows of imgname, but 2 bodies"):
        index_estimates(tmp_path / "saved")
    np.savez(tmp_path / "saved" / "r.npz", pose=params[:, :72], betas=params[:1, 72:82], camera=camera)
    with pytest.raises(EstimateError, match="1 rows of betas, but 2 bodies"):
        index_estimates(tmp_path / "saved")


def test_joints_of_bodies_by_a_regressor(tmp_path, body, smpl, some_estimate):
    write_threedpw(tmp_path, some_params())
    rng = np.random.default_rng(0)
    weights = rng.random((17, body.num_vertices)) ** 20  # a few vertices each
    np.save(tmp_path / "J_regressor_h36m.npy", weights / weights.sum(1, keepdims=True))
    opened = opened_by("3dpw", tmp_path, smpl, gender="female", joint_regressor=tmp_path / "J_regressor_h36m.npy")
    truth = true_bodies(opened.dataset, body)
    params = truth.clone()
    params[0, 3:10] += 0.4
    results = write_results("anchorfit", tmp_path / "r", ["walk/image_00000.jpg#1"], params, some_estimate)
    (record,) = scored(opened, results, smpl, tmp_path, "3dpw")
    assert opened.regressor is not None
    assert opened.dataset is not None
    names = ("pelvis", *opened.dataset.judged)
    vertices = body.from_params(torch.cat([params, truth]).to(body.dtype)).vertices
    ours, theirs = opened.regressor.joints(vertices, names)
    apart = ((ours - ours[:1]) - (theirs - theirs[:1]))[1:].norm(dim=-1)
    assert record.joints_mm == pytest.approx(1000 * apart.mean().item(), abs=0.01)
    assert 0 < record.reconstruction_mm < record.joints_mm


def landmark_file(path: Path, vertices: Sequence[int]) -> Path:
    """As Python 2 pickled an OrderedDict in protocol 0."""
    items = "".join(f"(lp{2 * i + 3}\nS'point{i}'\nap{2 * i + 4}\nI{v}\naa" for i, v in enumerate(vertices))
    path.write_text(f"ccollections\nOrderedDict\np1\n((lp2\n{items}tRp{2 * len(vertices) + 3}\n.")
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_table2_has_a_row_for_each_part(tmp_path, body, smpl):
    root = tmp_path / "set"
    root.mkdir()
    write_up3d(root, body, range(3), ("lsp", "mpii"))
    (tmp_path / "reduced.txt").write_text("/x/00003_image.png\n")
    landmarks = landmark_file(tmp_path / "landmarks.pkl", range(10, 89))
    options = ["benchmark", "table2", "--root", root, "--body", smpl, "--variants", "direct", "--no-cases"]
    plain = invoke(*options, "-o", tmp_path / "plain")
    assert plain.exit_code == 0, plain.output
    assert "1 of 3 people have no %05d_dataset_info.txt" in plain.stderr
    assert "give its list by --reduced; the list of the reduced set comes from https://github.com/gulvarol/bodynet" in (
        plain.stderr
    )
    assert "landmarks.pkl of https://github.com/classner/up (CC BY-NC 4.0)" in plain.stderr
    assert "Reduced" not in (tmp_path / "plain" / "table.md").read_text()  # published by landmarks alone
    options += ["--reduced", tmp_path / "reduced.txt", "--landmarks", landmarks]
    result = invoke(*options, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    table = (tmp_path / "out" / "table.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.startswith("| direct, ")]
    assert {row[1]: row[-4] for row in rows} == {
        "direct, LSP": "1", "direct, MPII": "1", "direct, Full": "3", "direct, Reduced": "1"
    }  # fmt: skip
    assert "| Pavlakos et al., Reduced [Pavlakos et al. 2018, Table 2] | - | - | - | 100.5 |" in table
    wrong = invoke(*options[:-1], landmark_file(tmp_path / "few.pkl", range(3)), "-o", tmp_path / "wrong")
    assert "expected 79 vertices below 6890, got 3" in str(wrong.exception)


def test_91_landmarks_of_who_knows_the_truth(tmp_path, body, smpl, some_estimate):
    root = tmp_path / "set"
    root.mkdir()
    write_up3d(root, body)
    opened = opened_by("up3d", root, smpl, landmarks=landmark_file(tmp_path / "landmarks.pkl", range(79)))
    params = true_bodies(opened.dataset, body)
    params[1, 72] += 1
    results = write_results("anchorfit", tmp_path / "r", ["00001_image.png", "00002_image.png"], params, some_estimate)
    first, second = scored(opened, results, smpl, tmp_path, "up3d")
    assert first.landmarks_mm < 0.01
    assert opened.landmarks is not None
    ours, theirs = opened.landmarks.points(body, torch.stack([params[1], true_bodies(opened.dataset, body)[1]]))
    assert ours.shape == (91, 3)
    assert second.landmarks_mm == pytest.approx(1000 * (ours - theirs).norm(dim=-1).mean().item(), abs=0.01)
    hostile = tmp_path / "evil.pkl"
    hostile.write_bytes(b"cos\nsystem\n(S'touch /tmp/evil'\ntR.")
    with pytest.raises(ValueError, match="safe to read"):
        opened_by("up3d", root, smpl, landmarks=hostile)
    with pytest.raises(ValueError, match="names vertices of SMPL, which has 6890; this body has"):
        opened_by("up3d", root, "open", landmarks=tmp_path / "landmarks.pkl")


def test_the_command_on_a_set_of_known_bodies(tmp_path, body, smpl, some_estimate):
    root = tmp_path / "set"
    root.mkdir()
    opened, labels = opened_set("3dpw", root, body, smpl)
    params = true_bodies(opened.dataset, body)
    results = write_results("anchorfit", tmp_path / "results", labels, params, some_estimate, body=smpl)
    options = ["evaluate", "--estimates", results, "--dataset", "3dpw", "--root", root, "--workers", 1]
    unsaid = invoke(*options, "-o", tmp_path / "out")
    assert unsaid.exit_code == 2
    assert "--people" in unsaid.output
    options += ["--people", "female", "-o", tmp_path / "out"]
    result = invoke(*options)
    assert result.exit_code == 0, result.output
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"table.csv", "table.md", "table.tex", "manifest.json", "records.jsonl", "cases.html"} <= files
    assert (tmp_path / "out" / "cases.html").read_text().count("data:image") == 1
    path = root / "sequenceFiles" / "test" / "walk.pkl"
    content = pickle.loads(path.read_bytes())
    content["betas"] = [betas + 1 for betas in content["betas"]]
    path.write_bytes(pickle.dumps(content, protocol=2))
    assert "holds another run (sha256 of the data differ)" in str(invoke(*options).exception)


def test_another_body_under_the_same_name_is_another_run(tmp_path, body, smpl, some_estimate):
    root, own = tmp_path / "set", tmp_path / "smpl.npz"
    root.mkdir()
    own.write_bytes(Path(smpl).read_bytes())
    opened, labels = opened_set("up3d", root, body, smpl)
    results = write_results("anchorfit", tmp_path / "r", labels, true_bodies(opened.dataset, body), some_estimate)
    options = ["evaluate", "--estimates", results, "--dataset", "up3d", "--root", root, "--workers", 1, "--no-cases"]
    options += ["--body", own, "-o", tmp_path / "out"]
    assert invoke(*options).exit_code == 0
    settings = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert settings["sha256 of the body"] == settings["sha256 of the true body"]
    with np.load(smpl) as arrays:
        np.savez(own, **{**arrays, "v_template": 1.1 * arrays["v_template"]})
    assert "(sha256 of the body, sha256 of the true body differ)" in str(invoke(*options).exception)


def test_results_none_of_which_can_be_used_are_an_error(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "person000001.pkl").write_bytes(pickle.dumps({"pose": np.zeros(72), "betas": np.zeros(10)}))
    options = ["evaluate", "--estimates", tmp_path / "r", "--dataset", "openbody", "--count", 3, "--workers", 1]
    result = invoke(*options, "--body", "open", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "not one of 1 results could be used; the first: " in str(result.exception)
    assert "person000001.pkl (SMPLify): no camera (cam_t, f)" in str(result.exception)
    assert "| 3 | 3 |" in (tmp_path / "out" / "table.md").read_text()  # and counted as what it is
    fewer = invoke(*options, "--body", "open", "-o", tmp_path / "out", "--count", 1)
    assert "not one result is of a person" in str(fewer.exception)


def test_truth_in_smpl_is_not_compared_with_another_body(tmp_path, body, smpl, some_estimate):
    root = tmp_path / "set"
    root.mkdir()
    write_up3d(root, body)
    results = write_results("anchorfit", tmp_path / "r", ["00001_image.png"], some_params()[None], some_estimate)
    options = ["evaluate", "--estimates", results, "--dataset", "up3d", "--root", root, "-o", tmp_path / "o"]
    assert "up3d's truth is of SMPL, not of open; name its body by --truth-body" in str(invoke(*options).exception)
    assert "they cannot be compared" in str(invoke(*options, "--truth-body", smpl).exception)
    assert invoke(*options[:5], "-o", tmp_path / "o").exit_code == 2  # no root
    refused = invoke(*options, "--people", "male")  # UP-3D has one model
    assert "Invalid value for --people: only with --dataset" in refused.output.replace("│ ", "")
    gendered = ["3dpw" if word == "up3d" else word for word in options]
    assert "expected female or male" in invoke(*gendered, "--people", "both").output


def test_openbody_takes_results_too(tmp_path, some_estimate):
    block = OpenBody(count=3).block(0, load_body())
    assert block.truth.bodies is not None
    names = list(block.detected.names)
    results = tmp_path / "results"
    results.mkdir()
    seen = block.detected.rows([0, 1])
    estimate = with_bodies(some_estimate(2), block.truth.bodies[:2])
    estimate = replace(estimate, intrinsics=seen.intrinsics, image_size=seen.image_size, images=("", ""))
    replace(estimate, names=tuple(names[:2])).save(results / "results.npz")
    options = ["evaluate", "--estimates", results, "--dataset", "openbody", "--count", 3, "--workers", 1]
    result = invoke(*options, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "1 people have no result and count as failed: person000002" in result.stderr
    records = [Record.from_line(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]]
    assert [record.problem for record in records] == ["", "", MISSING]
    assert max(record.surface_mm for record in records[:2]) < 0.01
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| estimates |" in table
    assert (tmp_path / "out" / "cases.html").read_text().count("data:image") == 2


def test_another_program_fits_openbody_and_is_scored(tmp_path):
    """People as files, fitted by the command line as any other program would, and scored."""
    given = tmp_path / "people"
    assert invoke("benchmark", "openbody-people", "-o", given, "--count", 2).exit_code == 0
    assert {path.name for path in given.rglob("*.*")} == {
        "keypoints.npz", "cameras.npz", "person000000.png", "person000001.png"
    }  # fmt: skip
    cameras = np.load(given / "cameras.npz")
    block = OpenBody(count=2).block(0, load_body())
    np.testing.assert_array_equal(cameras["intrinsics"], block.detected.intrinsics.double().numpy())
    assert not {"pose", "betas", "params"} & set(np.load(given / "keypoints.npz").files)
    fitted = invoke("fit", given / "keypoints.npz", "-o", tmp_path / "fits", "--save", "npz")
    assert fitted.exit_code == 0, fitted.output
    options = ["evaluate", "--estimates", tmp_path / "fits", "--dataset", "openbody", "--count", 2, "--no-cases"]
    result = invoke(*options, "-o", tmp_path / "out", "--workers", 1)
    assert result.exit_code == 0, result.output
    records = [Record.from_line(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]]
    assert [record.problem for record in records] == ["", ""]
    assert all(record.reconstruction_mm < 150 for record in records)
