"""The files that other programs are given: ten far poses of one held-out person, in every format that we write.

python counterparts/files.py FOLDER
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.body import write_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.metrics.pose import mean_point_error, reconstruction_error, root_aligned
from anchorfit.interchange import write_amass, write_coco_results, write_spin
from anchorfit.meshes import MESH_FORMATS, export_mesh
from anchorfit.observations.masks import decode_segmentation, mask_to_run_lengths
from anchorfit.results import BodyEstimate
from anchorfit.rigging import export_bvh, export_rigged
from anchorfit.rigging.weights import few_weights

FRAMES_PER_SECOND = 25.0


def ten_poses() -> BodyEstimate:
    """Poses of the library's held-out people, far apart, turned about, 4 m before a camera."""
    people = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json").people
    photo = ASSETS / "demo" / "000000000785.jpg"
    estimate, _ = anchorfit.fit_people(anchorfit.match_people(people, [photo]).people, anchorfit.load_body())
    poses = load_pose_library(split="heldout").poses
    first = estimate.rows([0] * 10)
    upright = torch.tensor([[torch.pi, 0.0, 0.0]]).expand(10, 3)
    turns = torch.linspace(-0.9, 0.9, 10)[:, None] * torch.tensor([0.2, 1.0, 0.1])
    return replace(
        first,
        global_orient=upright + turns,
        body_pose=poses[torch.linspace(0, len(poses) - 1, 10).long(), 3:],
        betas=torch.tensor([[1.2, -0.8, 0.5, 0.3, -0.4, 0.2, 0.0, 0.1, -0.2, 0.3]]).expand(10, 10),
        transl=torch.stack([torch.linspace(-1, 1, 10), torch.zeros(10), torch.full((10,), 4.0)], dim=1),
        names=tuple(f"video.mp4/{frame:06d}#1" for frame in range(10)),
    )


def write_all(folder: Path) -> None:
    body = anchorfit.load_body()
    frames = ten_poses()
    vertices, joints = frames.bodies(body)
    for number in range(10):
        for kind in MESH_FORMATS:
            export_mesh(folder / f"pose_{number}.{kind}", vertices[number], body.faces)
        export_rigged(folder / f"pose_{number}_rigged.glb", frames[number], body)
    export_rigged(folder / "motion_rigged.glb", frames, body, frames_per_second=FRAMES_PER_SECOND)
    export_rigged(folder / "plain_rigged.glb", frames, body, frames_per_second=FRAMES_PER_SECOND, correctives=0)
    export_rigged(folder / "eight_rigged.glb", frames, body, frames_per_second=FRAMES_PER_SECOND, joints_per_vertex=8)
    export_bvh(folder / "motion.bvh", frames, body, frames_per_second=FRAMES_PER_SECOND)
    write_amass(folder / "amass.npz", frames, body, FRAMES_PER_SECOND)
    write_body(folder / "body.pkl", body)
    write_body(folder / "body.npz", body)
    write_spin(folder / "spin.npz", frames, body)
    write_coco(folder, body)
    write_errors(folder / "errors.npz", joints)
    frames.save(folder / "estimate.npz")
    params = {name: getattr(frames, name).numpy() for name in ("betas", "body_pose", "global_orient", "transl")}
    np.savez(
        folder / "truth.npz",
        vertices=vertices.numpy() * [1, -1, -1],
        plain_vertices=plain_vertices(frames, body).numpy() * [1, -1, -1],
        joints=joints.numpy() * [1, -1, -1],
        joint_names=np.array(anchorfit.body.SMPL_JOINTS),
        faces=body.faces.numpy(),
        frames_per_second=FRAMES_PER_SECOND,
        intrinsics=frames.intrinsics.numpy(),
        **params,
    )


def plain_vertices(frames: BodyEstimate, body: anchorfit.BodyModel) -> torch.Tensor:
    """(10, V, 3): weights of four joints alone, no morph targets, as in ``plain_rigged.glb``."""
    return frames.bodies(replace(body, posedirs=None, weights=few_weights(body).to(body.weights))).vertices


def write_coco(folder: Path, body: anchorfit.BodyModel) -> None:
    """Results for the demo's annotated people, the annotation itself, and its masks as we decode and write them."""
    annotation = ASSETS / "demo" / "person_keypoints.json"
    photographs = sorted((ASSETS / "demo").glob("*.jpg"))
    people = anchorfit.match_people(anchorfit.read_people(annotation).people, photographs).people
    estimate, _ = anchorfit.fit_people(people, body)
    write_coco_results(folder / "coco.json", estimate, body)
    shutil.copy(annotation, folder / "coco_annotation.json")
    content = json.loads(annotation.read_text())
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    masks = {
        str(one["id"]): decode_segmentation(one["segmentation"], *sizes[one["image_id"]])
        for one in content["annotations"]
    }
    np.savez_compressed(folder / "coco_masks.npz", **masks)
    (folder / "coco_runs.json").write_text(json.dumps({key: mask_to_run_lengths(mask) for key, mask in masks.items()}))


def write_errors(path: Path, joints: torch.Tensor) -> None:
    """Joints of ten bodies against those of the next, and our errors of them in millimetres."""
    both = joints.double(), joints.double().roll(1, 0)
    centred = [root_aligned(one, one[:, 0]) for one in both]
    np.savez(
        path,
        predicted=both[0].numpy(),
        target=both[1].numpy(),
        mpjpe=1000 * mean_point_error(*centred).numpy(),
        reconstruction=1000 * reconstruction_error(*both).numpy(),
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_all(folder)
    print(f"{len(list(folder.iterdir()))} files in {folder}")
