# /// script
# requires-python = "==3.11.*"
# dependencies = ["numpy==1.23.5", "scipy<1.12", "six", "setuptools<70", "wheel", "chumpy==0.70"]
# [tool.counterpart]
# pip = ["--no-build-isolation"]
# ///
"""A file like the licensed SMPL's, made with real chumpy and scipy.sparse, read by anchorfit without either.

python counterparts/run.py licensed_file
"""

import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
from verdict import farthest_mm, say, truth

GONE = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "unicode": str, "str": str}
"""Names of NumPy before 1.24 that chumpy 0.70 imports."""


def import_chumpy():
    """chumpy, with what it asks for and newer Pythons and NumPys have no more."""
    inspect.getargspec = inspect.getfullargspec
    for name, kind in GONE.items():
        if name not in vars(np):
            setattr(np, name, kind)
    import chumpy

    return chumpy


def write(files):
    """``licensed.pkl``: the open body as SMPL's pickles are; chumpy's version and the modules of what is in it."""
    import scipy.sparse

    chumpy = import_chumpy()

    with np.load(files / "body.npz") as file:
        arrays = dict(file)
    shapes = chumpy.array(arrays["shapedirs"])
    written = {
        "v_template": chumpy.array(arrays["v_template"]),
        "shapedirs": shapes[:, :, :10],  # a chumpy.reordering.Select, as in SMPL's files
        "posedirs": arrays["posedirs"],
        "weights": chumpy.array(arrays["weights"]),
        "J": chumpy.array(arrays["J"]),
        "J_regressor": scipy.sparse.csc_matrix(arrays["J_regressor"]),
        "J_regressor_prior": scipy.sparse.csc_matrix(arrays["J_regressor"]),
        "kintree_table": arrays["kintree_table"].astype(np.uint32),
        "f": arrays["f"].astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }
    (files / "licensed.pkl").write_bytes(pickle.dumps(written, protocol=2))
    return chumpy.__version__, sorted({type(value).__module__ for value in written.values()})


def read(files, version, kinds):
    import torch

    from anchorfit import load_body

    data = truth(files)
    body = load_body(files / "licensed.pkl")
    given = {name: torch.from_numpy(data[name]) for name in ("betas", "body_pose", "global_orient", "transl")}
    vertices = body(**given).vertices.numpy() * [1, -1, -1]
    note = f"types in the file: {kinds}"
    say("chumpy", "licensed-like pickle read by anchorfit, vertices", farthest_mm(vertices, data["vertices"]), 0.1,
        version=version, note=note)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[2:3] == ["read"]:
        read(Path(sys.argv[1]), *sys.argv[3:5])
    else:
        version, kinds = write(Path(sys.argv[1]))
        command = [os.environ["ANCHORFIT_PYTHON"], __file__, sys.argv[1], "read", version, ", ".join(kinds)]
        subprocess.run(command, check=True)
