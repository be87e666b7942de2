"""``anchorfit fit``: people in photographs, from a keypoint file or a detector to bodies."""

from __future__ import annotations

from ..looks import OverlayLook
from ..runs.engines import EngineOptions
from ..runs.evidence_options import EvidenceOptions
from ..runs.options import RunOptions
from . import options as opt
from .declared import command_of
from .launch import launch
from .points import fit_points_of
from .views import fit_views_of


@command_of(method="fit")
def fit(
    pictures: opt.Images,
    output: opt.Output,
    options: RunOptions,
    evidence: EvidenceOptions,
    writing: opt.Writing,
    engine: EngineOptions,
    look: OverlayLook,
    device: opt.Device = "cpu",
) -> None:
    """Fit a 3D body to every person in the IMAGES: those of the keypoint file or, without one, those a detector finds.

    A video in place of images: its people are told apart, each gets one shape, smooth motion and an animation, and all
    are drawn in an overlay video.

    A run that was stopped goes on where it was when its command is given again. OUTPUT/index.jsonl has a line a person.

    The exit code is 0 when a person was fitted and a file written (problems are said at the end), 1 when not, and 2
    for a wrong command.
    """
    evidence.check(options, writing, engine, look)
    if evidence.points is not None:
        fit_points_of(pictures, output, evidence, options, writing, device)
    elif evidence.cameras is not None:
        fit_views_of(pictures, output, evidence, options, writing, engine, look, device)
    else:
        launch(pictures, output, options, writing, engine, look, device)
