from __future__ import annotations

import numpy as np
import pytest
import torch
from render_scenes import blob, camera, sphere  # type: ignore[import-not-found]

from anchorfit.rendering import error_colors, label_picture, overlay, side_view, silhouette, top_view

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


def test_a_huge_picture_is_drawn_in_parts_and_only_where_something_is(monkeypatch):
    """Its floats would fill the memory: no part that is made of them is larger than the bodies' or keypoints' boxes."""
    from anchorfit.rendering import overlays

    image = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    ball, faces = sphere(2)
    points = np.array([[60.0, 44.0], [30.0, 60.0]])
    rounded = overlays._as_bytes
    parts: list[int] = []

    def counting(picture):
        parts.append(picture[..., 0].size)
        return rounded(picture)

    monkeypatch.setattr(overlays, "_as_bytes", counting)
    small = 0.1 * ball + torch.tensor([0, 0, 4.0])
    got = overlay(image, small[None], faces, camera(900, 1200), keypoints=points, bones=[(0, 1)])
    changed = (got != image).any(-1)
    assert changed[440:460, 590:610].any()
    assert changed[44, 60]
    assert 0 < changed.sum() <= sum(parts) < 0.02 * image[..., 0].size


def test_bodies_in_doubt_are_striped_and_others_are_not():
    ball, faces = sphere(3)
    people = torch.stack([ball + torch.tensor([x, 0, 8.0]) for x in (-1.5, 1.5)])
    shown = {"faces": faces, "intrinsics": camera(240, 320), "colors": (0.65, 0.74, 0.86), "alpha": 1.0}
    plain = overlay(grey(240, 320), people, **shown)
    marked = overlay(grey(240, 320), people, **shown, doubtful=[False, True])
    assert (plain[:, :160] == marked[:, :160]).all()
    red = reddish(marked)[:, 160:]
    body = (plain[:, 160:] != 120).any(-1)
    assert 0.3 < red.sum() / body.sum() < 0.5
    crossings = np.abs(np.diff(red[120].astype(int))).sum()  # along a row through the middle
    assert crossings > 6
    assert (marked[:, 160:][~body] == 120).all()
    with pytest.raises(ValueError, match="doubtful: expected 2 flags or none, got 1"):
        overlay(grey(), people, faces, camera(48, 64), doubtful=[True])


def test_stripes_go_through_bands_without_a_seam(monkeypatch):
    from anchorfit.rendering import overlays

    ball, faces = sphere(3)
    points = ball[None] + torch.tensor([0, 0, 4.0])
    whole = overlay(grey(), points, faces, camera(48, 64), doubtful=[True])
    monkeypatch.setattr(overlays, "_SAMPLES_AT_ONCE", 64 * 9 * 5)
    banded = overlay(grey(), points, faces, camera(48, 64), doubtful=[True])
    assert (np.abs(whole.astype(int) - banded).max(-1) > 40).mean() < 0.002  # as in the test of bands


def test_a_label_says_what_stripes_mean_in_any_picture():
    picture = np.full((480, 640, 3), 30, np.uint8)
    got = label_picture(picture, "striped: not trusted", (0.9, 0.2, 0.1))
    assert (picture == 30).all()
    changed = (got != 30).any(-1)
    assert not changed[:440].any()
    assert reddish(got)[440:, :40].any()
    assert (got[470:, :3] == 255).all()
    for size in ((10, 12), (3, 400), (400, 3)):
        small = label_picture(np.zeros((*size, 3), np.uint8), "striped: not trusted", (0.9, 0.2, 0.1))
        assert small.shape == (*size, 3)


def test_people_seen_from_the_side_stand_on_the_ground():
    """The lowest point is on a line near the picture's bottom, whatever the picture's shape; who stands higher has a
    line of their own."""
    ball, faces = sphere(2)
    low, high = 0.5 * ball + torch.tensor([0, 0.3, 4.0]), 0.5 * ball + torch.tensor([0, -0.5, 9.0])
    for size in ((200, 200), (200, 500), (300, 120)):
        got = side_view([low, high], faces, size, ground=True, colors=[RED, GREEN])
        level = round(0.94 * size[0])
        assert abs(int(np.flatnonzero(reddish(got).any(1)).max()) - level) <= 2
        assert (got[level + 3 :] < 255).all()
        assert (got[level - 1 : level + 1] < 200).any(-1).all()  # the line goes through
        under = int(np.flatnonzero(greenish(got).any(1)).max()) + 1
        column = int(np.median(np.flatnonzero(greenish(got).any(0))))
        assert under < level - 3
        assert (got[under - 1 : under + 3, column] < 200).any()
    alone = side_view([low], faces, (200, 200), ground=True, colors=RED)
    assert np.ptp(np.flatnonzero(reddish(alone).any(1))) > 0.8 * 200
