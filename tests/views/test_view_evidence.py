"""What may come beside keypoints: masks, joints in space, known sizes, several people, time, exchanged sides."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs import EXACT, named, pa_mm, rig_and_people, some_bodies  # type: ignore[import-not-found]

import anchorfit
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.moving import moved
from anchorfit.body.rotations import mirror_pose
from anchorfit.evaluation.rig_people import people_in_rig, ring_of_cameras
from anchorfit.fitting.terms import KnownSize
from anchorfit.observations.masks import mask_to_run_lengths
from anchorfit.rendering import rasterize
from anchorfit.views import ViewOptions, fit_views
from anchorfit.views.agreement import mirror_places


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


def params(body, found):
    return body.layout.join(**found.world)


def test_masks_of_all_views_shape_the_body(body):
    cameras, people = rig_and_people(body, 2, EXACT, image_size=(640, 480))
    truth = people.params.clone()
    truth[:, body.layout.betas.start + 1] = 2.5  # which keypoints hardly show
    people = people_in_rig(body, truth, cameras, seed=1, config=EXACT)
    views = {}
    for camera in cameras:
        there = moved(body, truth, camera.rotation.float(), camera.translation.float())
        vertices = body.from_params(there).vertices
        drawn = rasterize(vertices, body.faces, camera.intrinsics.float().expand(2, 3, 3), (480, 640)).face_ids
        views[camera.name] = [
            replace(person, mask=picture.numpy() >= 0)
            for person, picture in zip(people.views[camera.name], drawn, strict=True)
        ]
    plain = fit_views(views, cameras, body)
    masked = fit_views(views, cameras, body, options=ViewOptions(masks=True))
    assert {"silhouette", "silhouette of view 1", "silhouette of view 3"} <= set(masked.estimate.diagnostics.energy)
    surface = body.from_params(truth).vertices
    off = [(body.from_params(params(body, one)).vertices - surface).norm(dim=-1).mean() for one in (plain, masked)]
    assert off[1] < off[0]


def test_joints_in_space_of_each_view_are_evidence(body):
    cameras, people = rig_and_people(body, 2, EXACT)
    views = {}
    for camera in cameras:
        there = moved(body, people.params, camera.rotation.float(), camera.translation.float())
        world = compiled_points(body).points(there).double()
        centred = (world - world.mean(1, keepdim=True)).numpy()
        views[camera.name] = [
            replace(one, world=own) for one, own in zip(people.views[camera.name], centred, strict=True)
        ]
    found = fit_views(views, cameras, body)
    assert "limb_directions of view 2" in found.estimate.diagnostics.energy
    assert float(pa_mm(body, params(body, found), people.params).mean()) < 25


def test_a_known_height_goes_with_views(body):
    cameras, people = rig_and_people(body, 2)
    found = fit_views(people.views, cameras, body, options=ViewOptions(sizes=KnownSize(given={"": {"height": 1.9}})))
    rest = body.layout.zeros(2, body.v_template)
    rest[:, body.layout.betas] = found.world["betas"]
    heights = body.from_params(rest).vertices[..., 1]
    assert float((heights.amax(1) - heights.amin(1) - 1.9).abs().max()) < 0.04


def test_several_people_are_matched_across_views(body):
    cameras = ring_of_cameras(4)
    first, second = some_bodies(body, 3), some_bodies(body, 3, seed=8)
    first[:, body.layout.transl.start] -= 0.7
    second[:, body.layout.transl.start] += 0.7
    one, other = (people_in_rig(body, group, cameras, seed=seed) for seed, group in enumerate((first, second)))
    views = {}
    for number, camera in enumerate(cameras):
        pairs = []
        for row in range(3):
            two = [replace(named(group)[camera.name][row], person_id=str(at)) for at, group in enumerate((one, other))]
            pairs += two if number % 2 else two[::-1]  # the order in which a detector finds them means nothing
        views[camera.name] = pairs
    found = fit_views(views, cameras, body)
    assert len(found) == 6
    truth = torch.stack((first, second), 1)  # (3, 2, D)
    for row, name in enumerate(found.estimate.names):
        instant = int(name.split("#")[0])
        away = (found.world["transl"][row] - truth[instant][:, body.layout.transl]).norm(dim=-1)
        assert float(away.min()) < 0.15
    assert (found.weights > 0).sum(1).tolist() == [4] * 6
    alone = fit_views(views, cameras, body, options=ViewOptions(several=False))
    assert len(alone) == 3
    assert any("several people" in text for _, text in alone.problems)


def test_people_in_time_get_one_shape_and_smooth_motion(body):
    cameras = ring_of_cameras(4)
    still = some_bodies(body, 1, seed=1).expand(12, -1).clone()
    still[:, body.layout.transl.start] += torch.linspace(-0.3, 0.3, 12)
    people = people_in_rig(body, still, cameras, seed=2)
    apart = fit_views(named(people), cameras, body)
    together = fit_views(named(people), cameras, body, options=ViewOptions(sequence=True))
    assert len(set(together.main)) == 1
    assert float(together.world["betas"].std(0).max()) < 1e-3 < float(apart.world["betas"].std(0).max())
    jumps = [one.world["body_pose"].diff(dim=0).norm(dim=-1).mean() for one in (apart, together)]
    assert jumps[1] < 0.6 * jumps[0]
    error = [pa_mm(body, params(body, one), still).mean() for one in (apart, together)]
    assert error[1] < error[0]


def test_all_views_with_exchanged_sides_are_not_trusted(body):
    cameras, people = rig_and_people(body, 6, EXACT)
    mirror = mirror_places().numpy()
    views = {
        camera: [replace(one, keypoints=one.keypoints[mirror], confidence=one.confidence[mirror]) for one in some]
        for camera, some in people.views.items()
    }
    found = fit_views(views, cameras, body)
    told = [text for _, text in found.problems if "left and right look exchanged in all views" in text]
    assert len(told) >= 4
    right = fit_views(people.views, cameras, body)
    assert not any("exchanged" in text for _, text in right.problems)


def test_a_mirrored_rig_gives_the_mirrored_body(body):
    cameras, people = rig_and_people(body, 4)
    flip, mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)), mirror_places().numpy()
    other, views = [], {}
    for camera in cameras:
        intrinsics = camera.intrinsics.clone()
        intrinsics[0, 2] = 1280 - intrinsics[0, 2]
        rotation, translation = flip @ camera.rotation @ flip, flip @ camera.translation
        other.append(replace(camera, intrinsics=intrinsics, rotation=rotation, translation=translation))
        views[camera.name] = [
            replace(
                one,
                keypoints=np.where(one.confidence > 0, 1, 0)[mirror][:, None]
                * (one.keypoints * (-1, 1) + (1280, 0))[mirror],
                confidence=one.confidence[mirror],
            )
            for one in people.views[camera.name]
        ]
    found, mirrored = fit_views(people.views, cameras, body), fit_views(views, other, body)
    joints, image = (body.from_params(params(body, one)).joints for one in (found, mirrored))
    order = list(_smpl_mirror())
    torch.testing.assert_close(image[:, order] * torch.tensor([-1.0, 1.0, 1.0]), joints, atol=3e-3, rtol=0)
    torch.testing.assert_close(mirrored.world["body_pose"], mirror_pose(_pose(found))[:, 3:], atol=0.05, rtol=0)


def _pose(found):
    return torch.cat((found.world["global_orient"], found.world["body_pose"]), 1)


def _smpl_mirror():
    from anchorfit.body import SMPL_JOINTS
    from anchorfit.body.joint_sets import mirror_permutation

    return mirror_permutation(SMPL_JOINTS)


def test_stored_masks_go_through_the_lens(body):
    cameras, people = rig_and_people(body, 1, EXACT, image_size=(320, 240), distortion=(-0.2, 0.05, 0.0, 0.0))
    from anchorfit.observations.masks import StoredMask
    from anchorfit.views.observing import ideal_sighting

    mask = np.zeros((240, 320), dtype=bool)
    mask[:30, :40] = True
    stored = StoredMask(segmentation=mask_to_run_lengths(mask), width=320, height=240)
    seen = ideal_sighting(replace(people.views["cam1"][0], mask=stored), cameras[0])
    assert seen.person.mask is not None
    assert 0 < int(np.asarray(seen.person.mask).sum()) < int(mask.sum())  # a barrel lens draws corners in
