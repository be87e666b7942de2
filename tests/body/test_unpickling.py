from __future__ import annotations

import os
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from old_pickles import Ch, Select, write_old_pickle  # type: ignore[import-not-found]  # its folder is on pytest's path
from scipy import sparse

from anchorfit.body.unpickling import UnsafePickleError, load_pickle_safely

MARK = "the-hostile-file-was-here"


def call(module: str, name: str, *arguments: object) -> bytes:
    """A protocol 2 pickle that calls ``module.name(*arguments)``."""
    return b"\x80\x02" + f"c{module}\n{name}\n".encode() + pickle.dumps(arguments, protocol=2)[2:-1] + b"R."


@pytest.mark.parametrize("protocol", ["python 2", 2, 3, 4])
def test_arrays_of_all_kinds_come_back(tmp_path, protocol):
    content = {
        "reals": np.random.default_rng(0).normal(size=(4, 3)),
        "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "tree": np.array([[4294967295, 0], [0, 1]], dtype=np.uint32),
        "big endian": np.arange(3, dtype=">i4"),
        "empty": np.zeros((0, 3)),
        "sparse": sparse.csc_matrix(np.eye(3) * 2),
        "rows": sparse.csr_matrix(np.arange(4.0).reshape(2, 2)),
        "number": np.float64(2.5),
        "text": "lrotmin",
        "names": {"a", "b"},
        "nested": {"list": [1, (2.0, None)]},
    }
    path = tmp_path / "model.pkl"
    if protocol == "python 2":
        write_old_pickle(path, content)
    else:
        path.write_bytes(pickle.dumps(content, protocol=protocol))
    loaded = load_pickle_safely(path)
    assert loaded.keys() == content.keys()
    for key in ("reals", "columns", "tree", "big endian", "empty"):
        np.testing.assert_array_equal(loaded[key], content[key])
        assert loaded[key].dtype == content[key].dtype
    np.testing.assert_array_equal(loaded["sparse"], np.eye(3) * 2)
    np.testing.assert_array_equal(loaded["rows"], [[0, 1], [2, 3]])
    for key in ("number", "text", "names", "nested"):
        assert loaded[key] == content[key]


def test_python_2s_raw_bytes_are_read(tmp_path):
    """Python 2 wrote array data as SHORT_BINSTRING, which Python 3 never writes."""
    data = struct.pack("<2d", 1.5, -2.0)
    pickled = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(data)]) + data + b"tb."
    )
    path = tmp_path / "array.pkl"
    path.write_bytes(pickled)
    np.testing.assert_array_equal(load_pickle_safely(path), [1.5, -2.0])


def test_chumpys_arrays_come_back_as_arrays(tmp_path):
    base = np.arange(12.0)
    content = {"plain": Ch(base), "chosen": Select(Ch(base), np.array([3, 1, 5, 0]), (2, 2))}
    loaded = load_pickle_safely(write_old_pickle(tmp_path / "model.pkl", content))
    np.testing.assert_array_equal(loaded["plain"], base)
    np.testing.assert_array_equal(loaded["chosen"], [[3, 1], [5, 0]])
    assert "chumpy" not in sys.modules


HOSTILE_CALLS = {
    "os.system": call("os", "system", f"touch {MARK}"),
    "posix.system": call("posix", "system", f"touch {MARK}"),
    "nt.system": call("nt", "system", f"touch {MARK}"),
    "subprocess.Popen": call("subprocess", "Popen", ["touch", MARK]),
    "builtins.eval": call("builtins", "eval", f"open({MARK!r}, 'w')"),
    "__builtin__.eval": call("__builtin__", "eval", f"open({MARK!r}, 'w')"),
    "builtins.getattr": call("builtins", "getattr", "", "join"),
    "builtins.open": call("builtins", "open", MARK, "w"),
    "numpy.load": call("numpy", "load", "other.npy"),
    "numpy.save": call("numpy", "save", MARK, 1),
    "numpy.memmap": call("numpy", "memmap", MARK, "u1", "w+", 0, 4),
    "numpy.f2py.compile": call("numpy.f2py", "compile", "x"),
    "numpy.testing.runstring": call("numpy.testing._private.utils", "runstring", f"open({MARK!r}, 'w')", {}),
    "numpy.distutils.exec_command": call("numpy.distutils.exec_command", "exec_command", f"touch {MARK}"),
    "numpy.core.multiarray.fromfile": call("numpy.core.multiarray", "fromfile", "secret"),
    "scipy.io.loadmat": call("scipy.io", "loadmat", "x.mat"),
    "torch.load": call("torch", "load", "x.pt"),
    "copyreg.add_extension": call("copyreg", "add_extension", "os", "system", 1),
    "copy_reg.__newobj__": call("copy_reg", "__newobj__", 1),
    "functools.partial": call("functools", "partial", 1),
    "pickle.loads": call("pickle", "loads", b"x"),
    "chumpy.ch.Ch.__init__": call("chumpy.ch", "Ch.__init__", 1),
    "numpy.core.multiarray._reconstruct.__globals__": call("numpy.core.multiarray", "_reconstruct.__globals__"),
    "dotted name of protocol 4": b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.",
}


@pytest.mark.parametrize("name", HOSTILE_CALLS)
def test_hostile_files_run_nothing_and_are_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.pkl"
    content = HOSTILE_CALLS[name]
    path.write_bytes(content)
    with pytest.raises(UnsafePickleError, match=r"hostile\.pkl.*names .*which no body file needs"):
        load_pickle_safely(path)
    assert os.listdir(tmp_path) == ["hostile.pkl"]


def test_hostile_files_do_what_they_say_elsewhere(tmp_path, monkeypatch):
    """The pickles above are real: the standard reader obeys them."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(HOSTILE_CALLS["os.system"])
    assert (tmp_path / MARK).exists()


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
F8 = b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
EMPTY_ARRAY = RECONSTRUCT + NDARRAY + b"K\x00\x85U\x01b\x87R"

ODD_PIECES = {
    "state for a builder": RECONSTRUCT + b"}U\x01xK\x01sb.",
    "slots of a builder": RECONSTRUCT + b"N}U\x0b__globals__}s\x86b.",
    "state for a class": b"cchumpy.ch\nCh\n}U\x01xK\x01sb.",
    "slots of a class": b"cchumpy.ch\nCh\nN}U\x0c__setstate__K\x01s\x86b.",
    "state for set": b"c__builtin__\nset\n}U\x01xK\x01sb.",
    "reconstruct of a set": RECONSTRUCT + b"c__builtin__\nset\nK\x00\x85U\x01b\x87R.",
    "copy_reg of a set": b"ccopy_reg\n_reconstructor\nc__builtin__\nset\nc__builtin__\nobject\nN\x87R.",
    "copy_reg with another base": b"ccopy_reg\n_reconstructor\ncchumpy.ch\nCh\nc__builtin__\nset\nN\x87R.",
    "bytes by the million": b"c__builtin__\nbytes\nJ\x00\x00\x00\x7f\x85R.",
    "record dtype": b"cnumpy\ndtype\nU\x05f8,f8K\x00K\x01\x87R.",
    "dtype by class": b"cnumpy\ndtype\nc__builtin__\nset\nK\x00K\x01\x87R.",
    "dtype with fields": F8 + b"(K\x03U\x01<NU\x01x}K\x08K\x08K\x00tb.",
    "bytes that do not fit": EMPTY_ARRAY + b"(K\x01K\x05\x85" + F8 + b"\x89U\x08abcdefghtb.",
    "negative shape": EMPTY_ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + F8 + b"\x89U\x00tb.",
    "huge shape": EMPTY_ARRAY + b"(K\x01\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x10\x85" + F8 + b"\x89U\x08abcdefghtb.",
    "shape of text": EMPTY_ARRAY + b"(K\x01U\x01x\x85" + F8 + b"\x89U\x00tb.",
    "object scalar": b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02O8K\x00K\x01\x87RU\x08abcdefgh\x86R.",
    "another codec": b"c_codecs\nencode\nX\x01\x00\x00\x00xU\x05rot13\x86R.",
    "huge memo number": b"Nr\xff\xff\xff\x7f.",
    "a chumpy array of nothing": b"cchumpy.ch\nCh\n)\x81}b.",
    "extension registry": b"\x82\x01.",
    "persistent id": b"U\x01xQ.",
}


@pytest.mark.parametrize("name", ODD_PIECES)
def test_misused_pieces_end_in_one_line(tmp_path, name):
    path = tmp_path / "odd.pkl"
    path.write_bytes(b"\x80\x02" + ODD_PIECES[name])
    with pytest.raises(ValueError, match=r"odd\.pkl: ") as caught:
        load_pickle_safely(path)
    assert "\n" not in str(caught.value)


def test_misuse_leaves_the_reader_whole(tmp_path):
    path = tmp_path / "odd.pkl"
    for piece in ODD_PIECES.values():
        path.write_bytes(b"\x80\x02" + piece)
        with pytest.raises(ValueError, match="odd"):
            load_pickle_safely(path)
    test_chumpys_arrays_come_back_as_arrays(tmp_path)
    test_python_2s_raw_bytes_are_read(tmp_path)


def test_a_chumpy_array_that_holds_itself_is_refused(tmp_path):
    loop = Ch(None)
    loop.x = loop
    with pytest.raises(UnsafePickleError, match="nests objects"):
        load_pickle_safely(write_old_pickle(tmp_path / "loop.pkl", {"v_template": loop}))


def test_a_sparse_matrix_cannot_point_outside_itself(tmp_path):
    matrix = sparse.csc_matrix(np.eye(3))
    matrix.indices = np.array([0, 1, 10**9], dtype=np.int64)
    with pytest.raises(ValueError, match=r"out\.pkl"):
        load_pickle_safely(write_old_pickle(tmp_path / "out.pkl", {"J_regressor": matrix}))


def test_a_vast_sparse_matrix_is_refused(tmp_path):
    matrix = sparse.csc_matrix((10**6, 10**6))
    with pytest.raises(UnsafePickleError, match="1000000 x 1000000"):
        load_pickle_safely(write_old_pickle(tmp_path / "vast.pkl", {"J_regressor": matrix}))


def test_shared_references_do_not_multiply(tmp_path):
    """Ten levels of a list of ten: ten thousand million entries if each were converted on its own."""
    nested: list[object] = [1.0]
    for _ in range(10):
        nested = [nested] * 10
    path = write_old_pickle(tmp_path / "laughs.pkl", {"v_template": nested})
    assert len(load_pickle_safely(path)["v_template"]) == 10


def test_a_claim_of_vast_data_allocates_nothing(tmp_path):
    path = tmp_path / "claim.pkl"
    path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 42) + b"abc.")
    with pytest.raises(ValueError, match=r"claim\.pkl: not a pickle, or a truncated one"):
        load_pickle_safely(path)


def test_arrays_of_objects_hold_only_admitted_things(tmp_path):
    content = {"odd": np.array([None, "x", 3], dtype=object)}
    path = write_old_pickle(tmp_path / "objects.pkl", content)
    assert load_pickle_safely(path)["odd"] == [None, "x", 3]
    path.write_bytes(pickle.dumps({"odd": np.array([Path("x")], dtype=object)}, protocol=2))
    with pytest.raises(UnsafePickleError, match=r"names pathlib"):
        load_pickle_safely(path)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.99])
def test_truncated_pickles_end_in_one_line(tmp_path, share):
    path = write_old_pickle(tmp_path / "cut.pkl", {"v_template": np.zeros((50, 3)), "f": np.zeros(9)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"cut\.pkl: not a pickle, or a truncated one"):
        load_pickle_safely(path)


def test_ordered_dictionaries_are_dictionaries(tmp_path):
    for protocol in (0, 2, 4):
        path = tmp_path / f"{protocol}.pkl"
        path.write_bytes(pickle.dumps(OrderedDict([("b", 2), ("a", np.arange(3))]), protocol=protocol))
        content = load_pickle_safely(path)
        assert type(content) is dict
        assert list(content) == ["b", "a"]
        np.testing.assert_array_equal(content["a"], np.arange(3))
    python2 = b"ccollections\nOrderedDict\np1\n((lp2\n(lp3\nS'nose'\np4\naI331\naatRp5\n."
    (tmp_path / "old.pkl").write_bytes(python2)
    assert load_pickle_safely(tmp_path / "old.pkl") == {"nose": 331}
    (tmp_path / "odd.pkl").write_bytes(python2.replace(b"S'nose'", b"I7"))
    with pytest.raises(UnsafePickleError, match="something else than names and values"):
        load_pickle_safely(tmp_path / "odd.pkl")
