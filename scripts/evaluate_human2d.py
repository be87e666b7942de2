"""How well Human2D sees: held-out synthetic pictures, the demo's photographs, and the time that it takes.

    python scripts/evaluate_human2d.py [--weights FILE] [--count 500] [--json FILE] [--sheet FILE.jpg]

PCK@0.2: joints within a fifth of the torso. In photographs: COCO's joints and polygons of people with ten annotated
joints, seen in squares around their annotated boxes; the network never saw these pictures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anchorfit import Person, load_body, match_people, read_people
from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.detectors.human2d import Human2DDetector
from anchorfit.evaluation.detection import compare_detections
from anchorfit.observations import PeopleFile, list_images, read_image, write_image
from anchorfit.regressors.datasets import PersonCrops
from anchorfit.regressors.human2d import INPUT_SIZE, Human2D, see
from anchorfit.regressors.image_crops import Framing
from anchorfit.regressors.synthesis import shipped_poses
from anchorfit.regressors.synthesis.images import ImageSynthesis, SyntheticImages
from anchorfit.regressors.training.human2d_task import evaluate_human2d
from anchorfit.regressors.weights import load_human2d_network
from anchorfit.rendering.drawing import draw_segment

SEED = 4242  # of pictures that training never watched
TALL = 150  # pixels of the box: people who are larger than a bystander far away
COLORS = {"left": (0.84, 0.15, 0.16), "right": (0.12, 0.47, 0.71)}


@dataclass
class Boxes:
    """A finder that knows the boxes already."""

    annotated: list[Person]
    name: str = "annotation"
    most_people: int = 100

    def people(self, image: np.ndarray) -> PeopleFile:
        return PeopleFile(tuple(self.annotated))


def on_synthetic_pictures(network: Human2D, count: int) -> dict[str, float]:
    """Poses of held-out subjects as they were recorded, other looks, cameras and backdrops."""
    settings = ImageSynthesis()
    as_recorded = replace(settings, people=replace(settings.people, variation=None))
    source = shipped_poses("heldout")
    data = SyntheticImages(load_body(), source, as_recorded, joints=network.config.joints, seed=SEED)
    return evaluate_human2d(network, PersonCrops.joined(data.batch(step, 50) for step in range(count // 50)))


def photographed() -> list[tuple[Path, list[Person]]]:
    """The demo's photographs, and who in them has ten annotated joints."""
    folder = ASSETS / "demo"
    photos = list_images([folder])
    people = match_people(read_people(folder / "person_keypoints.json").people, photos).people
    return [(photo, [p for p in people if p.image == photo and (p.confidence > 0).sum() >= 10]) for photo in photos]


def on_photographs(network: Human2D, *, flip: bool) -> list[dict[str, Any]]:
    lines = []
    for photo, known in photographed():
        seen = Human2DDetector(network=network, finder=Boxes(known), flip=flip).people(read_image(photo))
        for person, found in zip(known, compare_detections(seen, known), strict=True):
            lines.append(
                {"photograph": photo.name, "person": person.person_id, "height": person.box[3] if person.box else 0.0}
                | {"correct": found.correct, "joints": found.joints, "mask_iou": found.mask_iou}
            )
    return lines


def summary(lines: list[dict[str, Any]]) -> str:
    correct, joints = (sum(line[key] for line in lines) for key in ("correct", "joints"))
    ious = [line["mask_iou"] for line in lines if line["mask_iou"] is not None]
    overlap = f"{100 * np.mean(ious):.1f} % ({len(ious)} with masks)" if ious else "unknown"
    return f"{len(lines)} people, {100 * correct / joints:.1f} % PCK@0.2, mask IoU {overlap}"


def milliseconds(network: Human2D, count: int, *, half: bool, repeats: int = 7) -> float:
    """Of one picture, the median of whole batches."""
    pictures = torch.rand(count, 3, INPUT_SIZE, INPUT_SIZE, generator=torch.Generator().manual_seed(0))
    see(network, pictures, half=half)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        see(network, pictures, half=half)
        times.append(1000 * (time.perf_counter() - start) / count)
    return statistics.median(times)


def draw_sheet(network: Human2D, *, columns: int = 8) -> np.ndarray:
    """Everybody in the photographs as the network sees them: left red, right blue, and what is no body darkened."""
    tiles = []
    for photo, known in photographed():
        image = read_image(photo)
        for person in known:
            framing = Framing.around(person.box or (0, 0, image.shape[1], image.shape[0]), INPUT_SIZE)
            tile = framing.cut(image).astype(np.float32)
            for seen in Human2DDetector(network=network, finder=Boxes([person])).people(image):
                cover = framing.cut(np.asarray(seen.mask).astype(np.float32))
                tile *= 0.3 + 0.7 * cover[..., None]
                for index in np.flatnonzero(seen.confidence):
                    side = COLORS.get(CANONICAL_JOINTS[index].partition("_")[0], (0.17, 0.63, 0.17))
                    point = framing.points(seen.keypoints[index])
                    draw_segment(tile, point, point, 4, side)
            tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[start : start + columns], 1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows).clip(0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="default: those in the package")
    parser.add_argument("--count", type=int, default=500, help="synthetic pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = load_human2d_network(args.weights)
    report: dict[str, Any] = {"synthetic": on_synthetic_pictures(network, args.count)}
    print(
        "synthetic pictures of held-out subjects: {pck:.1f} % PCK@0.2, mask IoU {mask_iou:.1f} %".format(
            **report["synthetic"]
        )
    )
    for flip in (False, True):
        way = "photographs, mirrored too" if flip else "photographs"
        lines = report[way] = on_photographs(network, flip=flip)
        print(f"{way}: {summary(lines)}")
        print(f"   of those over {TALL} pixels: {summary([line for line in lines if line['height'] > TALL])}")
    for count in (1, 16):
        for half in (False, True):
            way = f"{count} at a time, {'bfloat16' if half else 'float32'}, threads: {args.threads}"
            report[way] = milliseconds(network, count, half=half)
            print(f"{report[way]:.1f} ms a picture, {way}")
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    if args.sheet:
        write_image(args.sheet, draw_sheet(network))


if __name__ == "__main__":
    main()
