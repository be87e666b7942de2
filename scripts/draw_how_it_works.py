"""The picture of docs/how_it_works.md: one skier on the way from keypoints to a body.

python scripts/draw_how_it_works.py docs/images/how_it_works.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.observations import read_image
from anchorfit.pictures import draw_side_view

WINDOW = (255, 25, 520, 405)  # of the photograph: left, top, right, bottom pixels


def panels() -> list[tuple[str, str, np.ndarray]]:
    """Title, line below, picture."""
    photo = ASSETS / "demo" / "000000000785.jpg"
    body = anchorfit.load_body()
    skier = anchorfit.match_people(anchorfit.read_people(photo.parent / "person_keypoints.json").people, [photo]).people
    guess, _ = anchorfit.predict_people(skier, body)
    fitted, _ = anchorfit.fit_people(skier, body, init=guess)
    assert guess is not None
    assert fitted is not None
    left, top, right, bottom = WINDOW

    def window(image: np.ndarray) -> np.ndarray:
        return image[top:bottom, left:right]

    def error(estimate: anchorfit.BodyEstimate) -> str:
        shown = estimate.diagnostics.reprojection_px
        return f"{float(shown.nanmean()):.1f} px off the keypoints"

    seen = skier[0].keypoints[skier[0].confidence > 0] - (left, top)
    observed = _with_points(window(read_image(photo)), seen)
    side = draw_side_view(fitted, body, (bottom - top, right - left))
    steps = int(fitted.diagnostics.steps[0])
    return [
        ("1  Observe", f"{len(seen)} keypoints, a camera", observed),
        ("2  Predict", f"one pass: {error(guess)}", window(anchorfit.draw_overlay(guess, body))),
        ("3  Fit, anchored", f"{steps} steps: {error(fitted)}", window(anchorfit.draw_overlay(fitted, body))),
        ("4  A body", "pose, shape, place: from the right", side),
    ]


def _with_points(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    figure = plt.figure(figsize=(image.shape[1] / 100, image.shape[0] / 100), dpi=200)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(image, extent=(0, image.shape[1], image.shape[0], 0))
    axes.plot(*points.T, "o", color="#ffd400", markeredgecolor="black", markersize=5)
    axes.axis("off")
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]
    plt.close(figure)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    shown = panels()
    figure, axes = plt.subplots(1, len(shown), figsize=(13, 5.2), dpi=110)
    for axis, (title, line, image) in zip(axes, shown, strict=True):
        axis.imshow(image)
        axis.set_title(title, fontsize=15, fontweight="bold", loc="left")
        axis.text(0, -0.03, line, transform=axis.transAxes, fontsize=10.5, va="top")
        axis.axis("off")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.92, bottom=0.07, wspace=0.04)
    figure.savefig(output, pil_kwargs={"quality": 88})


if __name__ == "__main__":
    main()
