"""COCO's results name the images and the category by the ids of the annotation file that they are to be scored by."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from anchorfit.assets import ASSETS
from anchorfit.cli.main import app
from anchorfit.observations import read_people

PHOTOS = {"000000000785.jpg": (31, "skier.jpg"), "000000397133.jpg": (7, "sub/cook.jpg")}
CATEGORY = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two of the demo's photographs by names and ids of their own: a folder with photos/, ann.json and results.json."""
    folder = tmp_path_factory.mktemp("data")
    demo = ASSETS / "demo"
    content = json.loads((demo / "person_keypoints.json").read_text())
    images = [image for image in content["images"] if image["file_name"] in PHOTOS]
    ids = {image["id"]: PHOTOS[image["file_name"]][0] for image in images}
    (folder / "photos").mkdir()
    for image in images:
        name = PHOTOS[image["file_name"]][1]
        shutil.copy(demo / image["file_name"], folder / "photos" / name.rpartition("/")[2])
        image |= {"id": ids[image["id"]], "file_name": name}
    people = [
        one | {"image_id": ids[one["image_id"]], "category_id": CATEGORY, "area": 9000.0, "iscrowd": 0}
        for one in content["annotations"]
        if one["image_id"] in ids and one.get("num_keypoints", 0) > 5
    ]
    categories = [{"id": 2, "name": "dog"}, content["categories"][0] | {"id": CATEGORY}]
    content = {"info": {}, "images": images, "annotations": people, "categories": categories}
    (folder / "ann.json").write_text(json.dumps(content))
    found = [{key: one[key] for key in ("image_id", "category_id", "keypoints")} | {"score": 0.9} for one in people]
    (folder / "results.json").write_text(json.dumps(found))
    return folder


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def written(folder, part="people-00000"):
    found = json.loads((folder / "coco" / f"{part}.json").read_text())
    return sorted((one["image_id"], one["category_id"]) for one in found)


def expected(data):
    return sorted((one["image_id"], CATEGORY) for one in json.loads((data / "ann.json").read_text())["annotations"])


def test_annotations_results_and_exports_keep_the_ids(data, tmp_path):
    run("predict", data / "photos", "-k", data / "ann.json", "-o", tmp_path / "a", "--save", "npz,coco")
    assert written(tmp_path / "a") == expected(data)
    given = ["-k", data / "results.json", "--images", data / "ann.json"]
    run("predict", data / "photos", *given, "-o", tmp_path / "b", "--save", "coco")
    assert written(tmp_path / "b") == expected(data)
    run("export", tmp_path / "a", "-o", tmp_path / "c", "--save", "coco", "--images", data / "ann.json")
    assert written(tmp_path / "c", "people") == expected(data)
    run("export", tmp_path / "a", "-o", tmp_path / "d", "--save", "coco")
    assert {one[0] for one in written(tmp_path / "d", "people")} == {"skier.jpg", "cook.jpg"}


def test_ids_that_are_texts_in_results_become_the_annotations(data, tmp_path):
    found = json.loads((data / "results.json").read_text())
    (tmp_path / "r.json").write_text(json.dumps([one | {"image_id": str(one["image_id"])} for one in found]))
    given = ["-k", tmp_path / "r.json", "--images", data / "ann.json"]
    run("predict", data / "photos", *given, "-o", tmp_path / "b", "--save", "coco")
    assert written(tmp_path / "b") == expected(data)


def test_images_are_for_coco_alone_and_strangers_are_said(data, tmp_path):
    run("predict", data / "photos", "-k", data / "ann.json", "-o", tmp_path / "a", "--save", "npz")
    words = ["export", tmp_path / "a", "-o", tmp_path / "c", "--images", data / "ann.json"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 2
    assert "only with --save coco" in " ".join(done.output.split())
    content = json.loads((data / "ann.json").read_text())
    content["images"] = [image for image in content["images"] if image["id"] == 7]
    (tmp_path / "one.json").write_text(json.dumps(content))
    said = run("export", tmp_path / "a", "-o", tmp_path / "c", "--save", "coco", "--images", tmp_path / "one.json")
    assert "lists no image skier.jpg; its results are by name" in " ".join(said.split())
    (tmp_path / "none.json").write_text("{}")
    words = ["export", tmp_path / "a", "-o", tmp_path / "e", "--save", "coco", "--images", tmp_path / "none.json"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 1
    assert "it lists none" in f"{done.output} {done.exception}"


def test_pycocotools_scores_them(data, tmp_path):
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    run("fit", data / "photos", "-k", data / "ann.json", "-o", tmp_path / "a", "--save", "coco")
    truth = coco.COCO(str(data / "ann.json"))
    found = truth.loadRes(str(tmp_path / "a" / "coco" / "people-00000.json"))
    scores = cocoeval.COCOeval(truth, found, "keypoints")
    scores.evaluate()
    scores.accumulate()
    scores.summarize()
    assert scores.stats[1] > 0.7  # at OKS 0.5
    assert len(read_people(tmp_path / "a" / "coco" / "people-00000.json")) == len(expected(data))
