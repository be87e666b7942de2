"""Normal equations by blocks are those of the whole Jacobian."""

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, load_body
from anchorfit.body.kinematics import compiled_points

MARKERS = tuple(f"vertex:{vertex}" for vertex in range(17, 6800, 171))
SMPL = tuple(f"joint:{name}" for name in SMPL_JOINTS)


@pytest.mark.parametrize("correctives", [False, True])
@pytest.mark.parametrize("names", [SMPL, CANONICAL_JOINTS, (*SMPL, *MARKERS), ("joint:left_wrist",), MARKERS[:1]])
def test_blocks_give_the_normal_equations_of_the_whole(names, correctives):
    body = load_body(dtype=torch.float64)
    points = compiled_points(body, tuple(names), correctives=correctives)
    generator = torch.Generator().manual_seed(5)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    params = 0.4 * random(5, body.layout.size)
    there, jacobian = points.points_and_jacobian(params)
    residuals, weights = random(5, len(names), 3), random(5, len(names)).abs()
    weights[:, 0] = 0.0  # a point that was not measured
    weighed = (weights[..., None, None] * jacobian).flatten(1, 2)
    at, rows = points.points_and_rows(params)
    gradient, hessian = random(5, body.layout.size), random(5, body.layout.size, body.layout.size)
    wanted = (
        gradient + (weighed.mT @ (weights[..., None] * residuals).flatten(1)[..., None])[..., 0],
        hessian + weighed.mT @ weighed,
    )
    points.blocks.accumulate(rows, residuals, weights, gradient, hessian)
    torch.testing.assert_close(at, there, rtol=0, atol=0)
    torch.testing.assert_close((gradient, hessian), wanted, rtol=1e-10, atol=1e-10)


def test_every_point_is_in_one_block():
    blocks = compiled_points(load_body(), (*SMPL, *MARKERS), correctives=False).blocks
    together = torch.cat([block.points for block in blocks.blocks])
    assert together.sort().values.tolist() == list(range(24 + len(MARKERS)))
    assert 1 < len(blocks.blocks) < 12
