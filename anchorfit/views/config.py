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
        sequence: the instants are one person in time: one shape, and smooth motion.
        masks: whether outlines are fitted, where people have masks.
        sizes: known heights and measurements.
        covariance: whether diagnostics have covariances of the joints.
        config: constants of the fit; None: `views_config`.
        batch_size: rows fitted at once: speed and memory only.
    """

    unit: str = "auto"
    several: bool | None = None
    sequence: bool = False
    masks: bool = False
    sizes: KnownSize | None = None
    covariance: bool = False
    config: FitConfig | None = None
    batch_size: int = 256


START = PointConfig(noise=0.025)
"""Of the fit to triangulated joints that views begin from."""


def views_config() -> FitConfig:
    """Of rows that several views settle: the last stage, from a start that stands where it is to stand.

    There is no prediction to be held near, and nothing to say of depth.
    """
    config = anchored_config().without("depth", "anchor", "anchor_orient", "balance")
    return replace(config, candidates=1)


def one_view_config() -> FitConfig:
    """Of rows that one view alone has: anchored to the prediction from that view."""
    return anchored_config()
