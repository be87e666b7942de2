"""Body models written as SMPL files, for programs that read those: smplx, aitviewer, Blender scripts."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from .model import BodyModel

_ROOT = 4294967295  # the root's parent in SMPL's files, -1 of 32 bits


def body_arrays(body: BodyModel) -> dict[str, np.ndarray]:
    """A body model by the keys of SMPL's files: plain float64 and integer arrays.

    ``v_template`` (V, 3), ``shapedirs`` (V, 3, S), ``posedirs`` (V, 3, 207; zeros where the body has none), ``weights``
    (V, 24), ``J_regressor`` (24, V), ``J`` (24, 3), ``kintree_table`` (2, 24), ``f`` (F, 3), and ``bs_style`` and
    ``bs_type`` as SMPL's own files have them. Beside them what `load_body` needs so that people can be fitted with the
    file: the gender, the landmarks (L names, vertices and weights (L, N)), the segment and part of each face (F,), and
    the mirrored vertices (V,), where the body knows them.
    """

    def real(values: object) -> np.ndarray:
        return np.asarray(values, dtype=np.float64)

    vertices, regressor = real(body.v_template.cpu()), real(body.joint_regressor.cpu())
    features = 9 * (len(body.parents) - 1)
    posedirs = np.zeros((len(vertices), 3, features))
    if body.posedirs is not None:
        posedirs = real(body.posedirs.cpu()).T.reshape(len(vertices), 3, features)
    parents = [_ROOT if parent < 0 else parent for parent in body.parents]
    return {
        "v_template": vertices,
        "shapedirs": real(body.shapedirs.cpu()),
        "posedirs": posedirs,
        "weights": real(body.weights.cpu()),
        "J_regressor": regressor,
        "J": regressor @ vertices,
        "kintree_table": np.array([parents, range(len(parents))], dtype=np.int64),
        "f": body.faces.cpu().numpy().astype(np.uint32),
        "bs_style": np.array("lbs"),
        "bs_type": np.array("lrotmin"),
        **_beside(body),
    }


def _beside(body: BodyModel) -> dict[str, np.ndarray]:
    """What SMPL's own files lack, by the keys of ours; other programs pass over it."""
    landmarks = {
        "landmark_names": np.array(body.landmark_names, dtype=np.str_),
        "landmark_vertices": body.landmark_vertices.cpu().numpy(),
        "landmark_weights": body.landmark_weights.double().cpu().numpy(),
    }
    perhaps = {"face_segments": body.face_segments, "face_parts": body.face_parts, "mirror": body.mirror}
    known = {name: values.cpu().numpy() for name, values in perhaps.items() if values is not None}
    return {"gender": np.array(body.gender), **landmarks, **known}


def write_body(path: str | Path, body: BodyModel) -> None:
    """Write `body_arrays` as a ``.pkl`` that ``smplx.SMPL(path)`` takes, or as an ``.npz``.

    ``smplx.create`` and aitviewer tell a model by its file's name: ``smpl/SMPL_NEUTRAL.pkl`` in their folder of models.

    Raises:
        ValueError: the name ends otherwise.
        OSError: the file cannot be written.
    """
    path = Path(path)
    arrays = body_arrays(body)
    if path.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomically(path, buffer.getvalue())
    elif path.suffix == ".pkl":
        texts = {name: value.item() if value.ndim == 0 else value for name, value in arrays.items()}
        write_atomically(path, pickle.dumps(texts, protocol=2))
    else:
        raise ValueError(f"{path}: expected a name that ends in .pkl or .npz")
