"""Constants of fits to several views, and of those to one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..fitting import FitConfig, anchored_config
from ..fitting.point_fit import PointConfig
from ..fitting.terms import KnownSize


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """Options of `fit_views`.

    Attributes:
        unit: of the cameras' translations: m, cm, mm; auto (told by the body's size); free (arbitrary: of mean size).
        several: whether an instant may show several people, matched across views; None: where a camera saw several.
        sequence: the instants are of the same people: one shape for each. People of several are told apart by where
            they stood the instant before; with ``several=False`` only the one who is seen longest is fitted.
        smooth: the instants of a sequence follow each other in time: smooth motion.
        masks: whether outlines are fitted, where people have masks.
        sizes: known heights and measurements.
        covariance: whether diagnostics have covariances of the joints.
        config: constants of the fit; None: `views_config`.
        batch_size: rows fitted at once: speed and memory only.
    """

    unit: str = "auto"
    several: bool | None = None
    sequence: bool = False
    smooth: bool = True
    masks: bool = False
    sizes: KnownSize | None = None
    covariance: bool = False
    config: FitConfig | None = None
    batch_size: int = 256


POSE_WEIGHT, SHAPE_WEIGHT = 3.4, 3.5
SAME_SHAPE = 1000.0  # weight of an anchor on betas that views settled at other instants: nothing moves them
START = PointConfig(noise=0.025)
"""Of the fit to triangulated joints that views begin from."""


def views_config() -> FitConfig:
    """Of rows that several views settle: the last stage, from a start that stands where it is to stand.

    There is no prediction to be held near, and nothing to say of depth. Priors weigh less than in one view
    (`docs/cameras.md` has what was measured).
    """
    config = anchored_config().without("depth", "anchor", "anchor_orient", "balance")
    stages = (replace(stage, pose_weight=POSE_WEIGHT, shape_weight=SHAPE_WEIGHT) for stage in config.stages)
    return replace(config, stages=tuple(stages))


def one_view_config() -> FitConfig:
    """Of rows that one view alone has: anchored to the prediction from that view."""
    return anchored_config()
