"""Left and right exchanged in some of the views, and cameras called by each other's names: found by what each view says
alone, where joints meet in space all the same."""

from dataclasses import replace

import pytest
import torch
from rigs import rig_and_people, some_bodies  # type: ignore[import-not-found]

import anchorfit
from anchorfit.evaluation.rig_people import people_in_rig, ring_of_cameras
from anchorfit.views import ViewOptions, fit_views
from anchorfit.views.agreement import agree, mirror_places, sight_of
from anchorfit.views.observing import observe_views
from anchorfit.views.opinions import SettledSides, misnamed, settled_sides, untold_remarks

COUNT = 16


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture(scope="module")
def seen(body):
    return rig_and_people(body, COUNT)


def turned(people):
    mirror = mirror_places().numpy()
    return [replace(one, keypoints=one.keypoints[mirror], confidence=one.confidence[mirror]) for one in people]


def views_of(people, names, wrong=()):
    return {name: turned(people.views[name]) if name in wrong else people.views[name] for name in names}


def swapped(views, one, other):
    return {**views, one: views[other], other: views[one]}


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("cam1", "cam2"), ("cam1",)),
        (("cam1", "cam2"), ("cam2",)),
        (("cam1", "cam2", "cam3"), ("cam2",)),  # the others are opposite each other
        (("cam1", "cam2", "cam3", "cam4"), ("cam1", "cam3")),
        (("cam1", "cam2", "cam3", "cam4"), ("cam4",)),
    ],
)
def test_no_exchange_of_sides_is_silent(names, wrong, body, seen):
    cameras, people = seen
    rig = cameras[: len(names)]
    plain = fit_views(views_of(people, names), rig, body)
    assert not [text for _, text in plain.problems if "exchanged back" in text]
    found = fit_views(views_of(people, names, wrong), rig, body)
    start = f"camera {', '.join(wrong)}: left and right are exchanged; exchanged back"
    told = [row for row, text in found.problems if text == start]
    assert len(told) >= COUNT - 1
    torch.testing.assert_close(found.world["transl"][told], plain.world["transl"][told], atol=2e-3, rtol=1e-3)
    joints = [body.from_params(body.layout.join(**one.world)).joints for one in (plain, found)]
    said = {row for row, _ in found.problems}
    silent = [row for row in range(COUNT) if row not in said and bool(found.estimate.diagnostics.trusted[row])]
    assert float((joints[0] - joints[1])[silent].norm(dim=-1).mean() if silent else 0.0) < 0.08


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (("cam1", "cam2"), ("cam1", "cam2")),
        (("cam1", "cam2", "cam3", "cam4"), ("cam1", "cam3")),  # opposite: everyone is as in a mirror
        (("cam1", "cam2", "cam3", "cam4"), ("cam2", "cam3")),
    ],
)
def test_cameras_of_exchanged_names_are_told(names, pair, body, seen):
    cameras, people = seen
    views = swapped(views_of(people, names), *pair)
    found = fit_views(views, cameras[: len(names)], body)
    assert not bool(found.estimate.diagnostics.trusted.any())
    assert any("names of cameras" in text for text in found.remarks)
    assert all("names of cameras" in reason for reason in found.estimate.diagnostics.reasons)
    assert not any("exchanged back" in text for _, text in found.problems)
    assert not bool(fit_views(views_of(people, names), cameras[: len(names)], body).remarks[1:])
    alone = fit_views({name: some[:1] for name, some in views.items()}, cameras[: len(names)], body)
    assert not bool(alone.estimate.diagnostics.trusted[0])


def test_sides_that_are_exchanged_in_both_views_are_not_trusted(body):
    cameras, people = rig_and_people(body, 4 * COUNT)  # of some the cameras' names might be exchanged as well
    names = ("cam1", "cam2")
    found = fit_views(views_of(people, names, names), cameras[:2], body)
    told = found.estimate.diagnostics
    assert sum("exchanged in all views" in reason for reason in told.reasons) >= 4 * (COUNT - 2)
    assert all("exchanged" in reason for reason in told.reasons)
    assert not bool(told.trusted.any())


def test_a_batch_is_its_rows_where_sides_are_exchanged(body, seen):
    cameras, people = seen
    views = views_of(people, ("cam1", "cam2"))
    views["cam2"] = [turned([one])[0] if row % 2 else one for row, one in enumerate(views["cam2"])]
    options = ViewOptions(unit="m")
    whole = fit_views(views, cameras[:2], body, options=options)
    for row in (0, 3, 7):
        alone = fit_views({name: [some[row]] for name, some in views.items()}, cameras[:2], body, options=options)
        assert torch.equal(alone.estimate.params[0], whole.estimate.params[row])
        assert [text for _, text in alone.problems] == [text for at, text in whole.problems if at == row]


def settled_of(body, cameras, views):
    rows = [list(row) for row in zip(*views.values(), strict=True)]
    seen = observe_views(rows, cameras, [str(row) for row in range(len(rows))], masks=False)
    sight = sight_of(seen, cameras, body)
    return settled_sides(agree(sight), sight, seen, cameras, body)


def test_more_cameras_than_every_order_is_tried_of(body):
    cameras = ring_of_cameras(6)
    people = people_in_rig(body, some_bodies(body, 3), cameras, seed=1)
    views = dict(people.views)
    assert settled_of(body, cameras, views).order == ((), (), ())
    wrong = settled_of(body, cameras, swapped(views, "cam2", "cam5"))
    assert all(order for order in wrong.order)
    found = settled_of(body, cameras, {**views, "cam2": turned(views["cam2"]), "cam5": turned(views["cam5"])})
    assert found.agreement.exchanged[:, [1, 4]].all()
    assert int(found.agreement.exchanged.sum()) == 6


def test_what_is_not_told_is_said(body, seen):
    cameras, people = seen
    views = views_of(people, ("cam1", "cam2"))
    nothing = settled_of(body, cameras[:2], views)
    doubtful = replace(nothing, untold=((0, 1), *nothing.untold[1:]))
    assert untold_remarks(doubtful, ["left", "right"])[0] == (
        0,
        "camera left or right: left and right may be exchanged; it is not told",
    )
    told = replace(nothing, order=((1, 0), *nothing.order[1:]))
    reasons, remarks = misnamed(told, ["left", "right"])
    assert reasons[0].startswith("the views fit far better with left and right exchanged")
    assert not any(reasons[1:])
    assert not remarks
    assert len(SettledSides.nothing(nothing.agreement)) == COUNT
