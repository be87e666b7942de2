"""A sheet of synthetic pictures: ``python scripts/draw_synthetic_images.py docs/images/synthetic_images.jpg``.

Above, pictures as Human2D meets them; below each, what it is to find: the silhouette and the joints (left red, right
blue, the middle green).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from anchorfit.body import load_body
from anchorfit.observations import list_images, write_image
from anchorfit.regressors.synthesis import shipped_poses
from anchorfit.regressors.synthesis.backdrops import read_backdrops
from anchorfit.regressors.synthesis.images import SyntheticImages
from anchorfit.regressors.synthesis.other_look import other_look
from anchorfit.rendering.drawing import draw_segment

COLUMNS, ROWS = 6, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--backdrops", type=Path, help="A folder of photographs without people.")
    parser.add_argument("--other-look", action="store_true", help="The domain that refinement is shown on.")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    source = shipped_poses("train")
    backdrops = read_backdrops(list_images([args.backdrops])) if args.backdrops else []
    look = other_look() if args.other_look else None
    data = SyntheticImages(load_body(), source, look, backdrops=backdrops, seed=args.seed)
    crops = data.batch(0, COLUMNS * ROWS)
    pictures = (255 * crops.picture.permute(0, 2, 3, 1)).numpy()
    truths = []
    for picture, body, positions in zip(pictures, crops.body, crops.positions, strict=True):
        cover = np.kron(body.numpy(), np.ones((4, 4)))[..., None]
        truth = (0.35 * picture + 0.65 * 255 * cover).astype(np.float32)
        for name, point in zip(data.joints, positions.double().numpy(), strict=True):
            color = {"left": (0.84, 0.15, 0.16), "right": (0.12, 0.47, 0.71)}.get(
                name.split("_")[0], (0.17, 0.63, 0.17)
            )
            draw_segment(truth, point, point, 4, color)
        truths.append(truth)
    lines = []
    for row in range(ROWS):
        these = slice(row * COLUMNS, (row + 1) * COLUMNS)
        lines += [np.concatenate(list(pictures[these]), 1), np.concatenate(truths[these], 1)]
    sheet = np.concatenate(lines)[::2, ::2]
    write_image(args.output, np.ascontiguousarray(sheet).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
