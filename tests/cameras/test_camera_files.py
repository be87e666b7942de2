"""Camera files of every kind: the same rig in each, and the traps of each format."""

import json

import cv2
import numpy as np
import pytest
import torch

from anchorfit.cameras import CameraFileError, read_cameras
from anchorfit.cameras.own_json import cameras_json
from anchorfit.evaluation.rig_people import ring_of_cameras

LENS = (-0.1, 0.02, 0.001, -0.001, 0.003)


@pytest.fixture
def rig():
    return ring_of_cameras(3, distortion=LENS)


def same(found, rig, *, names=None, atol=1e-5):
    assert found.names == tuple(names or (camera.name for camera in rig)), found.problems
    points = torch.tensor([[0.1, 0.8, 0.2], [-0.3, 1.2, 0.1]], dtype=torch.float64)
    for one, other in zip(found.cameras, rig, strict=True):
        torch.testing.assert_close(one.project(points), other.project(points), atol=atol, rtol=0)


def opencv_k(camera):
    """As OpenCV counts pixels."""
    matrix = camera.intrinsics.numpy().copy()
    matrix[:2, 2] -= 0.5
    return matrix


def vector(camera):
    return cv2.Rodrigues(camera.rotation.numpy())[0].ravel()


def matrix_yml(name, values):
    values = np.atleast_2d(values)
    rows, columns = values.shape
    data = ", ".join(repr(float(value)) for value in values.ravel())
    return f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {data} ]\n"


def easymocap(folder, rig, *, names=True, both=False, column=False):
    listed = "names:\n" + "".join(f'   - "{camera.name}"\n' for camera in rig) if names else ""
    lens = np.array(LENS)[:, None] if column else np.array(LENS)[None]
    intri = "".join(matrix_yml(f"K_{c.name}", opencv_k(c)) + matrix_yml(f"dist_{c.name}", lens) for c in rig)
    extri = ""
    for camera in rig:
        extri += matrix_yml(f"R_{camera.name}", vector(camera)[:, None])
        extri += matrix_yml(f"Rot_{camera.name}", camera.rotation.numpy()) if both else ""
        extri += matrix_yml(f"T_{camera.name}", camera.translation.numpy()[:, None])
    (folder / "intri.yml").write_text(f"%YAML:1.0\n---\n{listed}{intri}")
    (folder / "extri.yml").write_text(f"%YAML:1.0\n---\n{listed}{extri}")


def test_own_json_comes_back(tmp_path, rig):
    (tmp_path / "cameras.json").write_text(cameras_json(rig))
    found = read_cameras(tmp_path / "cameras.json")
    same(found, rig, atol=1e-9)
    assert found.unit == "m"


@pytest.mark.parametrize(("first", "shift"), [(0, -0.5), (1, 0.5), (0.5, 0.0)])
def test_own_json_says_where_its_first_pixel_is(tmp_path, rig, first, shift):
    content = json.loads(cameras_json(rig))
    for one in content["cameras"]:
        one["K"][0][2] += shift
        one["K"][1][2] += shift
    (tmp_path / "c.json").write_text(json.dumps({**content, "first_pixel": first}))
    same(read_cameras(tmp_path / "c.json"), rig, atol=1e-9)


def test_own_json_world_from_camera_vectors_and_a_dictionary(tmp_path, rig):
    content = json.loads(cameras_json([camera.inverted() for camera in rig]))
    for one in content["cameras"]:
        one["R"] = cv2.Rodrigues(np.array(one["R"]))[0].ravel().tolist()
    content["cameras"] = {one.pop("name"): one for one in content["cameras"]}
    (tmp_path / "c.json").write_text(json.dumps({**content, "pose": "world_from_camera"}))
    same(read_cameras(tmp_path / "c.json"), rig)


def test_one_camera_alone_needs_no_place(tmp_path):
    (tmp_path / "k.json").write_text(
        json.dumps({"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]], "distortion": [0.1, 0, 0, 0]})
    )
    found = read_cameras(tmp_path / "k.json")
    assert not found.placed
    assert len(found) == 1


@pytest.mark.parametrize("options", [{}, {"names": False}, {"both": True}, {"column": True}])
def test_easymocap(tmp_path, rig, options):
    easymocap(tmp_path, rig, **options)
    same(read_cameras(tmp_path), rig)
    same(read_cameras(tmp_path / "intri.yml"), rig)
    assert read_cameras(tmp_path).unit == "m"


def test_easymocap_written_by_opencv_itself(tmp_path, rig):
    """Names without quotes, and matrices as this OpenCV writes them."""
    inside = cv2.FileStorage(str(tmp_path / "intri.yml"), cv2.FILE_STORAGE_WRITE)
    place = cv2.FileStorage(str(tmp_path / "extri.yml"), cv2.FILE_STORAGE_WRITE)
    for number, camera in enumerate(rig):
        inside.write(f"K_{number:02}", opencv_k(camera))
        inside.write(f"dist_{number:02}", np.array(LENS))
        place.write(f"R_{number:02}", vector(camera))
        place.write(f"T_{number:02}", camera.translation.numpy())
    inside.release()
    place.release()
    text = (tmp_path / "intri.yml").read_text().replace("---", "---\nnames: [ 00, 01, 02 ]")
    (tmp_path / "intri.yml").write_text(text)
    same(read_cameras(tmp_path), rig, names=("00", "01", "02"))


def test_easymocap_lacks_a_camera_or_contradicts_itself(tmp_path, rig):
    easymocap(tmp_path, rig, both=True)
    text = (tmp_path / "extri.yml").read_text().replace("T_cam2", "T_gone")
    first = matrix_yml("R_cam1", vector(rig[0])[:, None])
    assert first in text
    (tmp_path / "extri.yml").write_text(text.replace(first, matrix_yml("R_cam1", np.array([[0.1], [0.2], [0.3]]))))
    found = read_cameras(tmp_path)
    assert found.names == ("cam1", "cam3")
    assert "camera cam2" in found.problems[0]
    assert any("different rotations" in text for text in found.remarks)


def colmap(folder, rig, *, names=None, blank=True, model="FULL_OPENCV", stated=None):
    cameras, images = ["# Camera list"], [f"# Number of images: {len(rig) if stated is None else stated}"]
    for number, camera in enumerate(rig, start=1):
        (fx, _, x), (_, fy, y), _ = camera.intrinsics.tolist()
        lens = [LENS[0], LENS[1], LENS[2], LENS[3], LENS[4], 0, 0, 0]
        numbers = [fx, fy, x, y, *lens] if model == "FULL_OPENCV" else [fx, fy, x, y]
        cameras.append(f"{number} {model} 1280 960 " + " ".join(map(repr, numbers)))
        turn = vector(camera)
        angle = np.linalg.norm(turn)
        quaternion = [np.cos(angle / 2), *(np.sin(angle / 2) * turn / angle)]
        pose = " ".join(repr(float(value)) for value in (*quaternion, *camera.translation.tolist()))
        images.append(f"{number} {pose} {number} {names[number - 1] if names else camera.name + '.jpg'}")
        if blank:
            images.append("" if number % 2 else "10.5 20.5 -1 30.5 40.5 17")
    (folder / "cameras.txt").write_text("\n".join(cameras) + "\n")
    (folder / "images.txt").write_text("\n".join(images) + "\n")


@pytest.mark.parametrize("blank", [True, False])  # programs that trim files take the empty line of an image away
def test_colmap(tmp_path, rig, blank):
    colmap(tmp_path, rig, blank=blank)
    same(read_cameras(tmp_path), rig)  # COLMAP's pixels are ours: no half pixel is added


def test_colmap_names(tmp_path, rig):
    colmap(tmp_path, rig, names=["left/0001.jpg", "cam 1/a b.jpg", "right/0001.jpg"])
    same(read_cameras(tmp_path), rig, names=("left", "cam 1", "right"))


def test_colmap_counts_its_images_and_names_other_lenses(tmp_path, rig):
    colmap(tmp_path, rig, stated=5)
    assert "5 images, 3 are there" in read_cameras(tmp_path).problems[0]
    colmap(tmp_path, rig, model="OPENCV_FISHEYE")
    with pytest.raises(CameraFileError, match="fisheye"):
        read_cameras(tmp_path)
    colmap(tmp_path, rig, model="PINHOLE")
    text = (tmp_path / "cameras.txt").read_text().replace("1 PINHOLE 1280 960", "1 PINHOLE 1280 960 7")
    (tmp_path / "cameras.txt").write_text(text)
    with pytest.raises(CameraFileError, match="PINHOLE has 4 numbers, got 5"):
        read_cameras(tmp_path)


def toml(rig, lens=LENS, *, nested=False, matrix=False, more=""):
    text = ""
    for number, camera in enumerate(rig):
        turn = camera.rotation.tolist() if matrix else vector(camera).tolist()
        name = f'name = "{camera.name}"\n' if not nested else ""
        text += (
            f"[{'cameras.' if nested else 'cam_'}{number}]\n{name}size = [1280, 960]\n"
            f"matrix = {opencv_k(camera).tolist()}\n"
            f"distortions = {list(lens)}\nrotation = {turn}\ntranslation = {camera.translation.tolist()}\n{more}"
        )
    return text + "[metadata]\nadjusted = false\nerror = 0.0\n"


def test_aniposelib_and_pose2sim(tmp_path, rig):
    (tmp_path / "calibration.toml").write_text(toml(rig, more="fisheye = false\n"))
    same(read_cameras(tmp_path / "calibration.toml"), rig)
    (tmp_path / "four.toml").write_text(toml(rig, LENS[:4]))  # Pose2Sim's have four numbers
    assert len(read_cameras(tmp_path / "four.toml")) == 3
    (tmp_path / "fish.toml").write_text(toml(rig, more="fisheye = true\n"))
    with pytest.raises(CameraFileError, match="fisheye"):
        read_cameras(tmp_path / "fish.toml")


@pytest.mark.parametrize("matrix", [True, False])
def test_caliscope(tmp_path, rig, matrix):
    (tmp_path / "config.toml").write_text(toml(rig, nested=True, matrix=matrix, more="rotation_count = 0\n"))
    same(read_cameras(tmp_path / "config.toml"), rig, names=("cam_0", "cam_1", "cam_2"))


def test_toml_that_is_none(tmp_path):
    (tmp_path / "a.toml").write_text("[cam_0]\nrotation = null\n")
    with pytest.raises(CameraFileError, match=r"a\.toml"):
        read_cameras(tmp_path / "a.toml")


@pytest.mark.parametrize("suffix", [".yml", ".json"])
def test_opencv_storage_a_file_a_camera(tmp_path, rig, suffix):
    for camera in rig:
        file = cv2.FileStorage(str(tmp_path / f"{camera.name}{suffix}"), cv2.FILE_STORAGE_WRITE)
        file.write("camera_matrix", opencv_k(camera))
        file.write("distortion_coefficients", np.array(LENS))
        file.write("image_width", 1280)
        file.write("image_height", 960)
        file.write("rvec", vector(camera))
        file.write("tvec", camera.translation.numpy())
        file.release()
    if suffix == ".yml":
        same(read_cameras(tmp_path), rig)
    one = read_cameras(tmp_path / f"cam2{suffix}")
    same(one, rig[1:2])
    assert one.cameras[0].image_size == (1280, 960)


def test_opencv_stereo_pair(tmp_path, rig):
    first, second = rig[:2]
    turn = second.rotation @ first.rotation.T
    away = second.translation - turn @ first.translation
    pairs = {"M1": opencv_k(first), "D1": LENS, "M2": opencv_k(second), "D2": LENS}
    (tmp_path / "intrinsics.yml").write_text("%YAML:1.0\n---\n" + "".join(matrix_yml(*pair) for pair in pairs.items()))
    place = matrix_yml("R", turn.numpy()) + matrix_yml("T", away.numpy()[:, None])
    (tmp_path / "extrinsics.yml").write_text("%YAML:1.0\n---\n" + place)
    found = read_cameras(tmp_path)
    assert found.names == ("1", "2")
    torch.testing.assert_close(found.cameras[1].translation, away, atol=1e-6, rtol=0)


def test_one_wrong_camera_costs_no_other(tmp_path, rig):
    content = json.loads(cameras_json(rig))
    extra = json.loads(json.dumps(content["cameras"]))
    extra[0].update(name="twin")
    extra[1].update(name="mirror", R=(np.diag([1, 1, -1.0]) @ rig[1].rotation.numpy()).tolist())
    extra[2].update(name="bent", R=(2 * np.eye(3)).tolist())
    more = [{"name": "cam1", "K": content["cameras"][0]["K"]}, {"name": "nothing"}, {"name": "words", "K": "none"}]
    (tmp_path / "c.json").write_text(json.dumps({**content, "cameras": [*content["cameras"], *extra, *more]}))
    found = read_cameras(tmp_path / "c.json")
    same(found, rig)
    told = "\n".join(found.problems)
    for text in ("the same as cam1", "reflection", "no rotation", "nothing: ", "words: "):
        assert text in told, text
    assert len(found.problems) == 6


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[1, 2]", "expected"),
        ("a.json", "{", "a.json"),
        ("a.json", '{"cameras": [], "unit": "ft"}', "unit"),
        ("a.json", '{"cameras": [], "pose": "both"}', "pose"),
        ("a.json", '{"cameras": []}', "no camera"),
        ("a.yml", "hello", "FileStorage"),
        ("a.txt", "hello", "expected .json"),
        ("a.xml", "<opencv_storage/>", "XML"),
    ],
)
def test_what_is_no_camera_file_is_one_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(CameraFileError, match=message) as caught:
        read_cameras(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_cameras(tmp_path / "none.json")
    with pytest.raises(CameraFileError, match="no cameras in this folder"):
        read_cameras(tmp_path)
