"""Old public names: each gives what its new name gives, and warns once."""

import warnings
from importlib import import_module
from typing import Any

import pytest

import anchorfit
from anchorfit import deprecation
from anchorfit.assets import ASSETS
from anchorfit.camera import default_intrinsics
from anchorfit.deprecation import renamed_arguments
from anchorfit.fitting import FitConfig, load_pose_prior
from anchorfit.observations import observe
from anchorfit.regressors import load_networks, predict_params

untyped: Any = anchorfit  # type checkers know the new keywords alone

OLD_NAMES = {
    "anchorfit.fitting.terms": {"PosePrior": "Mixture"},
    "anchorfit.observations": {"Keypoints": "KeypointSet"},
    "anchorfit.regressors": {
        "Priors": "Networks",
        "load_priors": "load_networks",
        "predict": "predict_params",
        "save_prior": "save_network",
    },
    "anchorfit.regressors.synthesis": {"Detector": "DetectorNoise", "detect": "simulate_detections"},
    "anchorfit.rendering": {"Silhouette": "SoftSilhouette"},
}


def test_names_that_moved_are_found():
    from anchorfit import runs

    jobs = import_module("anchorfit.jobs")
    with pytest.warns(
        DeprecationWarning, match=r"^anchorfit\.jobs\.read_index is .*; use anchorfit\.runs\.read_index$"
    ):
        assert jobs.read_index is runs.read_index
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        jobs.nothing  # noqa: B018


@pytest.fixture(autouse=True)
def untold():
    deprecation._warn.cache_clear()


@pytest.fixture(scope="module")
def person_in_view():
    skier = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    observations = observe([skier], [default_intrinsics(640, 425)])
    return observations, anchorfit.load_body(), load_networks(), load_pose_prior()


@pytest.mark.parametrize(
    ("module", "old", "new"), [(module, *names) for module, table in OLD_NAMES.items() for names in table.items()]
)
def test_an_old_name_is_the_new_one_and_warns(module, old, new):
    home = import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"^{module}\.{old} is deprecated and goes in version .*; use {new}$"):
        assert getattr(home, old) is getattr(home, new)
    assert old not in home.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(home, "nothing")  # noqa: B009


def test_old_keywords_of_the_pipeline_still_work(person_in_view):
    observations, body, networks, mixture = person_in_view
    expected = anchorfit.fit(observations, body, networks=networks, pose_prior=mixture).params
    with pytest.warns(DeprecationWarning, match="use") as said:
        fitted = untyped.fit(observations, body, priors=networks, prior=mixture).params
    assert {str(one.message).split(": ")[1] for one in said} == {
        f"the argument {old} is deprecated and goes in version {deprecation.REMOVED_IN}; use {new}"
        for old, new in (("prior", "pose_prior"), ("priors", "networks"))
    }
    assert all(one.filename == __file__ for one in said)  # the caller's line, not ours
    assert fitted.equal(expected)
    predicts: Any
    for predicts in (anchorfit.predict, predict_params):
        with pytest.warns(DeprecationWarning, match="the argument priors"):
            guess = predicts(observations, body, priors=networks).params
        assert guess.equal(predicts(observations, body, networks=networks).params)


@pytest.mark.parametrize("of_people", [anchorfit.fit_people, anchorfit.predict_people])
def test_old_keywords_for_people_still_work(of_people, person_in_view):
    _, body, networks, _ = person_in_view
    with pytest.warns(DeprecationWarning, match="the argument priors"):
        assert of_people([], body, priors=networks).estimate is None


def test_a_warning_comes_once():
    @renamed_arguments(factor="by")
    def scale(value: int, *, by: int) -> int:
        return value * by

    double: Any = scale
    with pytest.warns(DeprecationWarning, match="the argument factor .*; use by"):
        assert double(3, factor=2) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert double(3, factor=2) == 6
    with pytest.raises(TypeError, match="factor is the old name of by; give by alone"):
        double(3, factor=2, by=2)


def test_the_packages_own_tests_make_errors_of_its_warnings():
    with pytest.raises(DeprecationWarning, match="the argument priors"):
        untyped.predict_people([], anchorfit.load_body(), priors=load_networks())


def test_arguments_that_are_gone_say_what_to_give():
    kind: Any = FitConfig
    with pytest.raises(TypeError, match=r"FitConfig: there is no hinge_gain any more; use with_term\(Hinge\("):
        kind(hinge_gain=3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        kind(nothing=3.0)
    assert FitConfig(candidates=1).candidates == 1


def test_a_configuration_that_is_none_is_refused(person_in_view):
    with pytest.raises(TypeError, match=r"config: expected a FitConfig, got 'fit.toml'; .*read_config"):
        untyped.fit(person_in_view[0], config="fit.toml")
