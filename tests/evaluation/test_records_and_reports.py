"""What a run keeps and leaves behind: records, tables, per-person files, manifests; and work over processes."""

import csv
import fcntl
import io
import json
import math
import os
import re

import numpy as np
import pytest

from anchorfit.evaluation import records as records_module
from anchorfit.evaluation.metrics.bootstrap import Interval
from anchorfit.evaluation.published import LSP_ROWS
from anchorfit.evaluation.records import Record, RecordFile, checksum, data_key
from anchorfit.evaluation.reports.manifest import checksums, manifest, write_manifest
from anchorfit.evaluation.reports.people import write_person_scores
from anchorfit.evaluation.reports.tables import cells, to_csv, to_latex, to_markdown
from anchorfit.evaluation.summary import SEGMENTATION, SURFACE, Row, differences, summarise, summarise_parts

COUNTS = tuple(int(value) for value in np.random.default_rng(0).integers(0, 9, 60))


def record(name: str, **values) -> Record:
    return Record(method="m", name=name, **values)


def double(state: int, task: int) -> int:
    if task == 13:
        raise ValueError("thirteen")
    return state * task


def two() -> int:
    return 2


def test_records_survive_the_disk(tmp_path):
    written = [record("a", counts=COUNTS, ms=1.5), record("b", problem='a "quoted"\nline', params=(0.25, -1.0))]
    with RecordFile(tmp_path / "r.jsonl", {"seed": 1}) as file:
        file.append(written)
        file.append(written[:1])  # once is enough
    with RecordFile(tmp_path / "r.jsonl", {"seed": 1}) as file:
        assert [r.to_line() for r in file.records] == [r.to_line() for r in written]
        assert file.done == {("m", "a"), ("m", "b")}
        assert math.isnan(file.records[0].surface_mm)


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_cut_line_is_dropped_and_written_anew(tmp_path, cut):
    path = tmp_path / "r.jsonl"
    with RecordFile(path, {}) as file:
        file.append([record("a", counts=COUNTS), record("ü", counts=COUNTS)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with RecordFile(path, {}) as file:
        assert [r.name for r in file.records] == ["a"]
        file.append([record("ü", counts=COUNTS)])
    assert path.read_bytes() == whole


def test_files_of_other_runs_and_of_other_things_are_refused(tmp_path):
    path = tmp_path / "r.jsonl"
    RecordFile(path, {"seed": 1, "body": "open"}).__exit__(None, None, None)
    with pytest.raises(ValueError, match=r"another run \(seed differ\)"):
        RecordFile(path, {"seed": 2, "body": "open"})
    path.write_text("a table, say\n")
    with pytest.raises(ValueError, match="not a file of records"):
        RecordFile(path, {})
    path.write_text('{"run":{}}\n{"name":1}\n')
    with pytest.raises(ValueError, match="line 2 is no record"):
        RecordFile(path, {})


def test_two_runs_do_not_write_to_one_file(tmp_path):
    with RecordFile(tmp_path / "r.jsonl", {}), pytest.raises(ValueError, match="another run is writing"):
        RecordFile(tmp_path / "r.jsonl", {})
    handle = os.open(tmp_path / "r.jsonl", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free again
    os.close(handle)


def test_the_order_of_records_changes_nothing():
    records = [record(str(i), counts=tuple(np.roll(COUNTS, i)), surface_mm=float(i)) for i in range(9)]
    assert summarise(records, resamples=30) == summarise(records[::-1], resamples=30)


def test_differences_are_paired():
    noise = np.random.default_rng(1).normal(100, 30, 40)
    records = [Record(method="base", name=str(i), surface_mm=value, counts=COUNTS) for i, value in enumerate(noise)]
    records += [Record(method="new", name=str(i), surface_mm=noise[i] - 2, counts=COUNTS) for i in range(39, 0, -1)]
    (row,) = differences(records, "base", resamples=50)
    assert row.method == "new - base"
    assert row.people == 39
    assert row.scores["surface_mm"] == pytest.approx((-2, -2, -2))  # people differ by far more; the methods by this
    assert row.scores["part_f1"] == (0, 0, 0)
    assert differences(records[:40], "base") == []


def test_tables_say_values_intervals_and_the_best():
    rows = [
        Row(method="a_b", scores={"surface_mm": Interval(80.0, 78.0, 83.0)}, people=9, failed=1),
        Row(method="c", scores={"surface_mm": Interval(90.0, math.nan, math.nan)}, people=9),
        Row(method="d", scores={"surface_mm": Interval(10.0, math.nan, math.nan)}, source="Them 2018, unconfirmed"),
    ]
    assert cells(rows, [SURFACE])[1] == ["a_b", "80.0 ± 2.5", "9", "1"]
    assert cells(rows, [SURFACE])[3] == ["d [Them 2018, unconfirmed]", "10", "-", "-"]
    assert "| a_b | **80.0 ± 2.5** | 9 | 1 |" in to_markdown(rows, [SURFACE])  # of ours: published rows do not compete
    latex = to_latex(rows, [SURFACE])
    assert r"a\_b & \textbf{80.0 $\pm$ 2.5} & 9 & 1 \\" in latex
    assert latex.count(r"\\") == 4
    lines = list(csv.DictReader(io.StringIO(to_csv(rows, [SURFACE]))))
    assert [float(lines[0][f"per-vertex mm{end}"]) for end in ("", " low", " high")] == [80.0, 78.0, 83.0]
    assert lines[2]["source"] == "Them 2018, unconfirmed"


def test_published_rows_are_the_papers():
    line = next(line for line in cells(LSP_ROWS, SEGMENTATION) if line[0].startswith("SMPLify + anchor"))
    assert line[1:5] == ["92.17", "88.38", "88.24", "64.62"]
    unconfirmed = [row.method for row in LSP_ROWS if "unconfirmed" in row.source]
    assert unconfirmed == ["CMR", "SPIN", "DecoMR"]


def test_people_are_written_with_their_own_scores(tmp_path):
    path = write_person_scores(tmp_path, [record("a", counts=COUNTS, surface_mm=7.0), record("b", problem="no camera")])
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        first, second = parquet.read_table(path).to_pylist()
    else:
        first, second = csv.DictReader(path.open())
    assert float(first["surface_mm"]) == 7.0
    assert 0 < float(first["part_f1"]) < 1
    assert second["problem"] == "no camera"
    assert not second["part_f1"]


def test_people_are_csv_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert write_person_scores(tmp_path, [record("a")]).name == "people.csv"


def test_the_manifest_names_commit_versions_and_checksums(tmp_path):
    before = manifest({"seed": 1, **checksums("open")})
    stored = json.loads(write_manifest(tmp_path, before).read_text())
    assert stored == before
    assert stored["commit"] is None or re.fullmatch(r"[0-9a-f]{40}\+?", stored["commit"])
    assert len(stored["settings"]["sha256 of the weights"]) == 64


def test_checksums_follow_contents_and_names(tmp_path):
    sums = set()
    for name, text in (("a", "x"), ("a", "y"), ("b", "y")):
        (tmp_path / name).write_text(text)
        sums.add(checksum([tmp_path / name]))
    assert len(sums) == 3


@pytest.mark.parametrize("large", [1 << 30, 0])
def test_changed_data_have_another_key(tmp_path, monkeypatch, large):
    """By contents; of a great many by size and time."""
    monkeypatch.setattr(records_module, "LARGE", large)
    path = tmp_path / "a.pkl"
    path.write_bytes(b"one")
    key = data_key(["x", "y"], [path])
    assert data_key(["x", "y"], [path]) == key
    assert data_key(["x"], [path]) != key
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 1))
    assert data_key(["x", "y"], [path]) != key
    if large:
        path.write_bytes(b"one")  # the same again, at another time: a copy
        assert data_key(["x", "y"], [path]) == key


def test_rows_of_parts_of_the_people():
    people = [record(name, surface_mm=float(i)) for i, name in enumerate("abcd")]
    parts = {"first": frozenset("ab"), "all": frozenset("abcd"), "nobody": frozenset("z")}
    rows = summarise_parts(people, parts)
    assert [(row.method, row.people, row.scores["surface_mm"].value) for row in rows] == [
        ("m, first", 2, 0.5), ("m, all", 4, 1.5)
    ]  # fmt: skip
