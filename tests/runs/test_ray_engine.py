"""Ray as the engine: order, errors, workers that are killed; and a command that ends as it does without Ray."""

import importlib.util
import json
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS
from anchorfit.cli.main import app
from anchorfit.observations import PeopleFile, Person, read_people, write_image
from anchorfit.options import OptionError
from anchorfit.pipeline import Outcome
from anchorfit.runs import INDEX, EngineOptions, RunFolder, detecting, planning, read_index
from anchorfit.runs import ray_engine as module
from anchorfit.runs.chunks import Chunk, Worked, Written, work_through
from anchorfit.runs.engines import Engines, in_this_process, opened_engines
from anchorfit.runs.ray_engine import RETRIES, ray_engines

SKIER = next(
    a
    for a in json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())["annotations"]
    if a["image_id"] == 785
)
NOBODY = np.zeros((len(CANONICAL_JOINTS), 2))
PEOPLE = [
    Person(person_id=str(i), keypoints=NOBODY, confidence=NOBODY[:, 0], image=Path(f"{i // 3}.jpg"), image_label="?")
    for i in range(11)
]


needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture(scope="module")
def engines():
    """Two worker processes; started once, for it takes seconds."""
    said: list[str] = []
    with ray_engines(workers=2, detector_gpus=0.5, warn=said.append) as started:
        assert said == ["ray: there is no GPU in the cluster; people are looked for on CPUs"]
        from ray import cloudpickle

        cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not find this file
        cloudpickle.register_pickle_by_value(detecting)  # and are to look with this file's eyes
        yield started


@pytest.fixture(params=["fit", "detect"])
def engine(request, engines):
    """Tasks, and actors: what is promised of one is promised of the other."""
    return getattr(engines, request.param)


class Square:
    """Work that can fail, and whose process is killed the first few times that it sees a number."""

    def __init__(self, folder: Path, *, deadly: int = -1, kills: int = 1, bad: int = -1) -> None:
        self.folder, self.deadly, self.kills, self.bad = folder, deadly, kills, bad

    def __call__(self, number: int) -> tuple[int, int]:
        if number == self.bad:
            raise OSError("disk.npz: cannot be written (No space left on device)")
        attempts = len(list(self.folder.glob(f"{number}-*")))
        (self.folder / f"{number}-{attempts}").touch()
        if number == self.deadly and attempts < self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        return number**2, os.getpid()


@needs_ray
@pytest.mark.slow
def test_results_come_in_order_from_other_processes_though_one_is_killed(engine, tmp_path):
    numbers = list(range(9))
    results = list(engine(Square(tmp_path, deadly=3), numbers))
    assert [result for result, _ in results] == [result for result, _ in in_this_process(Square(tmp_path), numbers)]
    assert os.getpid() not in {pid for _, pid in results}
    assert (tmp_path / "3-1").exists()  # the second time
    assert list(engine(Square(tmp_path), [])) == []


@needs_ray
@pytest.mark.slow
def test_an_error_of_the_work_is_raised_as_it_is(engine, tmp_path):
    with pytest.raises(OSError, match=r"^disk\.npz: cannot be written \(No space left on device\)$"):
        list(engine(Square(tmp_path, bad=1), [0, 1, 2]))


@needs_ray
@pytest.mark.slow
def test_what_kills_every_process_ends_in_one_line(engine, tmp_path):
    with pytest.raises(OSError, match=r"^ray: gave up \(.*\); the same command goes on with what is left$"):
        list(engine(Square(tmp_path, deadly=1, kills=99), [0, 1]))
    assert len(list(tmp_path.glob("1-*"))) == 1 + RETRIES


def use(engines: Engines, monkeypatch) -> None:
    """The command takes the engines that are there."""

    @contextmanager
    def already_started(**options: object):
        assert options.items() >= {"workers": 2, "cluster": None, "gpus": 0.0}.items()
        yield engines

    monkeypatch.setattr(module, "ray_engines", already_started)


class Deadly:
    """A detector that sees the skier where the picture's first pixels say so; its process is killed at the fourth."""

    name, most_people = "deadly", 5

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def people(self, image: np.ndarray) -> PeopleFile:
        number = int(image[0, 0, 0]) // 10
        scar = self.folder / "killed"
        if number == 3 and multiprocessing_worker() and not scar.exists():
            scar.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        skier = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
        shifted = replace(skier, keypoints=skier.keypoints + number, image=None, mask=None, image_size=(640, 425))
        return PeopleFile(tuple(replace(shifted, person_id=str(i)) for i in range(number % 3)))


def multiprocessing_worker() -> bool:
    return "default_worker" in " ".join(sys.argv)


@needs_ray
@pytest.mark.slow
def test_detection_in_the_loop_and_a_detecting_worker_killed(engines, tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        write_image(photos / f"{number}.png", np.full((425, 640, 3), 10 * number, np.uint8))
    monkeypatch.setattr(detecting, "AT_ONCE", 2)
    monkeypatch.setattr(detecting, "_load", lambda chosen, search, device, warn: Deadly(tmp_path))
    monkeypatch.chdir(tmp_path)
    use(engines, monkeypatch)

    def fit(output: str, *options: object) -> str:
        result = CliRunner().invoke(app, ["fit", "photos", "-o", output, "--save", "shards", *map(str, options)])
        assert result.exit_code == 0, result.output
        return result.output

    fit("local")
    said = fit("ray", "--engine", "ray", "--workers", 2, "--detector-gpus", 0.5)
    assert "0.png: deadly finds no person in it" in " ".join(said.split())
    assert (tmp_path / "killed").exists()
    assert len(list(read_index(tmp_path / "ray"))) == 7
    same_files(tmp_path / "local", tmp_path / "ray")


class Work:
    """Writes a chunk's file; its process is killed once between the file and its answer."""

    def __init__(self, estimate, folder: Path) -> None:
        self.estimate, self.folder = estimate, folder

    def fit(self, people) -> Worked:
        names = tuple(person.name for person in people)
        return Worked(Outcome(replace(self.estimate.rows(range(len(people))), names=names), ()))

    def write(self, chunk: Chunk, estimate) -> Written:
        path = self.folder / f"people-{chunk.number:05}.npz"
        again = path.exists()
        estimate.save(path)
        if chunk.number == 1 and not again:
            os.kill(os.getpid(), signal.SIGKILL)
        return Written({name: {"file": path.name, "row": row} for row, name in enumerate(estimate.names)}, [])


@needs_ray
@pytest.mark.slow
def test_a_worker_killed_after_its_file_loses_nothing(engines, some_estimate, tmp_path):
    for name, mapped in (("local", in_this_process), ("ray", engines.fit)):
        folder = tmp_path / name
        folder.mkdir()
        work = Work(some_estimate(6), folder)
        if name == "local":
            (folder / "people-00001.npz").touch()  # as if it had been killed before
        summary = work_through(PEOPLE, RunFolder.open(folder, {}), work.fit, work.write, chunk_size=3, engine=mapped)
        assert (summary.fitted, summary.any_file) == (11, True)
    same_files(tmp_path / "local", tmp_path / "ray")


@needs_ray
@pytest.mark.slow
def test_the_command_ends_with_the_same_files(engines, tmp_path, monkeypatch):
    """Also where the local engine was stopped in the middle and Ray goes on."""
    use(engines, monkeypatch)
    monkeypatch.setattr(planning, "SHARD", 3)
    people = tmp_path / "people.json"
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 425} for i in range(8)]
    annotations = [{**SKIER, "id": i, "image_id": i} for i in range(8)]
    people.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    commit = RunFolder.commit

    def killed_at_the_second(self: RunFolder, records) -> None:
        if self.chunks:
            raise KeyboardInterrupt
        commit(self, records)

    def fit(output: str, *options: object):
        command = ["fit", people, "-o", tmp_path / output, *options]
        return CliRunner().invoke(app, [str(argument) for argument in command])

    assert fit("local").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "commit", killed_at_the_second)
        assert fit("ray").exit_code != 0
    result = fit("ray", "--engine", "ray", "--workers", 2)
    assert result.exit_code == 0, result.output
    assert "8 people" not in result.output  # few enough for the table, which Ray's workers sent
    assert "4.jpg#4" in result.output
    assert "Ray" not in result.output
    same_files(tmp_path / "local", tmp_path / "ray")


def same_files(one: Path, other: Path) -> None:
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())
    assert (one / INDEX).read_bytes() == (other / INDEX).read_bytes()
    for path in one.glob("*.npz"):
        with np.load(path) as first, np.load(other / path.name) as second:
            assert first.files == second.files
            assert all(first[key].tobytes() == second[key].tobytes() for key in first.files)


def test_options_that_do_not_go_with_an_engine_are_refused(tmp_path, monkeypatch):
    def said(*options: object) -> str:
        result = CliRunner().invoke(app, ["fit", "x.json", "-o", str(tmp_path), *map(str, options)])
        assert result.exit_code in (1, 2)
        return f"{result.output} {result.exception}"

    assert "--report: only with --engine local" in said("--engine", "ray", "--report")
    assert "--detector-gpus: only with --engine ray" in said("--detector-gpus", 1)
    assert "expected one of local, ray" in said("--engine", "spark")
    ray = EngineOptions(name="ray")
    with pytest.raises(OptionError, match="say cuda, without a number"), opened_engines(ray, "cuda:1"):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install '?ray\[data\]"), ray_engines():
        pass
