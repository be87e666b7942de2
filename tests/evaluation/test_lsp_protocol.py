"""The LSP protocol on a hand-made set of twenty images whose counts are known, and what it says of bad input."""

import pickle
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from lsp_sets import SIZE, drawn, names_of, small_estimate, write_annotation, write_set, write_smplify  # type: ignore[import-not-found]
from PIL import Image
from typer.testing import CliRunner

from anchorfit.body import axis_angle_to_matrix, load_body
from anchorfit.camera import Crop
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks import OpenedSet
from anchorfit.evaluation.benchmarks.lsp import open_lsp_blocks
from anchorfit.evaluation.datasets.lsp import find_keypoints, lsp_name, open_lsp, read_annotation
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.estimates import EstimateError, index_estimates, read_estimate
from anchorfit.evaluation.matching import MatchedResults, match_results
from anchorfit.evaluation.methods.given import MISSING, entries_by_name, looked_up
from anchorfit.evaluation.part_labels import draw_labels
from anchorfit.evaluation.records import RecordFile
from anchorfit.evaluation.running import Bodies, run_benchmark
from anchorfit.evaluation.summary import summarise


def matched_in(opened: OpenedSet, estimates) -> tuple[MatchedResults, list[str]]:
    """Results of a set's people, and all that is said of them."""
    index = index_estimates(estimates)
    entries, lines = opened.renamed(index.entries)
    matched = match_results(opened.blocks(true_cameras=True).labels, entries, "lsp")
    return matched, [*index.problems, *lines, *matched.problems]


def scored(root, estimates, tmp_path, *, enlarged=1.0, **options):
    """Rows, records and problems of a run."""
    opened = open_lsp_blocks(root, truth_alone=True)
    people = opened.blocks(true_cameras=True, truth_alone=True)
    matched, lines = matched_in(opened, estimates)
    more = {"m": looked_up(entries_by_name(people.names, matched.entries), enlarged)}
    with RecordFile(tmp_path / "records.jsonl", {}) as file:
        records = run_benchmark(people, ["m"], file, body=Bodies(body=("open", "neutral")), more=more, **options)
    told = [f"{record.name}: {record.problem}" for record in records if record.problem]
    return summarise(records, resamples=50)[0], records, [*opened.problems, *lines, *told]


@pytest.fixture
def twenty(tmp_path, some_estimate):
    """Twenty images: fifteen drawn from the estimates themselves, four with known faults, one without a prediction."""
    names = names_of(20)
    estimate = small_estimate(some_estimate, names)
    labels = drawn(estimate)
    labels[16] = np.zeros_like(labels[16])  # nobody there: every drawn pixel is a false positive
    labels[17] = np.where(labels[17] == 2, 255, labels[17])  # the torso is not to be judged
    labels[18] = np.where(labels[18] == 5, 6, labels[18])  # the right leg is annotated as left
    masks = [parts > 0 for parts in labels]
    labels[15] = labels[15].copy()
    labels[15][:2] = 255  # two rows of background are not to be judged
    write_set(tmp_path / "root", names, labels, masks)
    (tmp_path / "out").mkdir()
    estimate.rows(range(19)).save(tmp_path / "out" / "all.npz")  # im1020 has no prediction
    return tmp_path, drawn(estimate)


def test_the_counts_of_twenty_images_are_exact(twenty):
    tmp_path, true = twenty
    row, records, problems = scored(tmp_path / "root", tmp_path / "out", tmp_path)
    assert row.people == 20
    assert row.failed == 1
    assert any("1 people have no result and count as failed: im1020" in line for line in problems)
    assert next(r for r in records if r.name == "im1020").problem == MISSING
    pixels = 20 * SIZE[0] * SIZE[1]
    area = [int((labels > 0).sum()) for labels in true]
    wrong_fb = area[16] + area[19]
    assert row.scores["fb_accuracy"].value == (pixels - wrong_fb) / pixels
    foreground = sum(area)
    hit = foreground - area[16] - area[19]
    background = pixels - foreground
    fb = [2 * hit / (2 * hit + area[16] + area[19]), 2 * background / (2 * background + area[16] + area[19])]
    assert row.scores["fb_f1"].value == pytest.approx(np.mean(fb), abs=1e-12)
    torso, leg = int((true[17] == 2).sum()), int((true[18] == 5).sum())
    assert not true[15][:2].any()
    # Ignored pixels are background for the accuracy: nothing drawn there is right, a torso is wrong.
    assert row.scores["part_accuracy"].value == (pixels - wrong_fb - torso - leg) / pixels
    scores = []
    for label in range(7):
        here = [int((labels == label).sum()) for labels in true]
        hits = sum(here) - here[16] - here[19]
        false_positives, misses = here[16], here[19]
        if label == 0:
            hits, false_positives, misses = sum(here) - 2 * SIZE[0], area[19], area[16]
        if label == 2:
            hits -= torso  # left out of the F1 altogether
        if label == 5:
            hits, false_positives = hits - leg, false_positives + leg
        if label == 6:
            misses += leg
        scores.append(2 * hits / (2 * hits + false_positives + misses))
    assert row.scores["part_f1"].value == pytest.approx(np.mean(scores), abs=1e-12)


def test_a_killed_run_goes_on_and_workers_change_nothing(twenty):
    tmp_path, _ = twenty
    for name in ("once", "killed"):
        (tmp_path / name).mkdir()
    whole, records, _ = scored(tmp_path / "root", tmp_path / "out", tmp_path / "once")
    lines = (tmp_path / "once" / "records.jsonl").read_text().splitlines(keepends=True)
    cut = "".join(lines[:8]) + lines[8][: len(lines[8]) // 2]  # seven records, and half of one
    (tmp_path / "killed" / "records.jsonl").write_text(cut)
    again, others, _ = scored(tmp_path / "root", tmp_path / "out", tmp_path / "killed", workers=2)
    assert again == whole
    assert {r.to_line() for r in others} == {r.to_line() for r in records}
    assert (tmp_path / "killed" / "records.jsonl").read_text().count("\n") == 21


def test_smplify_pickles_score_as_the_estimates_they_are(tmp_path, some_estimate):
    names = names_of(3)
    estimate = small_estimate(some_estimate, names)
    write_set(tmp_path / "root", names, drawn(estimate))
    folder = tmp_path / "pickles"
    folder.mkdir()
    write_smplify(folder / "im1001.pkl", estimate[0])
    write_smplify(folder / "1001.pkl", estimate[1])  # the public code counts the whole set from 0: im1002
    write_smplify(folder / "im1003_0.pkl", estimate[2], cam_t=None)
    row, _, problems = scored(tmp_path / "root", folder, tmp_path)
    assert row.failed == 1
    assert any("im1003: " in line and "no camera (cam_t)" in line for line in problems)
    assert any(line.startswith("1001.pkl is taken for im1002") for line in problems)
    (folder / "im1003_0.pkl").unlink()
    row, records, _ = scored(tmp_path / "root", folder, tmp_path, enlarged=1.0)
    assert len(records) == 3  # the records of the first run are kept


def test_enlarged_images_have_enlarged_focal_lengths(tmp_path, some_estimate):
    estimate = small_estimate(some_estimate, names_of(1))
    write_smplify(tmp_path / "im1001.pkl", estimate, f=2 * float(estimate.intrinsics[0, 0, 0]))
    (entry,) = index_estimates(tmp_path).entries
    placed = read_estimate(entry, enlarged=2.0)
    torch.testing.assert_close(placed.intrinsics[0, 0].float(), estimate.intrinsics[0, 0, 0])
    torch.testing.assert_close(placed.params[3:].float(), estimate.params[0, 3:])
    turns = [axis_angle_to_matrix(some[:3].double()) for some in (placed.params, estimate.params[0])]
    torch.testing.assert_close(*turns, atol=1e-6, rtol=0)  # a half turn may come back from the other side


def test_weak_perspective_results_land_where_they_were_predicted(tmp_path, some_estimate):
    names = names_of(2)
    estimate = small_estimate(some_estimate, names)
    pose = estimate.pose.double().numpy()
    camera = np.tile([0.9, 0.0, 0.25], (2, 1))
    np.savez(
        tmp_path / "spin.npz", imgname=np.array([f"images/{name}.jpg" for name in names]), pose=pose,
        shape=np.zeros((2, 10)), center=np.array([[30.0, 40.0]] * 2), scale=np.array([0.5, 0.5]), camera=camera,
    )  # fmt: skip
    index = index_estimates(tmp_path / "spin.npz")
    assert [entry.label for entry in index.entries] == ["images/im1001.jpg", "images/im1002.jpg"]
    placed = read_estimate(index.entries[0])
    # A point of the body at height y is drawn at (s (y + t) + 1) / 2 of the crop: here by the full camera.
    y, depth = 0.3, float(placed.params[84])
    row = (placed.intrinsics[1, 1] * (y + 0.25) / depth + placed.intrinsics[1, 2]).item()
    assert row == pytest.approx(40 - 50 + 100 * (0.9 * (y + 0.25) + 1) / 2)
    assert placed.crop is not None
    assert placed.crop.side.item() == 100


def test_a_body_on_a_crop_is_drawn_as_the_crop_saw_it(some_estimate):
    estimate = small_estimate(some_estimate, ["im1001"], (150, 200))
    (whole,) = drawn(estimate)
    crop = Crop.around_box((20.0, 10.0, 110.0, 180.0))
    sizes = [(150, 200)]
    (pasted,) = draw_labels(load_body(), estimate.params, estimate.intrinsics, sizes, [crop])
    different = whole != pasted
    assert 0 < different.sum() < 0.06 * (whole > 0).sum()  # outlines move by less than a pixel
    (narrow,) = draw_labels(
        load_body(), estimate.params, estimate.intrinsics, sizes, [Crop.around_box((60, 60, 30, 30))]
    )
    assert 0 < (narrow > 0).sum() < (whole > 0).sum()  # outside of the crop there is nobody


@pytest.mark.parametrize(
    ("missing", "said"), [("camera", "no camera"), ("scale", "lacks scale"), ("pose", "the key 'pose' is missing")]
)
def test_spin_files_that_lack_an_array_are_named_once(missing, said, tmp_path):
    """A file without a camera has a thousand rows without one: it is refused as a whole."""
    sizes = {"center": (2,), "scale": (), "pose": (72,), "shape": (10,), "camera": (3,)}
    arrays = {key: np.ones((2, *size)) for key, size in sizes.items() if key != missing}
    np.savez(tmp_path / "s.npz", imgname=np.array(["im1001.jpg", "im1002.jpg"]), **arrays)
    with pytest.raises(EstimateError, match=rf"s\.npz \(SPIN\): {said}"):
        index_estimates(tmp_path / "s.npz")
    np.savez(
        tmp_path / "t.npz", imgname=np.array(["im1001.jpg"]), **{key: np.ones((1, *s)) for key, s in sizes.items()}
    )
    index = index_estimates(tmp_path)
    assert [entry.path.name for entry in index.entries] == ["t.npz"]
    (problem,) = index.problems
    assert said in problem


def test_hostile_and_broken_files_are_problems(tmp_path, some_estimate):
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/evil'\ntR.")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(EstimateError, match="no estimates"):
        index_estimates(tmp_path / "cut.npz")
    with pytest.raises(ValueError, match="safe to read"):
        read_estimate(index_estimates(tmp_path / "evil.pkl").entries[0])
    small_estimate(some_estimate, ["im1001"]).save(tmp_path / "good.npz")
    index = index_estimates(tmp_path)
    assert len(index.problems) == 1
    assert len(index.entries) == 2


def test_two_estimates_of_an_image_and_estimates_of_none(tmp_path, some_estimate):
    write_set(tmp_path / "root", ["im1001"], [np.zeros((80, 60), np.uint8)])
    opened = open_lsp_blocks(tmp_path / "root", truth_alone=True)
    estimate = replace(small_estimate(some_estimate, ["im1001", "im1001"]), names=("im1001.jpg#0", "im1001.jpg#1"))
    estimate.save(tmp_path / "twice.npz")
    with pytest.raises(EstimateError, match=r"im1001: two results \(twice.npz row 0, twice.npz row 1\)"):
        matched_in(opened, tmp_path / "twice.npz")
    small_estimate(some_estimate, ["im0001"]).save(tmp_path / "other.npz")
    with pytest.raises(EstimateError, match="not one result is of a person of lsp, whose first is im1001"):
        matched_in(opened, tmp_path / "other.npz")
    small_estimate(some_estimate, ["im1001", "im0500"]).save(tmp_path / "extra.npz")
    (problem,) = matched_in(opened, tmp_path / "extra.npz")[1]
    assert problem.startswith("1 results are of nobody who is scored")


def test_an_estimate_of_another_size_counts_as_empty(tmp_path, some_estimate):
    write_set(tmp_path / "root", ["im1001"], [np.ones((50, 50), np.uint8)])
    small_estimate(some_estimate, ["im1001"]).save(tmp_path / "e.npz")
    row, _, problems = scored(tmp_path / "root", tmp_path / "e.npz", tmp_path)
    assert row.scores["fb_accuracy"].value == 0
    assert any("image of (60, 80), the annotation 50 x 50" in line for line in problems)


def test_bad_annotations_are_named(tmp_path):
    good = np.ones((8, 6), np.uint8)
    write_set(tmp_path, ["im1001", "im1002", "im1003", "im1004"], [good] * 4)
    folder = tmp_path / "data" / "lsp"
    Image.fromarray(np.ones((5, 6), np.uint8)).save(folder / "im1001_part_segmentation.png")
    Image.fromarray(np.full((8, 6), 31, np.uint8)).save(folder / "im1002_part_segmentation.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 6, 3), np.uint8)).save(
        folder / "im1003_part_segmentation.png"
    )
    images = open_lsp(tmp_path).images
    for image, message in zip(images, ("6 x 5 pixels, but", r"labels \[31\]", "mode RGB"), strict=False):
        with pytest.raises(DatasetError, match=message):
            read_annotation(image)
    write_annotation(tmp_path, "im1004", good, good)
    (folder / "im1004_segmentation.png").unlink()
    dataset = open_lsp(tmp_path)
    assert len(dataset.images) == 3
    assert any("im1004 has only one of" in line for line in dataset.problems)
    assert any("996 of 1000 test images" in line for line in dataset.problems)


def test_palettes_and_grey_in_colour_are_read(tmp_path):
    parts = np.arange(7, dtype=np.uint8)[None].repeat(3, 0)
    write_annotation(tmp_path, "im1001", parts > 0, parts)
    folder = tmp_path / "data" / "lsp"
    picture = Image.fromarray(parts, mode="P")
    picture.putpalette([9] * 768)
    picture.save(folder / "im1001_part_segmentation.png")
    Image.fromarray(parts > 0).save(folder / "im1001_segmentation.png")
    annotation = read_annotation(open_lsp(tmp_path).images[0])
    np.testing.assert_array_equal(annotation.parts, parts)
    np.testing.assert_array_equal(annotation.mask, parts > 0)
    Image.fromarray(parts[..., None].repeat(3, 2)).save(folder / "im1001_part_segmentation.png")
    np.testing.assert_array_equal(read_annotation(open_lsp(tmp_path).images[0]).parts, parts)


def test_a_wrong_root_says_where_the_set_comes_from(tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DatasetError, match=r"files\.is\.tuebingen\.mpg\.de"):
            open_lsp(root)
    assert find_keypoints(tmp_path, "joints.mat") is None


@pytest.mark.parametrize(("label", "name"), [("im1001.jpg", "im1001"), ("a/im1001_0.pkl", "im1001"), ("x.jpg", None)])
def test_names_of_images(label, name):
    assert lsp_name(label) == name


def test_the_command_scores_writes_and_refuses_to_mix_runs(twenty):
    tmp_path, _ = twenty
    options = ["evaluate", "--estimates", tmp_path / "out", "--dataset", "lsp", "--root", tmp_path / "root"]
    options += ["--workers", 1, "-o", tmp_path / "scores"]
    result = CliRunner().invoke(app, [str(option) for option in options])
    assert result.exit_code == 0, result.output
    assert "SMPLify on ground truth" in result.stdout
    files = {path.name for path in (tmp_path / "scores").iterdir()}
    assert {"table.csv", "table.md", "table.tex", "manifest.json", "records.jsonl"} <= files
    assert {"people.parquet", "people.csv"} & files
    assert (tmp_path / "scores" / "cases.html").read_text().count("data:image") == 6
    other = CliRunner().invoke(app, [str(option) for option in [*options, "--name", "another"]])
    assert "holds another run (method differ)" in str(other.exception)
    assert CliRunner().invoke(app, [str(o) for o in options] + ["--dataset", "nothing"]).exit_code == 2


def test_a_body_that_is_not_there_is_named_before_any_work(twenty):
    tmp_path, _ = twenty
    options = ["evaluate", "--estimates", tmp_path / "out", "--dataset", "lsp", "--root", tmp_path / "root"]
    options += ["-o", tmp_path / "scores", "--workers", 2, "--body", "SMPL_NOWHERE.pkl"]
    result = CliRunner().invoke(app, [str(option) for option in options])
    assert "SMPL_NOWHERE.pkl: no such body file" in str(result.exception)


def test_pickles_need_to_be_told_their_body(tmp_path, some_estimate):
    write_set(tmp_path / "root", ["im1001"], [np.zeros((80, 60), np.uint8)])
    write_smplify(tmp_path / "im1001.pkl", small_estimate(some_estimate, ["im1001"]))
    options = ["evaluate", "--estimates", tmp_path / "im1001.pkl", "--dataset", "lsp", "--root", tmp_path / "root"]
    result = CliRunner().invoke(app, [str(option) for option in [*options, "-o", tmp_path / "o"]])
    assert "give --body" in str(result.exception)


def stored_pose(held):
    return torch.as_tensor(np.ravel(held["pose"]), dtype=torch.float64)


def test_pickles_of_joblib_score_as_plain_ones(tmp_path, some_estimate):
    """joblib puts the bytes of arrays between the opcodes: no pickle reader takes that, and ours of results does."""
    estimate = small_estimate(some_estimate, names_of(1))
    for name, compress in (("plain", 0), ("packed", 3)):
        (tmp_path / name).mkdir()
        write_smplify(tmp_path / name / "im1001.pkl", estimate)
        held = pickle.loads((tmp_path / name / "im1001.pkl").read_bytes())
        joblib.dump(held, tmp_path / name / "im1001.pkl", compress=compress)
        (entry,) = index_estimates(tmp_path / name).entries
        body = read_estimate(entry)
        turned = [axis_angle_to_matrix(pose.reshape(24, 3)) for pose in (body.params[:72], stored_pose(held))]
        torch.testing.assert_close(*turned, rtol=0, atol=1e-6)  # a turn by pi has two axes
        assert float(body.intrinsics[0, 0]) == pytest.approx(float(np.ravel(held["f"])[0]))
