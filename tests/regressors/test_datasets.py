"""Readers of LSP, LSP-extended, MPII and COCO on small files of their layouts, and what is cut out for training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import KeypointFileError, write_image
from anchorfit.regressors.datasets import (
    AnnotatedPhotographs,
    Augmentation,
    coco_people,
    crop_person,
    lsp_people,
    mpii_people,
)
from anchorfit.regressors.datasets.crops import framing_of
from anchorfit.regressors.heatmaps import decode
from anchorfit.regressors.human2d import HUMAN2D_JOINTS, STRIDE

ANKLE, HEAD = CANONICAL_JOINTS.index("right_ankle"), CANONICAL_JOINTS.index("head_top")


def photograph(path: Path, size: tuple[int, int] = (100, 80)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    write_image(path, noise)


@pytest.fixture
def lsp(tmp_path) -> Path:
    """LSP's 2000 images, of which two are there; everybody's joint k is at (10 + k, 20 + 3 k), MATLAB's pixels."""
    joints = np.zeros((3, 14, 2000))
    joints[0], joints[1] = (10 + np.arange(14))[:, None], (20 + 3 * np.arange(14))[:, None]
    joints[2, 0] = 1  # the right ankle is hidden
    savemat(tmp_path / "joints.mat", {"joints": joints})
    for number in (1, 1001):
        photograph(tmp_path / "images" / f"im{number:04d}.jpg")
    return tmp_path


def test_lsp_in_its_two_halves(lsp):
    train, test = lsp_people(lsp), lsp_people(lsp, "test")
    assert (len(train), len(test), len(lsp_people(lsp, "all"))) == (1000, 1000, 2000)
    assert train[0].image == lsp / "images" / "im0001.jpg"
    assert test[0].image == lsp / "images" / "im1001.jpg"
    assert train[0].keypoints[ANKLE].tolist() == [9.5, 19.5]
    assert train[0].confidence[[ANKLE, HEAD]].tolist() == [0.5, 1]


def test_lsp_extended_is_all_for_training(tmp_path):
    joints = np.ones((14, 3, 5))
    joints[0, 2] = 0  # not annotated
    savemat(tmp_path / "joints.mat", {"joints": joints})
    photograph(tmp_path / "images" / "im00002.jpg")
    people = lsp_people(tmp_path)
    assert len(people) == 5
    assert people[4].image == tmp_path / "images" / "im00005.jpg"
    assert people[0].confidence[[ANKLE, HEAD]].tolist() == [0, 1]
    assert not lsp_people(tmp_path, "test")


@pytest.mark.parametrize("folder", ["", "images"])
def test_lsp_extended_in_high_resolution(tmp_path, folder):
    """hr-lspet: .png, beside joints.mat."""
    savemat(tmp_path / "joints.mat", {"joints": np.ones((14, 3, 3))})
    photograph(tmp_path / folder / "im00003.png")
    assert [person.image for person in lsp_people(tmp_path)] == [
        tmp_path / folder / f"im0000{number}.png" for number in (1, 2, 3)
    ]
    assert AnnotatedPhotographs(lsp_people(tmp_path)[2:], size=64).batch(0, 1).picture.std() > 0


def test_lsp_without_its_images_or_with_a_wrong_split(lsp, tmp_path):
    with pytest.raises(ValueError, match="split: expected train, test or all"):
        lsp_people(lsp, "validation")  # type: ignore[arg-type]
    for path in (lsp / "images").iterdir():
        path.unlink()
    (lsp / "images").rmdir()
    with pytest.raises(FileNotFoundError, match=r"no image im0001\.jpg"):
        lsp_people(lsp)


def structs(*rows: dict) -> np.ndarray:
    """A MATLAB struct array, as scipy writes one."""
    array = np.zeros((1, len(rows)), dtype=[(name, object) for name in rows[0]])
    for column, row in enumerate(rows):
        for name, value in row.items():
            array[0, column][name] = value
    return array


def mpii_file(path: Path, training: tuple[int, ...] = (1, 1, 0), first: dict | None = None) -> Path:
    """Three images: two people, of whom one has a single joint; nobody annotated; one set aside for testing."""
    (path.parent / "images").mkdir(exist_ok=True)
    points = structs(
        {"x": 31.0, "y": 71.0, "id": 0, "is_visible": 1},
        {"x": 33.0, "y": 11.0, "id": 9, "is_visible": np.zeros((0, 0))},
        {"x": 35.0, "y": 41.0, "id": 6, "is_visible": "0"},
    )
    single = structs({"x": 5.0, "y": 6.0, "id": 9, "is_visible": 1})
    place = structs({"x": 33.0, "y": 41.0})
    head = {"x1": 1, "y1": 1, "x2": 2, "y2": 2}
    people = structs(
        {**head, "annopoints": structs({"point": points}), "scale": 0.4, "objpos": place},
        {**head, "annopoints": structs({"point": single}), "scale": np.zeros((0, 0)), "objpos": np.zeros((0, 0))},
        {**head, "annopoints": np.zeros((0, 0)), "scale": 0.5, "objpos": place},
    )
    images = [structs({"name": f"{name}.jpg"}) for name in ("one", "two", "three")]
    images[0] = structs(first) if first is not None else images[0]
    annolist = structs(
        {"image": images[0], "annorect": people, "frame_sec": np.zeros((0, 0)), "vididx": np.zeros((0, 0))},
        {"image": images[1], "annorect": np.zeros((0, 0)), "frame_sec": 3, "vididx": 1},
        {"image": images[2], "annorect": people[:, :1], "frame_sec": 3, "vididx": 1},
    )
    release = structs({"annolist": annolist, "img_train": np.array([training]), "version": "12"})
    savemat(path, {"RELEASE": release})
    return path


def test_mpii_with_everything_that_may_be_missing(tmp_path):
    path = mpii_file(tmp_path / "mpii_human_pose_v1_u12_1.mat")
    first, second = mpii_people(path, tmp_path / "images")
    assert first.image == second.image == tmp_path / "images" / "one.jpg"
    assert (first.person_id, second.person_id) == ("0", "1")
    assert first.keypoints[ANKLE].tolist() == [30.5, 70.5]
    assert first.confidence[[ANKLE, HEAD, CANONICAL_JOINTS.index("pelvis")]].tolist() == [1, 1, 0.5]
    assert (first.confidence > 0).sum() == 3
    assert first.box == (-7.5, 0.5, 80, 80)  # 200 * 0.4 around (32.5, 40.5)
    assert second.box is None
    everybody = mpii_people(path, tmp_path, training_only=False)
    assert [person.image.name for person in everybody if person.image] == ["one.jpg", "one.jpg", "three.jpg"]


def test_files_that_are_not_mpiis(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mat"):
        mpii_people(tmp_path / "nowhere.mat", tmp_path)
    (tmp_path / "text.mat").write_text("hello")
    with pytest.raises(KeypointFileError, match=r"text\.mat: not readable as a MATLAB file"):
        mpii_people(tmp_path / "text.mat", tmp_path)
    savemat(tmp_path / "other.mat", {"joints": np.zeros(3)})
    with pytest.raises(KeypointFileError, match=r"other\.mat: expected MPII's struct RELEASE"):
        mpii_people(tmp_path / "other.mat", tmp_path)


def test_mpiis_file_with_parts_missing_is_one_line(tmp_path):
    path = mpii_file(tmp_path / "unlike.mat", training=(1, 1))
    with pytest.raises(
        KeypointFileError, match=r"unlike\.mat: expected annolist and img_train of one length.* 3 and 2"
    ):
        mpii_people(path, tmp_path)
    path = mpii_file(tmp_path / "nameless.mat", first={"title": "one.jpg"})
    with pytest.raises(KeypointFileError, match=r"nameless\.mat: annolist\(1\) has no image\.name"):
        mpii_people(path, tmp_path)


def test_folders_of_images_that_are_not_there(coco, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        coco_people(coco / "person_keypoints_train2017.json", tmp_path / "nowhere")
    path = mpii_file(tmp_path / "mpii.mat")
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        mpii_people(path, tmp_path / "nowhere")


@pytest.fixture
def coco(tmp_path) -> Path:
    """One image with a polygon, run lengths, a crowd, and somebody with two joints only."""
    photograph(tmp_path / "images" / "a.jpg")
    joints = [10 + 3 * (i // 3) if i % 3 < 2 else 2 for i in range(51)]
    few = [v if i < 6 else 0 for i, v in enumerate(joints)]
    box = [5, 5, 70, 70]
    common = {"image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": box, "keypoints": joints}
    polygon = [[10, 10, 50, 10, 50, 50, 10, 50]]
    runs = {"size": [80, 100], "counts": [800, 4000, 3200]}  # columns 10 to 59
    annotations = [
        common | {"id": 1, "segmentation": polygon},
        common | {"id": 2, "segmentation": runs},
        common | {"id": 3, "segmentation": runs, "iscrowd": 1},
        common | {"id": 4, "segmentation": polygon, "keypoints": few},
    ]
    images = [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}]
    path = tmp_path / "person_keypoints_train2017.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return tmp_path


def test_coco_with_both_kinds_of_masks(coco):
    people = coco_people(coco / "person_keypoints_train2017.json", coco / "images")
    assert [person.person_id for person in people] == ["1", "2"]
    assert people[0].image == coco / "images" / "a.jpg"
    assert np.asarray(people[0].mask).sum() == 40 * 40
    assert np.asarray(people[1].mask)[:, 10:60].all()


def test_people_of_coco_who_cannot_be_read_are_told(coco):
    path = coco / "person_keypoints_train2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["keypoints"] = [1, 2]
    path.write_text(json.dumps(content))
    people = coco_people(path, coco / "images")
    assert [person.person_id for person in people] == ["2"]
    (line,) = people.problems
    assert "a.jpg#1: keypoints: expected" in line


def test_a_crop_without_augmentation(coco):
    person = coco_people(coco / "person_keypoints_train2017.json", coco / "images")[0]
    image = np.zeros((80, 100, 3), np.uint8)
    crop = crop_person(image, person, framing_of(person))
    side = 1.25 * 70
    expected = (np.array([10.5, 10.5]) - (40 - side / 2)) * 256 / side  # the nose, the box around (40, 40)
    nose = HUMAN2D_JOINTS.index("nose")
    np.testing.assert_allclose(crop.positions[nose], expected, rtol=1e-5)
    np.testing.assert_allclose(decode(crop.heatmaps[None], STRIDE).positions[0, nose], expected, atol=0.05)
    assert int(crop.known.sum()) == 17
    assert not crop.heatmaps[~crop.known].any()
    assert crop.has_body
    assert crop.body.sum() == pytest.approx(40 * 40 * (64 / side) ** 2, rel=0.02)


def test_augmentation_moves_picture_joints_and_mask_together():
    """A mask that is drawn into the picture stays on it, and mirrored people keep their own left."""
    from anchorfit.observations import read_people

    person = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    mask = np.asarray(person.mask)
    image = np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255
    generator = torch.Generator().manual_seed(0)
    mirrored = 0
    for _ in range(6):
        framing = Augmentation().vary(framing_of(person), generator)
        assert abs(np.rad2deg(framing.turn)) <= 30
        assert 1 / 1.25 <= framing.side / framing_of(person).side <= 1 / 0.75
        mirrored += framing.mirrored
        crop = crop_person(image, person, framing)
        small = torch.nn.functional.avg_pool2d(crop.picture[None, :1], 4)[0, 0]
        assert (small - crop.body).abs().mean() < 0.01
        left, right = (crop.positions[HUMAN2D_JOINTS.index(f"{side}_shoulder"), 0] for side in ("left", "right"))
        assert left > right  # the skier faces us, and so does the mirror image
    assert 0 < mirrored < 6


def test_batches_are_their_rows_and_the_same_again(coco):
    people = coco_people(coco / "person_keypoints_train2017.json", coco / "images")
    data = AnnotatedPhotographs(people, seed=3)
    whole = data.batch(5, 4)
    assert whole.picture.shape == (4, 3, 256, 256)
    part = data.batch(5, 4, slice(2, 4))
    for all_rows, some in zip(whole.rows(slice(2, 4)), part, strict=True):
        assert torch.equal(all_rows, some)
    assert not torch.equal(data.batch(6, 4).positions, whole.positions)


def test_nobody_to_learn_from():
    with pytest.raises(ValueError, match="expected at least one"):
        AnnotatedPhotographs([])
