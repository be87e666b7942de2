"""``anchorfit fit`` from end to end: what it writes, and what it says of bad input without losing a neighbour."""

import errno
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh

from anchorfit.assets import ASSETS
from anchorfit.body import axis_angle_to_matrix, load_body
from anchorfit.cli.main import run
from anchorfit.fitting import SCHEDULES, read_config
from anchorfit.observations import match_people, read_people
from anchorfit.pipeline import FitOptions, fit_people
from anchorfit.results import BodyEstimate
from anchorfit.runs import INDEX, JOURNAL

PHOTO = ASSETS / "demo" / "000000000785.jpg"
ANNOTATIONS = json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())
SKIER = next(a for a in ANNOTATIONS["annotations"] if a["image_id"] == 785)


def coco(*keypoints: list[float], image: str = "photo.jpg", size: tuple[int, int] = (640, 425)) -> dict:
    """A COCO file of one image with a person for each list of 51 numbers."""
    common = {"image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": SKIER["bbox"], "num_keypoints": 17}
    people = [common | {"id": i + 1, "keypoints": k} for i, k in enumerate(keypoints)]
    images = [{"id": 1, "file_name": image, "width": size[0], "height": size[1]}]
    return {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}


class Command:
    """Runs ``anchorfit fit`` in a folder with one photograph, and keeps what it printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch
        self.out = folder / "out"
        shutil.copy(PHOTO, folder / "photo.jpg")

    def __call__(self, content: dict | str, *images: str, save: str = "npz", options: tuple[str, ...] = ()) -> int:
        path = self.folder / "people.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        paths = [str(self.folder / image) for image in images or ("photo.jpg",)]
        argv = ["anchorfit", "fit", *paths, "-k", str(path), "-o", str(self.out), "--save", save, *options]
        self.monkeypatch.setattr("sys.argv", argv)
        try:
            run()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = self.capsys.readouterr()
        self.stdout, self.stderr = captured.out, captured.err
        assert "Traceback" not in self.stderr
        return code

    def written(self) -> list[str]:
        """Files of results: all but the index."""
        names = [p.name for p in self.out.iterdir()] if self.out.is_dir() else []
        return sorted({*names} - {INDEX, JOURNAL})


@pytest.fixture
def command(tmp_path, capsys, monkeypatch) -> Command:
    return Command(tmp_path, capsys, monkeypatch)


def test_every_kind_of_file_is_written(command):
    assert command(coco(SKIER["keypoints"]), save="npz,json,pkl,obj,ply,glb,rigged,bvh,overlay,side") == 0
    kinds = ["bvh", "glb", "json", "npz", "obj", "pkl", "ply"]
    others = ["photo_1_rigged.glb", "photo_overlay.png", "photo_side.png"]
    assert command.written() == [*(f"photo_1.{kind}" for kind in kinds), *others]
    assert "photo.jpg#1" in command.stdout
    estimate = BodyEstimate.load(command.out / "photo_1.npz")
    assert estimate.image_size.tolist() == [[640, 425]]
    assert (estimate.body, estimate.gender, estimate.method) == ("open", "neutral", "anchored")
    assert cv2.imread(str(command.out / "photo_overlay.png")).shape == (425, 640, 3)


def test_a_report_shows_the_fit_beside_its_prediction(command):
    assert command(coco(SKIER["keypoints"])) == 0
    alone = BodyEstimate.load(command.out / "photo_1.npz").pose
    assert command(coco(SKIER["keypoints"]), options=("--report",)) == 0
    np.testing.assert_array_equal(BodyEstimate.load(command.out / "photo_1.npz").pose, alone)
    page = (command.out / "report.html").read_text("utf-8")
    assert '"against":{"method":"direct"' in page


@pytest.mark.parametrize("floor", [(), ("--floor", "height=1.4,pitch=20")], ids=["none", "given"])
def test_a_report_changes_no_result(command, floor):
    assert command(coco(SKIER["keypoints"]), options=floor) == 0
    alone = (command.out / "photo_1.npz").read_bytes()
    assert command(coco(SKIER["keypoints"]), options=("--report", *floor)) == 0
    assert (command.out / "photo_1.npz").read_bytes() == alone


def test_the_focal_length_is_the_users(command):
    assert command(coco(SKIER["keypoints"]), options=("--focal", "1234.5")) == 0
    assert BodyEstimate.load(command.out / "photo_1.npz").intrinsics[0, 0, 0] == 1234.5


def test_a_fit_starts_from_earlier_estimates(command):
    assert command(coco(SKIER["keypoints"])) == 0
    first = BodyEstimate.load(command.out / "photo_1.npz")
    start = command.folder / "start"
    command.out.rename(start)
    assert command(coco(SKIER["keypoints"], SKIER["keypoints"]), options=("--init", str(start))) == 0
    assert "photo.jpg#2: skipped: no prediction of this name to start from" in command.stderr
    second = BodyEstimate.load(command.out / "photo_1.npz")
    assert second.method == "anchored"
    now, before = (axis_angle_to_matrix(estimate.pose.unflatten(1, (24, 3))) for estimate in (second, first))
    assert (now - before).abs().max() < 0.3  # nearly the same turns, whichever way round they are written


def test_masks_come_from_the_file_a_png_or_a_folder(command):
    content = coco(SKIER["keypoints"])
    content["annotations"][0]["segmentation"] = SKIER["segmentation"]
    assert command(content) == 0
    without = BodyEstimate.load(command.out / "photo_1.npz")
    assert command(content, options=("--mask", "file")) == 0
    with_mask = BodyEstimate.load(command.out / "photo_1.npz")
    assert "silhouette" in with_mask.diagnostics.energy
    assert not np.array_equal(with_mask.pose, without.pose)
    (person,) = read_people(command.folder / "people.json").people
    masks = command.folder / "masks"
    masks.mkdir()
    cv2.imwrite(str(masks / "photo.png"), np.asarray(person.mask).astype(np.uint8) * 255)
    for place in (masks, masks / "photo.png"):
        assert command(coco(SKIER["keypoints"]), options=("--mask", str(place))) == 0
        np.testing.assert_array_equal(BodyEstimate.load(command.out / "photo_1.npz").pose, with_mask.pose)


def test_a_mask_that_cannot_be_used_is_said_and_the_person_fitted_without(command):
    assert command(coco(SKIER["keypoints"])) == 0
    without = BodyEstimate.load(command.out / "photo_1.npz")
    masks = command.folder / "masks"
    masks.mkdir()
    path = masks / "photo_mask.png"
    for content in (b"", cv2.imencode(".png", np.ones((9, 9), np.uint8))[1].tobytes()):
        path.write_bytes(content)
        assert command(coco(SKIER["keypoints"]), options=("--mask", str(masks))) == 0
        assert "photo.jpg#1: " in command.stderr
        np.testing.assert_array_equal(BodyEstimate.load(command.out / "photo_1.npz").pose, without.pose)
    path.unlink()
    assert command(coco(SKIER["keypoints"]), options=("--mask", str(masks))) == 0
    assert "photo.jpg#1: no mask in" in command.stderr
    assert command(coco(SKIER["keypoints"]), options=("--mask", "nowhere")) == 1
    assert "nowhere: no such mask" in command.stderr


def bad_people() -> dict[str, list[float]]:
    good = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
    single = good.copy()
    single[1:, 2] = 0
    absurd, infinite, outside = good.copy(), good.copy(), good.copy()
    absurd[:, 0] = 1e9
    infinite[:, 1] = np.inf
    outside[:, :2] += 1e5
    nan = np.full_like(good, np.nan)
    unseen = good * [1, 1, 0]
    named = {
        "nan": nan,
        "infinite": infinite,
        "absurd": absurd,
        "one joint": single,
        "unseen": unseen,
        "outside": outside,
    }
    return {name: rows.ravel().tolist() for name, rows in named.items()}


def test_bad_people_are_named_and_lose_no_neighbour(command):
    assert command(coco(SKIER["keypoints"])) == 0
    alone = (BodyEstimate.load(command.out / "photo_1.npz")).pose
    shutil.rmtree(command.out)
    bad = bad_people()
    assert command(coco(*bad.values(), SKIER["keypoints"])) == 0
    assert command.written() == [f"photo_{len(bad) + 1}.npz"]
    for i in range(len(bad)):
        told = [
            line for line in command.stderr.splitlines() if f"photo.jpg#{i + 1}" in line.partition(": skipped: ")[0]
        ]
        assert len(told) == 1
    among = BodyEstimate.load(command.out / f"photo_{len(bad) + 1}.npz").pose
    np.testing.assert_array_equal(among.numpy(), alone.numpy())


@pytest.mark.parametrize("name", list(bad_people()))
def test_only_a_bad_person_is_an_error(command, name):
    assert command(coco(bad_people()[name])) == 1
    assert "photo.jpg#1" in command.stderr
    assert "not one person could be fitted" in command.stderr
    assert command.written() == []


def test_a_person_with_some_bad_joints_is_fitted_on_the_others(command):
    rows = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
    rows[9] = [np.nan, 1e9, 2]
    rows[10, :2] = -1e9
    assert command(coco(rows.ravel().tolist())) == 0
    estimate = BodyEstimate.load(command.out / "photo_1.npz")
    assert np.isfinite(estimate.pose.numpy()).all()
    assert int((estimate.confidence > 0).sum()) == 15


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        json.dumps(coco(SKIER["keypoints"]))[:-40],
        "[1, 2, 3]",
        '{"hello": "world"}',
        "\x00\x01",
        "<html></html>",
    ],
)
def test_a_broken_keypoint_file_is_one_line(command, content):
    assert command(content) == 1
    assert "people.json" in command.stderr
    assert len(command.stderr.strip().splitlines()) == 1


def test_no_person_in_the_file(command):
    assert command(coco()) == 1
    assert "no person" in command.stderr


def test_a_file_with_people_is_never_said_to_have_none(command):
    """Two images of other names, and one id for two images: who is in the file is said."""
    shutil.copy(PHOTO, command.folder / "other.jpg")
    assert command(coco(SKIER["keypoints"], image="third.jpg"), "photo.jpg", "other.jpg") == 1
    assert "1 people in it, none for any of the 2 images" in command.stderr
    twice = coco(SKIER["keypoints"])
    twice["images"].append({"id": 1, "file_name": "other.jpg", "width": 640, "height": 425})
    assert command(twice) == 1
    assert "id 1 stands for photo.jpg and other.jpg; its 1 people are left out" in command.stderr
    assert "nobody in it can be used, as the lines above say" in command.stderr
    assert "no person in it" not in command.stderr


def test_an_annotation_file_names_the_images_of_numbers(command):
    """COCO results know numbers alone; the annotation file beside them knows what these images are called."""
    result = {"image_id": 55, "category_id": 1, "score": 0.9, "keypoints": SKIER["keypoints"]}
    shutil.copy(PHOTO, command.folder / "other.jpg")
    assert command([result], "photo.jpg", "other.jpg") == 1
    assert "000000000055.jpg" in command.stderr
    (command.folder / "coco.json").write_text(json.dumps({"images": [{"id": 55, "file_name": "photo.jpg"}]}))
    names = command.folder / "coco.json"
    assert command([result], "photo.jpg", "other.jpg", options=("--images", str(names))) == 0
    assert command.written() == ["photo_0.npz"]
    names.unlink()
    assert command([result], options=("--images", str(names))) == 1
    assert "coco.json: no such annotation file" in command.stderr


def test_the_same_of_many_people_is_one_line(command):
    people = coco(*[SKIER["keypoints"]] * 12)
    for number, annotation in enumerate(people["annotations"]):
        annotation["keypoints"] = [*annotation["keypoints"]]
        annotation["keypoints"][3 * number] = -30 - number  # one joint of each outside the image
        annotation["keypoints"][3 * number + 2] = 2
    assert command(people) == 0
    lines = [line for line in command.stderr.splitlines() if "outside the image; kept" in line]
    assert len(lines) == 1
    assert "and 9 more" in " ".join(command.stderr.split())


def write_odd_image(path: Path, kind: str) -> None:
    photo = cv2.imread(str(PHOTO))
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is no image")
    elif kind == "truncated":
        path.write_bytes(PHOTO.read_bytes()[:300])
    elif kind != "missing":
        odd = {
            "grey": cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY),
            "rgba": cv2.cvtColor(photo, cv2.COLOR_BGR2BGRA),
            "16-bit": photo.astype(np.uint16) * 257,
        }[kind]
        path.write_bytes(cv2.imencode(".png", odd)[1].tobytes())


@pytest.mark.parametrize("kind", ["grey", "rgba", "16-bit"])
def test_unusual_images_are_read(command, kind):
    write_odd_image(command.folder / "photo.png", kind)
    assert command(coco(SKIER["keypoints"], image="photo.png"), "photo.png", save="overlay") == 0
    assert cv2.imread(str(command.out / "photo_overlay.png")).shape == (425, 640, 3)


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated"])
def test_an_unreadable_image_loses_no_other(command, kind):
    write_odd_image(command.folder / "odd.jpg", kind)
    content = coco(SKIER["keypoints"])
    content["images"].append({"id": 2, "file_name": "odd.jpg", "width": 640, "height": 425})
    content["annotations"].append(content["annotations"][0] | {"id": 2, "image_id": 2})
    assert command(content, "odd.jpg", "photo.jpg", save="npz,overlay") == 0
    assert {"photo_1.npz", "photo_overlay.png"} <= set(command.written())
    assert "odd.jpg" in command.stderr
    assert "odd_overlay.png" not in command.written()


def test_a_one_pixel_image_is_said(command):
    cv2.imwrite(str(command.folder / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    assert command(coco(SKIER["keypoints"], image="dot.png", size=(1, 1)), "dot.png") == 1
    assert "dot.png#1" in command.stderr


def test_a_huge_image(command):
    huge = cv2.resize(cv2.imread(str(PHOTO)), (8000, 6000), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(command.folder / "huge.jpg"), huge, [cv2.IMWRITE_JPEG_QUALITY, 50])
    rows = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3) * [8000 / 640, 6000 / 425, 1]
    content = coco(rows.ravel().tolist(), image="huge.jpg", size=(8000, 6000))
    assert command(content, "huge.jpg", save="npz,overlay") == 0
    assert cv2.imread(str(command.out / "huge_overlay.png")).shape == (6000, 8000, 3)


def test_an_image_rotated_by_exif_is_fitted_as_it_is_displayed(command):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side; viewers turn it clockwise
    with Image.open(PHOTO) as photo:
        photo.transpose(Image.Transpose.ROTATE_90).save(command.folder / "turned.jpg", exif=exif)
    assert command(coco(SKIER["keypoints"], image="turned.jpg"), "turned.jpg", save="npz,overlay") == 0
    assert cv2.imread(str(command.out / "turned_overlay.png")).shape == (425, 640, 3)
    assert BodyEstimate.load(command.out / "turned_1.npz").image_size.tolist() == [[640, 425]]


def test_an_output_that_is_a_file(command):
    command.out.write_text("")
    assert command(coco(SKIER["keypoints"])) == 1
    assert f"{command.out}: not a folder" in command.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_output_folder(command):
    command.out.mkdir(mode=0o500)
    assert command(coco(SKIER["keypoints"])) == 1
    assert f"{command.out}: cannot write there" in command.stderr


def test_a_read_only_output_folder_as_the_system_says_it(command, monkeypatch):
    def refuse(dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert command(coco(SKIER["keypoints"])) == 1
    assert "cannot write there: Permission denied" in command.stderr.replace("\n", "")


def test_a_full_disk_stops_the_run_in_one_line(command, monkeypatch):
    rename = os.replace

    def full(source: str, target: object) -> None:
        if not str(target).endswith(JOURNAL):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        rename(source, str(target))

    monkeypatch.setattr(os, "replace", full)
    assert command(coco(SKIER["keypoints"]), save="npz,glb,overlay") == 1
    assert "photo_1.npz: cannot be written (No space left on device)" in command.stderr
    assert len(command.stderr.strip().splitlines()) == 1
    assert os.listdir(command.out) == [JOURNAL]
    monkeypatch.setattr(os, "replace", rename)
    assert command(coco(SKIER["keypoints"])) == 0  # nothing was done yet, so other options are no conflict
    assert command.written() == ["photo_1.npz"]


@pytest.mark.parametrize(
    "options",
    [
        ("--save", "npz,gif"),
        ("--save", ","),
        ("--focal", "-3"),
        ("--focal", "nan"),
        ("--pitch", "91"),
        ("--pitch", "down"),
        ("--schedule", "dogleg"),
        ("--gender", "robot"),
        ("--age", "baby"),
        ("--renderer", "opengl"),
    ],
)
def test_wrong_options_are_a_usage_error(command, options):
    assert command(coco(SKIER["keypoints"]), options=options) == 2


def test_a_child_is_fitted_written_and_exported_again(command, monkeypatch):
    assert command(coco(SKIER["keypoints"]), options=("--age", "child")) == 0
    path = command.out / "photo_1.npz"
    child, own = BodyEstimate.load(path), load_body(age="child")
    assert (child.body, child.gender) == ("open_child", "neutral")
    monkeypatch.setattr("sys.argv", ["anchorfit", "export", str(path), "-o", str(command.out), "--save", "ply"])
    with pytest.raises(SystemExit):
        run()
    mesh = trimesh.load(command.out / "photo_1.ply", process=False)
    assert isinstance(mesh, trimesh.Trimesh)
    vertices = np.asarray(mesh.vertices)
    posed = own(**{name: getattr(child, name) for name in ("betas", "body_pose", "global_orient", "transl")}).vertices
    np.testing.assert_allclose(vertices.std(0), posed[0].numpy().std(0), rtol=1e-3)
    assert command(coco(SKIER["keypoints"]), options=("--restart",)) == 0
    adult = BodyEstimate.load(path)
    assert adult.body == "open"
    assert float(child.transl[0, 2]) < 0.85 * float(adult.transl[0, 2])  # who is smaller is nearer


def test_an_age_is_of_the_open_body(command):
    assert command(coco(SKIER["keypoints"]), options=("--body", "SMPL_NEUTRAL.pkl", "--age", "child")) == 1
    assert "SMPL_NEUTRAL.pkl: age 'child' means the open body for children" in command.stderr.replace("\n", " ")


def test_a_missing_body_says_where_to_get_one(command):
    assert command(coco(SKIER["keypoints"]), options=("--body", "SMPL_NEUTRAL.pkl")) == 1
    assert "SMPL_NEUTRAL.pkl" in command.stderr


def test_a_missing_device_is_one_line(command):
    assert command(coco(SKIER["keypoints"]), options=("--device", "nonsense")) == 1
    assert "device 'nonsense'" in command.stderr


def test_notes_name_the_person_once(command):
    rows = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
    rows[9, 0] = np.nan
    assert command(coco(rows.ravel().tolist())) == 0
    expected = "anchorfit: photo.jpg#1: left_wrist: the position is not a finite number; taken as not seen"
    assert command.stderr.strip() == expected


def test_people_of_one_id_and_odd_names_are_all_written(command):
    triples = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3).tolist()
    people = [{"image": "photo.jpg", "person": name, "keypoints": triples} for name in ("1", "1", "[/x]")]
    assert command({"convention": "coco17", "people": people}) == 0
    assert command.written() == ["photo_1-2.npz", "photo_1.npz", "photo_x.npz"]
    assert "photo.jpg#1: there is another of this id; named 1-2" in command.stderr
    assert "photo.jpg#[/x]" in command.stdout


def test_an_image_that_is_not_there_is_said(command):
    assert command(coco(SKIER["keypoints"]), "photo.jpg", "nope.jpg") == 0
    assert "nope.jpg: no such image" in command.stderr


def test_one_person_in_several_images(command):
    """Three frames, in the second of which a wrist was found elsewhere."""
    jump = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
    jump[10, :2] += 25
    content = coco(SKIER["keypoints"], jump.ravel().tolist(), SKIER["keypoints"])
    names = ("photo.jpg", "second.jpg", "third.jpg")
    content["images"] = [content["images"][0] | {"id": i + 1, "file_name": name} for i, name in enumerate(names)]
    for i, (annotation, name) in enumerate(zip(content["annotations"], names, strict=True)):
        annotation["image_id"] = i + 1
        shutil.copy(PHOTO, command.folder / name)

    def fitted(*options: str) -> list[BodyEstimate]:
        assert command(content, *names, options=options) == 0
        return [BodyEstimate.load(command.out / f"{Path(n).stem}_{i + 1}.npz") for i, n in enumerate(names)]

    def jump_of(frames: list[BodyEstimate]) -> float:
        before, middle, after = (frame.body_pose for frame in frames)
        return float((middle - (before + after) / 2).norm())

    apart, shared, smooth = fitted(), fitted("--same-person"), fitted("--video")
    assert not np.array_equal(apart[0].betas, apart[1].betas)
    assert all(np.array_equal(frame.betas, shared[0].betas) for frame in shared)
    assert jump_of(smooth) < 0.8 * jump_of(apart)


def test_two_people_in_one_image_are_not_one_person(command):
    assert command(coco(SKIER["keypoints"], SKIER["keypoints"]), options=("--same-person",)) == 1
    assert "photo.jpg: several people" in command.stderr


def test_a_file_changes_constants_of_the_schedule(command):
    config = command.folder / "fit.toml"
    config.write_text("[terms.hinge]\noff = true\n[terms.anchor]\nweight = 0\n[terms.interpenetration]\n")
    assert command(coco(SKIER["keypoints"]), options=("--config", str(config))) == 0
    estimate = BodyEstimate.load(command.out / "photo_1.npz")
    energy = estimate.diagnostics.energy
    assert "hinge" not in energy
    assert energy["anchor"].item() == 0 < energy["interpenetration"].item()
    people = command.folder / "people.json"
    (person,) = match_people(read_people(people), [command.folder / "photo.jpg"]).people
    options = FitOptions(config=read_config(config, SCHEDULES["anchored"]()))
    same = fit_people([person], load_body(), options=options).estimate
    assert same is not None
    np.testing.assert_array_equal(same.params, estimate.params)


def test_a_file_is_read_with_the_schedule_that_is_named(command):
    config = command.folder / "fit.toml"
    config.write_text("[stages.first]\npose_weight = 300.0\n")
    assert command(coco(SKIER["keypoints"]), options=("--config", str(config), "--schedule", "smplify")) == 0
    assert command(coco(SKIER["keypoints"]), options=("--config", str(config))) == 1
    assert f"{config}: stages.first: no such stage; expected last, outlines" in command.stderr.replace("\n", " ")
    assert command(coco(SKIER["keypoints"]), options=("--config", str(command.folder / "none.toml"))) == 1
    assert "none.toml: no such configuration file" in command.stderr.replace("\n", " ")


def test_an_image_that_tells_no_size_is_named(command):
    """It was said that the size is not known, and to give the image, which had been given."""
    (command.folder / "photo.jpg").write_bytes(b"no photograph")
    share = [{"x": 0.4 + 0.01 * place, "y": 0.3 + 0.01 * place, "visibility": 0.9} for place in range(33)]
    assert command(json.dumps({"landmarks": share})) == 1
    assert "photo.jpg: this is a text file, not an image" in command.stderr
