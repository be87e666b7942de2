"""The README's first picture: a photograph, the body in it, and the body from the side.

python scripts/draw_first_picture.py docs/images/first.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.observations import read_image, write_image
from anchorfit.pictures import draw_line_up, draw_overlay

PHOTO = ASSETS / "demo" / "000000234748.jpg"
WINDOW = (225, 95, 485, 427)  # of the photograph: left, top, right, bottom pixels


def first_picture() -> np.ndarray:
    """(H, W, 3) uint8 RGB: three panels of one height."""
    body = anchorfit.load_body()
    people = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json").people
    here = anchorfit.match_people(people, [PHOTO]).people
    estimate, _ = anchorfit.fit_people(here, body, options=anchorfit.FitOptions(pitch="people"))  # as the demo
    left, top, right, bottom = WINDOW
    seen = [read_image(PHOTO), draw_overlay(estimate, body)]
    panels = [np.asarray(picture)[top:bottom, left:right] for picture in seen]
    side = draw_line_up(estimate, body, panels[0].shape[:2])
    return np.concatenate([*panels, side], axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    write_image(parser.parse_args().output, first_picture())
