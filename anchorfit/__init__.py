"""From photographs, keypoints and masks to 3D human bodies.

The names a user needs are here; each is imported when it is first asked for, so that ``import anchorfit`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .body import BodyModel, Floor, load_body
    from .cameras import CalibratedCamera, read_cameras
    from .detectors import detect
    from .interchange.results import read_results
    from .meshes import export_mesh
    from .observations import Observations, Person, match_people, read_people
    from .pictures import draw_overlay
    from .pipeline import FitOptions, fit, fit_people, predict, predict_people
    from .points import PointFit, fit_points
    from .refining import refine_people
    from .results import BodyEstimate
    from .runs import EngineOptions, Listener, RunOptions, run
    from .views import ViewFit, fit_views
    from .world import to_world

_HOMES = {
    "BodyEstimate": "anchorfit.results",
    "BodyModel": "anchorfit.body",
    "CalibratedCamera": "anchorfit.cameras",
    "FitOptions": "anchorfit.pipeline",
    "Floor": "anchorfit.body",
    "Observations": "anchorfit.observations",
    "Person": "anchorfit.observations",
    "PointFit": "anchorfit.points",
    "detect": "anchorfit.detectors",
    "draw_overlay": "anchorfit.pictures",
    "EngineOptions": "anchorfit.runs.engines",
    "Listener": "anchorfit.runs.listening",
    "RunOptions": "anchorfit.runs.options",
    "ViewFit": "anchorfit.views",
    "export_mesh": "anchorfit.meshes",
    "fit": "anchorfit.pipeline",
    "fit_people": "anchorfit.pipeline",
    "fit_points": "anchorfit.points",
    "fit_views": "anchorfit.views",
    "load_body": "anchorfit.body",
    "match_people": "anchorfit.observations",
    "predict": "anchorfit.pipeline",
    "predict_people": "anchorfit.pipeline",
    "read_cameras": "anchorfit.cameras",
    "read_people": "anchorfit.observations",
    "read_results": "anchorfit.interchange.results",
    "refine_people": "anchorfit.refining",
    "run": "anchorfit.runs.fitting",
    "to_world": "anchorfit.world",
}

__all__ = [
    "BodyEstimate",
    "BodyModel",
    "CalibratedCamera",
    "EngineOptions",
    "FitOptions",
    "Floor",
    "Listener",
    "Observations",
    "Person",
    "PointFit",
    "RunOptions",
    "ViewFit",
    "__version__",
    "detect",
    "draw_overlay",
    "export_mesh",
    "fit",
    "fit_people",
    "fit_points",
    "fit_views",
    "load_body",
    "match_people",
    "predict",
    "predict_people",
    "read_cameras",
    "read_people",
    "read_results",
    "refine_people",
    "run",
    "to_world",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'anchorfit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
