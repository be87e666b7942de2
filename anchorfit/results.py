"""What every path returns: bodies with the camera that saw them and a record of how well they fit."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .atomic import write_atomically
from .body import BodyModel, BodyOutput
from .body.joint_sets import CANONICAL_JOINTS

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """How a fit went, row by row.

    Attributes:
        reprojection_px: (B, K) pixels between the observed and the reprojected canonical joint; NaN where not observed.
        energy: for each term its share of the final energy, (B,).
        steps: (B,) int64, solver steps over all stages.
        converged: (B,) bool, the last stage met its stopping rule.
        trusted: (B,) bool; False comes with a reason.
        reasons: B short texts, empty where trusted.
    """

    reprojection_px: Tensor
    energy: dict[str, Tensor]
    steps: Tensor
    converged: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BodyEstimate:
    """B bodies, each in the frame of its own camera. Rows are independent of each other.

    Attributes:
        global_orient: (B, 3) axis-angle radians, camera frame from body frame, about the pelvis.
        body_pose: (B, 69) axis-angle radians of joints 1 to 23.
        betas: (B, 10) shape coefficients of ``body``.
        transl: (B, 3) metres: ``vertices_cam = body(betas, body_pose, global_orient) + transl``.
        intrinsics: (B, 3, 3) pixels of the whole image.
        image_size: (B, 2) int64, width and height in pixels.
        crop_from_image: (B, 3, 3) pixels: the crop that the estimate was made on; the identity for a whole image.
        keypoints, confidence: (B, K, 2) pixels and (B, K): what was observed, in canonical order.
        names: B names, unique in a run: ``IMAGE#PERSON``.
        images: B paths of images, empty where there was none.
        body: what ``load_body`` takes to load the body again: ``"open"`` or a path.
        gender: of the body.
        method: how the estimate was made, ``"smplify"``, ``"anchored"`` or ``"direct"``.
        diagnostics: how the fit went.
    """

    global_orient: Tensor
    body_pose: Tensor
    betas: Tensor
    transl: Tensor
    intrinsics: Tensor
    image_size: Tensor
    crop_from_image: Tensor
    keypoints: Tensor
    confidence: Tensor
    names: tuple[str, ...]
    images: tuple[str, ...]
    body: str
    gender: str
    method: str
    diagnostics: Diagnostics

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, index: Sequence[int]) -> BodyEstimate:
        """The chosen rows, in the given order."""
        return _select(self, list(index))

    def __getitem__(self, index: int) -> BodyEstimate:
        """One row, as an estimate of one body."""
        return self.rows([range(len(self))[index]])

    @property
    def pose(self) -> Tensor:
        """(B, 72) axis-angle: ``global_orient`` and ``body_pose`` as SMPL joins them."""
        return torch.cat([self.global_orient, self.body_pose], dim=-1)

    @property
    def params(self) -> Tensor:
        """(B, 85) the solvers' parameters: pose 72, betas 10, transl 3."""
        return torch.cat([self.pose, self.betas, self.transl], dim=-1)

    def bodies(self, body: BodyModel) -> BodyOutput:
        """Vertices (B, V, 3) and joints (B, 24, 3) in metres, camera frame; on the device of the estimate."""
        posed = body.from_params(self.params.to(body.device, body.dtype))
        return BodyOutput(posed.vertices.to(self.betas), posed.joints.to(self.betas))

    def save(self, path: str | Path) -> None:
        """Write everything to one ``.npz`` without pickles; ``load`` gives it back bit for bit."""
        arrays: dict[str, np.ndarray] = {"format_version": np.array(FORMAT_VERSION)}
        for field in fields(self):
            if field.name != "diagnostics":
                arrays[field.name] = _to_numpy(getattr(self, field.name))
        for field in fields(self.diagnostics):
            if field.name != "energy":
                arrays[f"diagnostics.{field.name}"] = _to_numpy(getattr(self.diagnostics, field.name))
        for term, value in self.diagnostics.energy.items():
            arrays[f"diagnostics.energy.{term}"] = _to_numpy(value)
        arrays["canonical_joints"] = np.array(CANONICAL_JOINTS)
        write_atomically(Path(path), _npz_bytes(arrays))

    @classmethod
    def load(cls, path: str | Path) -> BodyEstimate:
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no estimate, or of another version.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
        except Exception as error:
            raise ValueError(f"{path}: not a readable .npz file ({error})") from error
        stored_version = arrays.get("format_version")
        version = int(stored_version) if stored_version is not None and stored_version.ndim == 0 else None
        if version != FORMAT_VERSION:
            raise ValueError(f"{path}: expected an estimate of format {FORMAT_VERSION}, got {version}")
        try:
            energy = {
                key.removeprefix("diagnostics.energy."): torch.from_numpy(value)
                for key, value in arrays.items()
                if key.startswith("diagnostics.energy.")
            }
            diagnostics = Diagnostics(
                energy=energy,
                **{
                    f.name: _from_numpy(arrays[f"diagnostics.{f.name}"])
                    for f in fields(Diagnostics)
                    if f.name != "energy"
                },
            )
            values = {f.name: _from_numpy(arrays[f.name]) for f in fields(cls) if f.name != "diagnostics"}
        except KeyError as error:
            raise ValueError(f"{path}: the array {error} is missing") from error
        return cls(**values, diagnostics=diagnostics)

    def save_smplify(self, path: str | Path) -> None:
        """Write one row as the public SMPLify does: a pickle of cam_t, f, pose (72) and betas (10).

        Raises:
            ValueError: the estimate holds more or less than one row.
        """
        self._only_row("save_smplify")
        record = {
            "cam_t": _to_numpy(self.transl[0]),
            "f": np.array([float(self.intrinsics[0, 0, 0]), float(self.intrinsics[0, 1, 1])]),
            "pose": _to_numpy(self.pose[0]),
            "betas": _to_numpy(self.betas[0]),
        }
        write_atomically(Path(path), pickle.dumps(record, protocol=2))

    def to_dict(self) -> list[dict[str, Any]]:
        """Each row as plain numbers and texts, ready for JSON; NaN becomes None."""
        return [_row_to_dict(self.rows([i])) for i in range(len(self))]

    def save_json(self, path: str | Path) -> None:
        """Write ``to_dict`` as a JSON list."""
        write_atomically(Path(path), json.dumps(self.to_dict(), indent=1, allow_nan=False).encode())

    def _only_row(self, what: str) -> None:
        if len(self) != 1:
            raise ValueError(f"{what}: expected one body, got {len(self)}; take one with estimate[i]")


def concatenate(estimates: Sequence[BodyEstimate]) -> BodyEstimate:
    """Join estimates of the same body, row after row.

    A term that an estimate does not have had no energy there (silhouettes, where nobody had a mask).

    Raises:
        ValueError: there is none, or they differ in body, gender or method.
    """
    if not estimates:
        raise ValueError("concatenate: no estimates")
    first = estimates[0]
    for other in estimates[1:]:
        for name in ("body", "gender", "method"):
            if getattr(other, name) != getattr(first, name):
                raise ValueError(f"concatenate: {name} differs: {getattr(first, name)!r}, {getattr(other, name)!r}")
    parts = [e.diagnostics for e in estimates]
    terms = dict.fromkeys(term for part in parts for term in part.energy)
    diagnostics = Diagnostics(
        energy={k: torch.cat([_energy(e, k) for e in estimates]) for k in terms},
        **{f.name: _join([getattr(p, f.name) for p in parts]) for f in fields(Diagnostics) if f.name != "energy"},
    )
    joined = {
        f.name: _join([getattr(e, f.name) for e in estimates])
        for f in fields(first)
        if isinstance(getattr(first, f.name), Tensor | tuple)
    }
    return replace(first, **joined, diagnostics=diagnostics)


def _energy(estimate: BodyEstimate, term: str) -> Tensor:
    energy = estimate.diagnostics.energy
    return energy[term] if term in energy else torch.zeros_like(estimate.transl[:, 0])


def load_estimates(paths: Sequence[Path]) -> BodyEstimate:
    """Read estimates of one body, from files and from folders of ``.npz`` files, as one.

    Raises:
        FileNotFoundError: there is no such file, or no ``.npz`` in a folder.
        ValueError: a file is no estimate, or they differ in body, gender or method.
    """
    return concatenate([BodyEstimate.load(path) for path in _estimate_files(paths)])


def load_estimates_by_method(paths: Sequence[Path]) -> dict[str, BodyEstimate]:
    """As `load_estimates`, but predictions and fits may lie together: one estimate for each method.

    Raises:
        FileNotFoundError, ValueError: as there, and for estimates of different bodies.
    """
    found: dict[str, list[BodyEstimate]] = {}
    for path in _estimate_files(paths):
        one = BodyEstimate.load(path)
        first = next(iter(found.values()))[0] if found else one
        if (one.body, one.gender) != (first.body, first.gender):
            raise ValueError(
                f"{path}: made with body {one.body} ({one.gender}), others with {first.body} ({first.gender}); "
                "give those of one body"
            )
        found.setdefault(one.method, []).append(one)
    return {method: concatenate(parts) for method, parts in found.items()}


def _estimate_files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.npz")) if path.is_dir() else [path]
        if not inside:
            raise FileNotFoundError(f"{path}: no .npz file in this folder")
        files += inside
    return files


def _join(values: Sequence[Any]) -> Any:
    return torch.cat(list(values)) if isinstance(values[0], Tensor) else tuple(x for value in values for x in value)


def _select(record: Any, index: list[int]) -> Any:
    """A dataclass of row-wise tensors, tuples and dictionaries of tensors, with the chosen rows only."""
    chosen: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Tensor):
            chosen[field.name] = value[index]
        elif isinstance(value, tuple):
            chosen[field.name] = tuple(value[i] for i in index)
        elif isinstance(value, dict):
            chosen[field.name] = {key: rows[index] for key, rows in value.items()}
        elif isinstance(value, Diagnostics):
            chosen[field.name] = _select(value, index)
    return replace(record, **chosen)


def _row_to_dict(row: BodyEstimate) -> dict[str, Any]:
    record: dict[str, Any] = {"name": row.names[0], "image": row.images[0]}
    record |= {name: getattr(row, name) for name in ("body", "gender", "method")}
    for name in ("global_orient", "body_pose", "betas", "transl", "intrinsics", "image_size", "crop_from_image"):
        record[name] = getattr(row, name)[0].tolist()
    seen = row.confidence[0] > 0
    errors = row.diagnostics.reprojection_px[0]
    record["joints"] = {
        joint: {
            "x": float(row.keypoints[0, i, 0]),
            "y": float(row.keypoints[0, i, 1]),
            "confidence": float(row.confidence[0, i]),
            "reprojection_px": float(errors[i]) if torch.isfinite(errors[i]) else None,
        }
        for i, joint in enumerate(CANONICAL_JOINTS)
        if seen[i]
    }
    record["energy"] = {key: _finite(value[0]) for key, value in row.diagnostics.energy.items()}
    record["steps"] = int(row.diagnostics.steps[0])
    record["converged"] = bool(row.diagnostics.converged[0])
    record["trusted"] = bool(row.diagnostics.trusted[0])
    record["reason"] = row.diagnostics.reasons[0]
    return record


def _finite(value: Tensor) -> float | None:
    return float(value) if torch.isfinite(value) else None


def _to_numpy(value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    return np.array(value, dtype=str)


def _from_numpy(value: np.ndarray) -> Any:
    if value.dtype.kind != "U":
        return torch.from_numpy(value)
    return str(value) if value.ndim == 0 else tuple(str(text) for text in value)


def _npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
