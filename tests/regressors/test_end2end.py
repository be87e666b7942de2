"""Picture to body and back: the chain against `predict_params`, gradients, loss, whose turn it is, and resuming."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.body import Gravity, compile_points, load_body
from anchorfit.camera import project
from anchorfit.regressors import Human2D, Human2DConfig, PosePrior, PosePriorConfig, ShapePrior, ShapePriorConfig
from anchorfit.regressors.datasets import Augmentation, KeptPictures, load_kept
from anchorfit.regressors.end2end import PARTS, EndToEnd, annotated_joints, frame_silhouettes, observations_of
from anchorfit.regressors.human2d import Human2DOutput, see
from anchorfit.regressors.image_crops import Framing
from anchorfit.regressors.losses import projection_loss
from anchorfit.regressors.prediction import load_networks, predict_params
from anchorfit.regressors.shape_prior import crop_mask
from anchorfit.regressors.synthesis import PoseSource, shipped_poses
from anchorfit.regressors.synthesis.images import SyntheticImages
from anchorfit.regressors.synthesis.other_look import other_look, unseen_pictures
from anchorfit.regressors.training import (
    ALTERNATIONS,
    End2EndTask,
    PoseTask,
    Refinement,
    ShapeTask,
    Training,
    tasks,
    train,
)
from anchorfit.regressors.training.end2end_task import PicturePredictions, errors

POSE, SHAPE = PosePriorConfig(width=16, units=1, corrections=1), ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16)
SMALL = Human2DConfig(features=8, depth=1)
SHORT = Training(steps=6, batch_size=2, warmup=2, evaluate_every=6, checkpoint_every=3)


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def unseen(body):
    return unseen_pictures(body, 4, part="annotated", size=128)


@pytest.fixture(scope="module")
def sources(body):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "HELDOUT_PEOPLE", 16)  # a thousand take seconds
        return PoseTask(body, network=POSE), ShapeTask(body, network=SHAPE)


def ignorant(body, pictures):
    """Small networks that know nothing, but whose heatmaps have maxima and whose silhouettes cover something."""
    networks = EndToEnd(Human2D(SMALL), PosePrior(POSE), ShapePrior(SHAPE), body)
    networks.pose.skeleton.measure(body)
    with torch.no_grad():
        for name, weight in networks.human2d.named_parameters():
            if name.startswith("heads"):
                weight.copy_(0.3 * (torch.randn(weight.shape) if weight.ndim > 1 else torch.ones(weight.shape)))
    networks.human2d.train()
    with torch.no_grad():
        networks.human2d(pictures)
    return networks.eval()


@pytest.fixture(scope="module")
def first(body, unseen):
    """The first of such networks that place everybody: most place few."""
    crops = unseen.crops
    for seed in range(100):
        torch.manual_seed(seed)
        networks = ignorant(body, crops.picture)
        with torch.no_grad():
            if networks.seen_and_drawn(crops.picture, crops.intrinsics).known.all():
                return networks
    raise AssertionError("none of 100 networks places everybody")


@pytest.fixture
def networks(first):
    return copy.deepcopy(first)


class Told(Human2D):
    """Sees what it was told."""

    def tell(self, crops):
        cover = crops.body.clamp(1e-4, 1 - 1e-4)
        self.output = Human2DOutput(crops.heatmaps, torch.stack((torch.zeros_like(cover), torch.logit(cover)), 1))
        return self.eval()

    def forward(self, pictures):
        return [self.output]


def test_the_chain_draws_what_predict_predicts(body, unseen):
    crops, shipped = unseen.crops, load_networks()
    human2d = Told(SMALL).tell(crops)
    chain = EndToEnd(human2d, shipped.pose, shipped.shapes[body.name], body)
    drawn = chain.seen_and_drawn(crops.picture, crops.intrinsics)
    assert drawn.known.all()
    sight = see(human2d, crops.picture)
    torch.testing.assert_close(drawn.positions, sight.positions, atol=1.5, rtol=0)  # pixels of 128: soft maxima
    observations = observations_of(sight._replace(positions=drawn.positions), crops.intrinsics, SMALL.joints)
    free = Gravity.unknown(len(observations))  # what is turned towards balance is turned after the networks
    params = predict_params(observations, body, networks=shipped, gravity=free).params
    posed = compile_points(body).points(params)
    rotations = drawn.local[:, 0]
    expected = project(annotated_joints(posed, rotations)[:, chain.joints], crops.intrinsics)
    torch.testing.assert_close(drawn.joints, expected, atol=0.75, rtol=0)  # softer masks
    torch.testing.assert_close(drawn.betas, params[:, 72:82], atol=1.0, rtol=0)
    torch.testing.assert_close(drawn.local[:, 1:], body_rotations(params), atol=0.15, rtol=0)


def body_rotations(params):
    from anchorfit.body import axis_angle_to_matrix

    return axis_angle_to_matrix(params[:, 3:72].unflatten(1, (23, 3)))


def test_silhouettes_are_framed_as_predict_frames_masks(unseen):
    cover = (unseen.crops.body > 0.5).float()
    framed, outlined = frame_silhouettes(cover)
    assert outlined.all()
    for mine, mask in zip(framed, cover, strict=True):
        expected = crop_mask(np.kron(mask.numpy(), np.ones((8, 8))) > 0)
        assert (mine - expected).abs().mean() < 0.02
        assert (mine - expected).abs().median() == 0
    nobody, empty = frame_silhouettes(torch.zeros(1, 32, 32))
    assert not empty.any()
    assert nobody.sum() == 0


def double_loss(networks, crops, moves=PARTS):
    """The joints' part of L_Pi: the cover's is a count of samples, whose steps finite differences would see."""
    drawn = networks.seen_and_drawn(crops.picture.double(), crops.intrinsics.double(), moves=moves)
    assert drawn.known.all()
    still = torch.zeros_like(drawn.cover)
    joints, marked = drawn.joints / 128, crops.positions.double() / 128
    return projection_loss(joints, marked, crops.known, still, still).mean(), drawn


@pytest.mark.parametrize("part", PARTS)
def test_gradients_are_finite_differences_in_every_network(body, networks, unseen, part):
    networks = networks.double()
    networks.body = body.to(dtype=torch.float64)
    crops = unseen.crops.rows(slice(0, 2))
    network = getattr(networks, part)
    weights = list(network.parameters())
    loss, _ = double_loss(networks, crops)
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    generator = torch.Generator().manual_seed(1)
    steps = [torch.randn(w.shape, generator=generator, dtype=w.dtype) * w.abs().mean().clamp_min(0.1) for w in weights]
    along = sum((g * s).sum() for g, s in zip(gradients, steps, strict=True) if g is not None)
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight, step in zip(weights, steps, strict=True):
                weight.add_(step, alpha=sign * 1e-7)
            values.append(double_loss(networks, crops)[0])
            for weight, step in zip(weights, steps, strict=True):
                weight.add_(step, alpha=-sign * 1e-7)
    assert along != 0
    torch.testing.assert_close((values[0] - values[1]) / 2e-7, along, rtol=1e-3, atol=1e-8)


def test_silhouettes_reach_every_network_and_only_those_that_move(networks, unseen):
    crops = unseen.crops
    for moves in (PARTS, ("pose",)):
        networks.zero_grad()
        drawn = networks.seen_and_drawn(crops.picture, crops.intrinsics, moves=moves)
        (drawn.cover - crops.body).square().mean().backward()
        for part in PARTS:
            grads = [w.grad.abs().sum() for w in getattr(networks, part).parameters() if w.grad is not None]
            assert (sum(grads) > 0) == (part in moves)


def test_confidences_pass_gradients_unless_they_are_told_not_to(networks, unseen):
    crops = unseen.crops
    for confidence in (True, False):
        drawn = networks.seen_and_drawn(crops.picture, crops.intrinsics, confidence=confidence)
        assert drawn.confidence.requires_grad == confidence
        assert drawn.joints.requires_grad


def test_a_picture_with_nobody_harms_nothing(networks, unseen):
    crops = unseen.crops
    empty = Told(SMALL).tell(crops._replace(heatmaps=0 * crops.heatmaps, body=0 * crops.body))
    empty.output.heatmaps.requires_grad_()
    networks.human2d = empty
    drawn = networks.seen_and_drawn(crops.picture, crops.intrinsics)
    assert not drawn.known.any()
    assert torch.isfinite(drawn.joints).all()
    (drawn.joints.square().mean() + drawn.cover.mean()).backward()
    assert torch.isfinite(empty.output.heatmaps.grad).all()
    assert all(torch.isfinite(w.grad).all() for w in networks.pose.parameters() if w.grad is not None)


def test_the_loss_has_a_known_value():
    joints = torch.zeros(2, 3, 2)
    marked = torch.tensor([[[0.3, 0.4], [0, 0], [9, 9]], [[0, 0], [0, 0], [0, 0]]])
    known = torch.tensor([[True, True, False], [True, True, True]])
    cover, body = torch.zeros(2, 4, 4), torch.zeros(2, 4, 4)
    body[1, 0] = 1
    loss = projection_loss(joints, marked, known, cover, body)
    torch.testing.assert_close(loss, torch.tensor([10 * 0.25, 0.25]))


def make_task(networks, unseen, sources, **refinement):
    pictures = KeptPictures([unseen.crops])
    return End2EndTask(
        networks,
        pictures,
        unseen.crops.rows(slice(0, 2)),
        bodies=unseen.bodies[:2],
        refinement=Refinement(**refinement),
        sources=sources,
    )


def test_steps_on_one_batch_lower_the_loss(networks, unseen, sources):
    task = make_task(networks, unseen, sources, turns=("end2end",))
    task.target = FixedPictures(unseen.crops)
    optimizer = torch.optim.Adam(networks.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        networks.train()
        loss = task.loss(networks, 0, slice(0, 4), 4)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(networks.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_turns_go_round_and_each_moves_its_own(networks, unseen, sources):
    assert [Refinement().turn(step) for step in range(4)] == ["end2end", "human2d", "priors", "end2end"]
    assert [Refinement(turns=ALTERNATIONS["individual"]).turn(step) for step in range(3)] == [
        "human2d",
        "priors",
        "human2d",
    ]
    task = make_task(networks, unseen, sources, pose_batch=4, shape_batch=2)
    for step, moved in enumerate(({"human2d", "pose", "shape"}, {"human2d"}, {"pose", "shape"})):
        networks.train()
        networks.zero_grad(set_to_none=True)
        task.loss(networks, step, slice(0, 2), 2).backward()
        parts = {part for part in PARTS if any(w.grad is not None for w in getattr(networks, part).parameters())}
        assert parts == moved


def test_the_priors_statistics_hold_still_and_human2ds_where_they_are_asked_to(networks, unseen, sources):
    def statistics():
        return {name: value.clone() for name, value in networks.named_buffers() if "running" in name}

    for held in ("held", "batch"):
        before = statistics()
        task = make_task(networks, unseen, sources, statistics=held, pose_batch=4, shape_batch=2)
        for step in range(3):
            networks.train()
            task.loss(networks, step, slice(0, 2), 2)
        changed = {name.split(".")[0] for name, value in statistics().items() if not torch.equal(value, before[name])}
        assert changed == (set() if held == "held" else {"human2d"})


@pytest.mark.parametrize("wrong", [{"turns": ("shape",)}, {"turns": ()}, {"moves": ("body",)}, {"pose_batch": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected"):
        Refinement(**wrong)


def test_a_resumed_run_ends_at_the_same_weights(first, unseen, sources, tmp_path):
    pytest.importorskip("lightning")
    whole, killed, again = (
        make_task(copy.deepcopy(first), unseen, sources, pose_batch=4, shape_batch=2) for _ in range(3)
    )
    train(whole, tmp_path / "whole", SHORT)
    with pytest.raises(KeyboardInterrupt):
        train(killed, tmp_path / "killed", SHORT, progress=lambda step, text: _kill_at(step, 5))
    result = train(again, tmp_path / "killed", SHORT, resume=True)
    assert result.steps == 6
    for one, other in zip(whole.model.state_dict().values(), again.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert {"joints_percent", "silhouette_iou", "surface_mm", "source_surface_mm"} <= set(result.errors)


def _kill_at(step, last):
    if step == last:
        raise KeyboardInterrupt


def test_errors_vanish_where_the_true_body_is_predicted(body):
    source = shipped_poses("heldout")
    pictures = SyntheticImages(body, source, replace(other_look(128), occluded=0))
    crops, bodies = pictures.batch(0, 4), pictures.truth(0, 4)
    human2d = Told(SMALL).tell(crops)
    networks = EndToEnd(human2d, PosePrior(POSE), ShapePrior(SHAPE), body)
    found = errors(networks, crops, PicturePredictions(see(human2d, crops.picture), bodies), bodies=bodies)
    assert found["joints_percent"] < 1e-3
    assert found["surface_mm"] < 1e-3
    assert found["pck"] == 100
    assert found["silhouette_iou"] > 99  # people are skin-tight and nothing is in front of these


def test_kept_pictures_come_back_from_a_file(unseen, tmp_path):
    kept = KeptPictures([unseen.crops.rows(slice(0, 3)), unseen.crops.rows(slice(3, 4))], seed=2)
    kept.save(tmp_path / "kept.npz", bodies=unseen.bodies)
    crops, beside = load_kept(tmp_path / "kept.npz", beside=("bodies",))
    torch.testing.assert_close(beside["bodies"], unseen.bodies)
    again = KeptPictures([crops], seed=2)
    for one, other in zip(kept.batch(1, 3), again.batch(1, 3), strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(again.chosen(slice(None)), unseen.crops, strict=True):
        torch.testing.assert_close(one, other, atol=0.5 / 255 + 1e-6, rtol=0)
    for all_rows, some in zip(kept.batch(1, 3).rows(slice(1, 2)), kept.batch(1, 3, slice(1, 2)), strict=True):
        torch.testing.assert_close(all_rows, some)
    with pytest.raises(FileNotFoundError, match="no such pictures"):
        load_kept(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="expected pictures"):
        load_kept(tmp_path / "bad.npz")
    with pytest.raises(ValueError, match="at least one picture"):
        KeptPictures([])


def test_a_scaled_picture_keeps_its_camera(body, unseen):
    augmentation = Augmentation(turn_deg=0, mirrored=0, scale=(0.6, 1.4))
    crops = KeptPictures([unseen.crops.rows(slice(0, 1))], augmentation=augmentation).batch(0, 3)
    points = compile_points(body).points(unseen.bodies[:1])
    marked = annotated_joints(points, root_rotation(unseen.bodies[:1]))[:, joint_rows()]
    torch.testing.assert_close(project(marked, crops.intrinsics), crops.positions, atol=1e-2, rtol=0)


def root_rotation(params):
    from anchorfit.body import axis_angle_to_matrix

    return axis_angle_to_matrix(params[:, :3])


def joint_rows():
    from anchorfit.body.joint_sets import CANONICAL_JOINTS

    return [CANONICAL_JOINTS.index(name) for name in SMALL.joints]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_camera_of_a_turned_piece_is_the_turned_camera(mirrored):
    framing = Framing((300.0, 200.0), 180.0, turn=0.5, mirrored=mirrored, size=256)
    camera = torch.tensor([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]])
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)) + torch.tensor([0, 0, 5.0])
    cosine, sine = np.cos(0.5), np.sin(0.5)
    turned = torch.tensor([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], dtype=torch.float32)
    moved = torch.diag(torch.tensor([-1.0, 1, 1])) @ turned if mirrored else turned
    expected = framing.points(project(points, camera).double().numpy())
    found = project(points @ moved.T, framing.camera(camera))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)


def test_annotated_and_held_out_pictures_are_of_other_takes(body):
    asked: list[tuple[set[str], set[str]]] = []
    original = PoseSource.from_library

    def spy(library, **options):
        asked.append((set(library.takes), set(library.subjects)))
        return original(library, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PoseSource, "from_library", staticmethod(spy))
        one, other = (unseen_pictures(body, 1, part=part) for part in ("annotated", "heldout"))
    assert not asked[0][0] & asked[1][0]
    assert asked[0][1] & asked[1][1]
    assert not torch.equal(one.crops.picture, other.crops.picture)


def test_nobody_held_out_is_an_error(networks, unseen, sources):
    with pytest.raises(ValueError, match="heldout: expected at least one"):
        End2EndTask(networks, KeptPictures([unseen.crops]), unseen.crops.rows(slice(0, 0)), sources=sources)


def test_priors_rows_are_shared_among_processes(networks, unseen, sources):
    """Two halves of a step of the priors are, together, the whole of it."""
    task = make_task(networks, unseen, sources, turns=("priors",), pose_batch=8, shape_batch=4)
    networks.eval()
    whole, low, high = (task.loss(networks, 0, rows, 2) for rows in (slice(0, 2), slice(0, 1), slice(1, 2)))
    torch.testing.assert_close((low + high) / 2, whole)


def test_unknown_silhouettes_teach_nothing(networks, unseen, sources):
    task = make_task(networks, unseen, sources, turns=("end2end",))
    networks.train()
    crops = unseen.crops._replace(has_body=torch.zeros(4, dtype=torch.bool))
    losses = []
    for body in (crops.body, 1 - crops.body):
        task.target = FixedPictures(crops._replace(body=body))
        losses.append(task.loss(networks, 0, slice(0, 4), 4))
    torch.testing.assert_close(losses[0], losses[1])


class FixedPictures:
    def __init__(self, crops):
        self.crops = crops

    def batch(self, step, count, rows=slice(None)):
        return self.crops.rows(rows)


def test_the_papers_settings():
    paper = replace(Training.paper(2000), learning_rate=8e-5, batch_size=4)
    assert (paper.optimizer, paper.rate(0), paper.rate(1999)) == ("rmsprop", 8e-5, 8e-5)
