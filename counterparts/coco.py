# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy<2", "setuptools", "pycocotools==2.0.11", "xtcocotools==1.14.3"]
# ///
"""pycocotools and xtcocotools: our results are scored, our masks of the demo's people are theirs.

python counterparts/run.py coco
"""

import contextlib
import importlib
import io
import json
import sys
from pathlib import Path

import numpy as np
from verdict import say


def scored(package, truth_file, results_file):
    """Average precision at OKS .5 to .95, and at .5."""
    coco_module = importlib.import_module(f"{package}.coco")
    eval_module = importlib.import_module(f"{package}.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco_module.COCO(str(truth_file))
        results = truth.loadRes(str(results_file))
        scores = eval_module.COCOeval(truth, results, "keypoints")
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
    return float(scores.stats[0]), float(scores.stats[1])


def own_truth(files):
    """Our results as annotation of themselves: every point must be found where it is."""
    content = json.loads((files / "coco_annotation.json").read_text())
    boxes = {}
    content["annotations"] = []
    for number, one in enumerate(json.loads((files / "coco.json").read_text())):
        points = np.array(one["keypoints"]).reshape(-1, 3)
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        boxes = {"bbox": [*low.tolist(), *(high - low).tolist()], "area": float(np.prod(high - low))}
        points[:, 2] = 2
        annotation = {
            "id": number + 1,
            "image_id": one["image_id"],
            "category_id": 1,
            "iscrowd": 0,
            "num_keypoints": 17,
        }
        content["annotations"].append(annotation | boxes | {"keypoints": points.ravel().tolist()})
    path = files / "coco_own_truth.json"
    path.write_text(json.dumps(content))
    return path


def masks(package, files):
    tools = importlib.import_module(f"{package}.mask")
    coco_module = importlib.import_module(f"{package}.coco")
    with contextlib.redirect_stdout(io.StringIO()):
        annotation = coco_module.COCO(str(files / "coco_annotation.json"))
    ours = np.load(files / "coco_masks.npz")
    runs = json.loads((files / "coco_runs.json").read_text())
    differing, areas, totals, same = [0.0], [0.0], np.zeros(2), True
    for key, one in annotation.anns.items():
        theirs = annotation.annToMask(one).astype(bool)
        mine = ours[str(key)]
        totals += theirs.sum(), mine.sum()
        if theirs.sum() > 400:
            differing.append(100 * (theirs ^ mine).sum() / theirs.sum())
            areas.append(100 * abs(mine.sum() / theirs.sum() - 1))
        back = tools.decode(tools.frPyObjects(runs[str(key)], *runs[str(key)]["size"])).astype(bool)
        same &= bool((back == mine).all())
    whole = float(100 * abs(totals[1] / totals[0] - 1))
    note = "people of 400 pixels or more; outlines are rounded to a fifth of a pixel there"
    say(package, f"masks of {len(annotation.anns)} people, area of all", whole, 1.0, "%")
    say(package, "masks, area of the worst person", float(max(areas)), 1.0, "%", note=note)
    say(package, "masks, pixels that differ, worst person", float(max(differing)), None, "%", note=note)
    say(package, "our run lengths decoded", "the same mask" if same else "another mask", "the same mask")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in ("pycocotools", "xtcocotools"):
        own = scored(name, own_truth(folder), folder / "coco.json")
        say(name, "our results against themselves, AP", f"{own[0]:.3f}", "1.000")
        found = scored(name, folder / "coco_annotation.json", folder / "coco.json")
        note = "all 20 people of six photographs; annotated joints fitted"
        say(name, "our results against COCO's annotation, AP, AP50", f"{found[0]:.3f}, {found[1]:.3f}", None, note=note)
        masks(name, folder)
