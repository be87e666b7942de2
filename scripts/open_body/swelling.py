"""What keeps the volume: creases that swell as a joint bends.

Anny's dual quaternions lose up to 5 % of the body's volume where hips, knees and shoulders fold, and so would
correctives that copy them. The last step lets the skin around each joint's crease move along its normal, by an amount
linear in R_j - I, so that over sampled poses the volume comes nearer to the rest pose's. The response of the volume to
each amount is exact (the gradient of the enclosed volume).
"""

from __future__ import annotations

import numpy as np

from .correctives import MIRROR_JOINTS, Skin, features, symmetric
from .rig import PARENTS, enclosed_volume

Array = np.ndarray

LEFT_AND_MIDDLE = (1, 3, 4, 6, 9, 13, 16)
RIDGE = 1e-3  # of the mean squared response: prefers little swelling
SHARE = {13: 0.3, 16: 0.3}  # of the swelling found, what is used; there more makes square shoulders
SHARE_ELSEWHERE = 0.65  # enough for the promised 3 %; the whole would pull the skin further from Anny's


def keep_volume(skin: Skin, posedirs: Array, rotations: Array, chunk: int = 20) -> Array:
    """posedirs (V, 3, 207) with swelling creases added, fitted on rotations (S, 24, 3, 3)."""
    patterns = {joint: _crease(skin, joint) for joint in LEFT_AND_MIDDLE}
    lost, response = [], []
    for start in range(0, len(rotations), chunk):
        part = rotations[start : start + chunk]
        posed = skin.posed(part, posedirs)
        lost.append(1 - enclosed_volume(posed, skin.faces) / _rest_volume(skin))
        response.append(_response(skin, part, posed, patterns))
    system, wanted = np.concatenate(response), np.concatenate(lost)
    gram = system.T @ system
    amount = np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), system.T @ wanted)
    amounts = amount.reshape(len(patterns), 9) * np.array([[SHARE.get(j, SHARE_ELSEWHERE)] for j in patterns])
    return symmetric(posedirs + _as_posedirs(skin, patterns, amounts), skin.mirror)


def _rest_volume(skin: Skin) -> float:
    return float(enclosed_volume(skin.rest[None], skin.faces)[0])


def _crease(skin: Skin, joint: int) -> Array:
    """(V, 3) normals of the rest skin, scaled 0..1 by how much the joint's two sides share each vertex."""
    below = {joint}
    for child, parent in enumerate(PARENTS):
        if parent in below:
            below.add(child)
    beyond = skin.weights[:, sorted(below)].sum(1)
    gradient = _volume_gradient(skin.rest[None], skin.faces)[0]
    return (4 * beyond * (1 - beyond))[:, None] * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)


def _volume_gradient(vertices: Array, faces: Array) -> Array:
    """(S, V, 3): d volume / d vertex, a sixth of the sum of the cross products of the opposite edges' ends."""
    a, b, c = (vertices[:, faces[:, k]] for k in range(3))
    gradient = np.zeros_like(vertices)
    for corner, cross in ((0, np.cross(b, c)), (1, np.cross(c, a)), (2, np.cross(a, b))):
        for pose in range(len(vertices)):
            for axis in range(3):
                gradient[pose, :, axis] += np.bincount(faces[:, corner], cross[pose, :, axis], vertices.shape[1])
    return gradient / 6


def _response(skin: Skin, rotations: Array, posed: Array, patterns: dict[int, Array]) -> Array:
    """(S, P * 9): relative change of volume for each joint's 9 amounts, the right side tied to the left."""
    gradient = _volume_gradient(posed, skin.faces)
    in_rest = np.einsum("svab,sva->svb", skin.blend(rotations)[..., :3], gradient)
    entries = features(rotations).reshape(len(rotations), 23, 9)
    flip = np.outer([-1, 1, 1], [-1, 1, 1]).ravel()
    columns = []
    for joint, pattern in patterns.items():
        column = np.einsum("svb,vb->s", in_rest, pattern)[:, None] * entries[:, joint - 1]
        other = MIRROR_JOINTS[joint]
        if other != joint:
            mirrored = pattern[skin.mirror] * [-1, 1, 1]
            column = column + np.einsum("svb,vb->s", in_rest, mirrored)[:, None] * entries[:, other - 1] * flip
        columns.append(column)
    return np.concatenate(columns, axis=1) / _rest_volume(skin)


def _as_posedirs(skin: Skin, patterns: dict[int, Array], amounts: Array) -> Array:
    posedirs = np.zeros((*skin.rest.shape, 207))
    flip = np.outer([-1, 1, 1], [-1, 1, 1]).ravel()
    for (joint, pattern), amount in zip(patterns.items(), amounts, strict=True):
        posedirs[..., 9 * (joint - 1) : 9 * joint] += pattern[..., None] * amount
        other = MIRROR_JOINTS[joint]
        if other != joint:
            mirrored = pattern[skin.mirror] * [-1, 1, 1]
            posedirs[..., 9 * (other - 1) : 9 * other] += mirrored[..., None] * (amount * flip)
    return posedirs
