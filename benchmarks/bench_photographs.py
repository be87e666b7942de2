"""From the demo's photographs alone to bodies: who is found, how well, and how long it takes.

    python benchmarks/bench_photographs.py [--detector auto] [--detector-model FILE.task] [--thorough] [--repeats 5]
        [--json FILE]

One photograph at a time, models loaded, one torch thread. Wall time and CPU time of the whole process (detectors have
threads of their own): medians. PCK@0.2 in torsos, and the IoU of detected masks and of fitted bodies with COCO's
polygons, over those who are annotated with at least ten joints, the fully visible adults apart. Baseline: fits to
COCO's keypoints.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch

from anchorfit import Person, detect, fit_people, load_body, match_people, read_people
from anchorfit.assets import ASSETS
from anchorfit.detectors import Search, load_detector
from anchorfit.evaluation.agreement import agreement
from anchorfit.evaluation.detection import Found, compare_detections
from anchorfit.pipeline import FitOptions

WHOLE_ADULTS = {"442619", "1242217", "1202977", "185583", "200887"}
DEMO = ASSETS / "demo"


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def timed(call: object, repeats: int) -> tuple[float, float]:
    """Median wall and process CPU time, milliseconds."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        call()  # type: ignore[operator]
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--detector-model", type=Path)
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    search = Search.thorough(masks=True) if options.thorough else Search(masks=True)
    detector = load_detector(options.detector, model=options.detector_model, search=search)
    body, photos = load_body(), sorted(DEMO.glob("*.jpg"))
    annotated = match_people(read_people(DEMO / "person_keypoints.json").people, photos).people
    fit_people(list(detect(photos[0], detector)), body)  # warms up
    rows, extra = [], 0
    for photo in photos:
        known = [person for person in annotated if person.image == photo and (person.confidence > 0).sum() >= 10]
        people = list(detect(photo, detector))
        found = compare_detections(people, known)
        extra += len(people) - sum(row.detection is not None for row in found)
        looking = timed(lambda photo=photo: detect(photo, detector), options.repeats)
        whole = timed(lambda photo=photo: fit_people(list(detect(photo, detector)), body), options.repeats)
        print(
            f"{photo.name}: {len(people)} people; looking {looking[0]:.0f} ms ({looking[1]:.0f} CPU), "
            f"a person to the fitted body {whole[0] / len(people):.0f} ms ({whole[1] / len(people):.0f} CPU)"
        )
        for person, row in zip(known, found, strict=True):
            rows.append(figures(person, row, people, body))
    for name, some in (("fully visible adults", True), ("others with ten joints", False)):
        these = [row for row in rows if (row["person"] in WHOLE_ADULTS) == some]
        seen = [row for row in these if row["found"]]
        line = {key: mean([row[key] for row in seen if row[key] is not None]) for key in list(rows[0])[4:]}
        correct, joints = (sum(row[key] for row in these) for key in ("correct", "joints"))
        print(f"{name}: {len(seen)} of {len(these)} found, PCK@0.2 {correct / joints:.3f} (missed people count)")
        print("   of those found: " + ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in line.items()))
    print(f"people found that have no such annotation: {extra}")
    if options.json:
        stated = {"detector": detector.name, "torch": torch.__version__, "body": body.name}
        options.json.write_text(json.dumps({**stated, "people": rows}, indent=1) + "\n")


def figures(person: Person, row: Found, people: list[Person], body: object) -> dict:
    """One annotated person's line; IoUs are None where it was missed."""
    line = {
        "person": person.person_id,
        "found": row.detection is not None,
        "correct": row.correct,
        "joints": row.joints,
    }
    line |= {"mask_iou": row.mask_iou, "body_iou": None, "body_iou_with_mask": None, "body_iou_from_annotation": None}
    if row.detection is None:
        return line
    detected = people[row.detection]
    runs = {
        "body_iou": (detected, False),
        "body_iou_with_mask": (detected, True),
        "body_iou_from_annotation": (replace(person, person_id=detected.person_id), False),
    }
    for name, (who, masks) in runs.items():
        estimate = fit_people([who], body, options=FitOptions(masks=masks)).estimate
        reference = replace(person, person_id=detected.person_id)
        line[name] = None if estimate is None else agreement(estimate, body, [reference])[0].mask_iou
    return line


if __name__ == "__main__":
    main()
