from __future__ import annotations

import numpy as np
import pytest
import torch
from render_scenes import blob, camera, sphere  # type: ignore[import-not-found]

from anchorfit.rendering import error_colors, overlay, side_view, silhouette, top_view

RED, GREEN = (0.9, 0.1, 0.1), (0.1, 0.9, 0.1)


def grey(height=48, width=64):
    return np.full((height, width, 3), 120, np.uint8)


def reddish(picture):
    return (picture[..., 0].astype(int) - picture[..., 1]) > 30


def greenish(picture):
    return (picture[..., 1].astype(int) - picture[..., 0]) > 30


def test_the_picture_changes_where_the_body_is_and_nowhere_else():
    vertices, faces = blob(0)
    image = grey()
    before = image.copy()
    got = overlay(image, vertices[None], faces, camera(48, 64), samples=4)
    mask = silhouette(vertices[None], faces, camera(48, 64), (48, 64), samples=4).mask[0].numpy()
    assert got.dtype == np.uint8
    assert got.shape == image.shape
    assert (image == before).all()  # the caller's own is left alone
    assert (got[mask == 0] == 120).all()
    assert (np.abs(got[mask == 1].astype(int) - 120).max(-1) > 0).mean() > 0.9


def test_edges_are_antialiased():
    """A black body on white: an edge pixel's grey is the share that the body covers."""
    vertices, faces = blob(0)
    white = np.full((48, 64, 3), 255, np.uint8)
    got = overlay(white, vertices[None], faces, camera(48, 64), colors=(0, 0, 0), alpha=1.0, samples=4)
    mask = silhouette(vertices[None], faces, camera(48, 64), (48, 64), samples=4).mask[0].numpy()
    partly = (mask > 0) & (mask < 1)
    assert partly.sum() > 50
    darkness = 1 - got.mean(-1) / 255
    assert np.abs(darkness - mask)[partly].max() < 0.3  # what is left is the highlight on black
    assert np.corrcoef(darkness[partly], mask[partly])[0, 1] > 0.95


def test_alpha_blends():
    vertices, faces = sphere(2)
    points = vertices[None] + torch.tensor([0, 0, 4.0])
    clear, half, full = (overlay(grey(), points, faces, camera(48, 64), alpha=a).astype(float) for a in (0.0, 0.5, 1.0))
    assert (clear == 120).all()
    np.testing.assert_allclose(half, (clear + full) / 2, atol=1)


def test_nearer_people_hide_farther_ones_whatever_their_order():
    ball, faces = sphere(2)
    near, far = 0.5 * ball + torch.tensor([0.2, 0, 3.0]), 0.5 * ball + torch.tensor([-0.2, 0, 4.0])
    one = overlay(grey(), torch.stack([near, far]), faces, camera(48, 64), colors=[RED, GREEN], alpha=1.0)
    two = overlay(grey(), [far, near], faces, camera(48, 64), colors=[GREEN, RED], alpha=1.0)
    assert (one == two).all()
    alone = overlay(grey(), near[None], faces, camera(48, 64), colors=RED, alpha=1.0)
    assert (reddish(one) == reddish(alone)).mean() > 0.99
    assert greenish(one).sum() > 30


def test_people_who_pass_through_each_other_are_parted_pixel_by_pixel():
    """Each ball is nearer on its own side."""
    ball, faces = sphere(3)
    left, right = (0.6 * ball + torch.tensor([x, 0, 3.0]) for x in (-0.3, 0.3))
    got = overlay(grey(), [left, right], faces, camera(48, 64), colors=[RED, GREEN], alpha=1.0)
    assert reddish(got)[:, :31].sum() > 100
    assert reddish(got)[:, 33:].sum() == 0
    assert greenish(got)[:, :31].sum() == 0


def test_one_bad_person_leaves_the_others_as_they_are():
    ball, faces = sphere(2)
    good = ball + torch.tensor([0, 0, 4.0])
    bad = good.clone()
    bad[0, 0] = float("nan")
    together = overlay(grey(), [bad, good], faces, camera(48, 64), colors=[RED, GREEN])
    assert (together == overlay(grey(), [good], faces, camera(48, 64), colors=[GREEN])).all()
    assert (overlay(grey(), [bad], faces, camera(48, 64)) == 120).all()


@pytest.mark.parametrize("people", [torch.zeros(0, 4, 3), []])
def test_nobody(people):
    assert (overlay(grey(), people, torch.zeros(0, 3, dtype=torch.int64), camera(48, 64)) == 120).all()
    assert (side_view(people, torch.zeros(0, 3, dtype=torch.int64), (8, 9)) == 255).all()


def test_light_falls_from_above_and_surfaces_are_smooth():
    ball, faces = sphere(3)
    got = overlay(grey(96, 96), ball[None] + torch.tensor([0, 0, 4.0]), faces, camera(96, 96), alpha=1.0).mean(-1)
    assert got[30, 48] > got[66, 48] + 20
    column = got[32:64, 48]
    assert np.abs(np.diff(column)).max() < 6  # no facets


def test_bands_do_not_show(monkeypatch):
    from anchorfit.rendering import overlays

    vertices, faces = blob(0)
    whole = overlay(grey(), vertices[None], faces, camera(48, 64))
    monkeypatch.setattr(overlays, "_SAMPLES_AT_ONCE", 1)
    banded = overlay(grey(), vertices[None], faces, camera(48, 64))
    assert np.abs(whole.astype(int) - banded).max() <= 40
    assert (whole != banded).mean() < 0.002  # a sample on an edge may round to the other face


def test_values_become_colours():
    ball, faces = sphere(3)
    points = ball[None] + torch.tensor([0, 0, 4.0])
    values = (ball[None, :, 0] > 0).float()
    got = overlay(grey(), points, faces, camera(48, 64), values=values, alpha=1.0).astype(int)
    left, right = got[24, 26], got[24, 38]
    assert left[2] > left[0]  # viridis: violet at the low end
    assert right[1] > right[2] + 50  # yellow at the high end
    colors = error_colors(torch.tensor([0.0, 5.0, float("nan")]), (0.0, 5.0), "gray")
    torch.testing.assert_close(colors, torch.tensor([[0.0] * 3, [1.0] * 3, [0.5] * 3]))


def test_keypoints_and_bones_are_drawn_where_they_are_seen():
    points = np.array([[[10.0, 10.0, 1.0], [40.0, 10.0, 1.0], [40.0, 40.0, 0.0], [np.nan, 1.0, 1.0]]])
    none = torch.zeros(0, 4, 3)
    empty = torch.zeros(0, 3, dtype=torch.int64)
    got = overlay(grey(), none, empty, camera(48, 64), keypoints=points, bones=[(0, 1), (1, 2), (0, 3)])
    assert got[10, 25, 0] > 170  # on the bone
    assert got[10, 10, 0] > 200
    assert (got[38:43, 38:43] == 120).all()  # unseen
    assert (got[20:36] == 120).all()


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 37.0])
def test_side_views_show_everybody_in_the_frame(azimuth):
    vertices, faces = blob(0)
    people = torch.stack([vertices, vertices + torch.tensor([1.0, 0, 2.0])])
    got = side_view(people, faces, (60, 90), azimuth_deg=azimuth, colors=[RED, GREEN])
    drawn = (got != 255).any(-1)
    assert not drawn[[0, 1, -1, -2]].any()
    assert not drawn[:, [0, 1, -1, -2]].any()
    rows, columns = (np.ptp(np.flatnonzero(drawn.any(axis))) for axis in (1, 0))
    assert rows > 0.8 * 60 or columns > 0.8 * 90


def test_the_viewer_at_azimuth_90_stands_on_the_right_and_from_above_near_people_are_below():
    ball, faces = sphere(2)
    near_left, far_right = 0.4 * ball + torch.tensor([-1.0, 0, 3]), 0.4 * ball + torch.tensor([1.0, 0, 6])
    people = torch.stack([near_left, far_right])
    side = side_view(people, faces, (40, 80), colors=[RED, GREEN])
    assert np.nonzero(reddish(side))[1].mean() < np.nonzero(greenish(side))[1].mean()  # the camera is on the left
    above = top_view(people, faces, (80, 80), colors=[RED, GREEN])
    assert np.nonzero(reddish(above))[0].mean() > np.nonzero(greenish(above))[0].mean()
    assert np.nonzero(reddish(above))[1].mean() < np.nonzero(greenish(above))[1].mean()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"image": np.zeros((0, 5, 3), np.uint8)}, "size"),
        ({"image": np.zeros((5, 5), np.uint8)}, "image"),
        ({"image": np.zeros((5, 5, 3), np.float32)}, "image"),
        ({"alpha": 1.5}, "alpha"),
        ({"colors": torch.zeros(2, 3)}, "colors"),
        ({"values": torch.zeros(3)}, "values"),
        ({"values": torch.zeros(1, 12), "colormap": "no such map"}, "colormap"),
        ({"values": torch.zeros(1, 12), "value_range": (1.0, 1.0)}, "value_range"),
        ({"keypoints": np.zeros((3, 5))}, "keypoints"),
        ({"vertices_cam": torch.zeros(3)}, "vertices_cam"),
        ({"samples": 0}, "samples"),
    ],
)
def test_wrong_arguments_are_named(change, word):
    ball, faces = sphere(0)
    arguments = {"image": grey(), "vertices_cam": ball[None], "faces": faces, "intrinsics": camera(48, 64)} | change
    with pytest.raises(ValueError, match=word):
        overlay(**arguments)
    with pytest.raises(ValueError, match="size"):
        side_view(ball, faces, (0, 4))


def test_a_huge_picture_is_drawn_in_parts_that_fit_together(monkeypatch):
    """Its floats would fill the memory; the parts show no seam."""
    from anchorfit.rendering import overlays

    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    vertices, faces = blob(0)
    points = np.array([[60.0, 44.0], [30.0, 60.0]])
    whole = overlay(image, vertices[None], faces, camera(90, 120), keypoints=points, bones=[(0, 1)])
    monkeypatch.setattr(overlays, "_PIXELS_AT_ONCE", 120 * 37)
    parts = overlay(image, vertices[None], faces, camera(90, 120), keypoints=points, bones=[(0, 1)])
    assert (whole != image).any()
    assert np.abs(whole.astype(int) - parts).max() <= 1  # sums in another order
