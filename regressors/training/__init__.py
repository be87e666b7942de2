"""Training the priors. The packages of the extra ``train`` are needed here and nowhere else."""

from .config import Training
from .loop import Trained, train
from .tasks import PoseTask, ShapeTask

__all__ = ["PoseTask", "ShapeTask", "Trained", "Training", "train"]
