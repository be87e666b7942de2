"""Objects of other programs' files: all ways to write them are read alike, and nothing of them is run."""

import collections
import gzip
import io
import json
import os
import pickle
import zipfile
import zlib
from typing import Any

import joblib
import numpy as np
import pytest
import torch

from anchorfit import array_files
from anchorfit.stored_objects import StoredObjectError, read_objects

VALUES: dict[str, Any] = {
    "pose": np.arange(12, dtype=np.float32).reshape(2, 6),
    "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "whole": np.arange(3),
    "number": np.float64(2.5),
    "boxes": [np.ones(4), np.zeros(4)],
    "name": "a.jpg",
    "nested": {1: {"none": None, "flag": True, "pair": (1, 2)}},
    "mask": {"size": [4, 5], "counts": b"ab1"},
}


def check(found):
    assert set(found) == set(VALUES)
    np.testing.assert_array_equal(found["pose"], VALUES["pose"])
    np.testing.assert_array_equal(found["turned"], VALUES["turned"])
    np.testing.assert_array_equal(found["whole"], VALUES["whole"])
    for key in ("number", "name", "nested", "mask"):
        assert found[key] == VALUES[key]
    np.testing.assert_array_equal(np.stack(found["boxes"]), np.stack(VALUES["boxes"]))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_all_protocols(tmp_path, protocol):
    path = tmp_path / "results.pkl"
    path.write_bytes(pickle.dumps(VALUES, protocol=protocol))
    check(read_objects(path))


@pytest.mark.parametrize("compress", [0, 3, ("zlib", 1), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_joblib_files_however_they_are_compressed(tmp_path, compress, protocol):
    path = tmp_path / "results.pkl"
    joblib.dump(VALUES, path, compress=compress, protocol=protocol)
    check(read_objects(path))


def test_joblib_of_dictionaries_by_default_and_arrays_of_objects(tmp_path):
    held: dict[int, Any] = collections.defaultdict(dict)
    held[3] = {"pose": np.ones((2, 72))}
    path = tmp_path / "results.pkl"
    joblib.dump(held, path)
    np.testing.assert_array_equal(read_objects(path)[3]["pose"], 1)
    joblib.dump({"names": np.array(["a", None], dtype=object), "pose": np.ones(3)}, path)
    found = read_objects(path)
    assert found["names"] == ["a", None]
    np.testing.assert_array_equal(found["pose"], 1)


@pytest.mark.parametrize("new", [True, False])
def test_torch_files(tmp_path, new):
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    held = {
        "pose": base,
        "part": base[1].T,
        "whole": torch.arange(3),
        "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "none": torch.zeros(0, 3),
        "array": np.ones(2),
        "list": [torch.tensor(1.0)],
        "weight": torch.nn.Parameter(torch.ones(2)),
    }
    path = tmp_path / "results.pt"
    torch.save(held, path, _use_new_zipfile_serialization=new)
    found = read_objects(path)
    np.testing.assert_array_equal(found["pose"], base.numpy())
    np.testing.assert_array_equal(found["part"], base[1].T.numpy())
    np.testing.assert_array_equal(found["half"], [1.5, -2.0])
    np.testing.assert_array_equal(found["weight"], 1)
    assert found["none"].shape == (0, 3)
    assert found["whole"].dtype == np.int64
    assert found["list"][0] == 1


def test_arrays_of_objects_and_tensors_inside_pickles(tmp_path):
    track: Any = {"pose": torch.ones(2, 3), "frame": np.arange(2)}
    np.save(tmp_path / "track.npy", track, allow_pickle=True)
    found = read_objects(tmp_path / "track.npy")
    np.testing.assert_array_equal(found["pose"], 1)
    np.savez(tmp_path / "romp.npz", results=np.array({"cam": np.ones((1, 3))}, dtype=object), size=np.array([4, 5]))
    found = read_objects(tmp_path / "romp.npz")
    np.testing.assert_array_equal(found["results"]["cam"], 1)
    np.testing.assert_array_equal(found["size"], [4, 5])
    np.savez(tmp_path / "list.npz", results=np.array([{"a": np.ones(2)}, {"a": np.zeros(2)}], dtype=object))
    assert len(read_objects(tmp_path / "list.npz")["results"]) == 2


def test_json_and_plain_arrays(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"id": 1}]))
    assert read_objects(tmp_path / "a.json") == [{"id": 1}]
    np.save(tmp_path / "a.npy", np.ones(2))
    np.testing.assert_array_equal(read_objects(tmp_path / "a.npy"), 1)


class Harmful:
    """Would leave a file where it was run."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def hostile_files(folder, mark):
    harmful = {"pose": np.ones(3), "more": Harmful(mark)}
    for protocol in range(6):
        (folder / f"plain{protocol}.pkl").write_bytes(pickle.dumps(harmful, protocol=protocol))
    joblib.dump(harmful, folder / "joblib.pkl")
    joblib.dump(harmful, folder / "packed.pkl", compress=3)
    joblib.dump({"o": np.array([Harmful(mark)], dtype=object)}, folder / "inside.pkl")
    torch.save(harmful, folder / "new.pt")
    torch.save(harmful, folder / "old.pt", _use_new_zipfile_serialization=False)
    np.save(folder / "one.npy", np.array([Harmful(mark)], dtype=object), allow_pickle=True)
    np.savez(folder / "several.npz", results=np.array(harmful, dtype=object))
    return sorted(folder.iterdir())


def test_what_a_file_asks_for_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    folder = tmp_path / "files"
    folder.mkdir()
    files = hostile_files(folder, mark)
    assert len(files) == 13
    for path in files:
        with pytest.raises(StoredObjectError, match=r"not safe to read: it names (posix|nt)\.mkdir") as caught:
            read_objects(path)
        said = str(caught.value)
        assert path.name in said
        assert "numpy.savez" in said
        assert "\n" not in said
        assert not mark.exists()


def test_damaged_and_foreign_files_are_one_line(tmp_path):
    whole = io.BytesIO()
    joblib.dump(VALUES, whole, compress=3)
    torch.save({"a": torch.ones(9)}, tmp_path / "a.pt")
    files = {
        "empty.pkl": b"",
        "cut.pkl": whole.getvalue()[:-80],
        "plain.pkl": pickle.dumps(VALUES)[:-40],
        "text.pkl": b"hello, this is a text",
        "cut.pt": (tmp_path / "a.pt").read_bytes()[:-200],
        "json.json": b'{"a": ',
        "lz4.pkl": b"\x04\x22\x4d\x18" + bytes(20),
        "old.pkl": b"ZF0x1234567890",
        "gzip.pkl": gzip.compress(pickle.dumps(VALUES))[:-80],
        "zeros.bin": bytes(200),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoredObjectError, match=name.replace(".", r"\.")) as caught:
            read_objects(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        read_objects(tmp_path / "nowhere.pkl")


def test_files_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(array_files.LIMIT_VARIABLE, str(1e6 / (1 << 30)))
    path = tmp_path / "large.pkl"
    path.write_bytes(zlib.compress(pickle.dumps(np.zeros(10_000_000, np.uint8), protocol=4)))
    assert path.stat().st_size < 20_000
    with pytest.raises(StoredObjectError, match="large"):
        read_objects(path)
    joblib.dump(np.zeros(10_000_000, np.uint8), path, compress=3)
    with pytest.raises(StoredObjectError, match="large"):
        read_objects(path)
    np.savez_compressed(tmp_path / "large.npz", a=np.zeros(10_000_000, np.uint8))
    with pytest.raises(StoredObjectError, match="large"):
        read_objects(tmp_path / "large.npz")
    torch.save(torch.zeros(1_000_000), tmp_path / "large.pt")
    with pytest.raises(StoredObjectError, match="large"):
        read_objects(tmp_path / "large.pt")


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path):
    torch.save(torch.ones(4).as_strided((1000,), (0,)), tmp_path / "wide.pt")  # many entries of few
    assert read_objects(tmp_path / "wide.pt").shape == (1000,)
    torch.save(torch.ones(7)[:3], tmp_path / "part.pt")
    assert read_objects(tmp_path / "part.pt").shape == (3,)
    with zipfile.ZipFile(tmp_path / "part.pt") as before, zipfile.ZipFile(tmp_path / "far.pt", "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content.replace(b"K\x03\x85", b"K\x09\x85") if name.endswith(".pkl") else content)
    with pytest.raises(StoredObjectError, match="reaches beyond its storage"):
        read_objects(tmp_path / "far.pt")


def test_the_limit_is_a_files_not_an_arrays_and_holds_for_json(tmp_path, monkeypatch):
    monkeypatch.setenv(array_files.LIMIT_VARIABLE, str(1e6 / (1 << 30)))
    half = {name: np.zeros(400_000, np.uint8) for name in "abc"}
    np.savez_compressed(tmp_path / "many.npz", **half)
    held = np.array({"zeros": bytes(400_000)}, dtype=object)
    np.savez_compressed(tmp_path / "mixed.npz", a=half["a"], b=half["b"], held=held)
    (tmp_path / "long.json").write_text(json.dumps({"text": "a" * 1_100_000}))
    for name in ("many.npz", "mixed.npz", "long.json"):
        with pytest.raises(StoredObjectError, match=r"GB in all, more than") as caught:
            read_objects(tmp_path / name)
        assert name in str(caught.value)
    np.savez_compressed(tmp_path / "few.npz", a=half["a"], b=half["b"])
    assert set(read_objects(tmp_path / "few.npz")) == {"a", "b"}
