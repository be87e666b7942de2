"""Packages that are optional: where one is installed and fails, its own reason is said, not that it is missing."""

import re
import sys
from pathlib import Path

import pytest

import anchorfit
from anchorfit.body import load_body
from anchorfit.evaluation.reports.people import write_person_scores
from anchorfit.interchange import write_rerun
from anchorfit.interchange.results import read_results
from anchorfit.options import without_package
from anchorfit.points.c3d import read_c3d
from anchorfit.points.command import PointJob, fit_point_files

BROKEN = "raise ImportError('needs NumPy 2.0 or newer')\n"


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Puts a package before the real one that fails when it is imported, as a newer one beside numpy 1 does."""

    def put(name):
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "__init__.py").write_text(BROKEN)
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.syspath_prepend(tmp_path / "site")

    return put


def test_a_missing_package_is_to_be_installed():
    missing = ModuleNotFoundError("No module named 'rerun'", name="rerun")
    assert without_package("rerun", "pip install it", missing) == "pip install it"
    inner = ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")
    assert without_package("rerun", "pip install it", inner).endswith("cannot be imported: No module named 'pyarrow'")


def test_a_broken_one_says_why(broken, some_estimate, tmp_path):
    broken("rerun")
    with pytest.raises(ImportError, match=r"rerun is installed and cannot be imported: needs NumPy 2\.0 or newer$"):
        write_rerun(tmp_path / "a.rrd", some_estimate(1), load_body())
    broken("ezc3d")
    with pytest.raises(ImportError, match="ezc3d is installed and cannot be imported"):
        read_c3d(tmp_path / "a.c3d")


def test_lines_for_users_name_no_exception_of_python(broken, tmp_path):
    """ "ImportError: reading .c3d files needs ezc3d", "EOFError: Ran out of input"."""
    body = load_body()
    broken("ezc3d")
    (tmp_path / "walk.c3d").write_bytes(b"\x02\x50" + b"\0" * 600)
    told = fit_point_files([tmp_path / "walk.c3d"], body, tmp_path / "out", PointJob(convention="names")).problems
    assert told == (f"{tmp_path / 'walk.c3d'}: ezc3d is installed and cannot be imported: needs NumPy 2.0 or newer",)
    (tmp_path / "cut.pkl").write_bytes(b"\x80\x04")
    (tmp_path / "list.pkl").write_bytes(b"l.")
    for read in (load_body, read_results):
        for name in ("cut.pkl", "list.pkl"):
            with pytest.raises((ValueError, OSError), match=re.escape(name)) as caught:
                read(str(tmp_path / name))
            assert not re.search(r"\b[A-Z]\w+Error\b", str(caught.value)), caught.value


def test_tables_that_fall_back_say_so(broken, tmp_path):
    broken("pyarrow")
    with pytest.warns(RuntimeWarning, match="people.csv is written in place of people.parquet: pyarrow is installed"):
        assert write_person_scores(tmp_path, []).name == "people.csv"


def test_no_message_tells_to_install_this_package_from_an_index():
    """It is on none: what an extra asks for is named (`options.install_command`)."""
    root = Path(anchorfit.__file__).resolve().parent
    folders = (root, *(root.parent / name for name in ("fitting", "regressors", "evaluation")))
    found = [path for folder in folders for path in folder.rglob("*.py") if "install 'anchorfit[" in path.read_text()]
    assert not found
