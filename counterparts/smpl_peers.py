# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "smplx==0.1.28", "smplfitter==0.6.0", "body-models==0.26.2"]
# ///
"""smplx, body-models and smplfitter on the exported open body: ten poses by vertex, AMASS's npz, a fit to vertices.

python counterparts/run.py smpl_peers
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import smplx
import torch
from body_models.smpl.torch import SMPL
from smplfitter.pt import BodyFitter, BodyModel
from verdict import farthest_mm, say, truth

FILE_FROM_CAMERA = np.array([1, -1, -1])
CAMERA_FROM_WORLD = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # AMASS's z up to the camera's y down


def of(name):
    return "" if name == "body.pkl" else "licensed-like pickle, "


def by_smplx(files, data, given, name="body.pkl"):
    model = smplx.SMPL(str(files / name), batch_size=10)
    out = model(**given)
    say("smplx", f"{of(name)}ten poses, vertices", farthest_mm(seen(out.vertices), data["vertices"]), 0.1)
    say("smplx", f"{of(name)}ten poses, 24 joints", farthest_mm(seen(out.joints[:, :24]), data["joints"]), 0.1)
    with np.load(files / "amass.npz") as file:
        poses, trans, betas = (torch.from_numpy(file[name]).float() for name in ("poses", "trans", "body_betas"))
    turns = {"global_orient": poses[:, :3], "body_pose": torch.nn.functional.pad(poses[:, 3:66], (0, 6))}
    out = model(betas=betas.expand(10, -1), transl=trans, **turns)
    joints = out.joints[:, :22].detach().numpy() @ CAMERA_FROM_WORLD.T * FILE_FROM_CAMERA
    say("smplx", f"{of(name)}AMASS npz, 22 joints", farthest_mm(joints, data["joints"][:, :22]), 0.1)


def by_body_models(files, data, given, name="body.pkl"):
    model = SMPL(model_path=files / name)
    out = model.forward_vertices(
        given["body_pose"].reshape(10, 23, 3),
        pelvis_rotation=given["global_orient"],
        shape=given["betas"],
        global_translation=given["transl"],
    )
    say("body-models", f"{of(name)}ten poses, vertices", farthest_mm(seen(out), data["vertices"]), 0.1)


def by_smplfitter(files, data, given, name="body.pkl"):
    root = files / "smplfitter"
    root.mkdir(exist_ok=True)
    shutil.copy(files / name, root / "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl")
    np.save(root / "kid_template.npy", np.load(files / "body.npz")["v_template"])  # asked for, and not used here
    model = BodyModel("smpl", "neutral", model_root=str(root))
    pose = torch.cat([given["global_orient"], given["body_pose"]], 1)
    out = model(pose_rotvecs=pose, shape_betas=given["betas"], trans=given["transl"])
    say("smplfitter", f"{of(name)}ten poses, vertices", farthest_mm(seen(out["vertices"]), data["vertices"]), 0.1)
    fit = BodyFitter(model).fit(out["vertices"], out["joints"], num_iter=5, beta_regularizer=0.0)
    again = model(
        pose_rotvecs=fit.get("pose_rotvecs"), glob_rotmats=None if "pose_rotvecs" in fit else fit["orientations"],
        shape_betas=fit["shape_betas"], trans=fit["trans"],
    )  # fmt: skip
    note = "its own fit of the vertices that our parameters give, five iterations: largest of 68,820 vertices"
    say(
        "smplfitter",
        f"{of(name)}fit to our vertices",
        farthest_mm(seen(again["vertices"]), data["vertices"]),
        None,
        note=note,
    )


def seen(points):
    return points.detach().numpy() * FILE_FROM_CAMERA


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    known = truth(folder)
    params = {name: torch.from_numpy(known[name]) for name in ("betas", "body_pose", "global_orient", "transl")}
    by_smplx(folder, known, params)
    by_body_models(folder, known, params)
    by_smplfitter(folder, known, params)
