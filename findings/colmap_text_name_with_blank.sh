#!/bin/sh
# COLMAP: pycolmap 4.2.1 cuts image names at their first blank when it reads the text files that it wrote itself.
#
# Version: pycolmap 4.2.1 (Python 3.11, 2026-11-29).
# Input: a reconstruction of one camera and two images, one of them "cam 1/a b.jpg", written as text and as binary.
# Seen: images.txt has the whole name; read_text gives "cam", read_binary the whole name. No warning.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q pycolmap==4.2.1
venv/bin/python - <<'PYTHON'
import os

import pycolmap

NAMES = ["cam 1/a b.jpg", "plain.jpg"]
written = pycolmap.Reconstruction()
camera = pycolmap.Camera(model="PINHOLE", width=100, height=100, params=[100, 100, 50, 50], camera_id=1)
written.add_camera_with_trivial_rig(camera)
for number, name in enumerate(NAMES, 1):
    written.add_image_with_trivial_frame(pycolmap.Image(name=name, camera_id=1, image_id=number), pycolmap.Rigid3d())
os.mkdir("model")
written.write_text("model")
written.write_binary("model")
with open("model/images.txt") as file:
    assert NAMES[0] in file.read(), "the text file has changed"
text, binary = pycolmap.Reconstruction(), pycolmap.Reconstruction()
text.read_text("model")
binary.read_binary("model")
print("text:  ", [text.images[number].name for number in (1, 2)])
print("binary:", [binary.images[number].name for number in (1, 2)])
assert [text.images[number].name for number in (1, 2)] == ["cam", "plain.jpg"], "changed"
assert [binary.images[number].name for number in (1, 2)] == NAMES, "changed"
PYTHON
