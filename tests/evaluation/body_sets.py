"""Small sets in the layouts of UP-3D, SURREAL, 3DPW and SPIN-style npz, of bodies that are known."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat
from scipy.spatial.transform import Rotation
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from anchorfit.camera import project
from anchorfit.interchange.spin import SPIN24

TURN, SHIFT = np.array([0.1, 0.2, -0.1]), np.array([0.0, 0.1, 3.0])
"""The camera of UP-3D's people here."""


def some_params(seed: int = 0) -> torch.Tensor:
    """(85,) an upright person 4 m away."""
    noise = torch.randn(85, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    params = 0.2 * noise
    params[0] += math.pi
    params[82:] = torch.tensor([0.1, 0.2, 4.0])
    return params


def pixels_of(body, params, focal=900.0, middle=(500.0, 500.0)) -> np.ndarray:
    """(K, 2) canonical joints in an image."""
    camera = torch.tensor([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], dtype=torch.float64)
    joints = body.canonical_joints(body.from_params(params[None].to(body.dtype)))
    return project(joints.double(), camera)[0].numpy()


def of_joints(table: np.ndarray, names) -> np.ndarray:
    """Rows of canonical joints in another order; zeros where a convention's joint has none."""
    return np.stack([table[CANONICAL_JOINTS.index(n)] if n else np.zeros(table.shape[1]) for n in names])


def write_up3d(root: Path, body: BodyModel, seeds: Sequence[int] = (1, 2), origins: Sequence[str] = ()) -> list[Tensor]:
    """People 00001 ... of ``some_params(seed)``, and origins of the first images; returns vertices, camera frame."""
    truth = []
    for row, seed in enumerate(seeds):
        number, params = f"{row + 1:05d}", some_params(seed)
        record = {"pose": params[:72].numpy(), "betas": params[72:82].numpy(), "trans": np.zeros(3)}
        record |= {"rt": TURN, "t": SHIFT, "f": np.array(900.0), "j2d": np.zeros((14, 2))}
        (root / f"{number}_body.pkl").write_bytes(pickle.dumps(record, protocol=2))
        world = torch.cat([params[:82], torch.zeros(3, dtype=torch.float64)])
        rotation = axis_angle_to_matrix(torch.from_numpy(TURN))
        vertices = body.from_params(world[None].to(body.dtype)).vertices[0].double()
        truth.append(vertices @ rotation.mT + torch.from_numpy(SHIFT))
        joints = np.ones((3, 14))
        joints[:2] = of_joints(pixels_of(body, params), SPIN24[:14]).T
        np.save(root / f"{number}_joints.npy", joints)
        Image.new("RGB", (1000, 1000)).save(root / f"{number}_image.png")
    for row, origin in enumerate(origins):
        (root / f"{row + 1:05d}_dataset_info.txt").write_text(f"{origin} {row}\n")
    (root / "test.txt").write_text("".join(f"/{row + 1:05d}_image.png\n" for row in range(len(seeds))))
    return truth


def write_surreal(root: Path, body: BodyModel, frames: int = 6, part: str = "h36m") -> None:
    """One video of a man, made by the published relations between pose, zrot, camera and image."""
    heading, camera = 0.7, np.array([[7.0], [-1.0], [0.2]])
    turn = axis_angle_to_matrix(torch.tensor([[0, 0, heading], [math.pi / 2, 0, 0]], dtype=torch.float64))
    poses, places, seen = [], [], []
    extrinsic = np.array([[0.0, 0, -1], [0, 1, 0], [-1, 0, 0]])
    for frame in range(frames):
        params = some_params(frame)
        params[:3] = torch.tensor([0.3, 0.1 * frame, 0.2])
        poses.append(params[:72].numpy().copy())  # params are changed below
        params[:3] = matrix_to_axis_angle(turn[1] @ turn[0] @ axis_angle_to_matrix(params[:3]))
        params[72:82], params[82:] = 0, torch.tensor([0.0, 0.3, 0.1])
        joints = body.from_params(params[None].to(body.dtype)).joints[0].double().numpy()
        in_camera = (joints - camera.T) @ extrinsic.T
        places.append(joints.T)
        seen.append((in_camera[:, :2] / in_camera[:, 2:] * 600 + [160, 120]).T)
    folder = root / part / "test" / "run0" / "walk"
    folder.mkdir(parents=True)
    content = {"pose": np.stack(poses, 1), "shape": np.zeros((10, frames)), "joints2D": np.stack(seen, 2)}
    content |= {"joints3D": np.stack(places, 2), "camLoc": camera, "zrot": np.full((frames, 1), heading)}
    content = {name: value[..., 0] if frames == 1 and value.ndim > 2 else value for name, value in content.items()}
    savemat(folder / "walk_c0001_info.mat", {**content, "gender": np.ones((frames, 1))})


def write_spin(path, body, names, params, **changed):
    joints = torch.stack([body.canonical_joints(body.from_params(p[None].to(body.dtype)))[0] for p in params])
    stored = np.ones((len(names), 24, 4))
    stored[..., :3] = [of_joints(table, SPIN24) for table in joints.double().numpy()]
    part = np.ones((len(names), 24, 3))
    part[..., :2] = [of_joints(pixels_of(body, p), SPIN24) for p in params]
    part[:, SPIN24.index(None), 2] = 0
    arrays = {"imgname": np.array(names), "center": np.full((len(names), 2), 500.0), "scale": np.ones(len(names))}
    arrays |= {"part": part, "S": stored, **changed}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


def write_threedpw(root: Path, params: Tensor) -> tuple[Tensor, Tensor]:
    """A man and a woman, alike, in three frames: of the second no camera, in the third no keypoints.

    Returns rotation and translation from the world to the camera.
    """
    (root / "sequenceFiles" / "test").mkdir(parents=True)
    rotation = Rotation.random(random_state=1).as_matrix()
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = rotation, [0.1, 0.2, 5.0]
    seen = np.ones((3, 3, 18))
    seen[2, 2] = 0  # nothing detected in the last frame
    content = {
        "poses2d": [seen, seen], "poses": [np.tile(params[:72].numpy(), (3, 1))] * 2, "trans": [np.zeros((3, 3))] * 2,
        "betas": [params[72:82].numpy()] * 2, "campose_valid": [np.array([1, 0, 1])] * 2, "genders": ["m", "f"],
        "cam_poses": np.tile(camera, (3, 1, 1)),
        "cam_intrinsics": np.array([[1900.0, 0, 540], [0, 1900, 960], [0, 0, 1]]),
    }  # fmt: skip
    (root / "sequenceFiles" / "test" / "walk.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return torch.from_numpy(rotation), torch.from_numpy(camera[:3, 3])
