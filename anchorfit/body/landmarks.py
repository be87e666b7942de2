"""Landmarks of bodies whose file names none: SMPL's own mesh by vertex number, and rules of shape for the rest."""

from __future__ import annotations

import numpy as np

from .joint_sets import LANDMARKS, SMPL_JOINTS

SMPL_NUM_VERTICES = 6890

# Vertex numbers of SMPL's mesh in wide public use: face, feet and hands as in OpenPose-to-SMPL tables
# (smplx ``vertex_ids.py``), head top as in SMPLify's public code.
SMPL_VERTICES: dict[str, int] = {
    "head_top": 411,
    "nose": 332,
    "left_eye": 2800,
    "right_eye": 6260,
    "left_ear": 583,
    "right_ear": 4071,
    "left_big_toe": 3216,
    "right_big_toe": 6617,
    "left_small_toe": 3226,
    "right_small_toe": 6624,
    "left_heel": 3387,
    "right_heel": 6787,
    "left_thumb_tip": 2746,
    "right_thumb_tip": 6191,
    "left_index_tip": 2319,
    "right_index_tip": 5782,
    "left_middle_tip": 2445,
    "right_middle_tip": 5905,
    "left_ring_tip": 2556,
    "right_ring_tip": 6016,
    "left_pinky_tip": 2673,
    "right_pinky_tip": 6133,
}

_NECK_RING = 8


def smpl_landmarks(
    v_template: np.ndarray, weights: np.ndarray, joints: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Landmarks of SMPL's own mesh, whose files name none.

    Args:
        v_template: (6890, 3) metres.
        weights: (6890, 24) skinning weights.
        joints: (24, 3) rest joints, metres.
    Returns:
        names (L), vertices (L, 8) int64 and their weights (L, 8), rows sum to 1.
    """
    sources = {name: np.array([vertex]) for name, vertex in SMPL_VERTICES.items()}
    sources["chin"] = chin_vertex(v_template, weights)
    sources["neck"] = neck_ring(v_template, weights, joints)
    vertices = np.zeros((len(LANDMARKS), _NECK_RING), dtype=np.int64)
    shares = np.zeros((len(LANDMARKS), _NECK_RING))
    for row, name in enumerate(LANDMARKS):
        count = len(sources[name])
        vertices[row, :count] = sources[name]
        shares[row, :count] = 1.0 / count
    return LANDMARKS, vertices, shares


def chin_vertex(v_template: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(1,) the vertex of the head near its middle plane that lies farthest forward and down, as anatomy's gnathion."""
    head = weights[:, SMPL_JOINTS.index("head")] > 0.5
    middle = np.abs(v_template[:, 0] - np.median(v_template[head, 0])) < 0.015
    reach = np.where(head & middle, v_template[:, 2] - v_template[:, 1], -np.inf)
    return np.array([int(reach.argmax())])


def neck_ring(v_template: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(8,) vertices around the neck, halfway from SMPL's neck joint to its head joint: their mean is LSP's neck."""
    low, high = joints[SMPL_JOINTS.index("neck")], joints[SMPL_JOINTS.index("head")]
    axis = (high - low) / np.linalg.norm(high - low)
    offset = v_template - 0.5 * (low + high)
    along = np.abs(offset @ axis)
    trunk = weights[:, [SMPL_JOINTS.index(name) for name in ("neck", "head", "spine3", "left_collar", "right_collar")]]
    along[(trunk.sum(1) < 0.9) | (np.linalg.norm(offset, axis=1) > 0.15)] = np.inf
    sector = np.floor((np.arctan2(offset[:, 0], offset[:, 2]) / (2 * np.pi) % 1.0) * _NECK_RING).astype(int)
    return np.array([int(np.where(sector == s, along, np.inf).argmin()) for s in range(_NECK_RING)])
