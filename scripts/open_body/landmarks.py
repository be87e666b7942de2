"""Named points of the skin, found by where they are on the mean body and by Anny's bones, never by a bare number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .rig import Rig

Array = np.ndarray

SLOTS = 8
TOES = {"big_toe": "toe1", "small_toe": "toe5"}
FINGERS = {
    "thumb_tip": "finger1",
    "index_tip": "finger2",
    "middle_tip": "finger3",
    "ring_tip": "finger4",
    "pinky_tip": "finger5",
}


def find_landmarks(
    template: Array, joints: Array, bone_weights: Array, rig: Rig, mirror: Array, eyeball: Array
) -> dict[str, dict[int, float]]:
    """Name -> {vertex: weight}. ``template`` (V, 3) in the T-pose, ``joints`` (24, 3), ``eyeball`` (V,) bool."""

    def skin_of(prefix: str, least: float = 0.5) -> Array:
        columns = [i for i, label in enumerate(rig.labels) if label.startswith(prefix)]
        return bone_weights[:, columns].sum(1) >= least

    x, y, z = template.T
    head = skin_of("head") | skin_of("neck03")
    middle = mirror == np.arange(len(mirror))
    nose = _best(z, head & middle)
    points = {
        "head_top": {_best(y, head): 1.0},
        "nose": {nose: 1.0},
        "chin": {_best(z - y, head & middle & (y < template[nose, 1] - 0.04)): 1.0},
        "neck": _neck(template, joints, skin_of("neck0", 0.3) | skin_of("spine01", 0.3) | head, middle, mirror),
    }
    left = {
        "left_eye": {_best(z, eyeball & (x > 0)): 1.0},
        "left_ear": _ear(template, head, template[nose]),
        "left_heel": {_best(-z - 0.35 * y, skin_of("foot.L")): 1.0},
    }
    for name, bone in TOES.items():
        left[f"left_{name}"] = {_best(z, skin_of(bone) & (x > 0)): 1.0}
    for name, bone in FINGERS.items():
        along = template - joints[20]
        left[f"left_{name}"] = {_best(np.linalg.norm(along, axis=1), skin_of(bone) & (x > 0)): 1.0}
    for name, point in left.items():
        points[name] = point
        points[name.replace("left_", "right_")] = {int(mirror[v]): w for v, w in point.items()}
    return points


def _best(score: Array, among: Array) -> int:
    return int(np.argmax(np.where(among, score, -np.inf)))


def _ear(template: Array, head: Array, nose: Array) -> dict[int, float]:
    """The middle of the ear: the mean of the four vertices nearest to its outermost part's centre."""
    outer = head & (template[:, 0] > 0.93 * template[head, 0].max())
    centre = template[outer].mean(0)
    order = np.argsort(np.linalg.norm(np.where(head[:, None], template - centre, np.inf), axis=1))[:4]
    return {int(v): 0.25 for v in order}


def _neck(template: Array, joints: Array, skin: Array, middle: Array, mirror: Array) -> dict[int, float]:
    """The middle of the neck: halfway between its front and back, between chin and collar bones, with its flanks."""
    height = 0.8 * joints[12, 1] + 0.2 * joints[15, 1]  # the head joint lies inside the skull
    ring = skin & (abs(template[:, 1] - height) < 0.035) & (abs(template[:, 0]) < 0.1)
    level = -abs(template[:, 1] - height)
    front = _best(template[:, 2] * 0.2 + level, ring & middle & (template[:, 2] > joints[12, 2]))
    back = _best(-template[:, 2] * 0.2 + level, ring & middle & (template[:, 2] < joints[12, 2]))
    flank = _best(template[:, 0] * 0.5 + level, ring)
    return {front: 0.25, back: 0.25, flank: 0.25, int(mirror[flank]): 0.25}


def as_arrays(points: dict[str, dict[int, float]], order: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """landmark_names, landmark_vertices (L, SLOTS) int32, landmark_weights (L, SLOTS) float32 in the order of names."""
    vertices = np.zeros((len(order), SLOTS), np.int32)
    weights = np.zeros((len(order), SLOTS), np.float32)
    for row, name in enumerate(order):
        for slot, (vertex, weight) in enumerate(points[name].items()):
            vertices[row, slot], weights[row, slot] = vertex, weight
    return np.array(order), vertices, weights


def read_landmarks(path: Path) -> dict[str, dict[int, float]]:
    """Those of a body file, as `find_landmarks` gives them."""
    with np.load(path, allow_pickle=False) as file:
        rows = zip(file["landmark_names"], file["landmark_vertices"], file["landmark_weights"], strict=True)
        return {
            str(name): {int(v): float(w) for v, w in zip(vertices, weights, strict=True) if w > 0}
            for name, vertices, weights in rows
        }
