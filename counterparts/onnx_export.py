# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "anchorfit", "onnx==1.23.2", "onnxscript==0.7.2", "onnxruntime==1.32.0"]
# ///
"""ONNX: body and networks exported with a batch of any size, run by ONNX Runtime.

python counterparts/run.py onnx_export
"""

import sys
from pathlib import Path

import onnxruntime
import torch
from verdict import say

from anchorfit.body import BodyModule, load_body
from anchorfit.regressors import load_pose_prior_network, load_shape_prior_network
from anchorfit.regressors.pose_prior import NUM_FEATURES


def drawn(*shapes):
    return lambda count: tuple(0.3 * torch.randn(count, *shape) for shape in shapes)


def cases():
    """By name: module and a maker of its arguments."""
    return {
        "body": (BodyModule(load_body()), drawn((10,), (69,), (3,), (3,))),
        "pose_prior": (load_pose_prior_network(), drawn((NUM_FEATURES,))),
        "shape_prior": (load_shape_prior_network(), drawn((64, 64))),
    }


def flat(outputs):
    return [one for one in torch.utils._pytree.tree_leaves(outputs) if isinstance(one, torch.Tensor)]


@torch.no_grad()
def main(files):
    torch.manual_seed(0)
    batch = torch.export.Dim("batch", min=1)
    for name, (module, make) in cases().items():
        path = files / f"{name}.onnx"
        shapes = tuple({0: batch} for _ in make(2))
        torch.onnx.export(module, make(2), path, dynamic_shapes=shapes, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        worst = 0.0
        for given in (make(1), make(5)):
            names = [one.name for one in session.get_inputs()]
            outputs = session.run(None, {key: value.numpy() for key, value in zip(names, given, strict=True)})
            for one, other in zip(flat(module(*given)), outputs, strict=True):
                worst = max(worst, float((one - torch.from_numpy(other)).abs().max()))
        say("onnxruntime", f"{name} as ONNX, batches of 1 and 5, largest difference", worst, 1e-4, "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
