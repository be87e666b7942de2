from __future__ import annotations
import json
import numpy as np, torch
from anchorfit.assets import ASSETS
from .model import BodyModel

def load_body(name_or_path="open", *, gender="neutral", device=None, dtype=torch.float32):
    path = ASSETS/"bodies"/f"open_{gender}.npz"
    d = dict(np.load(path))
    t = lambda k: torch.as_tensor(d[k].astype(np.float64)).to(device, dtype)
    if "posedirs_q" in d: d["posedirs"] = d["posedirs_q"].astype(np.float32)*d["posedirs_scale"]
    parents = tuple(int(x) if x < 1000 else -1 for x in d["kintree_table"][0])
    i = lambda k: torch.as_tensor(d[k].astype(np.int64)).to(device) if k in d else None
    return BodyModel(v_template=t("v_template"), shapedirs=t("shapedirs"), posedirs=t("posedirs").reshape(-1,207).T.contiguous(), weights=t("weights"),
      joint_regressor=t("J_regressor"), parents=parents, faces=i("f"), landmark_names=tuple(map(str,d["landmark_names"])), landmark_vertices=i("landmark_vertices"),
      landmark_weights=t("landmark_weights"), mirror=i("mirror"), face_parts=i("face_parts"), face_segments=i("face_segments"), gender=str(d["gender"]), name="open", meta=json.loads(str(d["meta"])))
