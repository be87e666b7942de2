from __future__ import annotations

import os
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from old_pickles import Ch, Select, write_old_pickle  # type: ignore[import-not-found]  # its folder is on pytest's path
from scipy import sparse

from anchorfit.body import unpickling
from anchorfit.body.unpickling import UnsafePickleError, load_pickle_safely

MARK = "the-hostile-file-was-here"


def call_by_global(module: str, name: str, arguments: tuple[object, ...]) -> bytes:
    """A protocol 2 pickle that calls ``module.name(*arguments)``."""
    return b"\x80\x02" + f"c{module}\n{name}\n".encode() + pickle.dumps(arguments, protocol=2)[2:-1] + b"R."


def call_by_text(module: str, name: str, arguments: tuple[object, ...]) -> bytes:
    """The same in protocol 0, behind a text that is no ASCII."""
    return b"S'\\x00\xff'\n0" + f"c{module}\n{name}\n".encode() + pickle.dumps(arguments, protocol=0)[:-1] + b"R."


def call_by_instance(module: str, name: str, arguments: tuple[object, ...]) -> bytes:
    """The same as protocol 0 makes instances of Python 2's old classes."""
    given = b"".join(pickle.dumps(argument, protocol=0)[:-1] for argument in arguments)
    return b"(" + given + f"i{module}\n{name}\n.".encode()


def call_by_stack(module: str, name: str, arguments: tuple[object, ...]) -> bytes:
    """The same in protocol 5."""
    names = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    return b"\x80\x05" + names + b"\x93" + pickle.dumps(arguments, protocol=3)[2:-1] + b"R."


FORMS = (call_by_global, call_by_text, call_by_instance, call_by_stack)


@pytest.mark.parametrize("protocol", ["python 2", *range(pickle.HIGHEST_PROTOCOL + 1)])
def test_arrays_of_all_kinds_come_back(tmp_path, protocol):
    content: dict[str, Any] = {
        "reals": np.random.default_rng(0).normal(size=(4, 3)),
        "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "tree": np.array([[4294967295, 0], [0, 1]], dtype=np.uint32),
        "big endian": np.arange(3, dtype=">i4"),
        "empty": np.zeros((0, 3)),
        "turned": np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
        "every second": np.arange(24.0).reshape(4, 6)[::2, 1::2],
        "matrix": np.eye(2).view(np.matrix),
        "number": np.float64(2.5),
        "text": "lrotmin",
        "names": {"a", "b"},
        "nested": {"list": [1, (2.0, None)]},
    }
    kinds = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array")
    sparse_matrix = np.arange(6.0).reshape(2, 3)
    content |= {kind: getattr(sparse, kind)(sparse_matrix) for kind in kinds}
    path = tmp_path / "model.pkl"
    if protocol == "python 2":
        write_old_pickle(path, content)
    else:
        path.write_bytes(pickle.dumps(content, protocol=protocol))
    loaded = load_pickle_safely(path)
    assert loaded.keys() == content.keys()
    for key in ("reals", "columns", "tree", "big endian", "empty", "turned", "every second", "matrix"):
        np.testing.assert_array_equal(loaded[key], content[key])
        assert loaded[key].dtype == content[key].dtype
    for kind in kinds:
        np.testing.assert_array_equal(loaded[kind], sparse_matrix)
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


HOSTILE_CALLS: dict[str, tuple[object, ...]] = {
    "os.system": ("os", "system", f"touch {MARK}"),
    "posix.system": ("posix", "system", f"touch {MARK}"),
    "nt.system": ("nt", "system", f"touch {MARK}"),
    "subprocess.Popen": ("subprocess", "Popen", ["touch", MARK]),
    "builtins.eval": ("builtins", "eval", f"open({MARK!r}, 'w')"),
    "__builtin__.eval": ("__builtin__", "eval", f"open({MARK!r}, 'w')"),
    "builtins.getattr": ("builtins", "getattr", "", "join"),
    "builtins.open": ("builtins", "open", MARK, "w"),
    "numpy.load": ("numpy", "load", "other.npy"),
    "numpy.save": ("numpy", "save", MARK, 1),
    "numpy.memmap": ("numpy", "memmap", MARK, "u1", "w+", 0, 4),
    "numpy.f2py.compile": ("numpy.f2py", "compile", "x"),
    "numpy.testing.runstring": ("numpy.testing._private.utils", "runstring", f"open({MARK!r}, 'w')", {}),
    "numpy.distutils.exec_command": ("numpy.distutils.exec_command", "exec_command", f"touch {MARK}"),
    "numpy.core.multiarray.fromfile": ("numpy.core.multiarray", "fromfile", "secret"),
    "scipy.io.loadmat": ("scipy.io", "loadmat", "x.mat"),
    "torch.load": ("torch", "load", "x.pt"),
    "copyreg.add_extension": ("copyreg", "add_extension", "os", "system", 1),
    "copy_reg.__newobj__": ("copy_reg", "__newobj__", 1),
    "functools.partial": ("functools", "partial", 1),
    "pickle.loads": ("pickle", "loads", b"x"),
    "chumpy.ch.Ch.__init__": ("chumpy.ch", "Ch.__init__", 1),
    "numpy.core.multiarray._reconstruct.__globals__": ("numpy.core.multiarray", "_reconstruct.__globals__"),
    "numpy.ndarray.__class__": ("numpy", "ndarray.__class__"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HOSTILE_CALLS)
def test_hostile_files_run_nothing_and_are_named(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.pkl"
    module, function, *arguments = HOSTILE_CALLS[name]
    path.write_bytes(form(module, function, tuple(arguments)))
    with pytest.raises(UnsafePickleError, match=r"hostile\.pkl.*names .*which no body file needs"):
        load_pickle_safely(path)
    assert os.listdir(tmp_path) == ["hostile.pkl"]


@pytest.mark.parametrize("form", FORMS)
def test_hostile_files_do_what_they_say_elsewhere(tmp_path, monkeypatch, form):
    """The pickles above are real: the standard reader obeys them."""
    monkeypatch.chdir(tmp_path)
    module, function, *arguments = HOSTILE_CALLS["os.system"]
    pickle.loads(form(module, function, tuple(arguments)), encoding="latin1")
    assert (tmp_path / MARK).exists()


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
F8 = b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
FROMBUFFER = b"cnumpy.core.numeric\n_frombuffer\n"
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
    "huge memo number of protocol 0": b"Np4294967295\n.",
    "huge memo number behind a text": b"S'\\x00\xff'\np4294967295\n.",
    "huge memo number behind a wide text": b"V\\u00e9\np4294967295\n.",
    "text without an end": b"S'\xff\\x00",
    "text without quotes": b"S\xff\n.",
    "text with a broken escape": b"S'\\x0'\n.",
    "persistent id of protocol 0": b"Px\n.",
    "bytes from outside": b"\x97.",
    "bytes from outside, to be read only": b"N\x98.",
    "buffer that does not fit": FROMBUFFER + b"(C\x07abcdefg" + F8 + b"K\x01\x85U\x01CtR.",
    "buffer of a list": FROMBUFFER + b"(]" + F8 + b"K\x00\x85U\x01CtR.",
    "buffer in another order": FROMBUFFER + b"(C\x08abcdefgh" + F8 + b"K\x01\x85U\x01AtR.",
    "buffer turned to no axis": FROMBUFFER + b"(C\x08abcdefgh" + F8 + b"K\x01\x85U\x01KK\x01\x85tR.",
    "buffer turned to a text": FROMBUFFER + b"(C\x08abcdefgh" + F8 + b"K\x01\x85U\x01KU\x01x\x85tR.",
    "chosen from a list": b"cchumpy.reordering\nSelect\n)\x81}(U\x01a]U\x04idxs]ub.",
    "set of a number": b"c__builtin__\nset\nK\x01\x85R.",
    "set of nothing": b"c__builtin__\nset\n)\x81.",
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


def test_an_entry_cannot_be_placed_outside_its_matrix(tmp_path):
    for place in (-1, 3):
        matrix = sparse.coo_matrix(np.eye(3))
        matrix.row = np.array([0, 1, place], dtype=np.int32)
        with pytest.raises(ValueError, match=r"out\.pkl"):
            load_pickle_safely(write_old_pickle(tmp_path / "out.pkl", {"J_regressor": matrix}))


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csr_array, sparse.coo_matrix])
def test_a_vast_sparse_matrix_is_refused(tmp_path, kind):
    matrix = kind((10**6, 10**6))
    with pytest.raises(UnsafePickleError, match="1000000 x 1000000"):
        load_pickle_safely(write_old_pickle(tmp_path / "vast.pkl", {"J_regressor": matrix}))


def test_shared_references_do_not_multiply(tmp_path):
    """Ten levels of a list of ten: ten thousand million entries if each were converted on its own."""
    nested: list[object] = [1.0]
    for _ in range(10):
        nested = [nested] * 10
    path = write_old_pickle(tmp_path / "laughs.pkl", {"v_template": nested})
    assert len(load_pickle_safely(path)["v_template"]) == 10


COPIES = {  # of eight hundred bytes that stand in the file once
    "arrays": EMPTY_ARRAY + b"(K\x01Kd\x85" + F8 + b"\x89h\xfbtb",
    "arrays of protocol 5": FROMBUFFER + b"(h\xfb" + F8 + b"Kd\x85U\x01CtR",
    "bytes": b"c_codecs\nencode\nh\xfc\x85R",
    "sets": b"c__builtin__\nset\nh\xfd\x85R",
    "dictionaries": b"ccollections\nOrderedDict\nh\xfe\x85R",
}


@pytest.mark.parametrize("what", COPIES)
def test_copies_of_what_a_file_holds_once_are_counted(tmp_path, monkeypatch, what):
    monkeypatch.setattr(unpickling, "_MAX_ENTRIES", 5000)
    pairs = [[f"{n}", n] for n in range(100)]
    shared = [b"x" * 800, "x" * 800, list(range(100)), pairs]
    given = b"".join(
        pickle.dumps(thing, protocol=3)[2:-1] + b"q" + bytes([number]) + b"0"
        for number, thing in enumerate(shared, 0xFB)
    )
    path = tmp_path / "copies.pkl"
    path.write_bytes(b"\x80\x03" + given + b"(" + COPIES[what] * 40 + b"l.")
    assert len(load_pickle_safely(path)) == 40
    path.write_bytes(b"\x80\x03" + given + b"(" + COPIES[what] * 60 + b"l.")
    with pytest.raises(UnsafePickleError, match=r"copies\.pkl: .* too large for a body file"):
        load_pickle_safely(path)


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


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_a_joblib_file_is_called_one(tmp_path, compress):
    """It is no truncated pickle: its arrays lie between the opcodes, or all of it is compressed."""
    path = tmp_path / "body.pkl"
    joblib.dump({1: {"pose": np.zeros((12, 72))}}, path, compress=compress)
    with pytest.raises(
        ValueError, match=r"body\.pkl: is a joblib file, not a pickle alone; .*joblib\.load\('body\.pkl'\)"
    ):
        load_pickle_safely(path)
