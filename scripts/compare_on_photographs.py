"""Direct prediction, SMPLify and the anchored fit on the demo photographs: mask IoU and limb error.

python scripts/compare_on_photographs.py [-o SHEETS_FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.evaluation.agreement import agreement
from anchorfit.observations import list_images, match_people, read_people, write_image
from anchorfit.pictures import draw_contact_sheet
from anchorfit.pipeline import FitOptions, fit_people, predict_people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="folder for a contact sheet of each method")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, folder = load_body(), ASSETS / "demo"
    people = match_people(read_people(folder / "person_keypoints.json").people, list_images([folder])).people
    people = [person for person in people if (person.confidence > 0).sum() >= 10]
    direct = predict_people(people, body).estimate
    results = {"direct": direct, "smplify": fit_people(people, body, options=FitOptions(schedule="smplify")).estimate}
    results["anchored"] = fit_people(people, body, init=direct).estimate
    for method, estimate in results.items():
        if estimate is None:
            raise ValueError(f"{method}: nobody could be dealt with")
        figures = agreement(estimate, body, people)
        limbs = np.nanmean([figure.limb_error for figure in figures])
        ious = [figure.mask_iou for figure in figures if figure.mask_iou is not None]
        trusted = int(estimate.diagnostics.trusted.sum())
        print(f"{method:9s} people {len(estimate)}  limbs {100 * limbs:.1f} % of box height  ", end="")
        print(f"mask IoU mean {np.mean(ious):.3f} median {np.median(ious):.3f}  trusted {trusted}", flush=True)
        if args.output:
            write_image(args.output / f"{method}.png", draw_contact_sheet(estimate, body))


if __name__ == "__main__":
    main()
