"""The networks' input, rotations, losses and closed-form translation."""

import math

import numpy as np
import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, axis_angle_to_matrix, compile_points, load_body
from anchorfit.body.joint_sets import CANONICAL_SOURCES, SMPL_JOINTS, mirror_permutation
from anchorfit.body.skinning import world_rotations
from anchorfit.camera import project, rotation_to_axis
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit.regressors import PosePrior, PosePriorConfig, ShapePrior, ShapePriorConfig
from anchorfit.regressors.losses import (
    aligned_point_loss,
    axis_angle_loss,
    keypoint_reprojection_loss,
    matrix_loss,
    point_loss,
    pose_angles_deg,
    six_d_loss,
    squared_point_loss,
)
from anchorfit.regressors.normalisation import normalise, seen_rays
from anchorfit.regressors.pose_prior import NUM_FEATURES, local_rotations
from anchorfit.regressors.representations import (
    from_matrix_identity,
    matrix_from_6d,
    matrix_to_6d,
    mirror_rotations,
    to_matrices,
)
from anchorfit.regressors.shape_prior import crop_mask
from anchorfit.regressors.skeleton import Skeleton
from anchorfit.regressors.surface import SurfaceSample
from anchorfit.regressors.translation import FALLBACK_DEPTH, Sightlines, translate_to_keypoints

JOINTS = len(CANONICAL_JOINTS)


@pytest.fixture(scope="module")
def body():
    return load_body()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def some_people(body, count=4, *, depth=4.0):
    params = torch.cat((0.3 * randn(count, 72), randn(count, 10, seed=1), torch.zeros(count, 3)), 1)
    params[:, 0] += math.pi
    params[:, 82:] = torch.tensor([0.3, -0.2, depth])
    intrinsics = torch.tensor([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]]).expand(count, 3, 3)
    points = compile_points(body).points(params)
    return params, intrinsics, points, project(points, intrinsics)


def test_image_size_and_position_do_not_matter(body):
    _, intrinsics, points, pixels = some_people(body)
    sure = torch.ones(pixels.shape[:2])
    first = normalise(pixels, sure, intrinsics)
    zoom = torch.diag(torch.tensor([3.0, 3.0, 1.0]))
    larger = normalise(3 * pixels, sure, zoom @ intrinsics)
    torch.testing.assert_close(first.features, larger.features, atol=1e-4, rtol=0)
    turn = axis_angle_to_matrix(torch.tensor([0.1, -0.2, 0.0]))  # the camera looks elsewhere
    moved = normalise(project(points @ turn.mT, intrinsics), sure, intrinsics)
    # Centred again by the turn that leaves a residual roll of the second order in the angle.
    torch.testing.assert_close(first.features, moved.features, atol=0.05, rtol=0)
    relative = moved.view @ turn @ first.view.mT
    assert pose_angles_deg(relative, torch.eye(3).expand_as(relative)).max() < 3


def test_views_turn_directions_to_the_axis():
    direction = torch.cat((randn(20, 2), torch.ones(20, 1)), 1)
    turn = rotation_to_axis(direction)
    along = (turn @ (direction / direction.norm(dim=1, keepdim=True))[..., None])[..., 0]
    torch.testing.assert_close(along, torch.tensor([0.0, 0.0, 1.0]).expand(20, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(turn @ turn.mT, torch.eye(3).expand(20, 3, 3), atol=1e-5, rtol=0)


@pytest.mark.parametrize("bad", ["nan", "inf", "none", "one", "same place", "bad camera"])
def test_bad_rows_give_empty_features_and_touch_no_other(body, bad):
    _, intrinsics, _, pixels = some_people(body)
    sure, intrinsics, pixels = torch.ones(4, JOINTS), intrinsics.clone(), pixels.clone()
    good = normalise(pixels, sure, intrinsics)
    if bad in ("nan", "inf"):
        pixels[1] = float(bad)
    elif bad in ("none", "one"):
        sure[1, int(bad == "one") :] = 0
    elif bad == "same place":
        pixels[1] = 5.0
    else:
        intrinsics[1] = math.nan
    result = normalise(pixels, sure, intrinsics)
    assert result.usable.tolist() == [True, False, True, True]
    assert result.features[1].abs().max() == 0
    assert torch.isfinite(result.view).all()
    others = [0, 2, 3]
    assert torch.equal(result.features[others], good.features[others])


@pytest.mark.parametrize("representation", ["axis_angle", "6d"])
def test_representations_give_rotations_and_know_the_identity(representation):
    numbers = randn(50, 3 if representation == "axis_angle" else 6)
    matrices = to_matrices(numbers, representation)
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(50))
    assert torch.equal(to_matrices(from_matrix_identity(representation), representation), torch.eye(3))


def test_six_numbers_there_and_back():
    turns = axis_angle_to_matrix(randn(20, 3))
    torch.testing.assert_close(matrix_from_6d(matrix_to_6d(turns)), turns, atol=1e-6, rtol=0)


def test_local_rotations_undo_the_chain(body):
    local = axis_angle_to_matrix(randn(5, 24, 3))
    world = world_rotations(local, body.parents)
    torch.testing.assert_close(local_rotations(world), local, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frame", ["camera", "parent"])
@pytest.mark.parametrize("representation", ["axis_angle", "6d"])
def test_pose_prior_gives_one_pose_in_both_frames(body, frame, representation):
    network = PosePrior(PosePriorConfig(width=32, frame=frame, representation=representation)).eval()
    network.skeleton.measure(body)
    output = network(randn(3, NUM_FEATURES))
    torch.testing.assert_close(world_rotations(output.local, body.parents), output.world, atol=1e-5, rtol=0)


def test_a_batch_is_its_rows(body):
    pose, shape = PosePrior(PosePriorConfig(width=64)).eval(), ShapePrior(ShapePriorConfig(width=64)).eval()
    pose.skeleton.measure(body)
    features, masks = randn(5, NUM_FEATURES), torch.rand(5, 64, 64, generator=torch.Generator().manual_seed(0))
    rows = torch.cat([pose(features[i : i + 1]).local for i in range(5)])
    torch.testing.assert_close(pose(features).local, rows, atol=1e-5, rtol=0)  # rounding of matrix products alone
    rows = torch.cat([shape(masks[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(shape(masks), rows, atol=1e-5, rtol=0)


@pytest.mark.parametrize("representation", ["axis_angle", "6d"])
def test_mirrored_numbers_are_the_mirror_image(representation):
    raw = randn(5, 24, 3 if representation == "axis_angle" else 6)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    expected = (mirror @ to_matrices(raw, representation) @ mirror)[:, mirror_permutation(SMPL_JOINTS)]
    turned = mirror_rotations(raw, representation, SMPL_JOINTS)
    torch.testing.assert_close(to_matrices(turned, representation), expected, atol=1e-5, rtol=0)


def test_a_mirror_image_has_the_mirrored_pose(body):
    """Exactly, for a trained network (in evaluation mode): which side is left makes no difference."""
    network = PosePrior(PosePriorConfig(width=32)).eval()
    network.skeleton.measure(body)
    _, intrinsics, _, pixels = some_people(body)
    confidence = torch.rand(4, JOINTS, generator=torch.Generator().manual_seed(1))
    order = list(mirror_permutation(CANONICAL_JOINTS))
    mirrored = torch.stack((2 * intrinsics[:, 0, 2, None] - pixels[..., 0], pixels[..., 1]), -1)[:, order]
    here = network(normalise(pixels, confidence, intrinsics).features)
    there = network(normalise(mirrored, confidence[:, order], intrinsics).features)
    torch.testing.assert_close(mirror_rotations(here.raw, "6d", SMPL_JOINTS), there.raw, atol=1e-5, rtol=0)


def test_a_look_at_one_side_has_the_mirrored_answer_of_a_mirror_image_too():
    """At half the work; each row of it is the network's own answer to the keypoints or to their mirror image."""
    network = PosePrior(PosePriorConfig(width=32)).eval()
    features, joints = randn(6, NUM_FEATURES), len(SMPL_JOINTS)
    features[:, 2 * JOINTS : -1] = features[:, 2 * JOINTS : -1].abs().clamp(max=1)
    image = network._image(features)
    with torch.no_grad():
        here, there = network.once(features), network.once(image)
        sides = [network._answer(some)[0] for some in (features, image)]
    assert torch.equal(mirror_rotations(there.raw, "6d", SMPL_JOINTS), here.raw)
    assert here.raw.shape == (6, joints, 6)
    assert here.sureness is None
    own = (here.raw == sides[0]).flatten(1).all(1)
    other = (here.raw == mirror_rotations(sides[1], "6d", SMPL_JOINTS)).flatten(1).all(1)
    assert torch.equal(own, ~other)
    assert 0 < int(own.sum()) < 6
    plain = PosePrior(PosePriorConfig(width=32, mirrored=False)).eval()
    with torch.no_grad():
        assert torch.equal(plain.once(features).raw, plain(features).raw)


def test_unknown_configurations_are_refused():
    with pytest.raises(ValueError, match="representation: expected one of axis_angle, 6d"):
        PosePriorConfig(representation="euler")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frame"):
        PosePriorConfig(frame="world")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="corrections: expected 0 or more"):
        PosePriorConfig(corrections=-1)
    with pytest.raises(ValueError, match="channels"):
        ShapePrior(ShapePriorConfig(channels=(8, 8)))


def test_the_skeleton_is_the_mean_body(body):
    params, _, _, _ = some_people(body)
    params[:, 72:82] = 0
    skeleton = Skeleton()
    skeleton.measure(body)
    world = world_rotations(axis_angle_to_matrix(params[:, :72].unflatten(1, (24, 3))), body.parents)
    truth = compile_points(body).points(params) - body.from_params(params).joints[:, :1]
    apart = (skeleton.points(world) - truth).norm(dim=-1)
    carried = torch.tensor([source[0][0].startswith("landmark") for source in CANONICAL_SOURCES.values()])
    assert apart[:, ~carried].max() < 1e-5  # joints
    assert apart[:, carried].max() < 0.03  # skin bends where joints do; here every joint is turned by 30 degrees
    still = skeleton.points(torch.eye(3).expand(1, 24, 3, 3))
    rest = compile_points(body).points(torch.zeros(1, 85)) - body.rest_joints_table[0][0]
    torch.testing.assert_close(still, rest, atol=1e-5, rtol=0)


def test_the_skeleton_is_seen_where_the_people_are(body):
    params, intrinsics, _, _ = some_people(body)
    params[:, 72:82] = 0
    pixels = project(compile_points(body).points(params), intrinsics)
    inputs = normalise(pixels, torch.ones(4, JOINTS), intrinsics)
    skeleton = Skeleton()
    skeleton.measure(body)
    positions, confidence, size = PosePrior.split(inputs.features)
    world = world_rotations(axis_angle_to_matrix(params[:, :72].unflatten(1, (24, 3))), body.parents)
    turned = inputs.view[:, None] @ world
    size = size[:, None, None]
    seen = skeleton.seen(turned, Sightlines.of(seen_rays(positions * size, confidence))) / size
    assert (seen - positions).abs().max() < 0.1  # sizes of the person, landmarks of bent skin included
    assert (seen - positions).abs().mean() < 0.01


def test_corrections_look_at_the_prediction(body):
    """A correction is told how far keypoints lie from where the prediction so far is seen."""
    network = PosePrior(PosePriorConfig(width=32, corrections=1, mirrored=False)).eval()
    network.skeleton.measure(body)
    _, intrinsics, _, pixels = some_people(body)
    features = normalise(pixels, torch.ones(4, JOINTS), intrinsics).features
    heard = []
    network.corrections[0][0].register_forward_pre_hook(lambda module, inputs: heard.append(inputs[0]))  # type: ignore[index]
    network(features)
    positions, _, _ = PosePrior.split(features)
    seen, apart = heard[0][:, -4 * JOINTS :].unflatten(1, (2, JOINTS, 2)).unbind(1)
    torch.testing.assert_close(seen + apart, positions, atol=1e-5, rtol=0)
    assert torch.isfinite(network(torch.zeros_like(features)).world).all()  # rows without usable keypoints


def test_the_surface_sample_is_the_body_without_correctives(body):
    from dataclasses import replace

    params, *_ = some_people(body)
    sample = SurfaceSample.of(body, 50)
    plain = replace(body, posedirs=None).from_params(params)
    world = world_rotations(axis_angle_to_matrix(params[:, :72].unflatten(1, (24, 3))), body.parents)
    posed = sample.pose(world, params[:, 72:82])
    roots = plain.joints[:, :1]
    torch.testing.assert_close(posed[:, :24], plain.joints - roots, atol=1e-5, rtol=0)
    distance = torch.cdist(posed[:, 24:], plain.vertices - roots).amin(-1)
    assert distance.max() < 1e-3  # each is one of its vertices; cdist rounds


def test_translation_comes_back_exactly(body):
    params, intrinsics, points, pixels = some_people(body)
    sure = torch.ones(4, JOINTS)
    sure[:, ::3] = 0
    found = translate_to_keypoints(points - params[:, None, 82:], pixels, sure, intrinsics)
    assert found.found.all()
    torch.testing.assert_close(found.translation, params[:, 82:], atol=2e-3, rtol=0)


def test_translation_is_least_squares(body):
    params, intrinsics, points, pixels = some_people(body, 1)
    still, noisy = points - params[:, None, 82:], pixels + 5 * randn(1, JOINTS, 2, seed=3)
    sure = torch.rand(1, JOINTS, generator=torch.Generator().manual_seed(4))
    rays = ((noisy[0] - torch.tensor([320.0, 240.0])) / 700).double()
    rows, right = [], []
    for k in range(JOINTS):
        for axis in range(2):
            row = [0.0, 0.0, -float(rays[k, axis])]
            row[axis] = 1.0
            weight = float(sure[0, k]) ** 0.5
            rows.append([weight * value for value in row])
            right.append(weight * float(rays[k, axis] * still[0, k, 2] - still[0, k, axis]))
    expected = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    np.testing.assert_allclose(
        translate_to_keypoints(still, noisy, sure, intrinsics).translation[0].numpy(), expected, atol=5e-3
    )


def test_translation_without_keypoints_falls_back(body):
    params, intrinsics, points, pixels = some_people(body)
    sure = torch.ones(4, JOINTS)
    sure[1, 1:], sure[2] = 0, 0
    pixels = pixels.clone()
    pixels[3] = math.nan
    found = translate_to_keypoints(points - params[:, None, 82:], pixels, sure, intrinsics)
    assert found.found.tolist() == [True, False, False, False]
    assert torch.isfinite(found.translation).all()
    assert (found.translation[1:, 2] == FALLBACK_DEPTH).all()


def test_the_aligned_loss_is_the_reconstruction_error_and_leads_there():
    true = randn(4, 24, 3)
    turn = axis_angle_to_matrix(randn(4, 3))
    assert float(aligned_point_loss(1.3 * true @ turn.mT + 0.5, true)) < 2e-4
    given = (true + 0.1 * randn(4, 24, 3, seed=1)).requires_grad_()
    loss = aligned_point_loss(given, true)
    assert float(loss.detach()) == pytest.approx(float(reconstruction_error(given.detach(), true).mean()), abs=1e-3)
    (gradient,) = torch.autograd.grad(loss, given)
    assert float(gradient.sum(1).abs().max()) < 1e-6  # moved as a whole they are no better
    assert aligned_point_loss(given.detach() - 0.2 * gradient / gradient.norm(), true) < loss


def test_losses_vanish_at_the_truth_and_only_there(body):
    params, intrinsics, points, pixels = some_people(body)
    pose = params[:, :72].unflatten(1, (24, 3))
    turns, others = axis_angle_to_matrix(pose), axis_angle_to_matrix(pose + 0.1)
    sure = torch.ones(4, JOINTS)
    for loss, truth, wrong in (
        (axis_angle_loss, pose, pose + 0.1),
        (matrix_loss, turns, others),
        (six_d_loss, turns, others),
        (squared_point_loss, points, points + 0.1),
    ):
        assert loss(truth, truth) == 0
        assert loss(wrong, truth) > 1e-3
    assert point_loss(points, points) <= 1.01e-4  # its root is rounded off at 0.1 mm
    assert float(point_loss(points + torch.tensor([0.3, 0.4, 0.0]), points)) == pytest.approx(0.5, abs=1e-3)
    assert keypoint_reprojection_loss(points, pixels, sure, intrinsics) < 1e-8
    assert keypoint_reprojection_loss(points + 0.1 * randn(4, JOINTS, 3), pixels, sure, intrinsics) > 1e-3


def test_reprojection_pulls_points_to_their_keypoints(body):
    _, intrinsics, points, pixels = some_people(body)
    sure = torch.ones(4, JOINTS)
    moved = (points + 0.05 * randn(4, JOINTS, 3)).requires_grad_()
    loss = keypoint_reprojection_loss(moved, pixels, sure, intrinsics)
    (gradient,) = torch.autograd.grad(loss, moved)
    nearer = keypoint_reprojection_loss(moved.detach() - 0.1 * gradient / gradient.norm(), pixels, sure, intrinsics)
    assert nearer < loss


def test_the_reprojection_gradient_is_right(body):
    _, intrinsics, points, pixels = some_people(body, 1)
    pixels, intrinsics = pixels.double() + 3, intrinsics.double()
    sure = torch.ones(1, JOINTS, dtype=torch.float64)
    start = (points.double() + 0.05 * randn(1, JOINTS, 3).double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: keypoint_reprojection_loss(p, pixels, sure, intrinsics), (start,))


def test_masks_are_cropped_to_the_person():
    mask = np.zeros((200, 300), dtype=bool)
    mask[50:150, 100:140] = True
    mask[50:60, 60:180] = True
    crop = crop_mask(mask)
    assert crop is not None
    assert crop.shape == (64, 64)
    moved = np.zeros((500, 300), dtype=bool)
    moved[300:500] = mask[0:200]
    again = crop_mask(moved)
    assert again is not None
    assert torch.equal(again, crop)
    area = float(crop.mean()) * (1.2 * 120) ** 2
    assert area == pytest.approx(mask.sum(), rel=0.02)  # the side is rounded up to a pixel


@pytest.mark.parametrize("fill", ["empty", "full", "few pixels"])
def test_masks_that_outline_no_person_are_none(fill):
    mask = np.full((60, 60), fill == "full")
    if fill == "few pixels":
        mask[3:6, 3:6] = True
    assert crop_mask(mask) is None
