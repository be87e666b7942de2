"""Overlays and side views of estimates: opacity, keypoints, doubt."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from anchorfit.body import load_body
from anchorfit.pictures import OverlayLook, _downwards, draw_on, draw_overlay, draw_side_view


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((480, 640, 3), 120, np.uint8)).save(path)
    return path


def trusted(estimate, flags):
    return replace(estimate, diagnostics=replace(estimate.diagnostics, trusted=torch.tensor(flags)))


def reddish(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0].astype(int) - picture[..., 1:].max(-1)) > 40


def test_opacity_is_between_the_photograph_and_the_body(some_estimate, body, photo):
    one = trusted(some_estimate(1, image=str(photo)), [True])
    clear, usual, full = (
        draw_overlay(one, body, look=look).astype(float)
        for look in (OverlayLook(opacity=0.0), OverlayLook(), OverlayLook(opacity=1.0))
    )
    assert (clear == 120).all()
    np.testing.assert_allclose(usual, 0.25 * clear + 0.75 * full, atol=1)
    assert (full != 120).any()
    with pytest.raises(ValueError, match=r"alpha: expected 0\.\.1"):
        draw_overlay(one, body, look=OverlayLook(opacity=1.5))


def test_keypoints_are_drawn_where_they_were_observed(some_estimate, body, photo):
    one = trusted(some_estimate(1, image=str(photo)), [True])
    plain, marked = (draw_overlay(one, body, look=OverlayLook(keypoints=flag)) for flag in (False, True))
    changed = (plain != marked).any(-1)
    seen = one.confidence[0] > 0
    for x, y in one.keypoints[0][seen].int().tolist():
        assert changed[y, x]
    rows, columns = np.nonzero(changed)
    points = one.keypoints[0][seen].numpy()
    assert columns.min() > points[:, 0].min() - 12
    assert rows.max() < points[:, 1].max() + 12


def test_a_body_in_doubt_is_striped_and_a_line_says_so(some_estimate, body, photo):
    two = some_estimate(2, image=str(photo))
    sure = draw_overlay(trusted(two, [True, True]), body)
    doubt = draw_overlay(trusted(two, [True, False]), body)
    assert not reddish(sure).any()
    assert reddish(doubt)[:440].any()
    legend = (doubt != sure).any(-1)[460:]
    assert legend[:, :60].any()
    assert (doubt[-1, :3] == 255).all()
    frame = np.full((480, 640, 3), 120, np.uint8)
    assert (draw_on(frame, trusted(two, [True, False]), body, legend=False)[-1, :3] == 120).all()
    assert (draw_on(frame, two.rows([]), body, legend=True)[-1, :3] == 255).all()
    assert reddish(draw_side_view(trusted(two, [False, False]), body)).any()


def test_side_views_are_upright_where_the_cameras_pitch_is_known(some_estimate, body):
    one = trusted(some_estimate(1), [True])
    one.body_pose[:] = 0
    down = math.radians(25)
    leaning = replace(one, global_orient=torch.tensor([[math.pi + down, 0.0, 0.0]]))  # upright, seen from above
    as_seen, told, level = (
        draw_side_view(each, body, (480, 480))
        for each in (
            leaning,
            replace(leaning, pitch_deg=torch.tensor([25.0])),
            replace(one, global_orient=torch.tensor([[math.pi, 0.0, 0.0]])),
        )
    )
    bodies = [(np.ptp(picture, axis=-1) > 5) for picture in (as_seen, told, level)]
    assert (bodies[1] ^ bodies[2]).sum() < 0.05 * bodies[2].sum()
    assert (bodies[0] ^ bodies[2]).sum() > 0.5 * bodies[2].sum()
    assert (as_seen[:12] != told[:12]).any()  # the line that says what up is


def test_side_views_are_as_wide_as_the_people_need(some_estimate, body):
    one = trusted(some_estimate(1), [True])
    apart = trusted(some_estimate(2), [True, True])
    apart.transl[1, 2] += 3
    narrow, wide = draw_side_view(one, body), draw_side_view(apart, body)
    assert narrow.shape[0] == wide.shape[0] == 480
    assert narrow.shape[1] < 480 < wide.shape[1]
    for picture in (narrow, wide):
        body_pixels = (np.ptp(picture, axis=-1) > 5) & (np.arange(480) < 445)[:, None]
        columns, rows = (np.flatnonzero(body_pixels.any(axis)) for axis in (0, 1))
        filled = max(np.ptp(columns) / picture.shape[1], np.ptp(rows) / 480)
        assert filled > 0.8
    assert draw_side_view(one, body, (64, 48)).shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("pitch_deg", "words"), [(1.2, "down by 1 degree"), (-0.8, "up by 1 degree"), (12.4, "down by 12 degrees")]
)
def test_pitches_are_told_in_words(pitch_deg, words):
    assert _downwards(pitch_deg) == words
