"""Baselines by name: each is trained once, kept, and the same when it comes back."""

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.storage import Store
from anchorfit_baselines import trainings
from anchorfit_baselines.trainings import BASELINES, Effort, baseline, settings_of

LITTLE = Effort(forest_people=40, network_steps=2, network_silhouettes=16, basis_poses=150)


@pytest.fixture(scope="module")
def seen():
    return OpenBody(count=3).block(0, load_body()).detected


@pytest.mark.parametrize("name", BASELINES)
def test_what_was_learned_comes_back_the_same(name, seen, tmp_path):
    if name.startswith("forest"):
        pytest.importorskip("sklearn")
    body = load_body()
    said: list[str] = []
    store = Store(tmp_path / "new" / "folder", said.append)
    trained = baseline(name, body, store, effort=LITTLE)
    files, lines = list(tmp_path.rglob("*.safetensors")), list(said)
    kept = baseline(name, body, store, effort=LITTLE)
    first, second = (method.estimate(seen, body) for method in (trained, kept))
    assert torch.isfinite(first.joints_cam).all()
    assert torch.equal(first.joints_cam, second.joints_cam)
    assert (first.params is None) == (second.params is None)
    assert trained.name == kept.name
    assert said == lines  # nothing was trained a second time
    assert len(files) == (name != "landmarks-91")
    begun, done = lines or ("training " + name, "trained " + name)
    assert begun.startswith(f"training {name}")
    assert done.startswith(f"trained {name}")


def test_other_settings_and_other_bodies_are_kept_apart(tmp_path):
    def place(gender="neutral", name="ramakrishna", **effort):
        settings = settings_of(name, load_body(gender=gender), Effort(**effort))
        return Store(tmp_path).path(name, settings)

    places = [place(), place(basis_poses=150), place(seed=1), place(gender="female"), place(name="zhou")]
    assert len(set(places)) == 5
    assert place(forest_people=3) == place()  # which this method does not depend on


def test_forests_of_another_release_are_grown_again(tmp_path, monkeypatch):
    def places():
        return {name: Store(tmp_path).path(name, settings_of(name, load_body(), Effort())) for name in BASELINES[:-1]}

    here = places()
    monkeypatch.setattr(trainings, "version", lambda distribution: f"{distribution} of another day")
    other = places()
    assert {name for name in here if here[name] != other[name]} == {"forest", "forest-91"}


def test_a_damaged_file_is_said_and_taken_for_none(tmp_path):
    said: list[str] = []
    store, settings = Store(tmp_path, said.append), {"method": "m", "seed": 1}
    assert store.read("m", settings) is None
    assert not said
    state = {"a": torch.arange(3), "b": torch.tensor([True, False]), "c": torch.tensor(0.5, dtype=torch.float64)}
    store.write("m", settings, state)
    kept = store.read("m", settings)
    assert kept is not None
    assert kept.keys() == state.keys()
    assert all(torch.equal(kept[key], state[key]) for key in state)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:100], b"", whole.replace(b"method", b"matter", 1)):
        path.write_bytes(damaged)
        assert store.read("m", settings) is None
        assert said[-1].startswith(str(path))
        assert said[-1].endswith("m is trained again")
    assert len(said) == 3


def test_a_folder_that_is_none_is_said_before_the_training(tmp_path):
    (tmp_path / "file").touch()
    said: list[str] = []
    with pytest.raises(OSError, match=r"file: cannot be made .*; name another folder"):
        baseline("ramakrishna", load_body(), Store(tmp_path / "file", said.append), effort=LITTLE)
    assert not said


def test_a_name_that_is_none():
    with pytest.raises(ValueError, match=r"expected one of ramakrishna, .*; got lassner"):
        baseline("lassner", load_body())
