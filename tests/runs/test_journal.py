"""What counts after a kill: whole chunks, nothing else."""

import json

import pytest

from anchorfit.runs import INDEX, JOURNAL, FolderInUse, RunConflict, RunFolder, locked, read_index

SETTINGS = {"schedule": "anchored"}


def records(*names: str) -> list[dict]:
    return [{"name": name, "status": "fitted"} for name in names]


def names(folder) -> list[str]:
    return [record["name"] for record in read_index(folder)]


def test_a_run_that_goes_through_leaves_the_index_and_its_journal(tmp_path):
    run = RunFolder.open(tmp_path, SETTINGS)
    run.begin()
    run.commit(records("a", "b é\n"))
    run.commit(records("c"))
    run.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == [JOURNAL, INDEX]
    assert names(tmp_path) == ["a", "b é\n", "c"]


@pytest.mark.parametrize("torn", ['{"name": "c", "sta', '{"name": "c"}\n{"name": "d"}\n', ""])
def test_what_was_not_committed_is_cut_off(tmp_path, torn):
    run = RunFolder.open(tmp_path, SETTINGS)
    run.commit(records("a", "b"))
    with (tmp_path / INDEX).open("a") as stream:
        stream.write(torn)
    (tmp_path / ".0123456789ab.part").write_bytes(b"half")
    (tmp_path / ".0123456789ac.part.mp4").write_bytes(b"half a film")
    (tmp_path / ".mine.part").write_bytes(b"not ours")
    again = RunFolder.open(tmp_path, SETTINGS)
    assert again.resumed
    assert again.done == {"a", "b"}
    assert again.chunks == 1
    again.begin()
    again.commit(records("c"))
    assert names(tmp_path) == ["a", "b", "c"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == [JOURNAL, ".mine.part"]


def test_a_commit_that_failed_can_be_repeated(tmp_path, monkeypatch):
    run = RunFolder.open(tmp_path, SETTINGS)
    run.commit(records("a"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("anchorfit.runs.journal.append_durably", full)
    with pytest.raises(OSError, match="No space"):
        run.commit(records("b", "c"))
    assert run.done == {"a"}
    monkeypatch.undo()
    run.commit(records("b"))
    assert names(tmp_path) == ["a", "b"]


def test_an_unfinished_run_of_something_else_is_kept(tmp_path):
    RunFolder.open(tmp_path, SETTINGS).commit(records("a"))
    with pytest.raises(RunConflict, match=r"other settings \(focal, schedule\); repeat its command"):
        RunFolder.open(tmp_path, {"schedule": "smplify", "focal": 500.0})
    assert names(tmp_path) == ["a"]
    new = RunFolder.open(tmp_path, {"schedule": "smplify"}, restart=True)
    assert new.done == set()
    assert names(tmp_path) == ["a"]  # nothing is touched before the new run begins
    new.begin()
    assert not (tmp_path / INDEX).exists()


@pytest.mark.parametrize("journal", ["\n", "[]\n", "{}\n", '{"run": {}}\nx\n', '{"run": 7}\n'])
def test_a_journal_that_cannot_be_read_is_said(tmp_path, journal):
    (tmp_path / JOURNAL).write_text(journal)
    with pytest.raises(RunConflict, match=rf"{JOURNAL}: (not a file of records|line 2 is no record); give another"):
        RunFolder.open(tmp_path, SETTINGS)
    assert RunFolder.open(tmp_path, SETTINGS, restart=True).owned == {}


def test_an_unfinished_run_of_an_earlier_version_is_said(tmp_path):
    (tmp_path / ".run.json").write_text('{"version": 1, "settings": {}, "chunks": 1, "length": 0}')
    with pytest.raises(RunConflict, match="an unfinished run of an earlier version of anchorfit; give --restart"):
        RunFolder.open(tmp_path, SETTINGS)
    RunFolder.open(tmp_path, SETTINGS, restart=True).begin()
    assert not (tmp_path / ".run.json").exists()


def test_a_new_run_removes_what_the_journal_names_and_nothing_else(tmp_path):
    for name in ("a.npz", "coco/a.json", "person-1.npz", "coco/b.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    first = RunFolder.open(tmp_path, SETTINGS)
    first.intend(["a.npz", "coco/a.json", "../outside", "never-written.npz"])
    first.commit(records("a"))
    first.finish()
    (tmp_path.parent / "outside").touch()
    second = RunFolder.open(tmp_path, {"schedule": "smplify"})
    assert (tmp_path / "a.npz").exists()
    second.begin()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {JOURNAL, "person-1.npz", "coco/b.json"}
    assert (tmp_path.parent / "outside").exists()


def test_a_kill_while_the_old_run_is_removed_leaves_nothing_behind(tmp_path, monkeypatch):
    first = RunFolder.open(tmp_path, SETTINGS)
    (tmp_path / "a.npz").touch()
    first.intend(["a.npz"])
    first.commit(records("a"))
    first.finish()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    second = RunFolder.open(tmp_path, {"schedule": "smplify"})
    with monkeypatch.context() as patch:
        patch.setattr("anchorfit.runs.folder._remove", killed)
        with pytest.raises(KeyboardInterrupt):
            second.begin()
    RunFolder.open(tmp_path, {"schedule": "smplify"}).begin()
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]


def test_what_is_read_and_what_no_run_wrote_are_left_alone(tmp_path):
    first = RunFolder.open(tmp_path, SETTINGS)
    first.intend(["a.npz"])
    (tmp_path / "a.npz").touch()
    first.commit(records("a"))
    first.finish()
    (tmp_path / "b.npz").touch()
    second = RunFolder.open(tmp_path, {"schedule": "smplify"})
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match=r"a\.npz: what is read .* is an earlier run's, and would be removed"):
        second.check([tmp_path / "link" / "a.npz"], ["c.npz"])
    with pytest.raises(ValueError, match=r"b\.npz: what is read .* would be overwritten; give another --output"):
        second.check([tmp_path / "b.npz"], ["b.npz"])
    with pytest.raises(ValueError, match=r"b\.npz: is there already, and is not of a run in this folder"):
        second.check([], ["a.npz", "b.npz"])
    second.check([tmp_path / "b.npz", tmp_path.parent / "a.npz"], ["a.npz"])


def test_another_number_of_threads_is_noted(tmp_path, monkeypatch):
    first = RunFolder.open(tmp_path, SETTINGS)
    first.commit(records("a"))
    assert first.notes == []
    monkeypatch.setattr("torch.get_num_threads", lambda: 77)
    for expected in (1, 0):  # said once
        again = RunFolder.open(tmp_path, SETTINGS)
        again.begin()
        assert len(again.notes) == expected
        assert all(line.startswith("threads ") and line.endswith("now 77") for line in again.notes)


def test_an_index_that_lost_lines_is_said(tmp_path):
    RunFolder.open(tmp_path, SETTINGS).commit(records("a"))
    (tmp_path / INDEX).write_text(json.dumps({"name": "a"}))
    with pytest.raises(RunConflict, match="was changed"):
        RunFolder.open(tmp_path, SETTINGS)


def test_one_run_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(FolderInUse, match="another run writes into this folder"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
