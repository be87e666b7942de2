"""What counts after a kill: whole chunks, nothing else."""

import json

import pytest

from anchorfit.jobs import INDEX, FolderInUse, Ledger, RunConflict, locked
from anchorfit.jobs.ledger import STATE, read_index

SETTINGS = {"schedule": "anchored"}


def records(*names: str) -> list[dict]:
    return [{"name": name, "status": "fitted"} for name in names]


def names(folder) -> list[str]:
    return [record["name"] for record in read_index(folder)]


def test_a_run_that_goes_through_leaves_the_index_alone(tmp_path):
    ledger = Ledger.open(tmp_path, SETTINGS)
    ledger.begin()
    ledger.commit(records("a", "b é\n"))
    ledger.commit(records("c"))
    ledger.finish()
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]
    assert names(tmp_path) == ["a", "b é\n", "c"]


@pytest.mark.parametrize("torn", ['{"name": "c", "sta', '{"name": "c"}\n{"name": "d"}\n', ""])
def test_what_was_not_committed_is_cut_off(tmp_path, torn):
    ledger = Ledger.open(tmp_path, SETTINGS)
    ledger.commit(records("a", "b"))
    with (tmp_path / INDEX).open("a") as stream:
        stream.write(torn)
    (tmp_path / ".0123456789ab.part").write_bytes(b"half")
    (tmp_path / ".0123456789ac.part.mp4").write_bytes(b"half a film")
    (tmp_path / ".mine.part").write_bytes(b"not ours")
    again = Ledger.open(tmp_path, SETTINGS)
    assert again.resumed
    assert again.done == {"a", "b"}
    assert again.chunks == 1
    again.commit(records("c"))
    assert names(tmp_path) == ["a", "b", "c"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".mine.part", STATE]


def test_a_commit_that_failed_can_be_repeated(tmp_path, monkeypatch):
    ledger = Ledger.open(tmp_path, SETTINGS)
    ledger.commit(records("a"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("anchorfit.jobs.ledger.write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        ledger.commit(records("b", "c"))
    assert ledger.done == {"a"}
    monkeypatch.undo()
    ledger.commit(records("b"))
    assert names(tmp_path) == ["a", "b"]


def test_an_unfinished_run_of_something_else_is_kept(tmp_path):
    Ledger.open(tmp_path, SETTINGS).commit(records("a"))
    with pytest.raises(RunConflict, match=r"other settings \(focal, schedule\); repeat its command"):
        Ledger.open(tmp_path, {"schedule": "smplify", "focal": 500.0})
    assert names(tmp_path) == ["a"]
    assert Ledger.open(tmp_path, {"schedule": "smplify"}, restart=True).done == set()
    assert not (tmp_path / INDEX).exists()


@pytest.mark.parametrize("state", ["", "[]", '{"version": 9}', '{"version": 1, "settings": {}, "chunks": "x"}'])
def test_notes_that_cannot_be_read_are_said(tmp_path, state):
    (tmp_path / STATE).write_text(state)
    with pytest.raises(RunConflict, match=r"\.run\.json: cannot be read"):
        Ledger.open(tmp_path, SETTINGS)


def test_an_index_that_lost_lines_is_said(tmp_path):
    Ledger.open(tmp_path, SETTINGS).commit(records("a"))
    (tmp_path / INDEX).write_text(json.dumps({"name": "a"}))
    with pytest.raises(RunConflict, match="was changed"):
        Ledger.open(tmp_path, SETTINGS)


def test_one_run_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(FolderInUse, match="another run writes into this folder"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
