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


def changed(data, path, change):
    content = json.loads((data / "ann.json").read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_an_only_image_needs_no_id(data, tmp_path):
    """`KeyError: 'image_id'`."""

    def without(content):
        content["images"] = content["images"][:1]
        chosen = content["images"][0].pop("id")
        content["annotations"] = [one for one in content["annotations"] if one.pop("image_id") == chosen]

    people = read_people(changed(data, tmp_path / "a.json", without))
    assert people
    assert all(person.coco is None for person in people)


@pytest.mark.parametrize("images", [True, False])
def test_ids_of_tables_that_hold_fractions_are_the_same(data, tmp_path, images):
    """Everybody was left out: no image has id 31.0."""

    def fractions(content):
        for one in content["images" if images else "annotations"]:
            key = "id" if images else "image_id"
            one[key] = float(one[key])

    people = read_people(changed(data, tmp_path / "a.json", fractions))
    assert {person.coco.image for person in people if person.coco} == {31, 7}
    assert "31.0" not in json.dumps([person.coco for person in people])


@pytest.mark.parametrize("wrong", [float("nan"), [31], None])
def test_what_is_no_id_is_in_no_results(data, tmp_path, wrong):
    """Not one of the results was written: NaN is no JSON."""

    def odd(content):
        content["images"] = content["images"][:1]
        chosen = content["images"][0]["id"]
        content["images"][0]["id"] = wrong
        own = [one for one in content["annotations"] if one["image_id"] == chosen]
        content["annotations"] = [one | {"image_id": wrong} for one in own]

    run("predict", changed(data, tmp_path / "a.json", odd), "-o", tmp_path / "a", "--save", "coco")
    assert {image for image, _ in written(tmp_path / "a")} <= {"skier.jpg", "cook.jpg"}


def test_exports_by_odd_annotation_files(data, tmp_path):
    """`TypeError: 'int' object is not iterable`; of an image with two ids the last counted, unlike everywhere else."""

    def odd(content):
        content["categories"] = 7
        content["images"] += [image | {"id": 100 + image["id"]} for image in content["images"]]

    run("predict", data / "photos", "-k", data / "ann.json", "-o", tmp_path / "a", "--save", "npz")
    names = changed(data, tmp_path / "b.json", odd)
    run("export", tmp_path / "a", "-o", tmp_path / "c", "--save", "coco", "--images", names)
    assert {image for image, _ in written(tmp_path / "c", "people")} == {31, 7}


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
