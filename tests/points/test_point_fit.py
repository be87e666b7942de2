"""From points in space to bodies: known truths, laws, and everything that may be wrong with the points."""

import numpy as np
import pytest
import torch

import anchorfit
from anchorfit.body import SMPL_JOINTS, axis_angle_to_matrix, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.fitting.energy import Energy
from anchorfit.fitting.point_start import point_start
from anchorfit.fitting.terms import AutogradTerm, PointTerm
from anchorfit.points import body_points, fit_points, point_convention
from anchorfit.points.conventions import POINT_CONVENTIONS, SMPL24
from anchorfit.points.trust import exchange

MARKERS = tuple(f"vertex:{vertex}" for vertex in range(40, 5000, 83))  # 60 of them, all over the body

JOINTS = tuple(name for name in SMPL24 if name is not None)


def points_of(body, truth, names=JOINTS):
    return compiled_points(body, tuple(names)).points(truth)


def errors_mm(body, found, truth):
    """Mean distances of joints and of the surface, in the points' own axes."""
    own, true = body(**found.world), body.from_params(truth)
    return tuple(1000 * float((a - b).norm(dim=-1).mean()) for a, b in zip(own[::-1], true[::-1], strict=True))


def test_exact_joints_come_out_exact(body, truth):
    found = fit_points(points_of(body, truth), convention="smpl24", body=body)
    joints, surface = errors_mm(body, found, truth)
    assert joints < 1.0
    assert surface < 12.0  # how heads, hands and feet turn about their bones no joint tells
    assert bool(found.estimate.diagnostics.trusted.all())
    assert not found.problems


def test_markers_on_the_surface_settle_the_rest(body, truth):
    names = (*JOINTS, *MARKERS)
    found = fit_points(points_of(body, truth, names), convention=names, body=body)
    joints, surface = errors_mm(body, found, truth)
    assert joints < 0.7
    assert surface < 2.0


def test_noise_and_gaps(body, truth):
    generator = torch.Generator().manual_seed(5)
    points = points_of(body, truth) + 0.01 * torch.randn(24, 24, 3, generator=generator)
    missing = torch.rand(24, 24, generator=generator) < 0.25
    found = fit_points(points.masked_fill(missing[..., None], torch.nan), convention="smpl24", body=body)
    off = (body(**found.world).joints - body.from_params(truth).joints).norm(dim=-1)
    assert 1000 * float(off[~missing].mean()) < 15.0  # the noise itself is 16 mm long on average
    assert bool(found.errors_mm[missing].isnan().all())
    assert bool(found.errors_mm[~missing].isfinite().all())


@pytest.mark.parametrize("name", ["h36m17", "coco17", "body25", "mediapipe33", "kinect25", "azure32", "smplh22"])
def test_every_convention(body, truth, name):
    convention = point_convention(name)
    known = [place for place, point in enumerate(convention) if point]
    points = torch.full((24, len(convention), 3), torch.nan)
    points[:, known] = points_of(body, truth, [convention[place] for place in known])
    found = fit_points(points, convention=name, body=body)
    assert errors_mm(body, found, truth)[0] < 15.0
    assert float(found.mean_error_mm.mean()) < 2.0
    assert float(found.estimate.diagnostics.trusted.float().mean()) > 0.9


def test_conventions_have_as_many_points_as_their_names_say():
    for name, convention in POINT_CONVENTIONS.items():
        digits = "".join(
            character for character in name.removeprefix("h36m").removeprefix("k4a") if character.isdigit()
        )
        assert not digits or len(convention) == int(digits), name


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 100.0), ("mm", 1000.0)])
def test_units_are_told_by_the_body(body, truth, unit, factor):
    found = fit_points(factor * points_of(body, truth[:4]), convention="smpl24", body=body, stated_unit="mm")
    assert found.frame.unit == unit
    assert f"unit: {unit}" in found.remarks[0]
    assert ("the file says mm" in found.remarks[0]) == (unit != "mm")
    assert errors_mm(body, found, truth[:4])[0] < 2.0


@pytest.mark.parametrize("up", ["x", "y", "z", "-x", "-y", "-z"])
def test_the_axis_that_points_up_is_told_and_changes_nothing(body, truth, up):
    axis = "xyz".index(up[-1])
    down = -1.0 if up.startswith("-") else 1.0
    target = torch.zeros(3)
    target[axis] = down
    other = torch.zeros(3)
    other[(axis + 1) % 3] = 1.0
    turn = torch.stack([other, target, torch.linalg.cross(other, target)], 1)  # y goes to the axis
    standing = truth[:8].clone()
    standing[:, :3] = torch.tensor([0.0, 0.4, 0.0])
    points = points_of(body, standing) @ turn.mT
    found = fit_points(points, convention="smpl24", body=body)
    assert found.frame.up == up
    joints = body(**found.world).joints
    assert 1000 * float((joints - points).norm(dim=-1).mean()) < 1.5  # in the points' own axes
    seen = found.estimate.bodies(body).joints  # and upright in the camera's, y down
    assert bool((seen[:, SMPL_JOINTS.index("head"), 1] < seen[:, SMPL_JOINTS.index("left_ankle"), 1]).all())
    assert bool((seen[..., 2] > 0.5).all())


def test_a_free_scale_takes_the_mean_body(body, truth):
    points = 7.3 * points_of(body, truth[:4])
    with pytest.raises(ValueError, match="units high"):
        fit_points(points * 4, convention="smpl24", body=body)
    found = fit_points(points, convention="smpl24", body=body, unit="free")
    assert "mean size" in " ".join(found.remarks)
    assert float(found.mean_error_mm.mean()) < 4.0


def test_a_batch_is_its_rows(body, truth):
    points = points_of(body, truth)
    options = {"convention": "smpl24", "body": body, "unit": "m", "up": "y"}
    whole = fit_points(points, **options)
    for row in (0, 5):
        alone = fit_points(points[row], **options)
        for name in ("body_pose", "betas", "global_orient"):
            assert torch.equal(getattr(alone.estimate, name)[0], getattr(whole.estimate, name)[row]), name
    parts = fit_points(points, batch_size=7, **options)
    assert torch.equal(parts.estimate.params, whole.estimate.params)


def test_exact_and_noisy_rows_do_not_touch_each_other(body, truth):
    """Rows with exact points end earlier than the noisy ones beside them."""
    names = (*JOINTS, *MARKERS)
    points = points_of(body, truth, names)
    points[::3] += 0.01 * torch.randn(8, len(names), 3, generator=torch.Generator().manual_seed(1))
    options = {"convention": names, "body": body, "unit": "m", "up": "y"}
    whole = fit_points(points, **options)
    for row in (0, 1, 5, 23):
        alone = fit_points(points[row], **options)
        for name in ("body_pose", "betas", "global_orient"):
            assert torch.equal(getattr(alone.estimate, name)[0], getattr(whole.estimate, name)[row]), name


def test_exact_rows_are_as_good_in_fewer_steps(body, truth):
    from anchorfit.fitting.least_squares import Stopping
    from anchorfit.fitting.point_fit import PointConfig

    names = (*JOINTS, *MARKERS)
    points = points_of(body, truth, names)
    thorough = PointConfig(exact=Stopping(rtol=1e-4, max_steps=60))
    own, other = (
        fit_points(points, convention=names, body=body, config=config) for config in (PointConfig(), thorough)
    )
    assert errors_mm(body, own, truth)[0] < 0.3
    steps = [float(found.estimate.diagnostics.steps.float().mean()) for found in (own, other)]
    assert steps[0] < steps[1] - 1


def test_a_mirrored_person_gets_the_mirrored_body(body, truth):
    points = points_of(body, truth[:8])
    mirrored = points[:, exchange(JOINTS)] * torch.tensor([-1.0, 1.0, 1.0])
    options = {"convention": "smpl24", "body": body, "unit": "m", "up": "y"}
    own, other = (fit_points(one, **options).estimate for one in (points, mirrored))
    assert float((own.betas - other.betas).abs().max()) < 0.1  # the body itself is not quite symmetric
    from anchorfit.body import mirror_pose

    apart = axis_angle_to_matrix(mirror_pose(other.pose).unflatten(-1, (24, 3)))
    apart = apart - axis_angle_to_matrix(own.pose.unflatten(-1, (24, 3)))
    assert float(apart.abs().mean()) < 0.01


def test_float64_works(truth):
    body = load_body().to(dtype=torch.float64)
    found = fit_points(points_of(body, truth[:2].double()), convention="smpl24", body=body)
    assert found.estimate.betas.dtype == torch.float64
    assert errors_mm(body, found, truth[:2].double())[0] < 1.0


def test_the_term_has_the_derivative_that_autograd_finds(body, truth):
    body, truth = body.to(dtype=torch.float64), truth[:5].double()
    names = (*JOINTS[:9], "nose", "vertex:100")
    generator = torch.Generator().manual_seed(1)
    there = points_of(body, truth, names) + 0.2 * torch.randn(5, 11, 3, generator=generator, dtype=torch.float64)
    weights = torch.rand(5, 11, generator=generator, dtype=torch.float64)
    weights[:, 3] = 0
    there[:, 3] = torch.nan
    for sigma in (None, 0.1):

        def written(row, points, told, sigma=sigma):
            away = points - told[:, :3]
            share = 1.0 if sigma is None else (1 + (away / sigma).square().sum(-1, keepdim=True)).rsqrt()
            return told[:, 3:] * share * away

        term = PointTerm(names, there, weights, sigma=sigma)
        twin = AutogradTerm(
            "twin",
            written,
            point_names=names,
            data=torch.cat((there.nan_to_num(0.0), weights[..., None]), -1),
        )
        own, other = (Energy(body, [one]).residuals(truth, torch.arange(5)) for one in (term, twin))
        torch.testing.assert_close(own.values, other.values)
        torch.testing.assert_close(own.jacobian, other.jacobian)


def test_the_start_is_near(body, truth):
    points = points_of(body, truth)
    start = point_start(body, JOINTS, points, torch.ones(24, 24))
    assert float((points_of(body, start) - points).norm(dim=-1).mean()) < 0.06


def test_one_person_in_time_gets_one_shape_and_smooth_motion(body, truth):
    share = torch.linspace(0, 1, 20)[:, None]
    moving = torch.lerp(truth[:1].clone(), truth[:1].clone(), share)
    moving[:, body.layout.transl] += share * torch.tensor([0.5, 0.0, 0.0])
    moving[:, 3 * 16 + 2] += share[:, 0]
    points = points_of(body, moving)
    generator = torch.Generator().manual_seed(2)
    noisy = points + 0.01 * torch.randn(points.shape, generator=generator)
    noisy[9] = torch.randn(24, 3, generator=generator)  # one frame of garbage
    apart = fit_points(noisy, convention="smpl24", body=body)
    found = fit_points(noisy, convention="smpl24", body=body, sequence=True)
    assert bool((found.estimate.betas == found.estimate.betas[:1]).all())
    assert not bool(found.estimate.diagnostics.trusted[9])
    assert int((~found.estimate.diagnostics.trusted).sum()) == 1
    off = [(body(**one.world).joints - points).norm(dim=-1).mean(1) for one in (apart, found)]
    assert float(off[1].mean()) < 0.8 * float(off[0][[row for row in range(20) if row != 9]].mean())
    assert float(off[1][9]) < 0.03  # the garbage is filled from its neighbours


def test_what_is_wrong_is_said_and_the_rest_goes_on(body, truth):
    points = points_of(body, truth)
    points[3] = torch.randn(24, 3, generator=torch.Generator().manual_seed(1))
    points[5, :, 1:] = 0.5
    points[7, 12:] = points[9, 12:] + torch.tensor([1.0, 0.0, 0.0])
    points[8] *= 100
    points[10, 4:] = torch.nan
    points[11, 21] += 1.0
    points[13] = points[13][exchange(JOINTS)]
    points[14] = torch.inf
    found = fit_points(points, convention="smpl24", body=body)
    said = dict(found.problems)
    assert "line" in said[5]
    assert "two people" in said[7]
    assert "another unit" in said[8]
    assert "4 points are too few" in said[10]
    assert "right_wrist" in said[11]
    assert "left and right" in said[13]
    assert "0 points" in said[14]
    assert set(said) == {3, 5, 7, 8, 10, 11, 13, 14}
    trusted = found.estimate.diagnostics.trusted
    assert [row for row in range(24) if not trusted[row]] == [3, 5, 7, 8, 10, 13, 14]  # 11 fits without that wrist
    assert bool((found.estimate.diagnostics.score[~trusted] < 0.5).all())
    good = [row for row in range(24) if row not in said]
    off = (body(**found.world).joints - body.from_params(truth).joints).norm(dim=-1)
    assert 1000 * float(off[good].mean()) < 1.0
    assert bool(torch.isfinite(found.estimate.params).all())


def test_points_without_depth_are_said(body, truth):
    flat = points_of(body, truth)
    flat[:4, :, 2] = 1.0
    found = fit_points(flat, convention="smpl24", body=body)
    assert [row for row, _ in found.problems] == [0, 1, 2, 3]
    assert all("lie in a plane" in text for _, text in found.problems)


def test_two_people_in_one_row_are_said(body, truth):
    mixed = points_of(body, truth)
    mixed[2, 12:] = mixed[5, 12:] + torch.tensor([0.8, 0.0, 0.3])
    found = fit_points(mixed, convention="smpl24", body=body)
    assert len(found.problems) == 1
    assert found.problems[0][0] == 2
    assert "two people" in found.problems[0][1]


def test_frames_of_garbage_and_none_are_bridged(body):
    library = load_pose_library(split="heldout", mirrored=False)
    take = next(name for name in dict.fromkeys(library.takes) if (library.takes == name).sum() > 30)
    params = body.layout.zeros(20, body.v_template)
    params[:, :72] = library.poses[torch.from_numpy(library.takes == take)][:20]
    clean = points_of(body, params)
    points = clean.clone()
    points[7] = 3 * torch.randn(24, 3, generator=torch.Generator().manual_seed(1))
    points[12] = torch.nan
    points[:, 4] = torch.nan  # a marker that was never seen
    found = fit_points(points, convention="smpl24", body=body, sequence=True)
    off = 1000 * (body(**found.world).joints - clean).norm(dim=-1).mean(1)
    assert sorted({row for row, _ in found.problems}) == [7, 12]
    assert float(off.max()) < 60  # as far as the frames beside tell
    off[[7, 12]] = 0
    assert float(off.max()) < 8
    assert float(found.world["betas"].std(0).max()) < 1e-4


@pytest.mark.parametrize("turn", ["names", "axes"])
def test_exchanged_sides_and_left_handed_axes_are_said(body, truth, turn):
    points = points_of(body, truth)
    points = points[:, exchange(JOINTS)] if turn == "names" else points * torch.tensor([1.0, 1.0, -1.0])
    found = fit_points(points, convention="smpl24", body=body)
    assert sum("left and right look exchanged" in text for _, text in found.problems) >= 23
    right = fit_points(points_of(body, truth), convention="smpl24", body=body)
    assert not right.problems


@pytest.mark.parametrize("convention", ["smpl24", "coco17", "mediapipe33"])
@pytest.mark.parametrize(
    ("part", "words"),
    [("legs", ("hip", "knee", "ankle", "foot", "heel", "toe")), ("forearms", ("elbow", "wrist", "hand", "tip"))],
)
def test_exchanged_sides_of_a_part_are_said(body, truth, convention, part, words):
    """As detectors do it. The prior finds some pose for half of them, which was trusted."""
    names = tuple(name for name in point_convention(convention) if name)
    mirrored = exchange(names) or []
    places = [mirrored[own] if any(word in name for word in words) else own for own, name in enumerate(names)]
    points = points_of(body, truth, names)
    points[:12] = points[:12, places]
    found = fit_points(points, convention=names, body=body, unit="m", up="y")
    said = [row for row, text in found.problems if f"left and right of the {part} look exchanged" in text]
    assert len(said) >= 11
    assert max(said) < 12
    assert not bool(found.estimate.diagnostics.trusted[said].any())


def recording(body, frames=20):
    """(T, 24, 3) of somebody in time, and parameters."""
    library = load_pose_library(split="heldout", mirrored=False)
    take = next(name for name in dict.fromkeys(library.takes) if (library.takes == name).sum() > 30)
    params = body.layout.zeros(frames, body.v_template)
    params[:, :72] = library.poses[torch.from_numpy(library.takes == take)][:frames]
    return points_of(body, params), params


def test_a_frame_that_leaps_away_and_back_is_said_and_bridged(body):
    clean, _ = recording(body)
    points = clean.clone()
    points[7] += torch.tensor([3.0, 0.0, 0.0])  # another person's
    points[12] = points[12] @ torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) + torch.tensor([0.0, 1.0, 0.0])
    found = fit_points(points, convention="smpl24", body=body, sequence=True)
    said = dict(found.problems)
    assert set(said) == {7, 12}
    assert "leap by 3.0 m, and back" in said[7]
    assert [row for row, flag in enumerate(found.estimate.diagnostics.trusted.tolist()) if not flag] == [7, 12]
    assert 1000 * float((body(**found.world).joints - clean).norm(dim=-1).mean(1).max()) < 60
    apart = fit_points(points, convention="smpl24", body=body)  # no recording: people may be anywhere
    assert not apart.problems
    slow = fit_points(points, convention="smpl24", body=body, sequence=True, frames_per_second=0.5)
    assert not slow.problems


def test_another_person_from_some_frame_on_is_said(body):
    points, _ = recording(body)
    points[9:] += torch.tensor([2.0, 0.0, 0.0])
    found = fit_points(points, convention="smpl24", body=body, sequence=True)
    assert [row for row, _ in found.problems] == [9]
    assert "another person from here on" in found.problems[0][1]
    assert bool(found.estimate.diagnostics.trusted.all())


@pytest.mark.parametrize(
    ("factor", "said"), [(1 / 0.3048, "feet"), (39.37, "inches"), (10.0, "decimetres"), (1 / 4, "one person")]
)
def test_other_units_are_named(body, truth, factor, said):
    with pytest.raises(ValueError, match=said):
        fit_points(points_of(body, truth) * factor, convention="smpl24", body=body)


def test_points_at_the_origin_are_gaps(body, truth):
    points = points_of(body, truth).numpy().copy()
    points[2, 20] = 0.0
    points[4, 7] = 0.0
    found = fit_points(points, convention="smpl24", body=body)
    assert "2 points at exactly (0, 0, 0) are taken as missing" in found.remarks
    assert bool(found.errors_mm[2, 20].isnan())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((2, 23, 3))}, r"expected \(B, 24, 3\)"),
        ({"points": np.zeros((0, 24, 3))}, "at least one row"),
        ({"points": np.full((2, 24, 3), np.nan)}, "at least one finite point"),
        ({"confidence": np.ones((2, 23))}, r"confidence: expected \(2, 24\)"),
        ({"convention": "smpl25"}, "expected one of"),
        ({"unit": "inch"}, "unit: expected one of"),
        ({"up": "w"}, "up: expected one of"),
        ({"convention": ["nose"] * 24}, "stands there twice"),
        ({"convention": ["vertex:99999", *[None] * 23]}, "vertices: 99999"),
    ],
)
def test_a_wrong_call_is_one_line(body, truth, change, message):
    call = {"points": points_of(body, truth[:2]).numpy(), "convention": "smpl24", "body": body} | change
    with pytest.raises(ValueError, match=message):
        fit_points(call.pop("points"), call.pop("confidence", None), **call)


def test_labels_say_what_points_are():
    assert body_points("names", ["RShoulder", "S1:left_knee", "C7"]) == ("right_shoulder", "left_knee", None)
    assert body_points({"LASI": "vertex:7"}, ["RASI", "LASI"]) == (None, "vertex:7")
    with pytest.raises(ValueError, match="no label is the name"):
        body_points("names", ["M1", "M2"])


def test_the_front_door_has_it():
    assert anchorfit.fit_points is fit_points


def test_regions_hold_what_they_say(body):
    """90 % regions of joints in noisy points, a tenth of which is missing: 86 to 94 % of true joints lie in them."""
    library = load_pose_library(split="heldout")
    generator = torch.Generator().manual_seed(11)
    params = body.layout.zeros(160, body.v_template)
    weights = library.subject_balanced_weights(300)
    params[:, :72] = library.poses[torch.multinomial(weights, 160, generator=generator)]
    params[:, body.layout.betas] = torch.randn(160, body.num_betas, generator=generator)
    names = (*SMPL24, *MARKERS[::2])
    points = points_of(body, params, names)
    points = points + 0.01 * torch.randn(points.shape, generator=generator)
    seen = torch.rand(points.shape[:2], generator=generator) > 0.1
    found = fit_points(points, seen, convention=names, body=body, up="y", unit="m", covariance=True)
    told = found.estimate.diagnostics
    joints = found.frame.to_camera(points_of(body, params).double()).float()
    away = 1000 * (points_of(body, found.estimate.params) - joints)
    away[:, 1:] -= away[:, :1].clone()
    distance = (away[..., None, :] @ told.joint_covariance_mm2.inverse() @ away[..., None])[..., 0, 0]
    assert 0.86 < float((distance < 6.251).float().mean()) < 0.95  # of chi squared with 3 degrees
    assert bool((told.joint_std_mm > 0).all())


def test_regions_of_few_points_hold_what_they_say(body):
    """COCO's 17, a quarter missing: 84 to 94 % of joints; the noise that a dozen points tell was taken too small."""
    library = load_pose_library(split="heldout")
    generator = torch.Generator().manual_seed(12)
    params = body.layout.zeros(256, body.v_template)
    weights = library.subject_balanced_weights(300)
    params[:, :72] = library.poses[torch.multinomial(weights, 256, generator=generator)]
    params[:, body.layout.betas] = torch.randn(256, body.num_betas, generator=generator)
    points = points_of(body, params, point_convention("coco17"))
    points = points + 0.01 * torch.randn(points.shape, generator=generator)
    seen = torch.rand(points.shape[:2], generator=generator) > 0.25
    found = fit_points(points, seen, convention="coco17", body=body, up="y", unit="m", covariance=True)
    turn = found.frame.rotation.float()
    away = 1000 * (body(**found.world).joints - body.from_params(params).joints) @ turn.T
    away = (away - away[:, :1])[:, 1:, :, None].double()
    sure = found.estimate.diagnostics.joint_covariance_mm2[:, 1:].double()
    distance = (away.mT @ sure.inverse() @ away)[..., 0, 0]
    assert 0.84 < float((distance < 6.251).double().mean()) < 0.94


def test_regions_of_exact_points_are_finite(body, truth):
    found = fit_points(points_of(body, truth, POINT_CONVENTIONS["smplh22"]), convention="smplh22", covariance=True)
    assert bool(torch.isfinite(found.estimate.diagnostics.joint_covariance_mm2).all())
