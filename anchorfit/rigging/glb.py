"""A rig as GLB: skeleton, skinning weights, inverse bind matrices, pose correctives as morph targets, animation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..atomic import write_atomically
from ..body import SMPL_JOINTS, BodyModel
from ..meshes import body_surface, unit_normals
from ..results import BodyEstimate
from .gltf import INDICES, VERTICES, Buffer
from .rig import Rig, rig
from .weights import few_weights

_MESH, _ARMATURE, _CAMERA, _FIRST_JOINT = 0, 1, 2, 3
"""Numbers of the file's nodes; the joints follow in SMPL's order."""


def export_rigged(
    path: str | Path,
    estimate: BodyEstimate,
    body: BodyModel,
    *,
    frames_per_second: float = 30.0,
    first_frame: int = 0,
    correctives: int = 16,
    joints_per_vertex: int = 4,
    camera: Sequence[float] | None = None,
) -> None:
    """Write one person as a skinned mesh that animation programs can pose: a pose for one row, a motion for several.

    Metres, y up, the OpenGL frame of the camera that saw the person, which is in the file too; joints have SMPL's
    names. The bind pose is the body's rest pose, a T facing +z.

    Args:
        path: ends in .glb.
        estimate: rows of one person in the order of time; frames share the mean of their betas (see `rig`).
        body: the body that they were made with.
        frames_per_second: of the rows.
        first_frame: where the motion begins, so that those of several people of a video keep time.
        correctives: the most morph targets for pose correctives; 0 leaves them out.
        joints_per_vertex: the most joints that move a vertex. Most programs read four; a body with more gets weights
            fitted to four (`weights.few_weights`), and the correctives make up for the difference. With 8 the open
            body has its own, in two sets.
        camera: where it stands in the file's axes, as glTF has it: 16 numbers, column by column; None: at the origin.
    Raises:
        ValueError: another ending, no rows, rows that are not finite, a rate that is not positive, or fewer joints
            than one.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".glb":
        raise ValueError(f"{path}: expected a name that ends in .glb")
    if not 0 < frames_per_second < float("inf"):
        raise ValueError(f"frames_per_second: expected a positive number, got {frames_per_second}")
    made = rig(estimate, body, correctives=correctives, weights=few_weights(body, joints_per_vertex))
    buffer = Buffer()
    document = {
        "asset": {"version": "2.0", "generator": "anchorfit"},
        "scene": 0,
        "scenes": [{"nodes": [_MESH, _ARMATURE, _CAMERA]}],
        "nodes": _nodes(made, body, Path(estimate.names[0]).name, camera),
        "cameras": [_camera(estimate)],
        "meshes": [_mesh(buffer, made, body)],
        "materials": [{"name": "body", "pbrMetallicRoughness": body_surface()}],
        "skins": [_skin(buffer, made)],
    }
    if len(estimate) > 1:
        document["animations"] = [_animation(buffer, made, frames_per_second, first_frame)]
    write_atomically(path, buffer.to_glb(document))


def _nodes(made: Rig, body: BodyModel, name: str, camera: Sequence[float] | None) -> list[dict[str, Any]]:
    """Mesh, armature, camera and joints: in the pose of a file's only frame, or in the bind pose where there is motion.

    There are readers that take the nodes' pose for the bind pose (pymomentum 0.1.114): with a motion both can be had.
    """
    children: list[list[int]] = [[] for _ in SMPL_JOINTS]
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            children[parent].append(_FIRST_JOINT + joint)
    posed = len(made.root) == 1
    quaternions = _quaternions(made.rotations[:1])[0].tolist()
    joints = []
    for joint, joint_name in enumerate(SMPL_JOINTS):
        parent = body.parents[joint]
        root = made.root[0] if posed else made.joints[joint]
        place = root if parent < 0 else made.joints[joint] - made.joints[parent]
        node: dict[str, Any] = {"name": joint_name, "translation": place.tolist()}
        node |= {"rotation": quaternions[joint]} if posed else {}
        joints.append(node | ({"children": children[joint]} if children[joint] else {}))
    return [
        {"name": name, "mesh": 0, "skin": 0},
        {"name": "armature", "children": [_FIRST_JOINT + body.parents.index(-1)]},
        {"name": "camera", "camera": 0, **({} if camera is None else {"matrix": list(camera)})},
        *joints,
    ]


def _camera(estimate: BodyEstimate) -> dict[str, Any]:
    """The first row's camera; glTF has no place for a principal point, which is taken to be the image's middle."""
    width, height = estimate.image_size[0].tolist()
    focal = float(estimate.intrinsics[0, 1, 1])
    fov = 2 * float(np.arctan2(height / 2, focal))
    return {"type": "perspective", "perspective": {"yfov": fov, "aspectRatio": width / height, "znear": 0.01}}


def _mesh(buffer: Buffer, made: Rig, body: BodyModel) -> dict[str, Any]:
    normals = unit_normals(made.vertices[None], body.faces.cpu())[0]
    attributes = {
        "POSITION": buffer.add(_floats(made.vertices), target=VERTICES, bounds=True),
        "NORMAL": buffer.add(_floats(normals), target=VERTICES),
    }
    for number, (joints, weights) in enumerate(_influences(made.weights.numpy())):
        attributes[f"JOINTS_{number}"] = buffer.add(joints, target=VERTICES)
        attributes[f"WEIGHTS_{number}"] = buffer.add(weights, target=VERTICES)
    small = body.num_vertices < 2**16 - 1
    faces = body.faces.cpu().numpy().ravel().astype(np.uint16 if small else np.uint32)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": buffer.add(faces, target=INDICES),
        "material": 0,
    }
    mesh: dict[str, Any] = {"name": "body", "primitives": [primitive]}
    if len(made.correctives):
        targets = [buffer.add(_floats(shape), target=VERTICES, bounds=True) for shape in made.correctives]
        primitive["targets"] = [{"POSITION": target} for target in targets]
        shares = made.corrective_weights[0].tolist()
        mesh["weights"] = shares if len(made.root) == 1 else [0.0] * len(shares)
        mesh["extras"] = {"targetNames": [f"pose_corrective_{number}" for number in range(len(targets))]}
    return mesh


def _influences(weights: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Skinning weights (V, 24) four by four, the largest first, so that programs that read one set read the best."""
    order = np.argsort(-weights, axis=1, kind="stable")
    most = int((weights > 0).sum(1).max())
    sets = []
    for start in range(0, most, 4):
        joints = order[:, start : start + 4]
        shares = np.take_along_axis(weights, joints, axis=1)
        sets.append((np.where(shares > 0, joints, 0).astype(np.uint8), shares.astype(np.float32)))
    return sets


def _skin(buffer: Buffer, made: Rig) -> dict[str, Any]:
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(SMPL_JOINTS), 1, 1))
    inverse[:, :3, 3] = -_floats(made.joints)
    joints = list(range(_FIRST_JOINT, _FIRST_JOINT + len(SMPL_JOINTS)))
    return {
        "name": "SMPL",
        "inverseBindMatrices": buffer.add(inverse),
        "skeleton": _FIRST_JOINT,
        "joints": joints,
    }


def _animation(buffer: Buffer, made: Rig, frames_per_second: float, first_frame: int) -> dict[str, Any]:
    count = len(made.root)
    times = buffer.add(((first_frame + np.arange(count)) / frames_per_second).astype(np.float32), bounds=True)
    quaternions = _quaternions(made.rotations)
    tracks = [(_FIRST_JOINT, "translation", _floats(made.root))]
    tracks += [(_FIRST_JOINT + j, "rotation", quaternions[:, j]) for j in range(len(SMPL_JOINTS))]
    if len(made.correctives):
        tracks.append((_MESH, "weights", _floats(made.corrective_weights).ravel()))
    samplers = [{"input": times, "output": buffer.add(np.ascontiguousarray(values))} for _, _, values in tracks]
    targets = [{"node": node, "path": path} for node, path, _ in tracks]
    channels = [{"sampler": number, "target": target} for number, target in enumerate(targets)]
    return {"name": "motion", "samplers": samplers, "channels": channels}


def _quaternions(rotations: Tensor) -> np.ndarray:
    """(T, J, 4) x, y, z, w; each on its predecessor's side, so that nothing turns the long way round between frames."""
    shape = rotations.shape[:2]
    quaternions = Rotation.from_matrix(rotations.flatten(0, 1).numpy()).as_quat().reshape(*shape, 4)
    flips = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0
    signs = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0)
    quaternions[1:] *= signs[..., None]
    return quaternions.astype(np.float32)


def _floats(values: Tensor) -> np.ndarray:
    return values.numpy().astype(np.float32)
