#!/bin/sh
# COCO keypoints: two converters read a file and write it again with other areas, so that OKS comes out otherwise.
#
# Versions: sleap-io 0.9.5, datumaro 1.13.12 (Python 3.11, 2026-11-29).
# Input: a COCO person_keypoints file: one person of area 4000 in image 7, one joint visible, one hidden (v = 1), one
# missing; bbox of 100 x 100. OKS divides squared distances by the area.
# Seen: datumaro writes the bbox's area, 10000. sleap-io writes the area of the visible joints' own box, 800, and that
# box; the hidden joint becomes visible (v = 2), and image 7 becomes image 1.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q sleap-io==0.9.5 datumaro==1.13.12 pillow
venv/bin/python - 2> /dev/null <<'PYTHON'
import json
import os

import datumaro
import sleap_io
from PIL import Image

os.makedirs("coco/annotations")
os.makedirs("coco/images/train")
for folder in ("coco/images/train", "coco/annotations"):
    Image.new("RGB", (200, 200)).save(f"{folder}/a.jpg")
person = {
    "id": 1,
    "image_id": 7,
    "category_id": 1,
    "keypoints": [20, 30, 2, 60, 50, 1, 0, 0, 0],
    "num_keypoints": 2,
    "area": 4000,
    "bbox": [10, 10, 100, 100],
    "iscrowd": 0,
}
source = "coco/annotations/person_keypoints_train.json"
with open(source, "w") as file:
    json.dump(
        {
            "images": [{"id": 7, "width": 200, "height": 200, "file_name": "a.jpg"}],
            "annotations": [person],
            "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "left_knee", "right_knee"], "skeleton": []}],
        },
        file,
    )
sleap_io.save_file(sleap_io.load_file(source, format="coco"), "sleap.json", format="coco")
datumaro.Dataset.import_from("coco", "coco_person_keypoints").export("datumaro", "coco_person_keypoints")


def written(path):
    with open(path) as file:
        again = json.load(file)["annotations"][0]
    return {key: again[key] for key in ("area", "bbox", "image_id", "keypoints")}


ours = written("sleap.json")
theirs = written("datumaro/annotations/person_keypoints_train.json")
print("sleap-io:", ours)
print("datumaro:", theirs)
assert theirs["area"] == 10000 and theirs["keypoints"][5] == 1 and theirs["image_id"] == 7, "changed"
assert ours["area"] == 800 and ours["keypoints"][5] == 2 and ours["image_id"] == 1, "changed"
PYTHON
