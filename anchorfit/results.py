"""Results of fits and predictions: bodies with their cameras, and diagnostics of how well they fit."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .atomic import write_atomically
from .body import BodyModel, BodyOutput, assumed_size
from .body.floor import Floors
from .body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS
from .body.parameters import Layout, Parameters
from .camera import project
from .observations.unseen import unseen_texts
from .plain_text import list_few, short_name
from .remembered_joints import joints_of_body
from .rows import FEWEST_COLUMNS, Rows, filled
from .smplx_arguments import SMPLX_ARGUMENTS, smplx_arguments
from .status import Status
from .stored_estimates import ENERGY, FLOORS, FORMAT_VERSION, read_estimate_arrays

_APART = ("diagnostics", "floors", "world_from_camera")  # of an estimate: stored where there are such
_ON_REQUEST = ("joint_covariance_mm2", "joint_std_mm")  # of the diagnostics: not in every file
LARGEST_BETA, LARGEST_TURN = 100.0, 1e3  # standard deviations, radians: what is no body's, however badly it was fitted
FARTHEST = 1e5  # metres; crops by weak perspective of small people lie at thousands


@dataclass(frozen=True, kw_only=True)
class Diagnostics(Rows):
    """Diagnostics of a fit, row by row.

    Attributes:
        reprojection_px: (B, K) pixels between the observed and the reprojected canonical joint; NaN where not observed.
        energy: for each term its share of the final energy, (B,).
        steps: (B,) int64, solver steps over all stages.
        status: (B,) int64, how the solver ended, the worst of all stages (`anchorfit.status.Status`).
        score: (B,) in [0, 1]: how likely the body is right, to sort by; NaN where trust was not judged (bodies of other
            programs, files written before there were scores).
        trusted: (B,) bool; False comes with a reason, and with a score below 0.5.
        reasons: B short texts, empty where trusted.
        joint_covariance_mm2: (B, 24, 3, 3) square millimetres, camera frame: covariances of the joints' places relative
            to the pelvis, and (joint 0) of the pelvis's own; a region of a normal distribution that is to hold nine
            bodies in ten does so. NaN where they were not asked for.
        joint_std_mm: (B, 24, 2) the same as two deviations: in the image (root mean square of both directions across
            the line of sight), and in depth (along it).
    """

    reprojection_px: Tensor
    energy: dict[str, Tensor]
    steps: Tensor
    status: Tensor
    score: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]
    joint_covariance_mm2: Tensor = field(default_factory=lambda: torch.zeros(0))
    joint_std_mm: Tensor = field(default_factory=lambda: torch.zeros(0))

    def __post_init__(self) -> None:
        for name, shape in (("joint_covariance_mm2", (3, 3)), ("joint_std_mm", (2,))):
            if len(getattr(self, name)) != len(self):
                unknown = self.reprojection_px.new_full((len(self), len(SMPL_JOINTS), *shape), torch.nan)
                object.__setattr__(self, name, unknown)

    def __len__(self) -> int:
        return len(self.reasons)

    @property
    def mean_error_px(self) -> Tensor:
        """(B,) float64 pixels, the mean of ``reprojection_px`` over the observed joints; NaN where none was."""
        errors = self.reprojection_px.double()
        return errors.masked_fill(~torch.isfinite(errors), torch.nan).nanmean(-1)

    @property
    def unseen(self) -> tuple[str, ...]:
        """B texts that name the parts of which no joint was observed, so that trust says nothing of their pose: ``legs
        not seen: their pose is the prior's``; empty where there are none."""
        return unseen_texts(~self.reprojection_px.isnan())

    @property
    def converged(self) -> Tensor:
        """(B,) bool: every stage met its stopping rule."""
        return self.status == Status.CONVERGED


@dataclass(frozen=True, kw_only=True)
class BodyEstimate(Rows):
    """B bodies, each in the frame of its own camera. Rows are independent of each other.

    Attributes:
        global_orient: (B, 3) axis-angle radians, camera frame from body frame, about the pelvis.
        body_pose: (B, 69) axis-angle radians of joints 1 to 23.
        betas: (B, S) shape coefficients of ``body``, its first S.
        transl: (B, 3) metres: ``vertices_cam = body(betas, body_pose, global_orient) + transl``.
        intrinsics: (B, 3, 3) pixels of the whole image.
        image_size: (B, 2) int64, width and height in pixels.
        crop_from_image: (B, 3, 3) pixels: the crop that the estimate was made on; the identity for a whole image.
        keypoints, confidence: (B, K, 2) pixels and (B, K): what was observed, in canonical order.
        names: B names, unique in a run: ``IMAGE#PERSON``.
        images: B paths of images, empty where there was none.
        body: what ``load_body`` takes to load the body again, with ``num_betas=S``: ``"open"`` or a path.
        gender: of the body.
        method: how the estimate was made, ``"smplify"``, ``"anchored"`` or ``"direct"``; ``"given"`` by `from_smplx`.
        diagnostics: how the fit went.
        time_s: (B,) seconds from the first frame of the row's video; NaN by default, as of photographs.
        pitch_deg: (B,) degrees by which the row's camera looks down, as it was given, or its floor or its people showed
            it; NaN by default: not known.
        floors: the floor before each row's camera, where one was given or estimated (see `anchorfit.world`).
        world_from_camera: (B, 4, 4) from each row's camera to the world of the program that the fit began with, where
            that has one (WHAM, GVHMR, TRAM); NaN by default.

    >>> import anchorfit
    >>> from anchorfit.assets import ASSETS
    >>> people = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json")
    >>> skier = anchorfit.match_people(people.people, [ASSETS / "demo" / "000000000785.jpg"]).people
    >>> body = anchorfit.load_body()
    >>> estimate, problems = anchorfit.predict_people(skier, body)
    >>> len(estimate), estimate.names[0], estimate.gender
    (1, '000000000785.jpg#442619', 'neutral')
    >>> vertices, joints = estimate.bodies(body)  # metres, camera frame
    >>> vertices.shape[1] == body.num_vertices, tuple(joints.shape)
    (True, (1, 24, 3))
    >>> {name: tuple(value.shape) for name, value in estimate.to_smplx().items()}
    {'global_orient': (1, 3), 'body_pose': (1, 69), 'betas': (1, 10), 'transl': (1, 3)}
    >>> again = anchorfit.BodyEstimate.from_smplx(
    ...     estimate.to_smplx(), intrinsics=estimate.intrinsics, image_size=(640, 425), names=estimate.names
    ... )
    >>> bool((again.params == estimate.params).all())
    True
    >>> estimate[0].save("skier.npz")
    >>> anchorfit.BodyEstimate.load("skier.npz").method
    'direct'
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
    time_s: Tensor = field(default_factory=lambda: torch.zeros(0))
    pitch_deg: Tensor = field(default_factory=lambda: torch.zeros(0))
    floors: Floors = field(default_factory=lambda: Floors(planes=torch.zeros(0, 4)))
    world_from_camera: Tensor = field(default_factory=lambda: torch.zeros(0))

    def __post_init__(self) -> None:
        if len(self.world_from_camera) != len(self):
            object.__setattr__(self, "world_from_camera", self.transl.new_full((len(self), 4, 4), torch.nan))
        if len(self.floors) != len(self):
            object.__setattr__(self, "floors", Floors.none(len(self), self.transl))
        for name in ("time_s", "pitch_deg"):
            if not getattr(self, name).numel():
                object.__setattr__(self, name, self.transl.new_full((len(self),), torch.nan))
        pitch = self.pitch_deg
        shown = torch.where(pitch.isnan(), self.floors.pitch_deg.to(pitch), pitch)
        object.__setattr__(self, "pitch_deg", shown)

    joint_names: ClassVar[tuple[str, ...]] = CANONICAL_JOINTS
    """K names, in the order of ``joints``, ``joints_px`` and ``keypoints``."""

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        trusted, images = int(self.diagnostics.trusted.sum()), len(set(self.image_labels))
        return (
            f"BodyEstimate({len(self)} rows of {images} images, {self.method!r}, body {self.body!r} "
            f"({self.gender}, {self.betas.shape[-1]} betas), {trusted} trusted)"
        )

    def __getitem__(self, index: int) -> BodyEstimate:
        """One row, as an estimate of one body."""
        return self.rows([range(len(self))[index]])

    @property
    def pose(self) -> Tensor:
        """(B, 72) axis-angle: ``global_orient`` and ``body_pose`` as SMPL joins them."""
        return torch.cat([self.global_orient, self.body_pose], dim=-1)

    @property
    def possible(self) -> Tensor:
        """(B,) bool: the numbers are a body's and a camera's: finite, betas within `LARGEST_BETA`, the body within
        `FARTHEST` of the camera, its rotations within `LARGEST_TURN`, focal lengths above 0."""
        sizes = (self.betas.abs() <= LARGEST_BETA).all(-1) & (self.pose.abs() <= LARGEST_TURN).all(-1)
        focal = self.intrinsics.diagonal(dim1=1, dim2=2)[:, :2]
        cameras = torch.isfinite(self.intrinsics).flatten(1).all(1) & (focal > 0).all(-1)
        return sizes & (self.transl.abs() <= FARTHEST).all(-1) & cameras.to(sizes.device)

    @property
    def params(self) -> Tensor:
        """(B, D) the solvers' parameters, see `anchorfit.body.parameters.Layout`."""
        layout = Layout(self.betas.shape[-1])
        return layout.join(**{name: getattr(self, name) for name in SMPLX_ARGUMENTS})

    def bodies(self, body: BodyModel) -> BodyOutput:
        """Vertices (B, V, 3) and joints (B, 24, 3) in metres, camera frame; on the device of the estimate.

        Raises:
            ValueError: the estimate has more betas than the body keeps.
        """
        posed = body.from_params(self.params.to(body.device, body.dtype))
        return BodyOutput(posed.vertices.to(self.betas), posed.joints.to(self.betas))

    @property
    def joints(self) -> Tensor:
        """(B, K, 3) metres, camera frame: the bodies' own joints, by `joint_names`; of the body that ``body`` names.

        Raises:
            FileNotFoundError, ValueError: the body's file is not there any more, or is another's.
        """
        points = joints_of_body(self.body, self.gender, self.betas.shape[-1], self.betas.dtype)
        rows = filled(torch.arange(len(self)), FEWEST_COLUMNS)  # so that a row's last bit is its own
        return points.points(self.params.cpu()[rows])[: len(self)].to(self.betas)

    @property
    def joints_px(self) -> Tensor:
        """(B, K, 2) pixels of the image: ``joints`` by the estimate's camera; NaN behind it.

        Raises:
            FileNotFoundError, ValueError: as ``joints``.
        """
        return _projected(self.joints, self.intrinsics)

    @property
    def image_labels(self) -> tuple[str, ...]:
        """B names of images, distinct where the images are: what stands before ``#PERSON`` in ``names``."""
        return tuple(split_name(name, image)[0] for name, image in zip(self.names, self.images, strict=True))

    def to_smplx(self) -> dict[str, Tensor]:
        """The arguments of ``smplx.SMPL``: betas (B, S), body_pose (B, 69), global_orient (B, 3), transl (B, 3).

        Give them to a model made from the same body (``smplx.SMPL(path, num_betas=S)`` for estimates of a licensed SMPL
        file): its vertices are then those of ``bodies``. They are SMPL's; SMPL-X has other betas and 21 body joints.
        """
        return {name: getattr(self, name).clone() for name in SMPLX_ARGUMENTS}

    @classmethod
    def from_smplx(
        cls,
        parameters: Mapping[str, Tensor | np.ndarray],
        *,
        intrinsics: Tensor | np.ndarray,
        image_size: tuple[int, int],
        names: Sequence[str],
        images: Sequence[str] = (),
        body: str = "open",
        gender: str = "neutral",
        six_d: str | None = None,
    ) -> BodyEstimate:
        """Bodies of another program, to be drawn, exported, compared, or given to ``fit`` as ``init``.

        Args:
            parameters: what ``smplx.SMPL`` takes, tensors or arrays: betas (B, S), or (S,) for all rows; transl (B, 3);
                global_orient (B, 3) and body_pose (B, 69) axis-angle, or rotation matrices (B, 1, 3, 3) and (B, 23, 3,
                3). Of one row the leading dimension may be missing.
            intrinsics: (3, 3) or (B, 3, 3) pixels of the whole image.
            image_size: width and height in pixels.
            names: B names, ``IMAGE#PERSON``: ``fit_people`` finds a person's start by it.
            images: B paths of images, or none.
            body: what ``load_body`` takes to load the body that the parameters are of.
            gender: of the body.
            six_d: rotations are six numbers each, (B, 6) and (B, 138), of this layout
                (`anchorfit.body.rotation_from_6d`): "columns", "rows" or "interleaved".
        Returns:
            B rows of method "given", without observed keypoints, trusted, on the CPU.
        Raises:
            ValueError: an argument is missing, unknown or of another shape.
        """
        count = len(names)
        values = smplx_arguments(parameters, count, six_d=six_d)
        intrinsics = torch.as_tensor(intrinsics)
        if intrinsics.shape not in ((3, 3), (count, 3, 3)):
            raise ValueError(f"intrinsics: expected (3, 3) or ({count}, 3, 3), got {tuple(intrinsics.shape)}")
        if images and len(images) != count:
            raise ValueError(f"images: expected {count} or none, got {len(images)}")
        like, joints = values["transl"], len(CANONICAL_JOINTS)
        return cls(
            **Parameters(**values)._asdict(),
            intrinsics=intrinsics.detach().to(like).expand(count, 3, 3).clone(),
            image_size=torch.tensor(image_size).expand(count, 2).clone(),
            crop_from_image=torch.eye(3, dtype=like.dtype).expand(count, 3, 3).clone(),
            keypoints=like.new_zeros(count, joints, 2),
            confidence=like.new_zeros(count, joints),
            names=tuple(names),
            images=tuple(images) or ("",) * count,
            body=body,
            gender=gender,
            method="given",
            diagnostics=Diagnostics(
                reprojection_px=like.new_full((count, joints), torch.nan),
                energy={},
                steps=torch.zeros(count, dtype=torch.long),
                status=torch.full((count,), int(Status.CONVERGED)),
                score=like.new_full((count,), torch.nan),
                trusted=torch.ones(count, dtype=torch.bool),
                reasons=("",) * count,
            ),
        )

    def save(self, path: str | Path) -> None:
        """Write everything to one ``.npz`` without pickles; ``load`` gives it back bit for bit.

        For readers of the file there are ``joints_m`` (B, K, 3), ``joints_px`` (B, K, 2) and ``joint_names`` (K,), too,
        unless the file of the body is not there any more.
        """
        arrays: dict[str, np.ndarray] = {"format_version": np.array(FORMAT_VERSION)}
        for own in fields(self):
            if own.name not in _APART:
                arrays[own.name] = _to_numpy(getattr(self, own.name))
        if not _is_unknown(self.world_from_camera):
            arrays["world_from_camera"] = _to_numpy(self.world_from_camera)
        if any(self.floors.said) or bool(self.floors.known.any()):
            arrays |= {f"{FLOORS}{own.name}": _to_numpy(getattr(self.floors, own.name)) for own in fields(Floors)}
        for own in fields(self.diagnostics):
            if own.name != "energy" and not (
                own.name in _ON_REQUEST and _is_unknown(getattr(self.diagnostics, own.name))
            ):
                arrays[f"diagnostics.{own.name}"] = _to_numpy(getattr(self.diagnostics, own.name))
        arrays["diagnostics.converged"] = _to_numpy(self.diagnostics.converged)  # for readers of the file
        for term, value in self.diagnostics.energy.items():
            arrays[f"{ENERGY}{term}"] = _to_numpy(value)
        arrays["canonical_joints"] = np.array(CANONICAL_JOINTS)
        arrays |= {name: value.numpy() for name, value in self._known_joints().items()}
        arrays["joint_names"] = np.array(CANONICAL_JOINTS)
        write_atomically(Path(path), _npz_bytes(arrays))

    @classmethod
    def load(cls, path: str | Path) -> BodyEstimate:
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no estimate, of another version, or holds what no estimate does; one line.
        """
        arrays = read_estimate_arrays(Path(path))
        energy = {
            name.removeprefix(ENERGY): torch.from_numpy(value)
            for name, value in arrays.items()
            if name.startswith(ENERGY)
        }
        judged = [
            own.name
            for own in fields(Diagnostics)
            if own.name != "energy" and (own.name not in _ON_REQUEST or f"diagnostics.{own.name}" in arrays)
        ]
        diagnostics = Diagnostics(energy=energy, **{n: _from_numpy(arrays[f"diagnostics.{n}"]) for n in judged})
        values = {f.name: _from_numpy(arrays[f.name]) for f in fields(cls) if f.name not in _APART}
        if "world_from_camera" in arrays:
            values["world_from_camera"] = _from_numpy(arrays["world_from_camera"])
        if f"{FLOORS}planes" in arrays:
            values["floors"] = Floors(**{f.name: _from_numpy(arrays[f"{FLOORS}{f.name}"]) for f in fields(Floors)})
        return cls(**values, diagnostics=diagnostics)

    def save_smplify(self, path: str | Path) -> None:
        """Write one row as the public SMPLify does: a pickle of cam_t, f, pose (72) and betas (S).

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
        joints = self._known_joints()
        return [
            _row_to_dict(self.rows([i])) | {name: _by_joint(value[i]) for name, value in joints.items()}
            for i in range(len(self))
        ]

    def save_json(self, path: str | Path) -> None:
        """Write ``to_dict`` as a JSON list."""
        write_atomically(Path(path), json.dumps(self.to_dict(), indent=1, allow_nan=False).encode())

    def _known_joints(self) -> dict[str, Tensor]:
        """``joints_m`` and ``joints_px``; none where the file of the body is not there any more."""
        try:
            joints = self.joints.cpu()
        except (OSError, ValueError):
            return {}
        return {"joints_m": joints, "joints_px": _projected(joints, self.intrinsics.cpu())}

    def _only_row(self, what: str) -> None:
        if len(self) != 1:
            raise ValueError(f"{what}: expected one body, got {len(self)}; take one with estimate[i]")


_UNITS = {
    "points": "size by the unit of the points; of a mean body where that is free",
    "views": "size by the cameras' unit; of a mean body where that is free, or one camera alone saw the person",
}
"""What size follows from, by method."""


def size_remark(estimate: BodyEstimate, body: BodyModel) -> str:
    """What the people's sizes follow from where no height and no measurement told them; empty where one did."""
    if "known_size" in estimate.diagnostics.energy:
        return ""
    return _UNITS.get(estimate.method) or assumed_size(body)


def said_of_up(method: str, *, known: bool) -> str:
    """What is up where bodies are seen from the side.

    Args:
        method: by which they were made.
        known: whether it is known by how much the camera looks down.
    """
    if known:
        return "by gravity"
    return "as the points have it" if method == "points" else "as in the photograph"


def concatenate(estimates: Sequence[BodyEstimate]) -> BodyEstimate:
    """Join estimates of the same body, row after row.

    A term that an estimate does not have had no energy there (silhouettes, where no row had a mask); betas that it does
    not have are 0.

    Raises:
        ValueError: there is none, or they differ in body, gender or method.
    """
    layout = Layout(max((estimate.betas.shape[-1] for estimate in estimates), default=1))
    return BodyEstimate.concatenate([replace(one, betas=layout.fit_betas(one.betas)) for one in estimates])


def possible_only(estimate: BodyEstimate, source: str = "the estimate") -> tuple[BodyEstimate, list[str]]:
    """The rows that are `BodyEstimate.possible`, and a line about the others, where there are any.

    Args:
        estimate: B rows.
        source: the files that they come from, for messages.
    Raises:
        ValueError: there is no such row.
    """
    possible = estimate.possible
    if bool(possible.all()) and len(estimate):
        return estimate, []
    if not bool(possible.any()):
        if not len(estimate):
            raise ValueError(f"{source}: holds nobody; expected one body at least, to show or to write")
        one = "its only body has" if len(estimate) == 1 else f"all of its {len(estimate)} bodies have"
        raise ValueError(
            f"{source}: {one} numbers that no body or camera can have (NaN, or far too large): nothing to show or to "
            "write; fit again"
        )
    lost = [name for name, one in zip(estimate.names, possible.tolist(), strict=True) if not one]
    return estimate.rows(possible), [f"{list_few(lost)}: no body or camera has such numbers; left out"]


def split_name(name: str, image: str) -> tuple[str, str]:
    """``LABEL#PERSON`` as its two halves; the label is the end of the image's path, and may itself hold a #."""
    parts = Path(image).parts
    labels = ("/".join(parts[-depth:]) for depth in range(1, len(parts) + 1))
    label = next((label for label in map(short_name, labels) if name.startswith(f"{label}#")), None)
    if label is None:
        label, _, person_id = name.partition("#")
        return label, person_id
    return label, name.removeprefix(f"{label}#")


def _projected(joints_cam: Tensor, intrinsics: Tensor) -> Tensor:
    pixels = project(joints_cam, intrinsics.to(joints_cam))
    return torch.where(joints_cam[..., 2:] > 0, pixels, torch.nan)


def _by_joint(positions: Tensor) -> dict[str, list[float] | None]:
    """Positions (K, D) by joint name; None where they are not finite."""
    values = zip(CANONICAL_JOINTS, positions.tolist(), positions.isfinite().all(-1).tolist(), strict=True)
    return {name: [round(number, 5) for number in value] if finite else None for name, value, finite in values}


def _row_to_dict(row: BodyEstimate) -> dict[str, Any]:
    record: dict[str, Any] = {"name": row.names[0], "image": row.images[0]}
    record |= {name: getattr(row, name) for name in ("body", "gender", "method")}
    for name in ("global_orient", "body_pose", "betas", "transl", "intrinsics", "image_size", "crop_from_image"):
        record[name] = getattr(row, name)[0].tolist()
    record |= {name: _finite(getattr(row, name)[0]) for name in ("time_s", "pitch_deg")}
    if not _is_unknown(row.world_from_camera):
        record["world_from_camera"] = row.world_from_camera[0].tolist()
    if bool(row.floors.known[0]):
        *up, height = row.floors.planes[0].tolist()
        tilt, deviation = row.floors.sigma[0].tolist()
        record["floor"] = {"up": up, "height": height, "tilt_sigma_deg": tilt, "height_sigma": deviation}
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
    record["status"] = Status(int(row.diagnostics.status[0])).says
    record["score"] = _finite(row.diagnostics.score[0])
    record["trusted"] = bool(row.diagnostics.trusted[0])
    record["reason"] = row.diagnostics.reasons[0]
    record["unseen"] = row.diagnostics.unseen[0]
    found = row.diagnostics
    if not _is_unknown(found.joint_std_mm):
        rounded = np.round(found.joint_std_mm[0].double().numpy(), 2).tolist()
        record["joint_std_mm"] = {
            joint: {"in_image": across, "depth": along}
            for joint, (across, along) in zip(SMPL_JOINTS, rounded, strict=True)
        }
        covariances = np.round(found.joint_covariance_mm2[0].double().numpy(), 1).tolist()
        record["joint_covariance_mm2"] = dict(zip(SMPL_JOINTS, covariances, strict=True))
    return record


def _is_unknown(values: Tensor) -> bool:
    return bool(torch.isnan(values).all())


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
    """As ``numpy.savez_compressed``, at zlib's first level: 3 % larger in half the time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.save(entry, array, allow_pickle=False)
    return buffer.getvalue()
