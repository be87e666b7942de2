"""``anchorfit demo``: the bundled photographs, from keypoints or from the pictures alone to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import Terminal, out
from .declared import command


@command
def demo(
    output: opt.Output = Path("anchorfit-demo"),
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    detect: Annotated[
        bool,
        typer.Option("--detect/--no-detect", help="Find the people in the pictures, or take the bundled keypoints."),
    ] = True,
    device: opt.Device = "cpu",
) -> None:
    """Fit the people of six bundled photographs: overlays, meshes and one contact sheet."""
    body = opt.named_body("open", gender, age)
    from ..runs.demo import run_demo
    from .people import print_people

    done = run_demo(output, body=body, gender=gender, detect=detect, device=device, listener=Terminal())
    print_people(
        done.estimate,
        {
            "limbs, % of box height": [f"{100 * f.limb_error:.1f}" for f in done.figures],
            "mask IoU": ["-" if f.mask_iou is None else f"{f.mask_iou:.2f}" for f in done.figures],
        },
    )
    out.print(f"Look at {done.sheet}", soft_wrap=True, highlight=False, markup=False)
