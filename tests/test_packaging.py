"""The wheel holds everything, and works where the source is not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import anchorfit
from anchorfit.evaluation.methods import BASELINES

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, so that nothing left in the folder can get into a wheel."""
    source = tmp_path_factory.mktemp("source")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink():
            target.symlink_to(os.readlink(ROOT / name))
        elif (ROOT / name).exists():
            target.write_bytes((ROOT / name).read_bytes())
    return source


def built(source: Path, out: Path) -> Path:
    """The wheel of a folder."""
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(source, tmp_path_factory) -> Path:
    return built(source, tmp_path_factory.mktemp("wheel"))


def metadata(wheel: Path, file: str) -> str:
    """A file of the wheel's ``.dist-info``."""
    with zipfile.ZipFile(wheel) as inside:
        (name,) = (name for name in inside.namelist() if name.endswith(f".dist-info/{file}"))
        return inside.read(name).decode()


def test_the_wheel_holds_every_module_and_asset(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("anchorfit", "fitting", "regressors", "evaluation"):
        prefix = "" if folder == "anchorfit" else "anchorfit/"
        for path in (ROOT / folder).rglob("*.py"):
            if not any(parent.is_symlink() for parent in path.parents):
                assert f"{prefix}{path.relative_to(ROOT).as_posix()}" in inside
    for path in (ROOT / "anchorfit" / "assets").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in inside
    assert any(name.endswith("licenses/NOTICE") for name in inside)
    assert not any(
        name.split("/")[0] in {"fitting", "regressors", "evaluation", "tests", "anchorfit_baselines"} for name in inside
    )


def test_the_wheel_asks_for_the_opencv_that_needs_no_screen(wheel):
    asked = [line for line in metadata(wheel, "METADATA").splitlines() if line.startswith("Requires-Dist: opencv")]
    core = [line for line in asked if "extra ==" not in line]
    assert core == ["Requires-Dist: opencv-python-headless>=4.8"]
    beside = {line.split("==")[1].split(";")[0].strip() for line in asked if line not in core}
    assert len(beside) == 1  # two that write the same files are of one version


def test_the_baselines_are_a_wheel_of_their_own(source, tmp_path):
    own = built(source / "baselines", tmp_path)
    inside = set(zipfile.ZipFile(own).namelist())
    modules = {path.relative_to(ROOT / "baselines").as_posix() for path in (ROOT / "baselines").rglob("*.py")}
    assert {name for name in inside if ".dist-info/" not in name} == {*modules, "anchorfit_baselines/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    lines = metadata(own, "METADATA").splitlines()
    assert f"Version: {anchorfit.__version__}" in lines
    asked = [line for line in lines if line.startswith("Requires-Dist: ")]
    assert asked == [
        f"Requires-Dist: anchorfit=={anchorfit.__version__}",
        'Requires-Dist: scikit-learn>=1.5; extra == "forests"',
    ]
    assert metadata(own, "entry_points.txt").count("anchorfit_baselines.methods:") == len(BASELINES)


def test_people_are_found_without_any_opencv():
    """As on a system whose OpenCV cannot be loaded, for want of libGL."""
    code = """if True:
        import sys
        sys.modules["cv2"] = None
        import anchorfit, anchorfit.cli.main
        from anchorfit.assets import ASSETS
        print(len(anchorfit.detect(ASSETS / "demo" / "000000000785.jpg")))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_the_wheel_is_installed_by_name_from_an_index(wheel, tmp_path):
    page = tmp_path / "index" / "anchorfit" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="{wheel.as_uri()}">{wheel.name}</a>')
    site = tmp_path / "site"
    index = ["--index-url", (tmp_path / "index").as_uri()]
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "-q", "--no-deps", *index, "--target", str(site)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    subprocess.run([*pip, "anchorfit"], check=True, env={**own, "PIP_CONFIG_FILE": os.devnull})
    code = "import anchorfit, sys; print(anchorfit.__version__, anchorfit.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == [anchorfit.__version__, str(site / "anchorfit" / "__init__.py")], done.stderr


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < 60e6


@pytest.mark.slow
def test_the_installed_wheel_fits_the_demo(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True)
    code = "import anchorfit, sys; assert 'site' in anchorfit.__file__; from anchorfit.cli.main import run; run()"
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-P", "-c", code, "demo", "-o", str(tmp_path / "out")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "contact_sheet.jpg").stat().st_size > 10_000
