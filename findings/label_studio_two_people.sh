#!/bin/sh
# Label Studio: two people marked in one picture come out of its COCO export as one, mixed from both.
#
# Version: label-studio-sdk 2.1.2 (Python 3.11, 2026-11-29).
# Input: one picture of two people, each with a rectangle and three points whose `parentID` is that rectangle.
# Seen: one annotation with keypoints, in which each joint is that of whoever was marked last; the one joint that the
# second person lacks is the first person's. No warning.
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
<RectangleLabels name="boxes" toName="image"><Label value="person"/></RectangleLabels>
<KeyPointLabels name="joints" toName="image">
<Label value="nose" model_index="0"/><Label value="left_knee" model_index="1"/>
<Label value="right_knee" model_index="2"/>
</KeyPointLabels></View>"""
FRAME = {"to_name": "image", "original_width": 200, "original_height": 100, "image_rotation": 0}


def box(name, x):
    value = {"x": x, "y": 5, "width": 15, "height": 80, "rectanglelabels": ["person"]}
    return {"id": name, "from_name": "boxes", "type": "rectanglelabels", "value": value, **FRAME}


def point(parent, name, x, y):
    value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [name]}
    return {
        "id": f"{parent}-{name}",
        "parentID": parent,
        "from_name": "joints",
        "type": "keypointlabels",
        "value": value,
        **FRAME,
    }


results = [box("first", 5), box("second", 55)]
results += [point("first", "nose", 10, 10), point("first", "left_knee", 12, 80), point("first", "right_knee", 8, 80)]
results += [point("second", "nose", 60, 10), point("second", "left_knee", 62, 80)]
task = {"id": 1, "data": {"image": "/a.jpg"}, "annotations": [{"id": 1, "completed_by": {"id": 1}, "result": results}]}
with open("tasks.json", "w") as file:
    json.dump([task], file)
Converter(SETUP, ".", download_resources=False).convert_to_coco("tasks.json", "coco", is_dir=False)
with open("coco/result.json") as file:
    coco = json.load(file)
people = [each["keypoints"] for each in coco["annotations"] if "keypoints" in each]
print("annotations with keypoints:", people)
assert len(people) == 1, "changed: two people were marked"
assert people[0] == [120, 10, 2, 124, 80, 2, 16, 80, 2], "changed: nose, left knee, right knee in pixels"
PYTHON
