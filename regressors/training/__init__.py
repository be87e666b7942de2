"""Training the priors. The packages of the extra ``train`` are needed here and nowhere else."""

from .config import Training
from .human2d_task import Human2DTask
from .loop import Trained, train
from .refinement import Annotated, RefineTask
from .tasks import PoseLoss, PoseTask, ShapeTask

__all__ = [
    "Annotated",
    "Human2DTask",
    "PoseLoss",
    "PoseTask",
    "RefineTask",
    "ShapeTask",
    "Trained",
    "Training",
    "train",
]
