"""Pictures of docs/open_body.md: ``python scripts/draw_open_body.py anchorfit/assets/bodies -o docs/images``."""

from __future__ import annotations

import argparse
from pathlib import Path

from open_body.pictures import draw_ages, draw_landmarks, draw_poses, draw_shapes, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bodies", type=Path, help="folder of open_{neutral,male,female,child}.npz")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the pictures")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = ("neutral", "male", "female", "child")
    bodies = {name: read(arguments.bodies / f"open_{name}.npz") for name in names}
    draw_shapes(bodies, arguments.out / "open_body_shapes.png")
    draw_poses(bodies, arguments.out / "open_body_poses.png")
    draw_landmarks(bodies["neutral"], arguments.out / "open_body_landmarks.png")
    draw_ages(bodies["child"], bodies["neutral"], arguments.out / "open_body_children.png")


if __name__ == "__main__":
    main()
