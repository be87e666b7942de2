"""Files of other programs in their true layout, written from the description of each; nothing of theirs is used.

Every writer is given the same two bodies and chooses a camera in its program's own numbers. What it returns says, by a
formula of its own, where that camera draws the bodies' joints.
"""

from __future__ import annotations

import math
import pickle
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import torch

from anchorfit.body import BodyModel, axis_angle_to_matrix, load_body, matrix_to_axis_angle

WIDTH, HEIGHT = 641, 480
LONGER, DIAGONAL = max(WIDTH, HEIGHT), math.hypot(WIDTH, HEIGHT)
IMAGES = ("shots/000001.jpg", "shots/000002.jpg")
WEAK = np.array([[0.9, 0.05, 0.1], [1.1, -0.1, 0.02]])  # s, x, y
BOXES = np.array([[250.0, 200.0, 180.0], [420.0, 260.0, 240.0]])  # cx, cy, b
ROOT = np.array([0.01, -0.21, 0.03])
"""Where the test's body has its root joint at rest, as SMPL has not at its origin, either."""


@dataclass
class Bodies:
    """Two bodies: rotations (2, 24, 3, 3), axis-angles (2, 72), betas (2, 10), joints (2, 24, 3) and vertices without
    translation."""

    body: BodyModel
    rotations: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    joints: np.ndarray


@dataclass
class Written:
    """A file; where its camera draws the 24 joints (B, 24, 2); which of the bodies its rows are; where it has the
    joints (B, 24, 3) in a world of its own."""

    path: Path
    pixels: np.ndarray
    rows: tuple[int, ...] = (0, 1)
    world: np.ndarray | None = None


def write_licensed_like(path: Path) -> Path:
    """A body file of its own betas whose root joint is not at the origin."""
    body = load_body()
    np.savez_compressed(
        path,
        v_template=body.v_template.numpy() + ROOT,
        shapedirs=body.shapedirs.numpy(),
        weights=body.weights.numpy(),
        J_regressor=body.joint_regressor.to_dense().numpy(),
        f=body.faces.numpy(),
        kintree_table=np.array([body.parents, range(24)]),
        posedirs=np.zeros((body.num_vertices, 3, 207), dtype=np.float16),
    )
    return path


def two_bodies(path: Path) -> Bodies:
    """People who face the camera, more or less."""
    body = load_body(str(path), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    pose = 0.2 * torch.randn(2, 72, generator=generator, dtype=torch.float64)
    pose[:, :3] += torch.tensor([math.pi, 0, 0])
    pose[:, 66:] = 0  # hands
    betas = torch.randn(2, 10, generator=generator, dtype=torch.float64)
    posed = body(betas=betas, body_pose=pose[:, 3:], global_orient=pose[:, :3])
    turns = axis_angle_to_matrix(pose.unflatten(1, (-1, 3)))
    return Bodies(body, turns.numpy(), pose.numpy(), betas.numpy(), posed.joints.numpy())


def pinhole(points: np.ndarray, focal: np.ndarray | float, centre: np.ndarray | tuple[float, float]) -> np.ndarray:
    """(B, J, 2) pixels."""
    focal, centre = np.broadcast_to(focal, len(points)), np.broadcast_to(centre, (len(points), 2))
    return focal[:, None, None] * points[..., :2] / points[..., 2:] + centre[:, None]


def in_crop(joints: np.ndarray, weak: np.ndarray, boxes: np.ndarray, pixels: int) -> np.ndarray:
    """Joints drawn on the crop by a pinhole of f = 5000 at its middle, and put back into the image."""
    depth = 2 * 5000.0 / (pixels * weak[:, 0])
    at = joints + np.stack([weak[:, 1], weak[:, 2], depth], 1)[:, None]
    drawn = pinhole(at, 5000.0, (pixels / 2, pixels / 2)) / pixels  # 0 to 1 on the crop
    return boxes[:, None, :2] - boxes[:, None, 2:] / 2 + drawn * boxes[:, None, 2:]


def whole_image(weak: np.ndarray, boxes: np.ndarray, focal: float) -> np.ndarray:
    """(B, 3) translations before the whole image's camera that keep origins and sizes on their pixels."""
    scale = weak[:, 0] * boxes[:, 2] / 2  # pixels a metre
    off = (boxes[:, :2] - np.array([WIDTH, HEIGHT]) / 2) / scale[:, None]
    return np.column_stack([weak[:, 1:] + off, focal / scale])


class Moved(NamedTuple):
    """The motions of two cameras through a world, y up: x_world = rotation x_cam + place; and what they make of bodies:
    their roots' rotations, the translations that the body model is given, and where it then has the joints."""

    rotation: np.ndarray
    place: np.ndarray
    roots: np.ndarray
    transl: np.ndarray
    joints: np.ndarray


def moved(bodies: Bodies, transl: np.ndarray) -> Moved:
    """R' = R_world R, t' = R_world (t + J) + T - J, with J the root joint at rest: a model turns bodies about it."""
    angles = torch.tensor([[2.9, 0.3, 0.1], [2.8, -0.4, 0.2]], dtype=torch.float64)
    rotation, place = axis_angle_to_matrix(angles).numpy(), np.array([[0.5, 1.4, -2.0], [0.9, 1.5, -1.0]])
    rest = bodies.body.rest_joints(torch.from_numpy(bodies.betas)).numpy()[:, 0]
    there = np.einsum("bij,bj->bi", rotation, transl + rest) + place - rest
    joints = np.einsum("bij,bkj->bki", rotation, bodies.joints + transl[:, None]) + place[:, None]
    return Moved(rotation, place, rotation @ bodies.rotations[:, 0], there, joints)


def smpl(bodies: Bodies, row: int) -> dict[str, np.ndarray]:
    return {
        "global_orient": bodies.rotations[row, :1].astype(np.float32),
        "body_pose": bodies.rotations[row, 1:].astype(np.float32),
        "betas": bodies.betas[row].astype(np.float32),
    }


def phalp(bodies: Bodies, folder: Path) -> Written:
    """A person a frame, one carried on as a ghost; joblib, zlib."""
    focal = 5000.0 / 256.0 * LONGER
    middle = LONGER / 2 - np.array([(LONGER - WIDTH) // 2, (LONGER - HEIGHT) // 2])
    transl = whole_image(WEAK, BOXES, focal)
    pixels = pinhole(bodies.joints + transl[:, None], focal, middle)
    square = (pixels + np.array([(LONGER - WIDTH) // 2, (LONGER - HEIGHT) // 2])) / LONGER

    def entry(row: int) -> dict[str, object]:
        first = bodies.joints[row] - 0  # 45 joints: OpenPose's first; here SMPL's, for their number alone
        own3d, own2d = np.zeros((45, 3), np.float32), np.zeros((45, 2), np.float32)
        own3d[:24], own2d[:24] = first, square[row]
        return {
            "tid": row + 1,
            "bbox": np.array([0.0, 0.0, 10.0, 20.0]),
            "tracked_time": 0,
            "conf": np.float32(0.9),
            "center": BOXES[row, :2],
            "scale": np.array([0.75, 1.0]) * BOXES[row, 2],
            "size": np.array([HEIGHT, WIDTH]),
            "smpl": smpl(bodies, row),
            "camera": transl[row],
            "camera_bbox": WEAK[row],
            "3d_joints": own3d,
            "2d_joints": own2d.ravel(),
            "mask": [{"size": [HEIGHT, WIDTH], "counts": b"abc"}],
        }

    frames: dict[str, dict[str, object]] = {}
    for row, image in enumerate(IMAGES):
        people = [entry(row)] + ([entry(0) | {"tracked_time": 1}] if row else [])
        frame: dict[str, object] = {key: [one[key] for one in people] for key in people[0]}
        frames[image] = frame | {"tracked_ids": [row + 1], "img_path": image, "time": row, "shot": 0}
    joblib.dump(frames, folder / "demo_shots.pkl", compress=3)
    return Written(folder / "demo_shots.pkl", pixels)


def hmr2(bodies: Bodies, folder: Path) -> Written:
    focal = 5000.0 / 256.0 * LONGER
    transl = whole_image(WEAK, BOXES, focal)
    np.savez(
        folder / "hmr2.npz",
        **smpl_arrays(bodies),
        pred_cam=WEAK,
        box_center=BOXES[:, :2],
        box_size=BOXES[:, 2],
        img_size=np.tile([WIDTH, HEIGHT], (2, 1)).astype(np.float32),
        imgname=np.array(IMAGES),
    )
    return Written(folder / "hmr2.npz", pinhole(bodies.joints + transl[:, None], focal, (WIDTH / 2, HEIGHT / 2)))


def smpl_arrays(bodies: Bodies) -> dict[str, np.ndarray]:
    return {"global_orient": bodies.rotations[:, :1], "body_pose": bodies.rotations[:, 1:], "betas": bodies.betas}


def camerahmr_dump(bodies: Bodies, folder: Path) -> Written:
    focal = 777.0
    transl = whole_image(WEAK, BOXES, focal)
    matrix = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])
    held = {
        "pred_smpl_params": {name: torch.from_numpy(value) for name, value in smpl_arrays(bodies).items()},
        "pred_cam": torch.from_numpy(WEAK),
        "box_center": torch.from_numpy(BOXES[:, :2].copy()),
        "box_size": torch.from_numpy(BOXES[:, 2].copy()),
        "img_size": torch.tensor([[WIDTH, HEIGHT]] * 2),
        "cam_int": torch.from_numpy(np.stack([matrix] * 2)),
        "imgname": list(IMAGES),
    }
    torch.save(held, folder / "camerahmr.pt")
    return Written(folder / "camerahmr.pt", pinhole(bodies.joints + transl[:, None], focal, (WIDTH / 2, HEIGHT / 2)))


def camsmplify(bodies: Bodies, folder: Path) -> Written:
    transl = whole_image(WEAK, BOXES, 900.0)
    matrix = np.array([[900.0, 0, 300.0], [0, 900.0, 250.0], [0, 0, 1]])
    np.savez(
        folder / "camsmplify.npz",
        imgname=np.array(IMAGES),
        pose=bodies.pose,
        shape=bodies.betas,
        cam_int=np.stack([matrix] * 2),
        cam_t=transl,
        center=BOXES[:, :2],
        scale=BOXES[:, 2],
        gtkps=np.zeros((2, 44, 3)),
    )
    return Written(folder / "camsmplify.npz", pinhole(bodies.joints + transl[:, None], 900.0, (300.0, 250.0)))


def video_of(bodies: Bodies, enlarged: float) -> dict[str, np.ndarray | None]:
    """VIBE's, PARE's and PyMAF's keys of a track of two frames."""
    boxes = np.column_stack([BOXES, BOXES[:, 2]])
    boxes[:, 2:] /= enlarged
    return {
        "pred_cam": WEAK.astype(np.float32),
        "orig_cam": np.zeros((2, 4), np.float32),
        "verts": np.zeros((2, 6890, 3), np.float32),
        "pose": bodies.pose,
        "betas": bodies.betas,
        "joints3d": np.zeros((2, 49, 3), np.float32),
        "joints2d": None,
        "bboxes": boxes,
        "frame_ids": np.arange(2),
    }


def vibe(bodies: Bodies, folder: Path) -> Written:
    held = video_of(bodies, 1.1) | {"joints2d_img_coord": np.zeros((2, 49, 2))}
    joblib.dump({1: held}, folder / "vibe_output.pkl")
    return Written(folder / "vibe_output.pkl", in_crop(bodies.joints, WEAK, BOXES, 224))


def pare(bodies: Bodies, folder: Path) -> Written:
    held = video_of(bodies, 1.0) | {"pose": bodies.rotations, "smpl_joints2d": np.zeros((2, 49, 2))}
    joblib.dump({4: held}, folder / "pare_output.pkl")
    return Written(folder / "pare_output.pkl", in_crop(bodies.joints, WEAK, BOXES, 224))


def pare_image(bodies: Bodies, folder: Path) -> Written:
    held = {
        "pred_pose": bodies.rotations,
        "pred_shape": bodies.betas,
        "pred_cam": WEAK,
        "pred_cam_t": np.zeros((2, 3)),
        "bboxes": np.column_stack([BOXES, BOXES[:, 2]]),
        "orig_cam": np.zeros((2, 4)),
        "smpl_joints3d": np.zeros((2, 49, 3)),
        "smpl_joints2d": np.zeros((2, 49, 2)),
    }
    joblib.dump(held, folder / "000001.pkl")
    return Written(folder / "000001.pkl", in_crop(bodies.joints, WEAK, BOXES, 224))


def pymaf(bodies: Bodies, folder: Path) -> Written:
    joblib.dump({0: video_of(bodies, 1.0)}, folder / "output.pkl")
    return Written(folder / "output.pkl", in_crop(bodies.joints, WEAK, BOXES, 224))


def spin(bodies: Bodies, folder: Path) -> Written:
    np.savez(
        folder / "spin.npz",
        pose=bodies.pose,
        betas=bodies.betas,
        camera=WEAK,
        imgname=np.array(IMAGES),
        center=BOXES[:, :2],
        scale=BOXES[:, 2] / 200,
    )
    return Written(folder / "spin.npz", in_crop(bodies.joints, WEAK, BOXES, 224))


def romp_arrays(bodies: Bodies, betas: np.ndarray, rows: list[int]) -> dict[str, np.ndarray]:
    return {
        "smpl_thetas": bodies.pose[rows].astype(np.float32),
        "smpl_betas": betas[rows].astype(np.float32),
        "global_orient": bodies.pose[rows, :3],
        "body_pose": bodies.pose[rows, 3:],
        "center_preds": np.zeros((len(rows), 2), int),
        "center_confs": np.ones(len(rows)),
    }


def bev(bodies: Bodies, folder: Path) -> Written:
    """Places and joints are relative to the middle of the hips; betas are 11."""
    focal = LONGER / (2 * math.tan(math.radians(30)))
    transl = np.array([[0.2, 0.1, 4.0], [-0.3, 0.05, 5.0]])
    hips = bodies.joints[:, 1:3].mean(1)
    joints = np.zeros((2, 71, 3))
    joints[:, :24] = bodies.joints - hips[:, None]
    pixels = pinhole(bodies.joints - hips[:, None] + transl[:, None], focal, (WIDTH / 2, HEIGHT / 2))
    own = np.zeros((2, 71, 2))
    own[:, :24] = pixels
    betas = np.column_stack([bodies.betas, [0.1, 0.0]])
    scale = (1 / transl[:, 2] - 1e-3) / math.tan(math.radians(30))
    held = romp_arrays(bodies, betas, [0, 1]) | {
        "cam": np.column_stack([scale, transl[:, 1], transl[:, 0]]),  # s, y, x
        "cam_trans": transl,
        "verts": np.zeros((2, 6890, 3), np.float32),
        "joints": joints,
        "pj2d_org": own,
    }
    np.savez(folder / "000001_0.08.npz", results=np.array(held, dtype=object))
    return Written(folder / "000001_0.08.npz", pixels)


def wham(bodies: Bodies, folder: Path) -> Written:
    transl = whole_image(WEAK, BOXES, DIAGONAL)
    world = moved(bodies, transl)
    roots = matrix_to_axis_angle(torch.from_numpy(world.roots)).numpy()
    held: dict[int, dict[str, np.ndarray]] = defaultdict(dict)
    held[7] = {
        "pose": bodies.pose.astype(np.float32),
        "trans": transl,
        "pose_world": np.concatenate([roots, bodies.pose[:, 3:]], 1),
        "trans_world": world.transl,
        "betas": bodies.betas,
        "verts": np.zeros((2, 6890, 3), np.float32),
        "frame_ids": np.arange(2),
    }
    joblib.dump(held, folder / "wham_output.pkl")
    pixels = pinhole(bodies.joints + transl[:, None], DIAGONAL, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "wham_output.pkl", pixels, world=world.joints)


def tram(bodies: Bodies, folder: Path) -> Written:
    transl = whole_image(WEAK, BOXES, 700.0)
    (folder / "hps").mkdir()
    held = {
        "pred_cam": torch.from_numpy(WEAK),
        "pred_pose": torch.zeros(2, 144),
        "pred_shape": torch.from_numpy(bodies.betas),
        "pred_rotmat": torch.from_numpy(bodies.rotations),
        "pred_trans": torch.from_numpy(transl)[:, None],
        "frame": torch.arange(2),
    }
    np.save(folder / "hps" / "hps_track_0.npy", np.array(held, dtype=object), allow_pickle=True)
    world = moved(bodies, transl)
    camera = {
        "img_focal": 700.0,
        "img_center": np.array([WIDTH, HEIGHT]) / 2,
        "spec_focal": 1.0,
        "pred_cam_R": np.stack([np.eye(3)] * 2),
        "pred_cam_T": np.zeros((2, 3)),
        "world_cam_R": torch.from_numpy(world.rotation),
        "world_cam_T": torch.from_numpy(world.place),
    }
    np.save(folder / "camera.npy", np.array(camera, dtype=object), allow_pickle=True)
    pixels = pinhole(bodies.joints + transl[:, None], 700.0, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "hps" / "hps_track_0.npy", pixels, world=world.joints)


def cliff(bodies: Bodies, folder: Path) -> Written:
    """Two people of the second image: the rows go to images by detection_all."""
    transl = whole_image(WEAK, BOXES, DIAGONAL)
    corners = np.column_stack([BOXES[:, :2] - BOXES[:, 2:] / 2, BOXES[:, :2] + BOXES[:, 2:] / 2])
    np.savez(
        folder / "cliff.npz",
        imgname=np.array(IMAGES),
        pose=bodies.pose,
        shape=bodies.betas,
        global_t=transl,
        pred_joints=np.zeros((2, 24, 3)),
        focal_l=np.full(2, DIAGONAL),
        detection_all=np.column_stack([[1.0, 1.0], corners, np.ones((2, 3))]),
    )
    pixels = pinhole(bodies.joints + transl[:, None], DIAGONAL, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "cliff.npz", pixels)


def nlf(bodies: Bodies, folder: Path) -> Written:
    """The camera is told by the joints in space and in the image alone."""
    transl = whole_image(WEAK, BOXES, 615.5)
    pixels = pinhole(bodies.joints + transl[:, None], 615.5, (WIDTH / 2, HEIGHT / 2))
    held = {
        "pose": [torch.from_numpy(bodies.pose[row : row + 1]) for row in range(2)],
        "betas": [torch.from_numpy(bodies.betas[row : row + 1]) for row in range(2)],
        "trans": [torch.from_numpy(transl[row : row + 1]) for row in range(2)],
        "joints3d": [torch.from_numpy(1000 * (bodies.joints + transl[:, None])[row : row + 1]) for row in range(2)],
        "joints2d": [torch.from_numpy(pixels[row : row + 1]) for row in range(2)],
        "imgname": list(IMAGES),
    }
    torch.save(held, folder / "nlf.pth")
    return Written(folder / "nlf.pth", pixels)


def smplify(bodies: Bodies, folder: Path) -> Written:
    """Python 2's pickle of one person."""
    transl = whole_image(WEAK, BOXES, 5000.0)
    held = {"cam_t": transl[1], "f": np.array([5000.0, 5000.0]), "pose": bodies.pose[1], "betas": bodies.betas[1]}
    (folder / "000002.pkl").write_bytes(pickle.dumps(held, protocol=0))
    pixels = pinhole(bodies.joints + transl[:, None], 5000.0, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "000002.pkl", pixels[1:], (1,))


def smplx_arguments(bodies: Bodies, folder: Path) -> Written:
    transl = whole_image(WEAK, BOXES, 650.0)
    held = {
        "global_orient": bodies.pose[:, :3],
        "body_pose": bodies.pose[:, 3:],
        "betas": bodies.betas,
        "transl": transl,
        "focal_length": 650.0,
        "imgname": list(IMAGES),
    }
    (folder / "smpl.pkl").write_bytes(pickle.dumps(held))
    pixels = pinhole(bodies.joints + transl[:, None], 650.0, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "smpl.pkl", pixels)


EXACT: dict[str, Callable[[Bodies, Path], Written]] = {
    "PHALP": phalp,
    "HMR2": hmr2,
    "CameraHMR": camerahmr_dump,
    "CamSMPLify": camsmplify,
    "VIBE": vibe,
    "PARE": pare,
    "PARE, an image": pare_image,
    "PyMAF": pymaf,
    "SPIN": spin,
    "BEV": bev,
    "WHAM": wham,
    "TRAM": tram,
    "CLIFF": cliff,
    "NLF": nlf,
    "SMPLify": smplify,
    "arguments of smplx": smplx_arguments,
}
"""Programs of SMPL bodies whose cameras are carried exactly."""


def romp(bodies: Bodies, folder: Path) -> Written:
    """s X + t on the padded square: orthographic, so that only the origin's pixel and the size are a pinhole's."""
    scale, x, y = WEAK.T * np.array([[0.5], [1.0], [1.0]])
    held = romp_arrays(bodies, bodies.betas, [0, 1]) | {
        "cam": np.column_stack([scale, x, y]).astype(np.float32),
        "cam_trans": np.full((2, 3), -1.0),
        "verts": np.zeros((2, 6890, 3), np.float32),
        "joints": np.zeros((2, 71, 3), np.float32),
        "pj2d_org": np.zeros((2, 71, 2), np.float32),
    }
    np.savez(folder / "000001.npz", results=np.array(held, dtype=object))
    across = scale[:, None, None] * bodies.joints[..., :2] + np.stack([x, y], 1)[:, None]
    return Written(folder / "000001.npz", across * LONGER / 2 + np.array([WIDTH, HEIGHT]) / 2)


def gvhmr(bodies: Bodies, folder: Path) -> Written:
    """SMPL-X: 21 joints of the body, betas of another model."""
    transl = whole_image(WEAK, BOXES, DIAGONAL)
    world = moved(bodies, transl)
    matrix = np.array([[DIAGONAL, 0, WIDTH / 2], [0, DIAGONAL, HEIGHT / 2], [0, 0, 1]])
    held = {
        "smpl_params_incam": {
            "body_pose": torch.from_numpy(bodies.pose[:, 3:66].copy()),
            "betas": torch.from_numpy(bodies.betas),
            "global_orient": torch.from_numpy(bodies.pose[:, :3].copy()),
            "transl": torch.from_numpy(transl),
        },
        "smpl_params_global": {
            "body_pose": torch.from_numpy(bodies.pose[:, 3:66].copy()),
            "betas": torch.from_numpy(bodies.betas),
            "global_orient": matrix_to_axis_angle(torch.from_numpy(world.roots)),
            "transl": torch.from_numpy(world.transl),
        },
        "K_fullimg": torch.from_numpy(np.stack([matrix] * 2)),
        "net_outputs": {"pred": torch.zeros(1)},
    }
    torch.save(held, folder / "hmr4d_results.pt")
    pixels = pinhole(bodies.joints + transl[:, None], DIAGONAL, (WIDTH / 2, HEIGHT / 2))
    return Written(folder / "hmr4d_results.pt", pixels, world=world.joints)


def smplifyx(bodies: Bodies, folder: Path) -> Written:
    transl = whole_image(WEAK, BOXES, 5000.0)
    (folder / "results" / "000002").mkdir(parents=True)
    held = {
        "camera_rotation": np.eye(3)[None],
        "camera_translation": transl[1:],
        "betas": bodies.betas[1:],
        "global_orient": bodies.pose[1:, :3],
        "body_pose": bodies.pose[1:, 3:66],
        "left_hand_pose": np.zeros((1, 12)),
        "expression": np.zeros((1, 10)),
    }
    path = folder / "results" / "000002" / "000.pkl"
    path.write_bytes(pickle.dumps(held, protocol=2))
    return Written(path, pinhole(bodies.joints[1:] + transl[1:, None], 5000.0, (WIDTH / 2, HEIGHT / 2)), (1,))


def amass(bodies: Bodies, folder: Path) -> Written:
    poses = np.zeros((2, 156))
    poses[:, :66] = bodies.pose[:, :66]
    np.savez(
        folder / "amass.npz",
        poses=poses,
        trans=np.zeros((2, 3)),
        betas=np.zeros(16),
        gender=np.array(b"female"),
        mocap_framerate=120.0,
        dmpls=np.zeros((2, 8)),
    )
    return Written(folder / "amass.npz", np.full((2, 24, 2), np.nan))


ROTATIONS: dict[str, Callable[[Bodies, Path], Written]] = {
    "ROMP": romp,
    "GVHMR": gvhmr,
    "SMPLify-X": smplifyx,
    "AMASS": amass,
}
"""Programs whose rotations are exact, and whose betas, or cameras, are not ours."""
