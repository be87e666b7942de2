# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "torch==2.13.0", "numpy>=2", "scipy", "six", "setuptools<70", "wheel", "chumpy==0.70", "smplx==0.1.28",
#     "smplfitter==0.6.0", "body-models==0.26.2",
# ]
# [tool.counterpart]
# pip = ["--no-build-isolation"]
# ///
"""smplx, body-models and smplfitter on the imitation of the licensed file, made here with real chumpy: the same body.

python counterparts/run.py licensed_peers
"""

import sys
from pathlib import Path

import torch
from licensed_file import write
from smpl_peers import by_body_models, by_smplfitter, by_smplx
from verdict import truth

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder)
    known = truth(folder)
    params = {name: torch.from_numpy(known[name]) for name in ("betas", "body_pose", "global_orient", "transl")}
    by_smplx(folder, known, params, "licensed.pkl")
    by_body_models(folder, known, params, "licensed.pkl")
    by_smplfitter(folder, known, params, "licensed.pkl")
