"""Baselines by name: each is trained once, kept, and the same when it comes back."""

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.evaluation.baselines.storage import Store
from anchorfit.evaluation.baselines.trainings import BASELINES, Effort, baseline
from anchorfit.evaluation.protocols.openbody import OpenBody

LITTLE = Effort(forest_people=40, network_steps=2, network_silhouettes=16, basis_poses=150)


@pytest.fixture(scope="module")
def seen():
    return OpenBody(count=3).block(0, load_body()).detected


@pytest.mark.parametrize("name", BASELINES)
def test_what_was_learned_comes_back_the_same(name, seen, tmp_path):
    if name.startswith("forest"):
        pytest.importorskip("sklearn")
    body, said = load_body(), []
    store = Store(tmp_path / "new" / "folder", said.append)
    trained = baseline(name, body, store, effort=LITTLE)
    files, lines = list(tmp_path.rglob("*.safetensors")), list(said)
    kept = baseline(name, body, store, effort=LITTLE)
    answers = [method.estimate(seen, body) for method in (trained, kept)]
    assert torch.isfinite(answers[0].joints_cam).all()
    assert torch.equal(answers[0].joints_cam, answers[1].joints_cam)
    assert answers[0].params is None or torch.equal(answers[0].params, answers[1].params)
    assert trained.name == kept.name
    assert said == lines  # nothing was trained a second time
    assert len(files) == (name != "landmarks-91")
    begun, done = lines or ("training " + name, "trained " + name)
    assert begun.startswith(f"training {name}")
    assert done.startswith(f"trained {name}")


def test_other_settings_and_other_bodies_are_kept_apart(tmp_path):
    store = Store(tmp_path)
    for gender, effort in (
        ("neutral", LITTLE),
        ("neutral", Effort(basis_poses=160)),
        ("neutral", Effort(basis_poses=150, seed=1)),
        ("neutral", Effort(basis_poses=150, forest_people=3)),  # which this method does not depend on
        ("female", LITTLE),
    ):
        baseline("ramakrishna", load_body(gender=gender), store, effort=effort)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_is_said_and_made_anew(tmp_path):
    said: list[str] = []
    store = Store(tmp_path, said.append)
    baseline("ramakrishna", load_body(), store, effort=LITTLE)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:1000], b"", whole.replace(b"ramakrishna", b"other-thing", 1)):
        path.write_bytes(damaged)
        del said[:]
        baseline("ramakrishna", load_body(), store, effort=LITTLE)
        assert str(path) in said[0]
        assert said[0].endswith("ramakrishna is trained again")
        del said[:]
        baseline("ramakrishna", load_body(), store, effort=LITTLE)
        assert not said


def test_a_folder_that_is_none_is_said_before_the_training(tmp_path):
    (tmp_path / "file").touch()
    said: list[str] = []
    with pytest.raises(OSError, match="file"):
        baseline("ramakrishna", load_body(), Store(tmp_path / "file", said.append), effort=LITTLE)
    assert not said


def test_a_name_that_is_none():
    with pytest.raises(ValueError, match=r"expected one of ramakrishna, .*; got lassner"):
        baseline("lassner", load_body())
