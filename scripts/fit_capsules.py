"""Fits the collision capsules of the open bodies and stores them beside the bodies.

python scripts/fit_capsules.py anchorfit/assets/bodies
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.body import load_body
from anchorfit.fitting.capsules import CAPSULES, fit_capsules, save_capsules


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds open_NAME.npz; capsules_NAME.npz go there")
    args = parser.parse_args()
    for name in ("neutral", "male", "female", "child"):
        capsules = fit_capsules(load_body(args.folder / f"open_{name}.npz"))
        save_capsules(capsules, args.folder / f"capsules_{name}.npz")
        radii = ", ".join(
            f"{capsule} {100 * float(radius):.1f}" for capsule, radius in zip(CAPSULES, capsules.radius, strict=True)
        )
        print(f"{name}, cm: {radii}")


if __name__ == "__main__":
    main()
