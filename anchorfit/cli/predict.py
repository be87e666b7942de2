"""``anchorfit predict``: people in photographs, from a keypoint file or a detector to bodies in one forward pass."""

from __future__ import annotations

from ..looks import OverlayLook
from ..runs.engines import EngineOptions
from ..runs.options import RunOptions
from . import options as opt
from .declared import command_of
from .launch import launch


@command_of(method="predict")
def predict(
    pictures: opt.Images,
    output: opt.Output,
    options: RunOptions,
    writing: opt.Writing,
    engine: EngineOptions,
    look: OverlayLook,
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body, without fitting, for every person in the IMAGES, of the keypoint file or found by a detector.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    launch(pictures, output, options, writing, engine, look, device)
