"""Small sets in the layout of upi-s1h, and estimates for them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from anchorfit.body import load_body
from anchorfit.evaluation.part_labels import draw_labels
from anchorfit.results import BodyEstimate

SIZE = (60, 80)  # width, height


def write_annotation(root: Path, name: str, mask: np.ndarray, parts: np.ndarray) -> None:
    folder = root / "data" / "lsp"
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{name}_segmentation.png")
    Image.fromarray(parts.astype(np.uint8)).save(folder / f"{name}_part_segmentation.png")


def names_of(count: int) -> list[str]:
    return [f"im{1001 + i}" for i in range(count)]


def small_estimate(
    some_estimate: Callable[..., BodyEstimate], names: list[str], size: tuple[int, int] = SIZE
) -> BodyEstimate:
    """One person in the middle of each image, upright; ``some_estimate`` is the fixture of that name."""
    width, height = size
    count = len(names)
    focal = 1.4 * height
    intrinsics = torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]).expand(count, 3, 3).clone()
    return replace(
        some_estimate(count),
        intrinsics=intrinsics,
        image_size=torch.tensor([width, height]).expand(count, 2).clone(),
        transl=torch.tensor([0.0, 0.2, 3.2]).expand(count, 3).clone(),
        names=tuple(f"{name}.jpg#0" for name in names),
        images=tuple(f"photos/{name}.jpg" for name in names),
    )


def drawn(estimate: BodyEstimate) -> list[np.ndarray]:
    sizes = [(int(w), int(h)) for w, h in estimate.image_size]
    return draw_labels(load_body(), estimate.params, estimate.intrinsics, sizes)


def write_set(root: Path, names: list[str], labels: list[np.ndarray], masks: list[np.ndarray] | None = None) -> None:
    """Annotations that are exactly the labels; foreground is where they are not 0, unless masks say otherwise."""
    for name, parts, mask in zip(names, labels, masks or [parts > 0 for parts in labels], strict=True):
        write_annotation(root, name, mask, parts)


def write_smplify(path: Path, estimate: BodyEstimate, **changed: object) -> None:
    row = {
        "cam_t": estimate.transl[0].double().numpy(),
        "f": float(estimate.intrinsics[0, 0, 0]),
        "pose": estimate.pose[0].double().numpy(),
        "betas": estimate.betas[0].double().numpy(),
    }
    row.update(changed)
    path.write_bytes(pickle.dumps({key: value for key, value in row.items() if value is not None}, protocol=2))
