"""A sheet of training samples: ``python scripts/draw_synthesis.py docs/images/synthesis.jpg``.

Above, people as PosePrior meets them: the body in grey, detected keypoints in colour (left red, right blue, the middle
green; faint where the confidence is low). Below, masks as ShapePrior meets them.
"""

from __future__ import annotations

import argparse

import matplotlib
import torch

from anchorfit.body import load_body
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.regressors.synthesis import Synthesis, Synthesizer, shipped_poses
from anchorfit.rendering import silhouette

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLUMNS, PEOPLE_ROWS, MASK_ROWS = 8, 3, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    source = shipped_poses("train")
    data = Synthesizer(body, source, Synthesis.photographed(), seed=args.seed)
    people = data.people(0, COLUMNS * PEOPLE_ROWS)
    width, height = data.config.image_size
    drawn = silhouette(body.from_params(people.params).vertices, body.faces, people.intrinsics, (height, width)).mask
    masks = Synthesizer(body, source, seed=args.seed).masks(0, COLUMNS * MASK_ROWS).masks
    figure, axes = plt.subplots(PEOPLE_ROWS + MASK_ROWS, COLUMNS, figsize=(14, 9.5))
    colors = [{"left": "#d62728", "right": "#1f77b4"}.get(name.split("_")[0], "#2ca02c") for name in CANONICAL_JOINTS]
    for index, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if index >= len(drawn):
            axis.imshow(masks[index - len(drawn)], cmap="gray", vmin=0, vmax=1)
            continue
        axis.imshow(1 - 0.35 * drawn[index], cmap="gray", vmin=0, vmax=1)
        x, y = people.keypoints[index].T
        seen = people.confidence[index] > 0
        axis.scatter(
            x[seen],
            y[seen],
            s=14,
            c=[c for c, s in zip(colors, seen, strict=True) if s],
            alpha=people.confidence[index][seen],
        )
        rows, columns = (drawn[index] > 0.5).nonzero().unbind(-1)
        middle, half = (
            ((columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2),
            0.65 * max(int(columns.max() - columns.min()), int(rows.max() - rows.min())),
        )
        axis.set_xlim(middle[0] - half, middle[0] + half)
        axis.set_ylim(middle[1] + half, middle[1] - half)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.995, 0.02, 0.02)
    figure.savefig(args.output, dpi=90, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
