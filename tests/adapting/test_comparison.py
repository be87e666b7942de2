"""Before and after: known answers, people of one image together, the verdict both ways."""

import numpy as np
import pytest

from anchorfit.adapting import compare, judge


def figure(change, name="error", *, lower=True, tolerance=0.0, spread=0.1):
    before = np.linspace(4.0, 5.0, 20)
    after = before + change + spread * np.sin(np.arange(20))
    found = compare(name, "%", before, after, range(20), lower_is_better=lower, tolerance=tolerance)
    assert found is not None
    return found


def test_a_change_for_all_is_the_change():
    found = figure(-0.5, spread=0.0)
    assert (found.before, found.after) == (pytest.approx(4.5), pytest.approx(4.0))
    assert found.change == pytest.approx((-0.5, -0.5, -0.5))
    assert found.better
    assert not found.worse
    assert str(found) == "error 4.50 -> 4.00 % (95 %: -0.50 to -0.50)"


def test_more_can_be_better():
    assert figure(0.5, lower=False).better
    assert figure(-0.5, lower=False).worse


def test_a_sure_gain_of_next_to_nothing_is_none():
    tiny = figure(-0.04, spread=0.0)
    assert tiny.change.high < 0
    assert not tiny.better
    assert figure(-0.1, spread=0.0).better


def test_a_change_within_the_tolerance_is_not_worse():
    assert figure(0.5).worse
    assert not figure(0.5, tolerance=0.6).worse
    assert not figure(-0.5, lower=False, tolerance=0.6).worse


def test_people_of_one_image_are_drawn_together():
    rng = np.random.default_rng(0)
    change = rng.normal(0, 1, 12)
    after = np.repeat(change, 30)  # thirty alike in each image: as sure as one
    crowd = compare("", "", np.zeros(360), after, np.repeat(np.arange(12), 30).tolist(), lower_is_better=True)
    alone = compare("", "", np.zeros(12), change, range(12), lower_is_better=True)
    apart = compare("", "", np.zeros(360), after, range(360), lower_is_better=True)
    assert crowd
    assert alone
    assert apart
    assert crowd.change.half_width == pytest.approx(alone.change.half_width, rel=1e-6)
    assert apart.change.half_width < 0.3 * crowd.change.half_width
    assert (crowd.images, crowd.people) == (12, 360)


def test_weights_count_and_those_without_a_figure_do_not():
    before, after = np.array([1.0, 2.0, np.nan]), np.array([2.0, 4.0, 9.0])
    found = compare("", "", before, after, "abc", lower_is_better=True, weights=np.array([3, 1, 5]))
    assert found is not None
    assert (found.before, found.after, found.people) == (1.25, 2.5, 2)
    assert compare("", "", before * np.nan, after, "abc", lower_is_better=True) is None


def test_the_verdict_wants_something_better_and_nothing_worse():
    better, same, worse = figure(-0.5, "better"), figure(0.0, "same", spread=1.0), figure(0.5, "worse")
    assert judge([better], [same]).helped
    assert judge([better], [same]).line.startswith("helped: better 4.50 -> 4.0")
    assert judge([same, better]).helped
    for aims, guards, said in (
        ([same], [better], "same 4.50 -> 4.5"),
        ([better], [worse], "worse 4.50 -> 5.0"),
        ([worse, better], [], "worse 4.50 -> 5.0"),
        ([], [better], "nothing to compare"),
    ):
        verdict = judge(aims, guards)
        assert not verdict.helped
        assert said in verdict.line
        assert "there is nothing to use" in verdict.line
