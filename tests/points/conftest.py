"""People in space whose truth is known."""

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def truth(body):
    library = load_pose_library(split="heldout", mirrored=False)
    generator = torch.Generator().manual_seed(3)
    params = body.layout.zeros(24, body.v_template)
    params[:, :72] = library.poses[torch.randperm(len(library), generator=generator)[:24]]
    params[:, body.layout.betas] = torch.randn(24, body.num_betas, generator=generator)
    params[:, body.layout.transl] = torch.randn(24, 3, generator=generator)
    return params
