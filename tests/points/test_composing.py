"""2D keypoints, 3D points in a frame of their own and a known height, in one energy."""

import pytest
import torch

import anchorfit
from anchorfit.body import axis_angle_to_matrix, load_body, measure
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting import anchored_config
from anchorfit.fitting.energy import BodyState, Energy
from anchorfit.fitting.terms import KnownSize, Points
from anchorfit.fitting.terms.placed_points import FRAMES, PlacedPointTerm
from anchorfit.points import point_convention

MEDIAPIPE = tuple(name for name in point_convention("mediapipe33") if name is not None)
COUNT = 24


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.mark.parametrize("frame", FRAMES[1:])
def test_the_placement_is_eliminated_with_its_derivative(frame):
    """The gradient is autograd's through the placement itself, and a placement of the points changes nothing."""
    body = load_body(dtype=torch.float64)
    generator = torch.Generator().manual_seed(2)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    names = MEDIAPIPE[:14]
    points = compiled_points(body, names)
    params = 0.3 * random(4, body.layout.size)
    positions = points.points(params) + 0.05 * random(4, 14, 3)
    weights = 300 * torch.rand(4, 14, generator=generator, dtype=torch.float64)
    weights[1, :3] = 0
    weights[3, 3:] = 0  # three points: no say
    term = PlacedPointTerm(names, positions, weights, frame=frame, sigma=0.1)
    term.refresh(params, Energy(body, [term]))
    rows = torch.arange(4)
    at = (0.2 * random(4, body.layout.size) + params).requires_grad_(True)
    (wanted,) = torch.autograd.grad(term.energy(BodyState.of(at, points), rows).sum(), at)
    with torch.no_grad():
        found = term.residuals(BodyState.of(at, points, derivative=True), rows)
    gradient = 2 * (found.jacobian.mT @ found.values[..., None])[..., 0]
    torch.testing.assert_close(gradient[:3], wanted[:3], rtol=1e-6, atol=1e-5)  # the fourth's is none: nothing to lay
    assert float(gradient[3].abs().max()) == 0
    assert float(found.values[3].abs().max()) == 0

    moved = positions + torch.tensor([1.0, -2.0, 0.5])
    if frame != "centred":
        moved = moved @ axis_angle_to_matrix(torch.tensor([0.3, 2.0, -1.0], dtype=torch.float64)).mT
    moved = moved * (1.3 if frame == "similar" else 1.0)
    other = PlacedPointTerm(names, moved, weights, frame=frame, sigma=0.1)
    other.refresh(params, Energy(body, [other]))
    with torch.no_grad():
        again = other.residuals(BodyState.of(at, points, derivative=True), rows)
    torch.testing.assert_close(again.values, found.values, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(again.jacobian, found.jacobian, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def people(body):
    poses = load_pose_library(split="heldout", mirrored=False).poses[::97].numpy()
    return make_people(body, poses, COUNT, seed=4)


@pytest.mark.parametrize("frame", FRAMES)
def test_each_kind_of_evidence_makes_the_body_better(body, people, frame):
    """Keypoints alone, with 3D points, and with a height, too: joints come nearer the truth, the height is right."""
    observations, truth = people.observations, people.params
    points = compiled_points(body, MEDIAPIPE).points(truth)
    generator = torch.Generator().manual_seed(1)
    points = points + 0.02 * torch.randn(points.shape, generator=generator)
    if frame != "camera":
        points = points - points.mean(1, keepdim=True)
    if frame in ("turned", "similar"):
        points = points @ axis_angle_to_matrix(torch.tensor([0.2, 1.5, 0.1])).mT
    points = points * (1.2 if frame == "similar" else 1.0)
    height = measure(body, truth[:, body.layout.betas]).height
    given = {name: {"height": float(value)} for name, value in zip(observations.names, height, strict=True)}
    placed = Points(names=MEDIAPIPE, positions=dict(zip(observations.names, points, strict=True)), frame=frame)
    alone = anchored_config()
    config = alone.with_term(placed)
    fits = [
        anchorfit.fit(observations, body, config=one)
        for one in (alone, config, config.with_term(KnownSize(given=given)))
    ]
    joints = compiled_points(body, tuple(f"joint:{name}" for name in anchorfit.body.SMPL_JOINTS))

    def off_mm(params):
        own, true = joints.points(params), joints.points(truth)
        own, true = own - own[:, :1], true - true[:, :1]
        return 1000 * float((own - true).norm(dim=-1).mean())

    errors = [off_mm(fit.params) for fit in fits]
    assert errors[1] < 0.65 * errors[0]
    assert errors[2] < 1.06 * errors[1]
    own = measure(body, fits[2].betas).height
    assert float((own - height).abs().mean()) < 0.01


def test_a_wrong_spec_is_one_line():
    with pytest.raises(ValueError, match="frame: expected one of camera"):
        Points(names=("nose",), frame="mirrored")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"positions: a: expected \(1, 3\)"):
        Points(names=("nose",), positions={"a": torch.zeros(2, 3)})
