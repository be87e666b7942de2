#!/bin/sh
# Label Studio: its COCO export names keypoints in another order than it writes them.
#
# Version: label-studio-sdk 2.1.2 (Python 3.11, 2026-11-29).
# Input: a labelling setup whose KeyPointLabels stand in another order than their `model_index`, and one picture with
# three points.
# Seen: the category's `keypoints` are in the order of the setup, the annotation's numbers in the order of
# `model_index`; who goes by the names takes the nose for the left knee. No warning.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q label-studio-sdk==2.1.2
venv/bin/python - 2> /dev/null <<'PYTHON'
import json

from label_studio_sdk.converter import Converter

SETUP = """<View><Image name="image" value="$image"/>
<KeyPointLabels name="joints" toName="image">
<Label value="left_knee" model_index="1"/><Label value="nose" model_index="0"/>
<Label value="right_knee" model_index="2"/>
</KeyPointLabels></View>"""
PLACES = {"nose": (30, 10), "left_knee": (40, 80), "right_knee": (20, 80)}  # percent of a picture of 100 x 100


def point(name):
    x, y = PLACES[name]
    value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [name]}
    return {
        "id": name,
        "from_name": "joints",
        "to_name": "image",
        "type": "keypointlabels",
        "original_width": 100,
        "original_height": 100,
        "image_rotation": 0,
        "value": value,
    }


results = [point(name) for name in PLACES]
task = {"id": 1, "data": {"image": "/a.jpg"}, "annotations": [{"id": 1, "completed_by": {"id": 1}, "result": results}]}
with open("tasks.json", "w") as file:
    json.dump([task], file)
Converter(SETUP, ".", download_resources=False).convert_to_coco("tasks.json", "coco", is_dir=False)
with open("coco/result.json") as file:
    coco = json.load(file)
names, numbers = coco["categories"][0]["keypoints"], coco["annotations"][0]["keypoints"]
named = {name: tuple(numbers[3 * index : 3 * index + 2]) for index, name in enumerate(names)}
print("marked:  ", PLACES)
print("exported:", named)
assert names == ["left_knee", "nose", "right_knee"], names
assert named["left_knee"] == PLACES["nose"] and named["nose"] == PLACES["left_knee"], "changed"
PYTHON
