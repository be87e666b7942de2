"""The hourglass, its heatmaps, its loss, and its use as a detector: shapes, known answers, laws; nothing is trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS, mirror_permutation
from anchorfit.detectors.human2d import Human2DDetector, load_human2d_detector
from anchorfit.observations import PeopleFile, read_image
from anchorfit.regressors.heatmaps import decode, draw_heatmaps, soft_argmax
from anchorfit.regressors.human2d import (
    HUMAN2D_JOINTS,
    STRIDE,
    Human2D,
    Human2DConfig,
    Human2DOutput,
    fast_in_half,
    see,
)
from anchorfit.regressors.image_crops import Framing, exchange_sides
from anchorfit.regressors.losses import human2d_loss
from anchorfit.regressors.weights import load_human2d_network, load_pose_prior_network, save_network

SMALL = Human2DConfig(features=16, depth=2)


@pytest.fixture(scope="module")
def network() -> Human2D:
    """Random, but with statistics and heads that make its output lively."""
    torch.manual_seed(0)
    network = Human2D(SMALL)
    for name, weight in network.named_parameters():
        if name.startswith("heads") and name.endswith("weight"):
            torch.nn.init.normal_(weight, std=0.3)
    network.train()
    with torch.no_grad():
        network(pictures(8))
    return network.eval()


def pictures(count: int, seed: int = 1) -> torch.Tensor:
    coarse = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (256, 256), mode="bilinear")


def test_shapes(network):
    outputs = network(pictures(2))
    assert len(outputs) == 2
    for output in outputs:
        assert output.heatmaps.shape == (2, 25, 64, 64)
        assert output.silhouette.shape == (2, 2, 64, 64)
    sight = see(network, pictures(2))
    assert sight.positions.shape == (2, 25, 2)
    assert ((sight.confidence >= 0) & (sight.confidence <= 1)).all()
    assert ((sight.body >= 0) & (sight.body <= 1)).all()


def test_its_joints_are_closed_under_mirroring():
    assert len(HUMAN2D_JOINTS) == 25
    assert sorted(mirror_permutation(HUMAN2D_JOINTS)) == list(range(25))


def test_a_batch_is_its_rows(network):
    whole = see(network, pictures(3))
    for row in range(3):
        alone = see(network, pictures(3)[row : row + 1])
        torch.testing.assert_close(alone.body[0], whole.body[row], atol=1e-5, rtol=0)  # sums in another order
        torch.testing.assert_close(alone.confidence[0], whole.confidence[row], atol=1e-5, rtol=0)


def test_the_mean_with_the_mirror_image_is_the_mirror_images_own(network):
    seen = see(network, pictures(2), flip=True)
    mirrored = see(network, pictures(2).flip(-1), flip=True)
    torch.testing.assert_close(mirrored.body.flip(-1), seen.body, atol=1e-5, rtol=0)
    order = list(mirror_permutation(HUMAN2D_JOINTS))
    torch.testing.assert_close(mirrored.confidence[:, order], seen.confidence, atol=1e-5, rtol=0)


def test_half_precision_is_near(network):
    full, half = (see(network, pictures(2), half=half) for half in (False, True))
    assert (full.body - half.body).abs().mean() < 0.02


@pytest.mark.parametrize("size", [64, 48])
def test_positions_survive_heatmaps(size):
    generator = torch.Generator().manual_seed(0)
    positions = 8 + (4 * size - 16) * torch.rand(2, 50, 2, generator=generator)
    drawn = draw_heatmaps(positions, size, STRIDE)
    found = decode(drawn, STRIDE)
    torch.testing.assert_close(found.positions, positions, atol=0.01, rtol=0)
    assert (found.confidence > 0.7).all()  # half a pixel off in both directions: exp(-1/4) = 0.78


def test_decoding_at_the_border_and_of_nothing():
    heatmaps = torch.zeros(1, 2, 64, 64)
    heatmaps[0, 0, 0, 63] = 1
    found = decode(heatmaps, STRIDE)
    assert found.positions[0, 0].tolist() == [63.5 * 4, 0.5 * 4]
    assert torch.isfinite(found.positions).all()
    assert found.confidence.tolist() == [[1.0, 0.0]]


def test_joints_outside_draw_nothing_and_nan_does_no_harm():
    positions = torch.tensor([[[-500.0, 10.0], [torch.nan, 3.0], [128.0, 128.0]]])
    drawn = draw_heatmaps(positions, 64, STRIDE)
    assert drawn[0, 0].max() == 0
    assert drawn[0, 1].max() == 0
    assert drawn[0, 2].max() > 0.7


def test_the_soft_maximum_finds_peaks_and_is_differentiable():
    positions = torch.tensor([[[100.0, 60.0], [33.0, 201.0]]])
    found = soft_argmax(draw_heatmaps(positions, 64, STRIDE), STRIDE)
    torch.testing.assert_close(found, positions, atol=1.0, rtol=0)  # a quarter of a heatmap's pixel
    uniform = soft_argmax(torch.zeros(1, 1, 64, 64), STRIDE)
    torch.testing.assert_close(uniform, torch.full((1, 1, 2), 128.0))
    heatmaps = torch.rand(1, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.autograd.gradcheck(lambda maps: soft_argmax(maps, 1.0), heatmaps.requires_grad_())


def truth(count: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(3)
    heatmaps = draw_heatmaps(256 * torch.rand(count, 25, 2, generator=generator), 64, STRIDE)
    return heatmaps, torch.rand(count, 25, generator=generator) < 0.7, torch.ones(count, 64, 64), torch.ones(count) > 0


def test_the_loss_has_a_known_value_and_looks_only_at_what_is_known():
    heatmaps, known, body, has_body = truth(2)
    logits = torch.zeros(2, 2, 64, 64)
    perfect = Human2DOutput(heatmaps, logits)
    assert human2d_loss([perfect], heatmaps, known, body, has_body) == pytest.approx(np.log(2))
    off = Human2DOutput(heatmaps + 0.1 * known[..., None, None], logits)
    assert human2d_loss([off, off], heatmaps, known, body, has_body) == pytest.approx(2 * (1 + np.log(2)), rel=1e-4)
    elsewhere = Human2DOutput(heatmaps + ~known[..., None, None], logits + 5)
    nothing = human2d_loss([elsewhere], heatmaps, known, body, torch.zeros(2, dtype=torch.bool))
    assert nothing == 0


def test_the_loss_falls_by_gradient_steps():
    torch.manual_seed(0)
    network = Human2D(SMALL)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = human2d_loss(network(pictures(2)), *truth(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_weights_go_through_a_file(network, tmp_path):
    path = tmp_path / "human2d.safetensors"
    save_network(network, path, training={"steps": 3})
    again = load_human2d_network(path)
    assert again.config == SMALL
    torch.testing.assert_close(see(again, pictures(1)).body, see(network, pictures(1)).body, atol=5e-3, rtol=0)
    with pytest.raises(ValueError, match="expected weights with kind 'pose', got 'human2d'"):
        load_pose_prior_network(path)


def test_the_papers_width_is_below_30_megabytes():
    numbers = sum(p.numel() for p in Human2D(Human2DConfig()).parameters())
    assert numbers * 2 < 30e6


@pytest.mark.parametrize(
    "wrong", [{"joints": ("tail",)}, {"joints": ()}, {"features": 30}, {"stacks": 0}, {"depth": 7}]
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: "):
        Human2DConfig(**wrong)


def test_framings_keep_points_on_what_they_mark():
    framing = Framing((50.0, 40.0), 60.0, turn=0.4, mirrored=True, size=128)
    points = np.random.default_rng(0).uniform(30, 60, (7, 2))
    np.testing.assert_allclose(framing.points_back(framing.points(points)), points)
    image = np.zeros((100, 100, 3), np.uint8)
    image[35:38, 60:63] = 255  # a white square around (61.5, 36.5)
    piece = framing.cut(image)[..., 0].astype(float)
    rows, columns = np.mgrid[:128, :128] + 0.5
    middle = [(piece * columns).sum() / piece.sum(), (piece * rows).sum() / piece.sum()]
    np.testing.assert_allclose(framing.points(np.array([61.5, 36.5])), middle, atol=0.3)


def test_a_large_framing_averages():
    fine = np.zeros((512, 512, 3), np.uint8)
    fine[::2] = 255  # lines that sampling alone would show or miss
    piece = Framing((256.0, 256.0), 512.0, size=64).cut(fine)
    assert abs(piece[8:-8].astype(float).mean() - 127.5) < 3


def test_exchanged_sides():
    values = np.arange(len(CANONICAL_JOINTS))
    exchanged = exchange_sides(values)
    assert exchanged[CANONICAL_JOINTS.index("left_knee")] == CANONICAL_JOINTS.index("right_knee")
    np.testing.assert_array_equal(exchange_sides(exchanged), values)


class KnowingNetwork(Human2D):
    """Sees bright dots: every joint's heatmap is the picture's brightness, the silhouette too."""

    def forward(self, pictures):
        bright = torch.nn.functional.avg_pool2d(pictures.mean(1, keepdim=True), 4)
        return [Human2DOutput(bright.expand(-1, 25, -1, -1), torch.cat((0.5 - bright, bright - 0.5), 1))]


def test_as_a_detector_it_puts_what_it_sees_back_into_the_image(stand_in):
    rows, columns = np.mgrid[:425, :640] + 0.5
    blob = 255 * np.exp(-((columns - 306) ** 2 + (rows - 206) ** 2) / (2 * 20**2))
    image = np.repeat(blob[..., None], 3, 2).astype(np.uint8)
    detector = Human2DDetector(network=KnowingNetwork(SMALL).eval())
    (person,) = anchorfit.detect(image, detector)
    seen = person.confidence > 0
    assert seen.sum() == 25
    np.testing.assert_allclose(person.keypoints[seen], np.broadcast_to([306, 206], (25, 2)), atol=1.5)
    mask = np.asarray(person.mask)
    assert mask[206, 306]
    assert mask.sum() == pytest.approx(np.pi * 20**2 * 2 * np.log(2), rel=0.2)  # above half
    assert not anchorfit.detect(np.zeros((30, 40, 3), np.uint8), detector)
    finder = stand_in()
    (standing,) = finder.people(image)
    finder.people = lambda image: PeopleFile((replace(standing, box=(256.0, 156.0, 100.0, 100.0)),))
    (person,) = anchorfit.detect(image, Human2DDetector(network=KnowingNetwork(SMALL).eval(), finder=finder))
    np.testing.assert_allclose(person.keypoints[seen], np.broadcast_to([306, 206], (25, 2)), atol=0.5)


def test_a_piece_of_a_huge_image_is_cut_where_it_is():
    """OpenCV refuses sides beyond 32767 pixels; only the window around a person is touched."""
    strip = np.zeros((50, 40_000, 3), np.uint8)
    strip[10:30, 39_000:39_020] = 255
    framing = Framing.around((38_995.0, 5.0, 30.0, 30.0), 64)
    piece = framing.cut(strip)
    corner = framing.points(np.array([[39_000.0, 10.0], [39_020.0, 30.0]]))
    inside = piece[int(corner[0, 1]) + 2 : int(corner[1, 1]) - 1, int(corner[0, 0]) + 2 : int(corner[1, 0]) - 1]
    assert (inside == 255).all()
    assert piece.mean() == pytest.approx(255 * np.prod(np.diff(corner, axis=0)) / 64**2, rel=0.02)
    outside = Framing.around((-500.0, -500.0, 30.0, 30.0), 64)
    assert not outside.cut(strip).any()
    assert outside.cut(strip[..., 0] > 0).shape == (64, 64)


@pytest.mark.parametrize("turn", [0.0, 0.5])
def test_a_piece_is_the_same_whether_the_window_or_the_whole_is_worked_on(turn):
    image = np.random.default_rng(0).integers(0, 255, (300, 400), dtype=np.uint8)
    framing = Framing((180.0, 140.0), 60.0, turn=turn, size=64)
    moved = framing._replace(centre=(180.0 - 90, 140.0 - 60))
    np.testing.assert_allclose(moved.cut(image[60:, 90:]), framing.cut(image), atol=1)


def test_the_mask_of_a_huge_image_is_put_back_where_it_was_cut_out(monkeypatch):
    from anchorfit.detectors import human2d as human2d_detector

    body = np.zeros((64, 64), np.float32)
    body[16:48, 24:40] = 1
    framing = Framing.around((39_000.0, 0.0, 80.0, 80.0))
    mask = np.asarray(human2d_detector._in_image(body, framing, (40_000, 90)))
    low, high = framing.points_back(np.array([[96.0, 64.0], [160.0, 192.0]]))
    rows, columns = np.nonzero(mask)
    assert [columns.min(), rows.min()] == pytest.approx(low, abs=1)
    assert [columns.max() + 1, rows.max() + 1] == pytest.approx(high, abs=1)
    monkeypatch.setattr(human2d_detector, "_TILE", 17)
    tiled = human2d_detector._in_image(body, framing._replace(centre=(60.0, 40.0)), (130, 90))
    monkeypatch.setattr(human2d_detector, "_TILE", 1000)
    whole = human2d_detector._in_image(body, framing._replace(centre=(60.0, 40.0)), (130, 90))
    assert (np.asarray(tiled) == np.asarray(whole)).mean() > 0.999


class SeeingLittle(Human2D):
    """Sees the first joints at one confidence, the others at none."""

    joints, confidence = 25, 1.0

    def forward(self, pictures):
        heatmaps = torch.zeros(len(pictures), 25, 64, 64)
        heatmaps[:, : self.joints, 30, 30] = self.confidence
        return [Human2DOutput(heatmaps, torch.zeros(len(pictures), 2, 64, 64))]


@pytest.mark.parametrize(
    ("joints", "confidence", "people"), [(25, 0.1, 1), (25, 0.04, 0), (5, 0.9, 1), (4, 0.9, 0), (2, 0.9, 0)]
)
def test_so_little_is_no_person(joints, confidence, people):
    network = SeeingLittle(SMALL).eval()
    network.joints, network.confidence = joints, confidence
    found = anchorfit.detect(np.full((300, 400, 3), 99, np.uint8), Human2DDetector(network=network))
    assert len(found) == people
    assert found.problems == (() if people else ("image 0: human2d finds no person in it",))


def test_the_shipped_weights_see_nobody_where_nothing_is():
    random = np.random.default_rng(0)
    pictures = [np.full((320, 480, 3), value, np.uint8) for value in (0, 127, 255)]
    pictures += [random.integers(0, 256, (320, 480, 3), dtype=np.uint8)]
    pictures += [np.kron(random.integers(0, 256, (16, 24, 3), dtype=np.uint8), np.ones((20, 20, 1), np.uint8))]
    found = anchorfit.detect(pictures, load_human2d_detector())
    assert not found.people
    assert [line.partition(": ")[2] for line in found.problems] == ["human2d finds no person in it"] * len(pictures)


def test_of_a_crowd_the_surest_come_first_and_who_is_not_seen_is_said(stand_in):
    """Three blobs of one size, the brightest last, and a box with nobody in it."""
    rows, columns = np.mgrid[:200, :800] + 0.5
    places = {100: 0.4, 300: 0.6, 500: 0.9}
    image = sum(255 * b * np.exp(-((columns - x) ** 2 + (rows - 100) ** 2) / 800) for x, b in places.items())
    finder = stand_in(copies=4, most_people=4)
    boxes = [(x - 50.0, 50.0, 100.0, 100.0) for x in (*places, 700)]
    standing = finder.people(np.random.default_rng(0).integers(0, 255, (200, 800, 3), dtype=np.uint8))
    boxed = tuple(replace(person, box=box) for person, box in zip(standing, boxes, strict=True))
    finder.people = lambda image: replace(standing, people=boxed)
    detector = Human2DDetector(network=KnowingNetwork(SMALL).eval(), finder=finder)
    found = anchorfit.detect(np.repeat(image[..., None], 3, 2).astype(np.uint8), detector)
    assert [round(person.keypoints[0, 0], -2) for person in found] == [500, 300, 100]
    assert [person.person_id for person in found] == ["0", "1", "2"]
    assert found.problems == (
        "image 0: a crowd; the surest 4 people of it are taken",
        "image 0: human2d sees too little of 1 of the 4 people that are found",
    )


def test_half_precision_sees_the_same():
    """As much as 8 bits of mantissa allow: a fraction of a pixel; where two places are alike it may take the other."""
    photo = read_image(ASSETS / "demo" / "000000000785.jpg")
    network = load_human2d_network()
    (whole,), (half,) = (Human2DDetector(network=network, half=half).people(photo) for half in (False, True))
    np.testing.assert_allclose(half.confidence, whole.confidence, atol=0.03)
    assert np.median(np.linalg.norm(half.keypoints - whole.keypoints, axis=1)) < 1
    assert (np.asarray(half.mask) != np.asarray(whole.mask)).mean() < 0.02


def test_half_precision_is_taken_where_the_device_is_fast_at_it(monkeypatch):
    for fast in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda fast=fast: fast, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
        assert fast_in_half("cpu") is fast
        assert load_human2d_detector().half is fast
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")  # as in another PyTorch
    assert not fast_in_half("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for capability in ((9, 0), (8, 0), (7, 5)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, capability=capability: capability)
        assert fast_in_half("cuda:1") is (capability >= (8, 0))


class FindingEnds(Human2D):
    """Left joints where it is red, the others where it is green; keeps count of what it was shown."""

    looks = 0

    def forward(self, pictures):
        self.looks += 1
        red, green = (torch.nn.functional.avg_pool2d(pictures[:, channel], 4)[:, None] for channel in (0, 1))
        left = torch.tensor([name.startswith("left") for name in self.config.joints])[:, None, None]
        heatmaps = torch.where(left, red, green)
        return [Human2DOutput(heatmaps, torch.cat((0.5 - green, green - 0.5), 1))]


def test_without_a_finder_it_looks_again_at_where_the_person_is():
    rows, columns = np.mgrid[:600, :800] + 0.5

    def blob(x, y):
        return 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 12**2))

    image = np.stack((blob(150, 100), blob(250, 300), 0 * rows), -1).astype(np.uint8)
    network = FindingEnds(SMALL).eval()
    (person,) = anchorfit.detect(image, Human2DDetector(network=network))
    assert network.looks == 2
    ends = {"left_ankle": (150, 100), "right_ankle": (250, 300)}
    for name, place in ends.items():
        np.testing.assert_allclose(person.keypoints[CANONICAL_JOINTS.index(name)], place, atol=1.0)


def test_confidences_are_the_roots_of_maxima():
    network = SeeingLittle(SMALL).eval()
    network.confidence = 0.25
    (person,) = Human2DDetector(network=network).people(np.zeros((100, 80, 3), np.uint8))
    seen = person.confidence > 0
    np.testing.assert_allclose(person.confidence[seen], 0.5, atol=1e-3)
    assert person.score == pytest.approx(0.25, abs=1e-3)


def test_a_detector_of_another_protocol_is_told_so():
    class Old:
        name, most_people = "old", 9

        def people(self, image):
            return []

    with pytest.raises(TypeError, match="has to return a PeopleFile, got list"):
        anchorfit.detect(np.zeros((30, 40, 3), np.uint8), Old())
