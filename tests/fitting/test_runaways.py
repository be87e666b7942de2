"""Bodies that a fit would take out of sight of their keypoints."""

import torch

import anchorfit
from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.fitting.runaways import caught
from anchorfit.observations.people import Observations

SEEN = {  # detected: a foot beside the hips, arms of two people; six of them are doubted, and the others lie far off
    "left_hip": (361, 353, 0.63),
    "right_hip": (382, 353, 0.91),
    "left_knee": (357, 398, 0.46),
    "left_ankle": (292, 406, 0.41),
    "left_shoulder": (383, 282, 0.91),
    "right_shoulder": (344, 283, 0.63),
    "left_elbow": (401, 284, 0.71),
    "right_elbow": (310, 285, 0.44),
    "right_wrist": (283, 285, 0.55),
    "nose": (353, 266, 0.91),
    "left_eye": (352, 263, 0.90),
    "right_eye": (358, 263, 0.68),
    "left_ear": (355, 266, 0.49),
    "right_ear": (368, 265, 0.50),
}


def somebody() -> Observations:
    keypoints, confidence = torch.zeros(1, len(CANONICAL_JOINTS), 2), torch.zeros(1, len(CANONICAL_JOINTS))
    for name, (x, y, sure) in SEEN.items():
        index = CANONICAL_JOINTS.index(name)
        keypoints[0, index], confidence[0, index] = torch.tensor([x, y], dtype=torch.float32), sure
    focal = torch.tensor([[1033.2, 0, 320], [0, 1033.2, 240], [0, 0, 1]])
    size = torch.tensor([[640, 480]])
    return Observations(
        keypoints=keypoints, confidence=confidence, intrinsics=focal[None], image_size=size, names=("a",)
    )


def test_a_body_stays_in_sight_of_its_keypoints():
    """The fit of these took the body 75 m up, where no keypoint counted."""
    estimate = anchorfit.fit(somebody())
    assert estimate.transl.norm() < 20
    across = estimate.transl[0, :2] / estimate.transl[0, 2] * 1033.2 + torch.tensor([320.0, 240.0])
    assert (across - torch.tensor([355.0, 310.0])).norm() < 150
    assert not estimate.diagnostics.trusted[0]
    assert not estimate.diagnostics.converged[0]  # the fit's own status was: converged, 75 m up


def test_rows_out_of_sight_are_the_start_again_but_for_their_shapes():
    body = load_body()
    observations = somebody().rows([0, 0, 0])
    start = torch.zeros(3, body.layout.size)
    start[:, body.layout.transl] = torch.tensor([0.2, 0.3, 7.0])
    start[2, body.layout.transl] = torch.tensor([0.2, 90.0, 7.0])  # far away itself
    fitted = start + 0.1
    fitted[1:, body.layout.transl] = torch.tensor([0.2, 80.0, 18.0])
    found, lost = caught(fitted, start, observations)
    assert lost.tolist() == [False, True, False]
    assert torch.equal(found[[0, 2]], fitted[[0, 2]])
    assert torch.equal(found[1, body.layout.betas], fitted[1, body.layout.betas])
    assert torch.equal(found[1, body.layout.pose], start[1, body.layout.pose])
    assert torch.equal(found[1, body.layout.transl], start[1, body.layout.transl])
