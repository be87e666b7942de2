"""`ViewOptions(sequence=True)`: several people are told apart over time, and a motion is in one frame."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs import some_bodies  # type: ignore[import-not-found]
from torch._subclasses.fake_tensor import FakeTensorMode

import anchorfit
from anchorfit.body import compile_points
from anchorfit.body.moving import moved
from anchorfit.evaluation.rig_people import ring_of_cameras
from anchorfit.rigging import export_bvh
from anchorfit.views import ViewOptions, fit_views
from anchorfit.views.command import ViewJob, fit_view_files
from anchorfit.views.pairing import Instant

COUNT = 5


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture(scope="module")
def cameras():
    return ring_of_cameras(3)


def walk(body, x, first_beta, step=0.05):
    """(T, D) a person who goes along x."""
    params = some_bodies(body, 1).expand(COUNT, -1).clone()
    params[:, body.layout.betas] = 0.0
    params[:, body.layout.betas.start] = first_beta
    params[:, body.layout.transl] = torch.tensor([x, 1.0, 0.0])
    params[:, body.layout.transl.start] += step * torch.arange(COUNT)
    return params


def sightings(body, params, cameras):
    """Camera's name -> a person an instant, exact."""
    points = compile_points(body).points(params).double()
    found = {}
    for camera in cameras:
        pixels = camera.project(points).numpy()
        sure = np.ones(pixels.shape[1])
        found[camera.name] = [
            anchorfit.Person(person_id="0", keypoints=one, confidence=sure, image_size=camera.image_size)
            for one in pixels
        ]
    return found


def instants_of(people, cameras):
    """Instants of people who are found now in this order, now in that."""
    found = []
    for at in range(COUNT):
        order = people if at % 2 else people[::-1]
        found.append(
            Instant(
                name=f"{at:03d}", seen={camera.name: tuple(one[camera.name][at] for one in order) for camera in cameras}
            )
        )
    return found


def test_two_people_in_time_are_not_melted_into_one(body, cameras):
    walks = walk(body, -0.7, 2.0), walk(body, 0.7, -2.0, step=-0.05)
    instants = instants_of([sightings(body, one, cameras) for one in walks], cameras)
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, unit="m"))
    assert len(found) == 2 * COUNT
    assert bool(found.estimate.diagnostics.trusted.all())
    for person in (0, 1):
        rows = [row for row, one in enumerate(found.persons) if one == person]
        assert [found.estimate.names[row] for row in rows] == [f"{at:03d}#{person}" for at in range(COUNT)]
        betas = found.world["betas"][rows]
        assert float(betas.std(0).max()) < 1e-3
        truth = min(walks, key=lambda one: float((one[0, body.layout.betas] - betas[0]).norm()))
        assert float((betas[0, 0] - truth[0, body.layout.betas.start]).abs()) < 0.4
        away = found.world["transl"][rows] - truth[:, body.layout.transl]
        assert float(away.norm(dim=-1).max()) < 0.05
        assert len(found.motion(body, person)) == COUNT
    assert found.persons.count(0) == COUNT
    assert any("2 people in time" in line for line in found.remarks)
    with pytest.raises(ValueError, match="person"):
        found.motion(body, 7)


def test_one_of_several_people_in_time_is_the_one_seen_longest(body, cameras):
    walks = walk(body, -0.7, 2.0), walk(body, 0.7, -2.0)
    instants = instants_of([sightings(body, one, cameras) for one in walks], cameras)
    first = {name: some[1:] for name, some in instants[0].seen.items()}  # order is turned there: the first one stays
    instants[0] = Instant(name="000", seen=first)
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, several=False, unit="m"))
    assert list(found.estimate.names) == [f"{at:03d}#0" for at in range(COUNT)]
    assert float((found.world["transl"] - walks[0][:, body.layout.transl]).norm(dim=-1).max()) < 0.05
    assert [line for line in found.remarks if "the one seen longest is taken" in line]


def test_somebody_far_from_where_anybody_was_is_somebody_new(body, cameras):
    near, far = walk(body, -0.8, 1.0), walk(body, 0.8, -1.0)
    here, there = (sightings(body, one, cameras) for one in (near, far))
    instants = [
        Instant(name=str(at), seen={camera.name: ((here if at < 3 else there)[camera.name][at],) for camera in cameras})
        for at in range(COUNT)
    ]
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, several=True, unit="m"))
    assert found.persons == (0, 0, 0, 1, 1)
    assert float(found.world["betas"][0, 0]) > 0.5 > -0.5 > float(found.world["betas"][4, 0])


def seen_by_one(body, cameras, alone=(2, 3)):
    """A person whom in some instants the last camera alone has seen."""
    seen = sightings(body, walk(body, 0.8, 2.0), cameras)
    return [
        Instant(
            name=str(at),
            seen={camera.name: (seen[camera.name][at],) for camera in (cameras[-1:] if at in alone else cameras)},
        )
        for at in range(COUNT)
    ]


def test_a_motion_is_in_the_frame_of_one_camera_and_of_one_shape(body, cameras, tmp_path):
    found = fit_views(seen_by_one(body, cameras), cameras, body, options=ViewOptions(sequence=True, unit="m"))
    assert len(set(found.main)) == 2
    assert torch.equal(found.world["betas"], found.world["betas"][:1].expand(COUNT, -1))
    motion = found.motion(body)
    steps = motion.transl.diff(dim=0).norm(dim=-1)
    assert float(steps.max()) < 0.5  # 5 cm an instant, and what one view leaves open; far more where frames are mixed
    torch.testing.assert_close(motion.transl, found.in_view(found.main[0], body).transl)
    export_bvh(tmp_path / "motion.bvh", motion, body)


def test_one_view_of_two_people_goes_to_the_one_on_its_ray(body, cameras):
    walks = walk(body, -0.7, 2.0), walk(body, 0.7, -2.0)
    instants = instants_of([sightings(body, one, cameras) for one in walks], cameras)
    only = {cameras[0].name: instants[3].seen[cameras[0].name][1:]}  # of instant 3 in the order as given: the second
    instants[3] = Instant(name="003", seen=only)
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, unit="m"))
    row = list(found.estimate.names).index(next(name for name in found.estimate.names if name.startswith("003")))
    assert sorted(set(found.persons)) == [0, 1]
    assert float(found.world["betas"][row, 0]) < -1.5
    assert float(found.world["transl"][row, 0]) > 0.3
    told = [text for at, text in found.problems if at == row and "one view alone" in text]
    assert told == ["one view alone: fitted by itself, its distance by the shape that views settled at other instants"]


def test_people_who_come_so_near_that_they_may_be_exchanged_are_said(body, cameras):
    """Who runs past somebody between two instants has that person's name from there on."""
    walks = walk(body, -0.4, 2.0, step=0.19), walk(body, 0.4, -2.0, step=-0.19)
    instants = instants_of([sightings(body, one, cameras) for one in walks], cameras)
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, several=True, unit="m"))
    assert any("#0 and #1" in line and "may be exchanged" in line for line in found.remarks)
    apart = walk(body, -0.7, 2.0), walk(body, 0.7, -2.0)
    instants = instants_of([sightings(body, one, cameras) for one in apart], cameras)
    found = fit_views(instants, cameras, body, options=ViewOptions(sequence=True, unit="m"))
    assert not any("may be exchanged" in line for line in found.remarks)


def test_one_camera_in_time_gives_one_shape(body, cameras):
    seen = sightings(body, walk(body, 0.0, 1.0), cameras)
    name = cameras[0].name
    found = fit_views({name: seen[name]}, cameras[:1], body, options=ViewOptions(sequence=True, unit="m"))
    assert float(found.world["betas"].std(0).max()) < 1e-3


def test_the_command_writes_a_motion_in_one_frame(body, cameras, tmp_path):
    from anchorfit.cameras.own_json import cameras_json
    from anchorfit.observations import write_people

    (tmp_path / "cameras.json").write_text(cameras_json(tuple(cameras)))
    (tmp_path / "keypoints").mkdir()
    for camera in cameras:
        people = [
            replace(one.seen[camera.name][0], image=tmp_path / camera.name / f"{one.name}.jpg", person_id=one.name)
            for one in seen_by_one(body, cameras)
            if camera.name in one.seen
        ]
        write_people(tmp_path / "keypoints" / f"{camera.name}.json", people)
    job = ViewJob(
        cameras=tmp_path / "cameras.json", options=ViewOptions(sequence=True, unit="m"), kinds=("bvh",), rate=25
    )
    report = fit_view_files([tmp_path / "keypoints"], body, tmp_path / "out", job)
    assert report.bodies == COUNT
    text = next((tmp_path / "out").glob("*.bvh")).read_text()
    lines = text.split("MOTION\n")[1].splitlines()[2:]
    roots = np.array([[float(value) for value in line.split()[:3]] for line in lines])
    assert len(roots) == COUNT
    assert np.linalg.norm(np.diff(roots, axis=0), axis=1).max() < 0.5


def test_parameters_on_the_cpu_move_with_a_body_elsewhere(body):
    elsewhere = body.to("meta")  # in this mode a device like any other: operands on two of them are refused
    with FakeTensorMode(allow_non_fake_inputs=True):
        params = torch.zeros(2, body.layout.size, dtype=torch.float64)
        result = moved(elsewhere, params, torch.eye(3).double(), torch.zeros(3).double())
        assert result.device == params.device
