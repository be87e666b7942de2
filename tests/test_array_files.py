"""Arrays of files: as numpy reads them, each read once, refused where they are no arrays."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from anchorfit import array_files
from anchorfit.array_files import ArrayFile, ArrayFileError, read_npy

ARRAYS = {
    "rows": np.arange(12.0).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "one": np.array(5),
    "text": np.array("open"),
    "texts": np.array(["a", "bcd"]),
    "no text": np.array(["", ""]),
    "none": np.zeros((0, 3)),
    "flags": np.array([True, False]),
    "other end first": np.arange(4, dtype=">f4"),
    "records": np.array([(1.5, 2)], dtype=[("x", "f4"), ("y", "i2")]),
}


@pytest.mark.parametrize("part", [7, array_files._PART])
def test_arrays_are_as_numpy_reads_them(tmp_path, monkeypatch, part):
    monkeypatch.setattr(array_files, "_PART", part)
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)
    opened: list[object] = []

    class Counted(zipfile.ZipFile):
        def __init__(self, path: Path) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    stored = ArrayFile(tmp_path / "a.npz")
    assert [*stored] == [*ARRAYS]
    for name, array in ARRAYS.items():
        header, found = stored.header(name), stored[name]
        assert header.shape == found.shape == array.shape
        assert header.dtype == found.dtype == array.dtype
        assert header.nbytes == array.nbytes
        np.testing.assert_array_equal(found, array)
        np.save(tmp_path / "a.npy", array)
        np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)
    assert len(opened) == 1  # a table of contents takes as long to read as the arrays


def test_arrays_that_cannot_be_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(9))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-1])
    with pytest.raises(ArrayFileError, match=r"a\.npy: the array is damaged or cut short"):
        read_npy(tmp_path / "a.npy")
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (-5, 39)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("keypoints.npy", header.getvalue() + bytes(100))
    with pytest.raises(ArrayFileError, match=r"a\.npz: keypoints: not an array as numpy writes it \(a shape of"):
        ArrayFile(tmp_path / "a.npz")["keypoints"]


def test_a_changed_byte_is_noticed(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.arange(5000.0))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ArrayFileError, match="damaged"):
        ArrayFile(tmp_path / "a.npz")["values"]


def test_files_that_are_kept_are_closed_where_the_process_ends(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.arange(3.0))
    kept = f"from anchorfit.array_files import ArrayFile; kept = ArrayFile({str(tmp_path / 'a.npz')!r}); kept['values']"
    done = subprocess.run([sys.executable, "-X", "dev", "-c", kept], capture_output=True, text=True, check=True)
    assert "ResourceWarning" not in done.stderr
