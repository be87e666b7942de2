"""A body as a torch module, for torch's own tools: torch.export, ONNX, torch.compile, torch.func."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .model import BodyModel, BodyOutput
from .rotations import axis_angle_to_matrix


class BodyModule(nn.Module):
    """``BodyModel.forward`` with every argument given and nothing checked.

    The body's tensors are constants of the module, on the body's device and of its dtype. A batch of any size is traced
    as one: ``torch.export.export(BodyModule(body), arguments, dynamic_shapes=...)``.
    """

    def __init__(self, body: BodyModel) -> None:
        super().__init__()
        self.body = body

    def forward(self, betas: Tensor, body_pose: Tensor, global_orient: Tensor, transl: Tensor) -> BodyOutput:
        """Posed vertices and joints of betas (B, S), body_pose (B, 69), global_orient (B, 3), transl (B, 3)."""
        pose = torch.cat((global_orient, body_pose), dim=-1).unflatten(-1, (24, 3))
        return self.body.from_rotations(axis_angle_to_matrix(pose), betas, transl)
