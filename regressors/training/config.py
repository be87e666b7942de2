"""Settings of training: optimiser, schedule, logs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Training:
    """Constants of a run. The defaults are scaled to hours on a CPU; `paper` gives those of Pavlakos et al. 2018."""

    steps: int = 20_000
    batch_size: int = 256  # over all processes
    optimizer: Literal["adamw", "rmsprop"] = "adamw"
    learning_rate: float = 1e-3
    warmup: int = 200  # steps
    falling: float = 0.4  # share of the run, at its end, over which the learning rate falls to 0,
    fall: Literal["line", "cosine"] = "line"  # in a straight line or as half a cosine
    weight_decay: float = 1e-4  # of AdamW
    clip_norm: float = 1.0  # of the gradient
    seed: int = 0
    evaluate_every: int = 500  # steps
    checkpoint_every: int = 500
    precision: Literal["32-true", "bf16-mixed"] = "32-true"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: expected a positive number, got {self.learning_rate}")

    @staticmethod
    def paper(steps: int = 100_000) -> Training:
        """The paper's optimiser: rmsprop at 3e-4, batch 256, a constant rate."""
        return Training(
            steps=steps, optimizer="rmsprop", learning_rate=3e-4, warmup=1, falling=0.0, clip_norm=float("inf")
        )

    def rate(self, step: int) -> float:
        """The learning rate of step 0, 1, ..., ``steps`` - 1: up, constant, down."""
        up = min(1.0, (step + 1) / max(1, self.warmup))
        length = self.falling * self.steps
        down = min(1.0, (self.steps - step) / length) if length > 0 else 1.0
        if self.fall == "cosine":
            down = (1 - math.cos(math.pi * down)) / 2
        return self.learning_rate * min(up, down)
