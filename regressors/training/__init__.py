"""Training the networks. The packages of the extra ``train`` are needed here alone."""

from .config import Training
from .end2end_task import ALTERNATIONS, End2EndTask, Refinement
from .human2d_task import Human2DTask
from .loop import Trained, train
from .refinement import Annotated, RefineTask
from .tasks import PoseLoss, PoseTask, ShapeTask
from .uncertainty_task import UncertaintyTask

__all__ = [
    "ALTERNATIONS",
    "Annotated",
    "End2EndTask",
    "Human2DTask",
    "PoseLoss",
    "PoseTask",
    "RefineTask",
    "Refinement",
    "ShapeTask",
    "Trained",
    "Training",
    "UncertaintyTask",
    "train",
]
