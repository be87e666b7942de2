"""LSP-extended and COCO, in their published layouts: bodies are judged by where their joints are drawn (PCK)."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.camera import default_intrinsics, project
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks import SetOptions, benchmark_of
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.marks import THRESHOLDS, mark_counts, marks_of
from anchorfit.evaluation.records import Record
from anchorfit.evaluation.summary import differences, summarise
from anchorfit.observations.conventions import COCO17, LSP14

SIZE = (200, 260)
COUNT = 3


@pytest.fixture(scope="module")
def body():
    return load_body()


def bodies(count=COUNT):
    """(B, 85) upright people in the middle of an image."""
    params = 0.15 * torch.randn(count, 85, generator=torch.Generator().manual_seed(3))
    params[:, 0] += torch.pi
    params[:, 82:] = torch.tensor([0.0, 0.0, 3.0])
    return params


def joints_of(body, params, convention):
    """(B, J, 2) pixels of a convention's joints."""
    points_cam = body.canonical_joints(body.from_params(params))
    pixels = project(points_cam, default_intrinsics(*SIZE).float())
    return pixels[:, [CANONICAL_JOINTS.index(name) for name in convention]].numpy().astype(float)


def write_lsp_extended(root, body, params, hidden=()):
    """joints.mat (14, 3, N), x and y from 1, flag 1 where visible; images/im00001.jpg."""
    (root / "images").mkdir(parents=True)
    places = joints_of(body, params, LSP14)
    joints = np.concatenate([places + 0.5, np.ones((*places.shape[:2], 1))], 2)
    for person, joint in hidden:
        joints[person, joint] = 0
    savemat(root / "joints.mat", {"joints": joints.transpose(1, 2, 0)})
    for number in range(1, len(params) + 1):
        Image.new("RGB", SIZE).save(root / "images" / f"im{number:05d}.jpg")
    return root


def write_coco(root, body, params, split="val2017"):
    """person_keypoints_val2017.json: two people in the first image, one in the next; a crowd, and one without marks."""
    (root / "annotations").mkdir(parents=True)
    (root / split).mkdir()
    places = joints_of(body, params, COCO17) - 0.5
    homes, annotations = [139, 139, 285], []
    for row, image in enumerate(homes):
        triples = np.concatenate([places[row], np.full((17, 1), 2.0)], 1)
        low, high = triples[:, :2].min(0), triples[:, :2].max(0)
        annotations.append(
            {
                "id": 1000 + row, "image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": 17,
                "keypoints": triples.ravel().tolist(), "bbox": [*low.tolist(), *(high - low).tolist()], "area": 1.0,
            }
        )  # fmt: skip
    crowd = {"id": 1, "image_id": 285, "category_id": 1, "iscrowd": 1, "keypoints": [0] * 51, "bbox": [0, 0, 9, 9]}
    empty = {**crowd, "id": 2, "iscrowd": 0, "num_keypoints": 0}
    names = list(COCO17)
    content = {
        "images": [{"id": i, "file_name": f"{i:012d}.jpg", "width": SIZE[0], "height": SIZE[1]} for i in (139, 285)],
        "annotations": [*annotations, crowd, empty],
        "categories": [{"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": []}],
    }
    (root / "annotations" / f"person_keypoints_{split}.json").write_text(json.dumps(content))
    for image in (139, 285):
        Image.new("RGB", SIZE).save(root / split / f"{image:012d}.jpg")
    return root


def opened(name, root, **options):
    return benchmark_of(name).open(SetOptions(root=root, **options))


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def table(folder, name="table"):
    with (folder / f"{name}.csv").open() as stream:
        return {row["method"]: row for row in csv.DictReader(stream)}


def save_results(folder, some_estimate, params, images, names=None):
    folder.mkdir()
    count = len(params)
    estimate = replace(
        some_estimate(count), global_orient=params[:, :3], body_pose=params[:, 3:72], betas=params[:, 72:82],
        transl=params[:, 82:], intrinsics=default_intrinsics(*SIZE).float().expand(count, 3, 3).clone(),
        image_size=torch.tensor([SIZE] * count), images=tuple(images),
        names=tuple(names or [f"{image}#0" for image in images]),
    )  # fmt: skip
    estimate.save(folder / "r.npz")
    return folder


def test_counts_against_a_plain_loop(tmp_path, body):
    params = bodies()
    write_lsp_extended(tmp_path, body, params, hidden=[(0, 3), (1, 0), (1, 1)])
    dataset = opened("lsp-extended", tmp_path).dataset
    people = [dataset.sample(row, body).marks for row in range(COUNT)]
    marks = marks_of(people, dataset.judged)
    assert marks.judged.sum(1).tolist() == [13, 12, 14]
    intrinsics = default_intrinsics(*SIZE).expand(COUNT, 3, 3)
    assert mark_counts(marks, body, params, intrinsics) == [(13, 13, 13), (12, 12, 12), (14, 14, 14)]
    moved = bodies()
    moved[:, 3:72] += 0.3 * torch.randn(COUNT, 69, generator=torch.Generator().manual_seed(9))
    drawn = joints_of(body, moved, LSP14)
    expected = []
    for row, person in enumerate(people):
        seen = [j for j, name in enumerate(LSP14) if person.confidence[CANONICAL_JOINTS.index(name)] > 0]
        where = {j: person.keypoints[CANONICAL_JOINTS.index(LSP14[j])] for j in seen}
        span = max(np.ptp([where[j][axis] for j in seen]) for axis in (0, 1))
        apart = [np.linalg.norm(drawn[row, j] - where[j]) for j in seen]
        expected.append((len(seen), *(sum(d <= t * span for d in apart) for t in THRESHOLDS)))
    assert mark_counts(marks, body, moved, intrinsics) == expected
    assert len(set(expected)) > 1
    moved[0] = torch.nan
    assert mark_counts(marks, body, moved, intrinsics)[0] == (13, 0, 0)
    moved[1, 84] = -3.0  # behind the camera
    assert mark_counts(marks, body, moved, intrinsics)[1] == (12, 0, 0)


def test_lsp_extended_from_keypoints_and_by_results(tmp_path, body, some_estimate):
    root = write_lsp_extended(tmp_path / "set", body, bodies(), hidden=[(0, 3)])
    line = ["benchmark", "lsp-extended", "--root", root, "-o", tmp_path / "out", "--variants", "direct,smplify-on-gt"]
    done = invoke(*line)
    assert done.exit_code == 0, (done.output, done.exception)
    rows = table(tmp_path / "out")
    assert float(rows["smplify-on-gt"]["PCK@0.1 %"]) > 90
    assert float(rows["smplify-on-gt"]["PCK@0.05 %"]) <= float(rows["smplify-on-gt"]["PCK@0.1 %"])
    assert "joints within 0.05" in (tmp_path / "out" / "cases.html").read_text()
    assert float(table(tmp_path / "out", "differences")["smplify-on-gt - direct"]["PCK@0.1 %"]) >= 0
    results = save_results(tmp_path / "r", some_estimate, bodies()[:2], ["images/im00001.jpg", "images/im00002.jpg"])
    line = ["evaluate", "--dataset", "lsp-extended", "--root", root, "--estimates", results, "-o", tmp_path / "e"]
    done = invoke(*line, "--workers", 1)
    assert done.exit_code == 0, (done.output, done.exception)
    (row,) = table(tmp_path / "e").values()
    assert float(row["PCK@0.05 %"]) == pytest.approx(100 * 27 / 41)  # who is missing hits none of 14
    assert row["failed"] == "1"
    read = [Record.from_line(text) for text in (tmp_path / "e" / "records.jsonl").read_text().splitlines()[1:]]
    assert [record.hits for record in read] == [(13, 13, 13), (14, 14, 14), (14, 0, 0)]


def test_detections_are_given_and_annotations_judge(tmp_path, body):
    root = write_coco(tmp_path / "coco", body, bodies())
    shifted = joints_of(body, bodies(), COCO17) + np.array([9.0, 0.0])
    triples = np.concatenate([shifted - 0.5, np.full((COUNT, 17, 1), 0.9)], 2)
    results = [
        {"image_id": image, "category_id": 1, "keypoints": triples[row].ravel().tolist(), "score": 0.9}
        for row, image in ((1, 139), (0, 139))
    ]
    (tmp_path / "d.json").write_text(json.dumps(results))
    one = benchmark_of("coco")
    found = opened("coco", root, keypoints=tmp_path / "d.json")
    assert found.dataset is not None
    assert found.dataset.names == ["000000000139.jpg#1000", "000000000139.jpg#1001", "000000000285.jpg#1002"]
    assert len(found.dataset.files) == 2
    block = found.blocks(true_cameras=one.true_cameras).block(0, body)
    nose = CANONICAL_JOINTS.index("nose")
    apart = block.detected.keypoints[:2, nose] - block.annotated.keypoints[:2, nose]
    torch.testing.assert_close(apart, torch.tensor([[9.0, 0.0]] * 2), atol=1e-3, rtol=0)
    assert not block.detected.confidence[2].any()  # nobody was detected there
    assert block.truth.marks is not None
    assert block.truth.marks.judged.sum(1).tolist() == [17, 17, 17]
    line = ["benchmark", "coco", "--root", root, "--keypoints", tmp_path / "d.json", "-o", tmp_path / "out"]
    done = invoke(*line, "--variants", "smplify,smplify-on-gt", "--no-cases")
    assert done.exit_code == 0, (done.output, done.exception)
    rows = table(tmp_path / "out")
    assert float(rows["smplify-on-gt"]["PCK@0.1 %"]) > float(rows["smplify"]["PCK@0.1 %"])


def test_coco_by_results_of_people_by_their_annotation(tmp_path, body, some_estimate):
    root = write_coco(tmp_path / "coco", body, bodies())
    images = ["val2017/000000000139.jpg"] * 2 + ["val2017/000000000285.jpg"]
    names = [f"{image}#{person}" for image, person in zip(images, (1001, 1000, 1002), strict=True)]
    results = save_results(tmp_path / "r", some_estimate, bodies()[[1, 0, 2]], images, names)
    line = ["evaluate", "--dataset", "coco", "--root", root, "--estimates", results, "-o", tmp_path / "e"]
    done = invoke(*line, "--workers", 1, "--no-cases")
    assert done.exit_code == 0, (done.output, done.exception)
    (row,) = table(tmp_path / "e").values()
    assert (float(row["PCK@0.05 %"]), row["people"], row["failed"]) == (100.0, "3", "0")


def test_results_that_name_the_image_alone_go_by_place(tmp_path, body, some_estimate):
    """As networks write them: a row a person, the image's name, and people whom nobody annotated."""
    params = bodies()
    params[0, 82], params[1, 82] = -0.45, 0.45
    root = write_coco(tmp_path / "coco", body, params)
    away = params[:1].clone()
    away[:, 82:] = torch.tensor([0.0, -9.0, 9.0])
    rows = torch.cat([params[[1]], away, params[[0]], params[[2]]])
    images = ["val2017/000000000139.jpg"] * 3 + ["val2017/000000000285.jpg"]
    camera = default_intrinsics(*SIZE).double()
    (tmp_path / "r").mkdir()
    np.savez(
        tmp_path / "r" / "smpl.npz", global_orient=rows[:, :3].numpy(), body_pose=rows[:, 3:72].numpy(),
        betas=rows[:, 72:82].numpy(), transl=rows[:, 82:].numpy(), imgname=np.array(images),
        intrinsics=np.tile(camera.numpy(), (4, 1, 1)),
    )  # fmt: skip
    line = ["evaluate", "--dataset", "coco", "--root", root, "--estimates", tmp_path / "r", "-o", tmp_path / "e"]
    done = invoke(*line, "--body", "open", "--workers", 1, "--no-cases")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "1 results lie where no annotated person of their image is" in done.stderr
    (row,) = table(tmp_path / "e").values()
    assert (float(row["PCK@0.05 %"]), row["people"], row["failed"]) == (100.0, "3", "0")


def test_what_is_missing_is_said(tmp_path, body):
    for name in ("coco", "lsp-extended"):
        with pytest.raises(DatasetError, match="comes from"):
            opened(name, tmp_path)
    root = write_lsp_extended(tmp_path / "set", body, bodies())
    (root / "images" / "im00002.jpg").unlink()
    found = opened("lsp-extended", root)
    assert found.dataset is not None
    assert found.dataset.names == ["im00001.jpg#0", "im00003.jpg#0"]
    assert "1 of 3 images are not there" in found.problems[0]
    coco = write_coco(tmp_path / "coco", body, bodies())
    (tmp_path / "d.json").write_text(json.dumps([{"image_id": 7, "keypoints": [5.0] * 51, "score": 1.0}]))
    with pytest.raises(DatasetError, match=r"d\.json: of other images \(000000000007 \.\.\.\) than the annotated"):
        opened("coco", coco, keypoints=tmp_path / "d.json")
    foreign = invoke("benchmark", "coco", "--root", coco, "-o", tmp_path / "o", "--joints", tmp_path)
    assert foreign.exit_code == 2
    refused = invoke("evaluate", "--dataset", "coco", "--root", coco, "--estimates", coco, "-o", tmp_path / "o",
                     "--people", "male")  # fmt: skip
    assert refused.exit_code == 2


def test_shares_are_pooled_and_differences_paired():
    first = [Record(method="a", name=f"p{i}", hits=(10, i, 2 * i)) for i in range(5)]
    second = [Record(method="b", name=f"p{i}", hits=(10, i + 1, 2 * i)) for i in range(5)]
    a, b = summarise([*first, *second], resamples=50)
    assert a.scores["pck_0.05"].value == pytest.approx(10 / 50)
    assert b.scores["pck_0.1"].value == pytest.approx(20 / 50)
    (apart,) = differences([*first, *second], "a", resamples=50)
    assert apart.scores["pck_0.05"].value == pytest.approx(0.1)
    assert apart.scores["pck_0.05"].low == pytest.approx(0.1)  # the same for every person
    assert apart.scores["pck_0.1"].value == 0
