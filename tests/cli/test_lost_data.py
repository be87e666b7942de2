"""A run loses nothing that is not its own, and a folder where runs followed each other reads as the last of them."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.cli.main import run
from anchorfit.many_estimates import load_estimates, load_estimates_by_method
from anchorfit.runs import RunOptions

ANNOTATIONS = json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())["annotations"]
SKIER = next(a for a in ANNOTATIONS if a["image_id"] == 785)


def people_file(path: Path, count: int) -> Path:
    """A COCO file of so many images with the skier, shifted a little in each."""
    annotations = []
    for number in range(count):
        keypoints = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
        keypoints[:, :2] += number % 7
        known = {"id": number + 1, "image_id": number + 1, "category_id": 1, "iscrowd": 0}
        annotations.append(known | {"keypoints": keypoints.ravel().tolist()})
    images = [{"id": i + 1, "file_name": f"{i}.jpg", "width": 640, "height": 425} for i in range(count)]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    return path


@pytest.fixture
def command(capsys, monkeypatch):
    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["anchorfit", *map(str, arguments)])
        try:
            run()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return code, " ".join(capsys.readouterr().err.replace("│", " ").split())

    return call


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["people-00000.npz", "people-00001.npz"])
def test_inputs_and_what_no_run_wrote_stay(command, tmp_path, monkeypatch, name):
    from anchorfit.observations import read_people
    from anchorfit.observations.formats.own_npz import write_npz

    monkeypatch.chdir(tmp_path)
    write_npz(Path(name), list(read_people(people_file(tmp_path / "people.json", 2)).people))
    Path("person-1.npz").write_bytes(b"somebody's")
    before = contents(tmp_path)
    code, said = command("fit", name, "-o", ".")
    if name == "people-00000.npz":  # the results would take its place
        assert code == 1
        assert "what is read lies where results go, and would be overwritten" in said
        assert contents(tmp_path) == before
    else:
        assert code == 0, said
        assert before.items() <= contents(tmp_path).items()


def test_a_file_that_no_run_wrote_is_not_overwritten(command, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0_1.npz").write_bytes(b"mine")
    code, said = command("fit", people_file(tmp_path / "people.json", 1), "-o", tmp_path / "out", "--save", "npz")
    assert code == 1
    assert "0_1.npz: is there already, and is not of a run in this folder" in said
    assert contents(tmp_path / "out") == {"0_1.npz": b"mine"}


@pytest.mark.parametrize("name", ["fit", "predict", "demo", "export"])
def test_an_empty_output_is_not_the_current_folder(command, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    code, said = command(name, *([] if name == "demo" else ["x.json"]), "-o", "")
    assert code == 2
    assert "expected a name, got an empty one" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", '{"images": [', '{"images": [], "annotations": []}', None])
def test_a_command_that_fails_leaves_the_finished_run(command, tmp_path, content):
    people, out = people_file(tmp_path / "people.json", 2), tmp_path / "out"
    assert command("fit", people, "-o", out)[0] == 0
    before = contents(out)
    if content is None:
        people.unlink()
    else:
        people.write_text(content)
    assert command("fit", people, "-o", out)[0] == 1
    assert contents(out) == before
    assert command("fit", tmp_path / "typo.json", "-o", out, "--restart")[0] == 1
    assert contents(out) == before


def test_a_run_that_starts_from_its_own_folder_is_refused(command, tmp_path):
    people, out = people_file(tmp_path / "people.json", 2), tmp_path / "out"
    assert command("predict", people, "-o", out)[0] == 0
    before = contents(out)
    code, said = command("fit", people, "-o", out, "--init", out)
    assert code == 1
    assert "what is read lies where results go" in said
    assert contents(out) == before


def test_other_results_in_a_folder_to_start_from_are_another_run(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"one")
    options = RunOptions(init=(tmp_path,))
    before = options.settings()
    (tmp_path / "a.png").write_bytes(b"no result")
    assert options.settings() == before
    (tmp_path / "a.npz").write_bytes(b"two")
    assert options.settings() != before


def test_a_folder_of_several_runs_reads_as_the_last(command, tmp_path):
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "many.json", 6), "-o", out)[0] == 0
    few = people_file(tmp_path / "few.json", 2)
    assert command("fit", few, "-o", out, "--save", "npz")[0] == 0
    assert load_estimates([out]).names == ("0.jpg#1", "1.jpg#2")
    assert command("predict", few, "-o", out, "--save", "npz,shards")[0] == 0
    assert len(load_estimates([out])) == 2  # nobody twice
    assert {method: len(found) for method, found in load_estimates_by_method([out]).items()} == {"direct": 2}
    assert command("export", out, "-o", tmp_path / "meshes", "--save", "obj")[0] == 0
    assert len(list((tmp_path / "meshes").iterdir())) == 2
    assert command("report", out, "-o", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert [page.count(f'"name":"{i}.jpg#{i + 1}"') for i in range(6)] == [1, 1, 0, 0, 0, 0]
    assert command("fit", few, "-o", tmp_path / "fitted", "--init", out)[0] == 0
    (tmp_path / "strange.npz").write_bytes((out / "people-00000.npz").read_bytes())
    (tmp_path / "strange.npz").rename(out / "z.npz")  # nor is what somebody put there read
    assert len(load_estimates([out])) == 2


def test_a_restart_leaves_no_stale_file(command, tmp_path):
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "people.json", 4), "-o", out, "--save", "npz,obj,side,coco")[0] == 0
    assert (out / "3_4.obj").exists()
    fewer = people_file(tmp_path / "people.json", 2)
    assert command("fit", fewer, "-o", out, "--save", "npz,obj", "--restart")[0] == 0
    assert {path.name for path in out.iterdir() if path.name[0] != "."} == {
        "index.jsonl", "0_1.npz", "0_1.obj", "1_2.npz", "1_2.obj",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "MemoryError; there is not enough memory"),
        (TypeError("expected str,\ngot None"), "TypeError: expected str, got None (unforeseen; ANCHORFIT_TRACEBACK=1"),
        (IndexError("7"), "IndexError: 7 (unforeseen"),
        (RuntimeError("CUDA out of memory"), "RuntimeError: CUDA out of memory; there is not enough memory"),
        (BrokenPipeError(32, "Broken pipe"), ""),
    ],
)
def test_whatever_is_raised_is_one_line(command, tmp_path, monkeypatch, error, told):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("anchorfit.observations.files.read_people", broken)
    monkeypatch.setattr("anchorfit.runs.sources.read_people", broken)
    people = people_file(tmp_path / "people.json", 1)
    code, said = command("fit", people, "-o", tmp_path / "out")
    assert code == 1
    assert told in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("ANCHORFIT_TRACEBACK", "1")
    if not isinstance(error, OSError):
        with pytest.raises(type(error)):
            command("fit", people, "-o", tmp_path / "out")


def test_a_closed_output_is_no_traceback(tmp_path):
    import subprocess

    people = people_file(tmp_path / "people.json", 1)
    code = "from anchorfit.cli.main import run; run()"
    line = f'"{sys.executable}" -c "{code}" fit "{people}" -o "{tmp_path / "out"}"'
    for where in (">&-", "> /dev/full"):
        done = subprocess.run(["sh", "-c", f"{line} {where}"], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        lines = done.stderr.splitlines()
        assert all(line.startswith("anchorfit: ") for line in lines)
        assert sum(line.startswith("anchorfit: error") for line in lines) <= 1


def test_a_file_of_people_is_not_said_to_be_empty(command, tmp_path):
    """Nobody can be fitted, but there are people: an image id that stands for two images, people of other images."""
    people = people_file(tmp_path / "people.json", 2)
    content = json.loads(people.read_text())
    twice = [dict(image, id=content["images"][0]["id"]) for image in content["images"]]
    content["annotations"] = [dict(one, image_id=twice[0]["id"]) for one in content["annotations"]]
    (tmp_path / "twice.json").write_text(json.dumps(content | {"images": twice}))
    photograph = ASSETS / "demo" / "000000000785.jpg"
    for call in ((tmp_path / "twice.json",), (photograph, "-k", tmp_path / "twice.json")):
        code, said = command("fit", *call, "-o", tmp_path / "out")
        assert code == 1
        assert "its 2 people are left out" in said
        assert "nobody in it can be used, as the lines above say" in said
        assert "no person in twice.json" not in said
    code, said = command("fit", photograph, "-k", people, "-o", tmp_path / "out")
    assert code == 1
    assert f"2 people in it, none for {photograph}" in said


def without_joints(path: Path, count: int) -> Path:
    content = json.loads(people_file(path, count).read_text())
    for one in content["annotations"]:
        one["keypoints"] = [0.0] * 51
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("start", [False, "init", "refine"])
def test_a_run_of_which_nobody_can_be_fitted_leaves_the_finished_one(command, tmp_path, start):
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "people.json", 2), "-o", out)[0] == 0
    assert command("fit", tmp_path / "people.json", "-o", tmp_path / "other")[0] == 0
    before = contents(out)
    if not start:
        code, said = command("fit", without_joints(tmp_path / "none.json", 20), "-o", out)
        assert "0.jpg#1, 1.jpg#2, 2.jpg#3 and 17 more: skipped: no joint is visible" in said
    else:
        strangers = json.loads((tmp_path / "people.json").read_text())
        for image in strangers["images"]:
            image["file_name"] = f"strange{image['id']}.jpg"
        (tmp_path / "strange.json").write_text(json.dumps(strangers))
        given = ["fit", tmp_path / "strange.json", "--init"] if start == "init" else ["refine", "-k"]
        given = [*given, tmp_path / "other"] if start == "init" else [*given, tmp_path / "strange.json"]
        code, said = command(*given, *([tmp_path / "other"] if start == "refine" else []), "-o", out)
        assert "strange1.jpg#1, strange2.jpg#2: skipped: no " in said
    assert code == 1
    assert said.endswith("error: not one person could be fitted")
    assert contents(out) == before


def test_a_link_to_a_result_is_not_overwritten(command, tmp_path):
    from anchorfit.observations import read_people
    from anchorfit.observations.formats.own_npz import write_npz

    out = tmp_path / "out"
    people = list(read_people(people_file(tmp_path / "people.json", 2)).people)
    assert command("fit", tmp_path / "people.json", "-o", out)[0] == 0
    write_npz(out / "people-00000.npz", people)
    (tmp_path / "link.npz").symlink_to(out / "people-00000.npz")
    before = contents(out)
    code, said = command("fit", tmp_path / "link.npz", "-o", out)
    assert code == 1
    assert "link.npz: what is read lies where results go" in said
    assert contents(out) == before


@pytest.mark.parametrize("arguments", [("report",), ("export", "--save", "npz"), ("body", "export")])
def test_a_command_does_not_overwrite_what_it_reads(command, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "people.json", 2), "-o", out)[0] == 0
    (out / "people-00000.npz").rename(tmp_path / "0_1.npz")
    if arguments[0] == "body":
        assert command("body", "export", "mine.pkl")[0] == 0
        call = (*arguments, "mine.pkl", "--body", "mine.pkl")
    else:
        call = (*arguments, "0_1.npz", "-o", "0_1.npz" if arguments[0] == "report" else ".")
    before = contents(tmp_path)
    code, said = command(*call)
    assert code == 1
    assert "is read, and would be overwritten; give another --output" in said
    assert contents(tmp_path) == before


@pytest.mark.parametrize("page", ["out/index.jsonl", "out/.anchorfit.jsonl", "skier.jpg"])
def test_a_report_overwrites_no_index_and_no_photograph(command, tmp_path, monkeypatch, page):
    """The index of the folder that was reported on became a page, and so did a photograph."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ASSETS / "demo" / "000000000785.jpg", "skier.jpg")
    estimate = load_estimates_of(command, tmp_path)
    replace(estimate, images=(str(tmp_path / "skier.jpg"),)).save(tmp_path / "out" / "0_1.npz")
    before = contents(tmp_path)
    assert (tmp_path / page).is_file()
    code, said = command("report", "out", "-o", page)
    assert (code, "is read, and would be overwritten" in said) == (1, True), said
    assert contents(tmp_path) == before


def load_estimates_of(command, folder):
    assert command("fit", people_file(folder / "people.json", 1), "-o", folder / "out", "--save", "npz")[0] == 0
    return load_estimates(folder / "out")


def test_a_report_has_a_name(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("fit", people_file(tmp_path / "people.json", 1), "-o", "out")[0] == 0
    code, said = command("report", "out", "-o", "")
    assert (code, "expected a name, got an empty one" in said) == (2, True)
    code, said = command("report", "out", "-o", "out")
    assert (code, "expected the name of a page, got 'out'" in said) == (2, True)


@pytest.mark.parametrize(
    ("array", "value"),
    [("body_pose", np.nan), ("body_pose", 1e30), ("betas", np.inf), ("transl", 1e30), ("intrinsics", 0.0)],
)
def test_a_body_that_cannot_be_costs_no_neighbour(command, tmp_path, array, value):
    """It cost the page, the table, the keypoints and the crops of all."""
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "people.json", 3), "-o", out)[0] == 0
    file = out / "people-00000.npz"
    arrays = dict(np.load(file))
    arrays[array][1] = value
    np.savez(file, **arrays)
    for call in (
        ("report", out, "-o", tmp_path / "page.html"),
        ("export", out, "-o", tmp_path / "files", "--save", "json,csv,coco,spin"),
        ("body", "measure", out),
    ):
        code, said = command(*call)
        assert code == 0, said
        assert "1.jpg#2: no body or camera has such numbers; left out" in said
    assert len((tmp_path / "files" / "csv" / "people.csv").read_text().splitlines()) == 3
    assert np.load(tmp_path / "files" / "spin" / "people.npz")["imgname"].tolist() == ["0.jpg", "2.jpg"]


def test_a_file_of_nobody_is_one_line(command, tmp_path):
    out = tmp_path / "out"
    assert command("fit", people_file(tmp_path / "people.json", 2), "-o", out)[0] == 0
    arrays = {
        name: value[:0] if value.shape[:1] == (2,) else value
        for name, value in np.load(out / "people-00000.npz").items()
    }
    np.savez(tmp_path / "nobody.npz", **arrays)
    code, said = command("report", tmp_path / "nobody.npz", "-o", tmp_path / "page.html")
    nobody = "nobody.npz: holds nobody; expected one body at least, to show or to write"
    assert (code, said.endswith(nobody)) == (1, True)
    code, said = command("export", tmp_path / "nobody.npz", "-o", tmp_path / "files")
    assert code == 1
    assert said == f"anchorfit: error: {tmp_path / nobody}"


def test_files_whose_estimates_cannot_be_shown_or_joined_are_named(command, tmp_path):
    """ "an estimate of 1 rows: ..." and "concatenate: method differs" named no file."""
    saved = {}
    for name, method in (("nan", "fit"), ("direct", "predict")):
        out = tmp_path / name
        assert command(method, people_file(tmp_path / "people.json", 1), "-o", out)[0] == 0
        saved[name] = out / "people-00000.npz"
    code, said = command("export", saved["nan"], saved["direct"], "-o", tmp_path / "files")
    assert code == 1
    assert f"{saved['direct']}: made by method 'direct', {saved['nan']} by 'anchored'; give those of one method" in said
    arrays = dict(np.load(saved["nan"]))
    np.savez(saved["nan"], **arrays | {"transl": arrays["transl"] * np.nan})
    for call in (
        ("report", saved["nan"], "-o", tmp_path / "page.html"),
        ("export", saved["nan"], "-o", tmp_path / "files"),
        ("body", "measure", saved["nan"]),
    ):
        code, said = command(*call)
        assert code == 1
        assert said.startswith(f"anchorfit: error: {saved['nan']}: its only body has numbers that no body or camera")
