"""The shipped networks against outputs of the files that they were made from, run by other programs.

``network_outputs.json`` holds what LiteRT 2.3.0 gives for BlazePose's two files, and the TensorFlow.js graph of MoveNet
run operator by operator (with its own decoding), for the pictures below.
"""

import json
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anchorfit.assets import ASSETS
from anchorfit.detectors.networks import MoveNet, PoseDetection, PoseLandmarks, load_network
from anchorfit.detectors.networks import fused as fused_convolutions
from anchorfit.detectors.networks.fused import fuse
from anchorfit.detectors.networks.movenet import JointMaps, decode_joints, everybody, middle_person
from anchorfit.detectors.networks.pose_detection import anchors
from anchorfit.detectors.networks.weights import FILES
from anchorfit.observations import read_image

OUTPUTS = json.loads((Path(__file__).parent / "network_outputs.json").read_text())
SIZES = {PoseDetection: 224, PoseLandmarks: 256, MoveNet: 256}
NETWORKS = pytest.mark.parametrize("kind", SIZES, ids=lambda kind: kind.__name__)


def picture(size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The skier at half size, in a corner; decoders of JPEG may differ in a last digit."""
    small = read_image(ASSETS / "demo" / "000000000785.jpg")[::2, ::2][:, 60:316]
    values = np.zeros((256, 256, 3), np.uint8)
    values[: len(small)] = small
    return torch.from_numpy(values[:size, :size].copy()).permute(2, 0, 1)[None].to(dtype) / 255


@torch.inference_mode()
def test_the_detection_network_finds_what_its_file_finds():
    wanted = OUTPUTS["detection"]
    boxes, logits = load_network(PoseDetection)(picture(224))
    assert int(logits.argmax()) == wanted["place"]
    assert float(logits.max()) == pytest.approx(wanted["logit"], abs=0.05)
    np.testing.assert_allclose(boxes[0, wanted["place"]], wanted["box"], atol=0.3)
    assert abs(int((logits > 0).sum()) - wanted["likely"]) <= 2
    hips = 224 * anchors()[wanted["place"]] + boxes[0, wanted["place"], 4:6]
    assert ((hips > 60) & (hips < 160)).all()  # pixels: the skier's


@torch.inference_mode()
def test_the_landmark_network_sees_what_its_file_sees():
    wanted = OUTPUTS["landmarks"]
    network = load_network(PoseLandmarks)
    seen = network(picture(256))
    np.testing.assert_allclose(seen.points[0, :, :2], np.array(wanted["points"])[:, :2], atol=0.3)
    np.testing.assert_allclose(seen.points[0, :, 2:].sigmoid(), _sigmoid(np.array(wanted["points"])[:, 2:]), atol=0.01)
    assert float(seen.presence) == pytest.approx(wanted["presence"], abs=1e-3)
    np.testing.assert_allclose(seen.world[0], wanted["world"], atol=2e-3)
    np.testing.assert_allclose(seen.heatmaps[0].flatten(1).amax(1), wanted["heatmap_maxima"], atol=0.1)
    assert seen.mask is not None
    assert int((seen.mask > 0).sum()) == pytest.approx(wanted["mask_pixels"], rel=0.01)
    np.testing.assert_allclose((seen.mask[0] > 0).sum(1)[::16], wanted["mask_rows"], atol=3)
    without = network(picture(256), mask=False)
    assert without.mask is None
    assert torch.equal(without.points, seen.points)


@torch.inference_mode()
def test_movenet_sees_what_its_graph_sees():
    maps = load_network(MoveNet)(picture(256))
    joints = decode_joints(maps, middle_person(maps))
    np.testing.assert_allclose(joints.positions[0], OUTPUTS["movenet"]["positions"], atol=0.3)
    np.testing.assert_allclose(joints.confidence[0], OUTPUTS["movenet"]["confidence"], atol=0.02)


@NETWORKS
@torch.inference_mode()
def test_double_precision_is_the_same_network(kind):
    single, double = load_network(kind), load_network(kind).double()
    for one, other in zip(single(picture(SIZES[kind])), double(picture(SIZES[kind], torch.float64)), strict=True):
        assert other.dtype == torch.float64
        torch.testing.assert_close(one.double(), other, atol=0.02, rtol=1e-4)


@NETWORKS
@torch.inference_mode()
def test_fused_convolutions_are_the_same_network(kind):
    plain, fused = load_network(kind), fuse(load_network(kind))
    assert not any(isinstance(part, torch.nn.Conv2d) for part in fused.modules()), "this PyTorch cannot fuse"
    for one, other in zip(plain(picture(SIZES[kind])), fused(picture(SIZES[kind])), strict=True):
        torch.testing.assert_close(one, other, atol=0.1 if one.shape[-1] == 256 else 2e-3, rtol=1e-3)  # masks: to 1700


def test_where_convolutions_cannot_be_fused_networks_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(fused_convolutions, "FusedConvolution", Mock(side_effect=AttributeError))
    assert isinstance(fuse(load_network(PoseDetection)).stem[0], torch.nn.Conv2d)


def test_people_side_by_side_are_told_apart_and_the_nearer_to_the_middle_is_the_middle_one():
    heatmaps, centre = torch.full((1, 17, 64, 96), -9.0), torch.full((1, 64, 96), -9.0)
    regressed, offsets = torch.zeros(2, 1, 17, 2, 64, 96)
    for column, height in ((50, 2.0), (80, 3.0)):
        centre[0, 30, column] = height
        heatmaps[0, :, 30 - 4, column] = 1.0
        regressed[0, :, 0, 30, column] = -5.0
    offsets[0, :, 0], offsets[0, :, 1] = 0.5, 0.25
    maps = JointMaps(heatmaps, centre, regressed, offsets)
    places, sure = everybody(maps, 0.2)
    assert places.tolist() == [30 * 96 + 80, 30 * 96 + 50]
    np.testing.assert_allclose(sure, _sigmoid(np.array([3.0, 2.0])), atol=1e-6)
    assert middle_person(maps).tolist() == [30 * 96 + 50]
    joints = decode_joints(maps, places)
    for person, column in enumerate((80, 50)):
        expected = [4 * (column + 0.25), 4 * 26.5]
        np.testing.assert_allclose(joints.positions[person], np.tile(expected, (17, 1)), atol=1e-4)
    np.testing.assert_allclose(joints.confidence, np.full((2, 17), _sigmoid(np.array(1.0))), atol=1e-6)
    nobody = decode_joints(maps, everybody(maps, 0.99)[0])
    assert nobody.positions.shape == (0, 17, 2)


@NETWORKS
def test_a_file_that_is_missing_damaged_or_anothers_is_one_line(kind, tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match=r"weights.safetensors: no such weights; install anchorfit again"):
        load_network(kind, path)
    whole = (ASSETS / "weights" / FILES[kind]).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not readable as safetensors"):
        load_network(kind, path)
    other = next(another for another in SIZES if another is not kind)
    with pytest.raises(ValueError, match=f"expected weights of anchorfit-detector-1 {kind.__name__}, got"):
        load_network(kind, ASSETS / "weights" / FILES[other])
    tensors = load_file(ASSETS / "weights" / FILES[kind])
    name = next(iter(tensors))
    header = {"format": "anchorfit-detector-1", "network": kind.__name__}
    save_file({**tensors, name: torch.full_like(tensors[name], torch.nan)}, path, header)
    with pytest.raises(ValueError, match="not finite"):
        load_network(kind, path)
    save_file({key: value for key, value in tensors.items() if key != name}, path, header)
    with pytest.raises(ValueError, match="do not fit the network"):
        load_network(kind, path)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
