"""The pictures of docs/open_body.md, drawn from the shipped files: shapes, poses, landmarks and parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import named_poses
from .correctives import features
from .preview import render, save, sheet
from .rig import joint_transforms, linear_blend_skinning

Array = np.ndarray
PART_COLOURS = np.array(
    [(0, 0, 0), (0.9, 0.4, 0.4), (0.5, 0.8, 0.5), (0.4, 0.5, 0.9), (0.9, 0.8, 0.4), (0.8, 0.5, 0.8), (0.4, 0.8, 0.8)]
)
SHOWN = ("sit", "squat", "raised arms", "arms down", "step, elbows bent", "forearm twist (elbow, 80 degrees)")
BETA_STEP = 2.5
AGE_STEPS = (-1.7, -0.9, 0.0, 0.8, 1.5)


def read(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        body = {name: file[name] for name in file.files}
    body["f"] = body["f"].astype(int)
    for name in ("v_template", "shapedirs", "weights", "J_regressor"):
        body[name] = body[name].astype(float)
    return body


def posed(body: dict[str, Array], rotations: Array, *, correctives: bool = True, size: float = 0.0) -> Array:
    """SMPL's skinning of a body of betas 0, but for the first, ``size``: rotations (24, 3, 3) -> (V, 3)."""
    rest = shape = body["v_template"] + size * body["shapedirs"][..., 0]
    if correctives:
        rest = rest + (body["posedirs_q"] * body["posedirs_scale"]) @ features(rotations[None])[0]
    transforms = joint_transforms(rotations[None], body["J_regressor"] @ shape)
    return linear_blend_skinning(rest[None], body["weights"], transforms)[0]


def draw_shapes(bodies: dict[str, dict[str, Array]], path: Path) -> None:
    """A row for each body: its mean from three sides, then its first four betas at -2.5 and +2.5."""
    rows = []
    for body in bodies.values():
        template, faces = body["v_template"], body["f"]
        row = [
            render(template, faces, azimuth_deg=view, width_m=width, size=(270, int(135 * width)), smooth=True)
            for view, width in ((0, 1.9), (90, 0.8), (180, 1.9))
        ]
        for k in range(4):
            for step in (-BETA_STEP, BETA_STEP):
                shape = template + step * body["shapedirs"][..., k]
                row.append(_narrow(shape, faces))
        rows.append(row)
    save(sheet(rows), path)


def _narrow(shape: Array, faces: Array) -> Array:
    return render(shape, faces, azimuth_deg=25, width_m=1.1, size=(270, 148), centre=(0, -0.1, 0), smooth=True)


def draw_poses(bodies: dict[str, dict[str, Array]], path: Path) -> None:
    """The poses of ``SHOWN`` (columns) of each body: plain linear blend skinning above, with correctives below."""
    rows = []
    for body in bodies.values():
        for correctives in (False, True):
            rows.append([_pose(body, name, correctives) for name in SHOWN])
    save(sheet(rows), path)


def _pose(body: dict[str, Array], name: str, correctives: bool) -> Array:
    vertices = posed(body, named_poses.rotations(name), correctives=correctives)
    azimuth, width, centre = 40.0, 1.3, (0.0, 0.45 if "arms" in name else -0.2, 0.1)
    if name.startswith("forearm"):
        x, y, z = vertices[vertices[:, 0] > 0.3].mean(0)
        azimuth, width, centre = 10.0, 0.6, (x, y, z)
    return render(vertices, body["f"], azimuth_deg=azimuth, width_m=width, size=(190, 190), centre=centre, smooth=True)


def draw_ages(child: dict[str, Array], adult: dict[str, Array], path: Path) -> None:
    """Children by their first beta, of 2 to 12 years, and an adult: at rest, in a step, sitting, from the side."""
    rows = []
    for azimuth, name in ((0.0, None), (40.0, "step, elbows bent"), (40.0, "sit"), (90.0, "arms down")):
        rotations = np.tile(np.eye(3), (24, 1, 1)) if name is None else named_poses.rotations(name)
        people = [(child, size) for size in AGE_STEPS] + [(adult, 0.0)]
        rows.append([_standing(body, posed(body, rotations, size=size), azimuth) for body, size in people])
    save(sheet(rows), path)


def _standing(body: dict[str, Array], vertices: Array, azimuth: float) -> Array:
    """All at one scale, their lowest points on one line."""
    x, _, z = (vertices.max(0) + vertices.min(0)) / 2
    centre = (x, vertices[:, 1].min() + 0.9, z)
    return render(vertices, body["f"], azimuth_deg=azimuth, width_m=1.7, size=(340, 300), centre=centre, smooth=True)


def draw_landmarks(body: dict[str, Array], path: Path) -> None:
    """Landmarks (red where seen, blue where behind) on head, hand and foot; the six parts; the 24 joints' segments."""
    points = np.einsum("lk,lkc->lc", body["landmark_weights"], body["v_template"][body["landmark_vertices"]])
    at = dict(zip(body["landmark_names"].tolist(), points, strict=True))

    def view(centre: Array, azimuth: float, elevation: float = 0.0, width: float = 0.38) -> Array:
        return render(
            body["v_template"],
            body["f"],
            azimuth_deg=azimuth,
            elevation_deg=elevation,
            centre=tuple(centre),
            width_m=width,
            size=(260, 260),
            marks=points,
        )

    head, hand = at["nose"] + [0, 0.02, -0.1], at["left_middle_tip"] - [0.12, 0, 0]
    foot = (at["left_heel"] + at["left_big_toe"]) / 2
    hues = np.random.default_rng(0).uniform(0.25, 1, (24, 3))
    coloured = [
        render(body["v_template"], body["f"], width_m=1.85, size=(260, 260), colours=colours, smooth=True)
        for colours in (PART_COLOURS[body["face_parts"]], hues[body["face_segments"]])
    ]
    rows = [[view(head, 0), view(head, 45), view(head, 90), coloured[0]]]
    rows.append([view(hand, 0, 89), view(foot, 90), view(foot, 35, 35), coloured[1]])
    save(sheet(rows), path)
