#!/bin/sh
# Video: the same rotation header reads 90 in OpenCV, which has turned the frame, and -90 in PyAV, which has not.
#
# Versions: PyAV 18.1.0, opencv-python-headless 4.12.0.88 (Python 3.11, 2026-11-29).
# Input: MP4 clips of 64 x 32 pixels whose track matrix says 90, 180 and 270 degrees, as phones write it.
# Seen: `frame.rotation` -90, -180, 90 with frames of 64 x 32; `CAP_PROP_ORIENTATION_META` 90, 180, 270 with frames
# turned already (32 x 64 for 90 and 270). So neither the sign nor the range agrees, and -180 is not 180 to who compares.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q av==18.1.0 opencv-python-headless==4.12.0.88
venv/bin/python - <<'PYTHON'
import struct

import av
import cv2
import numpy as np

with av.open("plain.mp4", "w") as container:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
    for _ in range(3):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format="rgb24")))
    container.mux(stream.encode())
with open("plain.mp4", "rb") as file:
    plain = file.read()
matrix = plain.index(b"tkhd") + 44  # ISO 14496-12: the matrix of a version 0 track header, nine numbers
assert struct.unpack(">9i", plain[matrix : matrix + 36])[0] == 1 << 16
found = {}
for degrees, (a, b, c, d) in {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}.items():
    numbers = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    path = f"turned{degrees}.mp4"
    with open(path, "wb") as file:
        file.write(plain[:matrix] + struct.pack(">9i", *numbers) + plain[matrix + 36 :])
    with av.open(path) as container:
        frame = next(container.decode(video=0))
    capture = cv2.VideoCapture(path)
    _, pixels = capture.read()
    turned = capture.get(cv2.CAP_PROP_ORIENTATION_META)
    found[degrees] = (frame.rotation, (frame.width, frame.height), turned, pixels.shape[1::-1])
    print(degrees, "PyAV", found[degrees][:2], "OpenCV", found[degrees][2:])
seen = {
    90: (-90, (64, 32), 90.0, (32, 64)),
    180: (-180, (64, 32), 180.0, (64, 32)),
    270: (90, (64, 32), 270.0, (32, 64)),
}
assert found == seen, f"changed; was {seen}"
PYTHON
