"""The floor in a picture: lines on the plane, under the feet, none behind the camera."""

import numpy as np
import torch

from anchorfit.body import Floor
from anchorfit.body.floor import heights
from anchorfit.camera import intrinsics_matrix
from anchorfit.rendering.floor_grid import REACH, STEP, draw_floor, floor_lines

FLOOR = Floor.of_camera(height=1.5, pitch_deg=12.0, roll_deg=5.0)
PLANE = torch.tensor(FLOOR.plane)
MATRIX = intrinsics_matrix(500.0, (160.0, 120.0))


def test_lines_lie_on_the_floor_around_the_feet():
    feet = torch.tensor([[0.2, 1.4, 4.0], [0.0, 1.4, 4.3]])
    lines = floor_lines(PLANE, feet)
    assert float(heights(lines, PLANE.double().expand(len(lines), 4)).abs().max()) < 1e-6
    on = feet.double() - heights(feet[None].double(), PLANE.double()[None])[0, :, None] * PLANE[:3].double()
    away = torch.cdist(lines.flatten(0, 1), on)
    assert float(away.min(0).values.max()) < STEP  # some line goes by every foot
    assert REACH < float(away.max()) < 3 * REACH + 2 * STEP


def test_a_grid_is_drawn_where_there_is_a_floor():
    blank = np.full((240, 320, 3), 128, np.uint8)
    feet = torch.tensor([[[0.2, 1.4, 4.0]], [[0.5, 1.4, 4.0]]])
    none = torch.full((2, 4), torch.nan)
    assert draw_floor(blank, none, feet, MATRIX) is blank
    drawn = draw_floor(blank, torch.stack((PLANE, none[0])), feet, MATRIX)
    changed = np.flatnonzero((drawn != blank).any((1, 2)))
    horizon = 120 - 500 * np.tan(np.radians(12.0))
    assert len(changed) > 50
    assert changed.min() > horizon  # nothing above the horizon, or it was behind the camera
    assert (blank == 128).all()


def test_a_floor_behind_the_camera_draws_nothing():
    blank = np.full((240, 320, 3), 128, np.uint8)
    drawn = draw_floor(blank, PLANE[None], torch.tensor([[[0.0, 1.5, -9.0]]]), MATRIX)
    assert (drawn == blank).all()


def test_a_floor_that_is_looked_at_from_straight_above():
    plane = torch.tensor([0.0, 0.0, -1.0, 3.0])
    lines = floor_lines(plane, torch.tensor([[0.2, 0.4, 3.0]]))
    assert float((lines[..., 2] - 3.0).abs().max()) < 1e-9
    assert float((lines[..., :2] - torch.tensor([0.2, 0.4])).abs().max()) <= REACH + STEP
