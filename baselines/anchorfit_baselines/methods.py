"""What the benchmarks are told of each method; `setup.cfg` names each under the entry point ``anchorfit.methods``."""

from __future__ import annotations

from functools import partial
from typing import Literal

from anchorfit.evaluation.methods import Variant

from .trainings import VERSION, baseline


def _variant(
    name: str,
    about: str,
    *,
    keypoints: Literal["detected", "none"] = "none",
    masks: bool = False,
    landmarks: bool = False,
    bodies: bool = True,
) -> Variant:
    """One of `trainings.BASELINES`."""
    return Variant(
        make=partial(baseline, name),
        about=about,
        keypoints=keypoints,
        masks=masks,
        landmarks=landmarks,
        bodies=bodies,
        trained=True,
        version=VERSION,
    )


RAMAKRISHNA = _variant("ramakrishna", "Ramakrishna 2012, matching pursuit: joints", keypoints="detected", bodies=False)
AKHTER_BLACK = _variant("akhter-black", "Akhter & Black 2015, joint limits: joints", keypoints="detected", bodies=False)
ZHOU = _variant("zhou", "Zhou 2015, convex relaxation: joints", keypoints="detected", bodies=False)
FOREST = _variant("forest", "Lassner 2017, forests from LSP's 14 joints", keypoints="detected")
FOREST_91 = _variant("forest-91", "Lassner 2017, forests from 91 landmarks", landmarks=True)
LANDMARKS_91 = _variant("landmarks-91", "Lassner 2017, SMPLify on 91 landmarks", landmarks=True)
TAN_DIRECT = _variant("tan-direct", "Tan 2017, silhouette to parameters", masks=True)
TAN_INDIRECT = _variant("tan-indirect", "Tan 2017, silhouette through a decoder", masks=True)
