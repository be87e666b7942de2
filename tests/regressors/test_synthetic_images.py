"""Synthetic pictures: laws of the generator, and of what is drawn; Human2D learns from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from anchorfit.body import axis_angle_to_matrix, load_body
from anchorfit.body.joint_sets import SMPL_JOINTS
from anchorfit.cli.main import app
from anchorfit.observations import write_image
from anchorfit.regressors.heatmaps import decode
from anchorfit.regressors.human2d import STRIDE
from anchorfit.regressors.synthesis import shipped_poses
from anchorfit.regressors.synthesis.backdrops import read_backdrops
from anchorfit.regressors.synthesis.clothing import (
    BOTTOM,
    HAIR,
    SHOES,
    SKIN,
    TOP,
    UNDER,
    Anatomy,
    draw_outfit,
    kinds_at,
)
from anchorfit.regressors.synthesis.images import ImageSynthesis, SyntheticImages
from anchorfit.regressors.synthesis.people import Synthesis, Synthesizer
from anchorfit.regressors.synthesis.scenery import Lens, backdrop, cast_shadow, occluder, photograph, piece_of
from anchorfit.regressors.weights import load_human2d_network

PLAIN_LENS = Lens(brightness=(1, 1), contrast=(1, 1), tint=0, noise=0, blur=0, coarse=0, compressed=0)
PLAIN = ImageSynthesis(company=0, occluded=0, shadow=0, lens=PLAIN_LENS)


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def source():
    return shipped_poses("train")


def test_the_same_seed_and_step_give_the_same_pictures_and_rows_are_their_own(body, source):
    data = SyntheticImages(body, source, ImageSynthesis(company=0.5), seed=4)
    whole, part = data.batch(2, 2), data.batch(2, 2, slice(1, 2))
    row = whole.rows(slice(1, 2))
    for name, all_rows, some in zip(row._fields[1:], row[1:], part[1:], strict=True):
        torch.testing.assert_close(all_rows, some, atol=1e-4, rtol=1e-4, msg=name)
    other = (row.picture - part.picture).abs() > 1e-4  # skinning sums in another order: a few round to the next of 256
    assert other.float().mean() < 1e-3
    assert not torch.equal(data.batch(3, 2).picture, whole.picture)


def test_targets_belong_to_the_picture(body, source):
    crops = SyntheticImages(body, source, PLAIN, seed=1).batch(0, 4)
    assert crops.picture.shape == (4, 3, 256, 256)
    assert ((crops.picture >= 0) & (crops.picture <= 1)).all()
    inside = ((crops.positions > 8) & (crops.positions < 248)).all(-1)
    assert inside.float().mean() > 0.8
    found = decode(crops.heatmaps, STRIDE).positions
    torch.testing.assert_close(found[inside], crops.positions[inside], atol=0.05, rtol=0)
    cells = (crops.positions / STRIDE).long().clamp(0, 63)
    on_body = crops.body[torch.arange(4)[:, None], cells[..., 1], cells[..., 0]]
    assert (on_body[inside] > 0.2).float().mean() > 0.95  # joints lie in the body, but for ends of noses and toes


def test_the_silhouette_is_where_the_picture_changes(body, source):
    """The same person before two backdrops: what differs is not the person."""
    pictures = []
    for shade in (10, 240):
        data = SyntheticImages(body, source, PLAIN, seed=1)
        data._backdrops = [np.full((50, 50, 3), shade, np.uint8)]
        crops = data.batch(0, 2)
        pictures.append(crops.picture)
    same = (pictures[0] - pictures[1]).abs().amax(1) < 0.5
    small = torch.nn.functional.avg_pool2d(same.float()[:, None], 4)[:, 0]
    torch.testing.assert_close(small, crops.body, atol=1e-6, rtol=0)


def test_things_in_front_hide_the_body_but_no_joint(body, source):
    free = SyntheticImages(body, source, PLAIN, seed=1).batch(0, 6)
    hidden = SyntheticImages(body, source, replace(PLAIN, occluded=1), seed=1).batch(0, 6)
    assert (hidden.body <= free.body + 1e-6).all()
    assert hidden.body.sum() < free.body.sum()
    torch.testing.assert_close(hidden.positions, free.positions)
    assert hidden.known.all()


def test_company_is_no_part_of_the_silhouette(body, source):
    alone = SyntheticImages(body, source, PLAIN, seed=1).batch(0, 4)
    together = SyntheticImages(body, source, replace(PLAIN, company=1), seed=1).batch(0, 4)
    torch.testing.assert_close(together.body, alone.body)
    assert ((together.picture - alone.picture).abs().amax(1) > 0.02).float().mean() > 0.005
    free = torch.nn.functional.interpolate(alone.body[:, None], scale_factor=4)[:, 0] == 1
    assert torch.equal(together.picture[:, 0][free], alone.picture[:, 0][free])


def test_backdrops_of_ones_own(body, source, tmp_path):
    write_image(tmp_path / "red.png", np.broadcast_to(np.array([255, 0, 0], np.uint8), (40, 90, 3)).copy())
    pictures = read_backdrops([tmp_path / "red.png"])
    crops = SyntheticImages(body, source, PLAIN, backdrops=pictures).batch(0, 2)
    empty = torch.nn.functional.interpolate(crops.body[:, None], scale_factor=4)[:, 0] == 0
    assert torch.equal(crops.picture[:, 0][empty].unique(), torch.ones(1))
    assert torch.equal(crops.picture[:, 1][empty].unique(), torch.zeros(1))


def test_backdrops_are_kept_small_and_bad_files_left_out(tmp_path):
    write_image(tmp_path / "large.png", np.full((1300, 1100, 3), 7, np.uint8))
    write_image(tmp_path / "small.png", np.full((30, 20, 3), 7, np.uint8))
    (tmp_path / "text.jpg").write_text("hello")
    lines: list[str] = []
    large, small = read_backdrops(
        [tmp_path / name for name in ("large.png", "text.jpg", "small.png")], tell=lines.append
    )
    assert large.shape == (605, 512, 3)
    assert (large == 7).all()
    assert small.shape == (30, 20, 3)
    (line,) = lines
    assert "text.jpg: this is a text file" in line
    with pytest.raises(ValueError, match="none of the 1 backdrops can be read"):
        read_backdrops([tmp_path / "text.jpg"], tell=lines.append)


def test_clothes_are_where_they_belong(body):
    anatomy = Anatomy.of(body)
    for seed in range(20):
        look = draw_outfit(torch.Generator().manual_seed(seed))
        kinds = kinds_at(anatomy.rest, anatomy.segments, anatomy, look)
        names = [SMPL_JOINTS[index] for index in anatomy.segments]

        def share(kind: int, *parts: str, kinds=kinds, names=names) -> float:
            chosen = torch.tensor([name in parts for name in names])
            return float((kinds[chosen] == kind).float().mean())

        open_at = kinds == UNDER
        assert (anatomy.rest[open_at, 0].abs() < 0.11).all()
        assert (anatomy.rest[open_at, 2] > -0.06).all()
        assert bool((look.opening > 0.02).any()) <= bool(open_at.any()) <= bool((look.opening > 0).any())
        assert share(TOP, "spine2") + share(UNDER, "spine2") == pytest.approx(1)
        assert share(SHOES, "left_foot", "right_foot") > 0.9
        assert share(BOTTOM, "pelvis") > 0.3
        assert share(SKIN, "left_hand") > 0.5 or look.sleeve > 0.9
        assert share(HAIR, "spine3", "left_knee") == 0
        assert abs(share(TOP, "left_shoulder") - share(TOP, "right_shoulder")) < 0.02


def test_a_shadow_darkens_by_no_more_than_it_may_and_needs_somebody():
    cover = torch.zeros(64, 64)
    cover[10:50, 28:36] = 1
    assert torch.equal(cast_shadow(torch.zeros(64, 64), 0.7, torch.Generator().manual_seed(0)), torch.ones(64, 64))
    assert torch.equal(cast_shadow(cover, 0.0, torch.Generator().manual_seed(0)), torch.ones(64, 64))
    lights = [cast_shadow(cover, 0.7, torch.Generator().manual_seed(seed)) for seed in range(8)]
    assert all(light.min() >= 0.3 - 1e-6 and light.max() <= 1 for light in lights)
    assert sum(bool((light < 0.9).any()) for light in lights) >= 5


def test_whoever_is_to_face_the_camera_does(body, source):
    assert ImageSynthesis().people.facing >= 0.5  # while nobody in particular did, left and right were not learned

    def towards_camera(facing):
        settings = replace(Synthesis(), variation=None, facing=facing, pitch_deg=(0.0, 0.0), wide_pitch=0.0)
        params, _ = Synthesizer(body, source, settings, seed=2).placed(400, torch.Generator().manual_seed(3))
        return -axis_angle_to_matrix(params[:, :3])[:, 2, 2]  # of the pelvis's front; the camera looks along +z

    assert abs(towards_camera(0.0).mean()) < 0.1
    front = towards_camera(1.0)
    assert front.mean() > 0.6
    assert (front > 0).float().mean() > 0.9


def test_scenery_is_drawn_by_the_generator():
    first, second = (backdrop(64, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (3, 64, 64)
    assert ((first >= 0) & (first <= 1)).all()
    assert occluder(64, torch.Generator().manual_seed(1)).dtype == torch.bool
    photo = np.zeros((3, 500, 3), np.uint8)
    assert piece_of(photo, 64, torch.Generator().manual_seed(0)).shape == (3, 64, 64)


def test_a_perfect_lens_changes_nothing_and_a_poor_one_does():
    scene = backdrop(64, torch.Generator().manual_seed(3))
    same = photograph(scene, PLAIN_LENS, torch.Generator().manual_seed(0))
    torch.testing.assert_close(same, scene, atol=0.5 / 255 + 1e-6, rtol=0)
    poor = photograph(scene, Lens(compressed=1, quality=(5, 6)), torch.Generator().manual_seed(0))
    assert (poor - scene).abs().mean() > 0.01
    assert ((poor >= 0) & (poor <= 1)).all()
    coarse = photograph(scene, replace(PLAIN_LENS, coarse=1, pixels=(0.25, 0.25)), torch.Generator().manual_seed(0))
    assert (coarse - scene).abs().mean() > 0.01
    known = torch.nn.functional.avg_pool2d(scene, 4)  # of what was 16 pixels wide, enlarged: the means remain
    assert (torch.nn.functional.avg_pool2d(coarse, 4) - known).abs().mean() < 0.4 * (coarse - scene).abs().mean()


def test_human2d_is_trained_from_the_command_line_and_goes_on(tmp_path):
    pytest.importorskip("lightning")
    options = ["--batch-size", "2", "--features", "16", "--heldout", "2", "--threads", "1", "-o", str(tmp_path)]
    first = CliRunner().invoke(app, ["train", "human2d", "--steps", "1", *options])
    assert first.exit_code == 0, first.output
    second = CliRunner().invoke(app, ["train", "human2d", "--steps", "2", "--resume", *options])
    assert second.exit_code == 0, second.output
    assert load_human2d_network(tmp_path / "human2d.safetensors").config.features == 16
    heading, *lines = (tmp_path / "log.csv").read_text().splitlines()
    assert heading.endswith("pck,mask_iou")
    assert [line.split(",")[0] for line in lines] == ["1", "2"]


def test_a_training_on_small_pictures_goes_on_with_large_ones(tmp_path):
    pytest.importorskip("lightning")
    options = ["--steps", "1", "--batch-size", "2", "--heldout", "2", "--threads", "1"]
    small = ["--size", "64", "--features", "16", "-o", str(tmp_path / "small")]
    weights = tmp_path / "small" / "human2d.safetensors"
    for more in (small, ["--size", "128", "--start-from", str(weights), "-o", str(tmp_path / "large")]):
        result = CliRunner().invoke(app, ["train", "human2d", *options, *more])
        assert result.exit_code == 0, result.output
    trained = [load_human2d_network(tmp_path / name / "human2d.safetensors") for name in ("small", "large")]
    before, after = (network.state_dict()["stem.0.weight"] for network in trained)
    moved = (after - before).abs().max()
    assert 0 < moved < 0.01  # one small step from where the first ended


def test_a_size_that_cannot_be_halved_is_told(body, source):
    with pytest.raises(ValueError, match="multiple of 64 pixels, got 100"):
        ImageSynthesis(size=100)


def test_pictures_of_another_size_have_targets_of_a_quarter(body, source):
    crops = SyntheticImages(body, source, replace(PLAIN, size=128), seed=1).batch(0, 2)
    large = SyntheticImages(body, source, PLAIN, seed=1).batch(0, 2)
    assert crops.picture.shape == (2, 3, 128, 128)
    assert crops.heatmaps.shape[-2:] == crops.body.shape[-2:] == (32, 32)
    torch.testing.assert_close(2 * crops.positions, large.positions)


@pytest.mark.parametrize("options", [("--mpii", "a.mat"), ("--coco-images", "folder")])
def test_annotations_and_images_go_together(tmp_path, options):
    result = CliRunner().invoke(app, ["train", "human2d", "-o", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
