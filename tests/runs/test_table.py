"""The index as Parquet."""

import pytest

from anchorfit.runs import RunFolder
from anchorfit.runs.table import write_table


def test_the_table_holds_the_index(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    fitted: dict[str, object] = {
        "name": "a é",  # the other's image is named by a byte that is no text
        "image": None,
        "status": "fitted",
        "score": 0.97,
        "trusted": True,
        "reason": "",
        "unseen": "legs not seen: their pose is the prior's",
        "error_px": 1.5,
    }
    fitted |= {"steps": 7, "converged": True, "notes": [], "chunk": 0, "file": "people-00000.npz", "row": 0}
    skipped: dict[str, object] = {
        "name": "b",
        "image": "b\udcff.jpg",
        "status": "skipped",
        "notes": ["no joint"],
        "chunk": 0,
    }
    RunFolder.open(tmp_path, {}).commit([fitted, skipped])
    assert write_table(tmp_path) == tmp_path / "index.parquet"
    first, second = parquet.read_table(tmp_path / "index.parquet").to_pylist()
    assert {key: value for key, value in first.items() if key != "files"} == fitted
    assert second == dict.fromkeys(first) | skipped | {"image": "b\\xff.jpg"}


def test_without_pyarrow_there_is_no_table(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert write_table(tmp_path) is None
    assert not list(tmp_path.iterdir())
