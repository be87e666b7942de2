from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from synthetic_bodies import random_params, synthetic_body  # type: ignore[import-not-found]  # its folder is on pytest's path

from anchorfit.body import (
    CANONICAL_JOINTS,
    SMPL_JOINTS,
    BodyModel,
    axis_angle_to_matrix,
    describe,
    load_body,
    mesh_volume,
    mirror_pose,
)
from anchorfit.body.joint_sets import mirror_permutation

HALF_PI = math.pi / 2


@pytest.fixture(scope="module")
def open_body() -> BodyModel:
    return load_body(dtype=torch.float64)


def test_the_zero_pose_is_the_template(open_body):
    output = open_body()
    torch.testing.assert_close(output.vertices[0], open_body.v_template, atol=1e-12, rtol=0)
    torch.testing.assert_close(output.joints[0], open_body.rest_joints_table[0], atol=1e-12, rtol=0)


def test_a_turned_elbow_turns_the_forearm_and_nothing_else():
    body = synthetic_body(correctives=0.0)
    elbow, wrist = SMPL_JOINTS.index("left_elbow"), SMPL_JOINTS.index("left_wrist")
    pose = torch.zeros(1, 69, dtype=torch.float64)
    pose[0, 3 * (elbow - 1) + 2] = HALF_PI
    rest, turned = body().joints[0], body(body_pose=pose).joints[0]
    forearm = rest[wrist] - rest[elbow]
    expected = torch.stack((-forearm[1], forearm[0], forearm[2]))  # a quarter turn about z
    torch.testing.assert_close(turned[wrist] - turned[elbow], expected)
    still = [j for j in range(24) if SMPL_JOINTS[j] not in ("left_wrist", "left_hand")]
    torch.testing.assert_close(turned[still], rest[still])


def test_a_plain_loop_over_joints_and_vertices_gives_the_same():
    body = synthetic_body(4)
    params = random_params(1, seed=5)[0]
    pose, betas, transl = params[:72].view(24, 3), params[72:82], params[82:]
    rotations = axis_angle_to_matrix(pose).numpy()
    shape = body.v_template.numpy() + body.shapedirs.numpy() @ betas.numpy()
    joints = body.joint_regressor.numpy() @ shape
    assert body.posedirs is not None
    feature = (rotations[1:] - np.eye(3)).reshape(-1)
    rest = shape + (feature @ body.posedirs.numpy()).reshape(-1, 3)
    transforms: list[np.ndarray] = []
    for joint, parent in enumerate(body.parents):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        transforms.append(local if parent < 0 else transforms[parent] @ local)
    expected = np.zeros_like(rest)
    for vertex in range(len(rest)):
        for joint in range(24):
            local_point = np.append(rest[vertex] - joints[joint], 1.0)
            expected[vertex] += body.weights[vertex, joint].item() * (transforms[joint] @ local_point)[:3]
    output = body.from_params(params[None])
    np.testing.assert_allclose(output.vertices[0].numpy(), expected + transl.numpy(), atol=1e-12)
    np.testing.assert_allclose(
        output.joints[0].numpy(), np.stack([t[:3, 3] for t in transforms]) + transl.numpy(), atol=1e-12
    )


def test_the_forward_pass_is_smplxs(open_body):
    smplx = pytest.importorskip("smplx")
    from smplx.utils import Struct  # type: ignore[import-not-found, unused-ignore]

    body = synthetic_body(6, vertices=6890)
    assert body.posedirs is not None
    oracle = smplx.SMPL(
        "",
        data_struct=Struct(
            v_template=body.v_template.numpy(),
            shapedirs=body.shapedirs.numpy(),
            posedirs=body.posedirs.T.reshape(-1, 3, 207).numpy(),
            weights=body.weights.numpy(),
            J_regressor=body.joint_regressor.numpy(),
            kintree_table=np.array([[-1, *body.parents[1:]], range(24)], dtype=np.int64),
            f=body.faces.numpy(),
        ),
        batch_size=3,
        dtype=torch.float64,
    )
    params = random_params(3, seed=7)
    orient, pose, betas, transl = params.split((3, 69, 10, 3), dim=1)
    expected = oracle(betas=betas, body_pose=pose, global_orient=orient, transl=transl)
    output = body(betas=betas, body_pose=pose, global_orient=orient, transl=transl)
    torch.testing.assert_close(output.vertices, expected.vertices, atol=1e-6, rtol=0)  # smplx adds 1e-8 to each angle
    torch.testing.assert_close(output.joints, expected.joints[:, :24], atol=1e-6, rtol=0)


def test_turning_the_root_turns_the_body_about_the_pelvis(open_body):
    params = random_params(2, spread=0.3)
    params[:, :3] = 0
    turned = params.clone()
    turned[:, :3] = torch.tensor([0.4, -2.0, 1.0])
    rotation = axis_angle_to_matrix(turned[:, :3])
    before, after = open_body.from_params(params), open_body.from_params(turned)
    pelvis = before.joints[:, :1]
    expected = (before.vertices - pelvis) @ rotation.transpose(1, 2) + pelvis
    torch.testing.assert_close(after.vertices, expected, atol=1e-12, rtol=0)


def test_the_mirrored_pose_is_the_mirrored_body(open_body):
    """The file's mirror is exact to 0.1 mm by its own promise; joints inherit the regressor's asymmetry."""
    if open_body.mirror is None:
        pytest.skip("the body has no mirror map")
    pose = random_params(2, spread=0.3)[:, :72]
    flip = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    output = open_body(global_orient=pose[:, :3], body_pose=pose[:, 3:])
    mirrored = mirror_pose(pose)
    other = open_body(global_orient=mirrored[:, :3], body_pose=mirrored[:, 3:])
    torch.testing.assert_close(other.vertices, output.vertices[:, open_body.mirror] * flip, atol=2e-3, rtol=0)
    joints = output.joints[:, list(mirror_permutation(SMPL_JOINTS))] * flip
    torch.testing.assert_close(other.joints, joints, atol=2e-3, rtol=0)


def test_a_batch_is_its_rows(open_body):
    params = random_params(30, spread=0.3)  # more rows than one chunk of skinning
    whole = open_body.from_params(params)
    for row in (0, 13, 29):
        one = open_body.from_params(params[row : row + 1])
        torch.testing.assert_close(whole.vertices[row], one.vertices[0], atol=1e-12, rtol=0)


def test_the_forward_pass_passes_gradcheck():
    body = synthetic_body(8, vertices=12)
    for angle in (0.0, 1.0, math.pi):
        params = random_params(1, seed=9)
        pose = torch.nn.functional.normalize(params[:, :72].unflatten(1, (24, 3)), dim=-1) * angle
        params[:, :72] = pose.flatten(1)
        assert torch.autograd.gradcheck(lambda p: tuple(body.from_params(p)), params.requires_grad_(), fast_mode=True)


def test_canonical_joints_are_sums_of_joints_and_landmarks(open_body):
    output = open_body.from_params(random_params(2, spread=0.3))
    canonical = open_body.canonical_joints(output)
    assert canonical.shape == (2, len(CANONICAL_JOINTS), 3)
    pelvis = output.joints[:, 1:3].mean(1)
    torch.testing.assert_close(canonical[:, CANONICAL_JOINTS.index("pelvis")], pelvis)
    nose = open_body.landmarks_from(output.vertices, ["nose"])[:, 0]
    torch.testing.assert_close(canonical[:, CANONICAL_JOINTS.index("nose")], nose)


def test_joints_lie_where_a_person_has_them(open_body):
    joints = dict(zip(CANONICAL_JOINTS, open_body.canonical_joints(open_body())[0], strict=True))
    for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "ear", "heel"):
        assert joints[f"left_{name}"][0] > 0 > joints[f"right_{name}"][0]
    order = ("head_top", "nose", "neck", "thorax", "spine", "pelvis", "left_knee", "left_ankle")
    heights = [joints[name][1].item() for name in order]
    assert heights == sorted(heights, reverse=True)
    assert joints["nose"][2] > joints["left_ear"][2]


def test_the_description_measures_the_body(open_body):
    described = describe(open_body)
    assert 1.4 < described.height_m < 2.1
    assert 40 < described.volume_l < 120
    assert described.num_vertices == open_body.num_vertices != 6890


def test_the_volume_of_a_cube():
    corners = torch.tensor([[x, y, z] for x in (0.0, 1) for y in (0.0, 1) for z in (0.0, 1)]).double() * 2 + 5
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = torch.tensor([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    assert mesh_volume(corners, faces).item() == pytest.approx(8.0)


def test_the_body_moves_to_another_type(open_body):
    small = open_body.to(dtype=torch.float32)
    assert small.dtype == torch.float32
    assert small.faces.dtype == torch.int64
    params = random_params(2, spread=0.3)
    torch.testing.assert_close(
        small.from_params(params.float()).vertices.double(), open_body.from_params(params).vertices, atol=2e-5, rtol=0
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"betas": torch.zeros(2, 9)}, r"betas: expected \(B, 10\), got \(2, 9\)"),
        ({"body_pose": torch.zeros(69)}, r"body_pose: expected \(B, 69\), got \(69,\)"),
        ({"betas": torch.zeros(2, 10), "transl": torch.zeros(3, 3)}, r"batch sizes differ: betas \(2, 10\)"),
    ],
)
def test_wrong_shapes_are_named(open_body, arguments, message):
    with pytest.raises(ValueError, match=message):
        open_body(**arguments)


def test_an_unknown_landmark_is_named(open_body):
    with pytest.raises(ValueError, match=r"no landmark 'tail' \(it has head_top"):
        open_body.landmarks_from(open_body().vertices, ["tail"])
