"""An option that the chosen mode does not read is refused, in Python as on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.looks import OverlayLook
from anchorfit.options import OptionError, declared, given
from anchorfit.runs import EngineOptions, RunOptions, fitting
from anchorfit.runs.evaluation_options import DATASETS, GENDERED, EvaluateOptions
from anchorfit.runs.evidence_options import READ, EvidenceOptions

PHOTO = ASSETS / "demo" / "000000000785.jpg"
KEYPOINTS = ASSETS / "demo" / "person_keypoints.json"


class Reached(Exception):
    """All options were looked at, and the run would begin."""


@pytest.fixture(autouse=True)
def stopped(monkeypatch):
    """No run begins."""

    def held(output: Path) -> None:
        raise Reached

    monkeypatch.setattr(fitting, "held", held)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with files of each kind that an option names."""
    folder = tmp_path_factory.mktemp("place")
    for name in ("clip.mp4", "fit.toml", "init.npz", "human2d.safetensors"):
        (folder / name).write_bytes(b"")
    (folder / "networks").mkdir()
    return folder


def values(place: Path) -> dict[str, Any]:
    """A value of each option that is not its default."""
    return {
        "keypoints": KEYPOINTS, "convention": "coco17", "image_names": KEYPOINTS, "mask": str(PHOTO),
        "detector": "anchorfit", "detector_model": place / "human2d.safetensors", "thorough": True,
        "human2d_flip": True, "max_people": 2, "max_gap": 0.5, "body": "open_child", "gender": "male", "age": "child",
        "focal": 900.0, "pitch": 10.0, "height": 1.8, "measure": "waist=0.8", "weights": place / "networks",
        "init": (place / "init.npz",), "schedule": "smplify", "config": place / "fit.toml", "same_person": True,
        "video": True, "fps": 25.0, "covariance": True, "predict_missing": True, "floor": "auto", "frame": "camera",
    }  # fmt: skip


ALWAYS = {"mask", "body", "gender", "age", "focal", "pitch", "weights", "covariance"}
FITTED = ALWAYS | {"height", "measure", "init", "schedule", "config", "floor"}
DETECTED = {"detector", "detector_model", "thorough", "human2d_flip", "keypoints"}
FRAMES = {"same_person", "video"}
MODES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "fit, detected": ("photo", {}, FITTED | DETECTED | FRAMES),
    "fit, keypoints": ("photo", {"keypoints": KEYPOINTS}, FITTED | FRAMES | {"keypoints", "convention", "image_names"}),
    "fit, keypoint file alone": ("file", {}, FITTED | FRAMES | {"convention", "image_names"}),
    "fit, video": ("film", {}, FITTED | DETECTED | {"max_people", "max_gap"}),
    "fit, frames": ("photo", {"video": True}, FITTED | DETECTED | FRAMES | {"fps"}),
    "fit, floor": ("photo", {"floor": "auto"}, FITTED | DETECTED | FRAMES | {"frame"}),
    "fit, smplify": ("photo", {"schedule": "smplify"}, FITTED - {"pitch", "weights"} | DETECTED | FRAMES),
    "fit, init": ("photo", {"init": ("init.npz",)}, FITTED - {"weights"} | {"predict_missing"} | DETECTED | FRAMES),
    "refine": (
        "photo",
        {"method": "refine", "init": ("init.npz",)},
        FITTED - {"weights", "schedule"} | {"predict_missing"} | DETECTED | FRAMES,
    ),
    "predict, detected": ("photo", {"method": "predict"}, ALWAYS | DETECTED),
    "predict, file alone": ("file", {"method": "predict"}, ALWAYS | {"convention", "image_names"}),
    "predict, video": ("film", {"method": "predict"}, ALWAYS | DETECTED | {"max_people", "max_gap"}),
}
"""By mode its source, the options that make it, and the options that it reads."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [one.field for one in declared(RunOptions)])
def test_a_run_reads_an_option_or_refuses_it(mode, name, place, monkeypatch):
    monkeypatch.setattr("anchorfit.runs.planning.probe_video", lambda path: type("Film", (), {"frames_per_second": 25}))
    source, own, read = MODES[mode]
    own = {**own, **({"init": (place / "init.npz",)} if "init" in own else {})}
    if name == "keypoints" and source == "file":
        return  # another mode
    options = RunOptions(**{**own, name: values(place)[name]})
    call = {"photo": PHOTO, "file": KEYPOINTS, "film": place / "clip.mp4"}[source]
    expected: type[Exception] = Reached if name in read else OptionError
    with pytest.raises(expected):
        anchorfit.run(call, place / "out", options)


def test_no_option_is_left_out(place):
    assert {one.field for one in declared(RunOptions)} == values(place).keys()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"fps": 0.0, "video": True}, "fps"),
    ({"fps": float("nan"), "video": True}, "fps"),
    ({"max_gap": -1.0}, "max-gap"),
    ({"max_people": 0}, "max-people"),
    ({"detector": "yolo"}, "detector"),
    ({"detector": "anchorfit", "human2d_flip": True}, "detector"),
    ({"keypoints": KEYPOINTS, "convention": "coco99"}, "convention"),
    ({"method": "guess"}, "method"),
    ({"gender": "femal"}, "gender"),
    ({"schedule": "fast"}, "schedule"),
    ({"focal": -1.0}, "focal"),
    ({"pitch": "down"}, "pitch"),
]


@pytest.mark.parametrize(("options", "named"), BAD, ids=[str(one) for one, _ in BAD])
def test_a_value_that_cannot_be_names_its_option(options, named, tmp_path):
    with pytest.raises(OptionError) as caught:
        anchorfit.run(PHOTO, tmp_path / "out", RunOptions(**options))
    assert caught.value.option == named
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["keypoints", "detector_model", "weights", "init", "config", "mask"])
def test_a_file_that_is_not_there_is_named(name, tmp_path):
    given: dict[str, Any] = {name: "nowhere"}
    options = RunOptions(**given)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        anchorfit.run(PHOTO, tmp_path / "out", options)


@pytest.mark.parametrize(
    ("engine", "look", "save", "options", "named"),
    [
        (EngineOptions(workers=0), OverlayLook(), None, RunOptions(), "workers"),
        (EngineOptions(name="ray", detector_gpus=-1.0), OverlayLook(), None, RunOptions(), "detector-gpus"),
        (EngineOptions(cluster="auto"), OverlayLook(), None, RunOptions(), "engine"),
        (
            EngineOptions(name="ray", detector_gpus=1.0), OverlayLook(), None, RunOptions(keypoints=KEYPOINTS),
            "detector-gpus",
        ),
        (EngineOptions(workers=2), OverlayLook(), None, RunOptions(keypoints=KEYPOINTS, same_person=True), "workers"),
        (EngineOptions(workers=2), OverlayLook(), None, RunOptions(keypoints=KEYPOINTS, video=True), "workers"),
        (EngineOptions(), OverlayLook(opacity=0.5), "npz", RunOptions(), "opacity"),
        (EngineOptions(), OverlayLook(keypoints=True), "npz,side", RunOptions(), "draw-keypoints"),
        (EngineOptions(), OverlayLook(floor_grid=True), None, RunOptions(), "draw-floor"),
        (EngineOptions(), OverlayLook(floor_grid=True), "npz", RunOptions(floor="auto"), "draw-floor"),
        (EngineOptions(), OverlayLook(opacity=2.0), None, RunOptions(), "opacity"),
        (EngineOptions(), OverlayLook(renderer="none"), None, RunOptions(), "renderer"),
    ],
)  # fmt: skip
def test_engine_and_look_are_read_or_refused(engine, look, save, options, named, tmp_path):
    with pytest.raises(OptionError) as caught:
        anchorfit.run(PHOTO, tmp_path / "out", options, engine=engine, look=look, save=save)
    assert caught.value.option == named


def test_workers_detect_what_is_then_fitted_together(tmp_path):
    with pytest.raises(Reached):
        anchorfit.run(PHOTO, tmp_path, RunOptions(same_person=True), engine=EngineOptions(workers=2))


EVIDENCE = {
    "points": EvidenceOptions(points="smpl24", up="z", unit="mm"),
    "cameras": EvidenceOptions(cameras=Path("cameras.json"), unit="mm"),
}


@pytest.mark.parametrize("kind", EVIDENCE)
def test_other_evidence_refuses_what_only_photographs_have(place, kind):
    others: list[Any] = [RunOptions(**{name: value}) for name, value in values(place).items()]
    others += [EngineOptions(workers=2), OverlayLook(opacity=0.5)]
    for other in others:
        (one,) = given(other)
        if one.field in READ[kind]:
            EVIDENCE[kind].check(other)
        else:
            with pytest.raises(OptionError, match=kind):
                EVIDENCE[kind].check(other)


def test_options_of_other_evidence_stand_with_it_alone():
    for alone in (EvidenceOptions(unit="mm"), EvidenceOptions(up="z")):
        with pytest.raises(OptionError, match="only with --points"):
            alone.check(RunOptions())
    given: list[dict[str, Any]] = [{"points": "smpl24"}, {"up": "z"}, {"noise_mm": 3.0}]
    for both in given:
        with pytest.raises(OptionError, match="--points"):
            EvidenceOptions(cameras=Path("cameras.json"), **both).check(RunOptions())


def test_an_error_names_an_option_as_it_is_typed():
    """`--noise_mm: only with --points` was said of `--noise-mm`."""
    with pytest.raises(OptionError) as raised:
        EvidenceOptions(noise_mm=3.0).check()
    assert raised.value.option == "noise-mm"


SCORED = {
    "people": "female", "truth_body": "SMPL.pkl", "joint_regressor": Path("J.npy"), "reduced": Path("list"),
    "landmarks": Path("l.pkl"), "count": 3, "seed": 1, "smplx_model": Path("SMPLX.npz"), "split": "test", "camera": 2,
    "every": 3,
}  # fmt: skip


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", SCORED)
def test_a_data_set_reads_an_option_or_refuses_it(dataset, name):
    (only,) = (one.only for one in declared(EvaluateOptions) if one.field == name)
    usual: dict[str, Any] = {"dataset": dataset, "root": None if dataset == "openbody" else Path()}
    usual |= {"people": "male"} if dataset in GENDERED else {}
    options = EvaluateOptions(**{**usual, name: SCORED[name]})
    if dataset in only:
        options.check()
    else:
        with pytest.raises(OptionError, match="only with --dataset"):
            options.check()


def test_every_scored_option_has_its_data_sets():
    assert {one.field for one in declared(EvaluateOptions) if one.only} == SCORED.keys()
    for wrong in ({"dataset": "openbody", "root": Path()}, {"dataset": "openbody", "gender": "male"}):
        with pytest.raises(OptionError):
            EvaluateOptions(**wrong).check()


def test_measurements_of_nobody_are_said(tmp_path, monkeypatch):
    monkeypatch.undo()
    people = json.loads(KEYPOINTS.read_text())
    people["annotations"] = people["annotations"][-1:]
    (tmp_path / "people.json").write_text(json.dumps(people))
    (tmp_path / "sizes.csv").write_text("name,height\nnobody.jpg#1,1.8\n")
    said: list[str] = []

    class Ear(anchorfit.Listener):
        def warn(self, line: object) -> None:
            said.append(str(line))

    options = RunOptions(measure=str(tmp_path / "sizes.csv"))
    anchorfit.run(tmp_path / "people.json", tmp_path / "out", options, listener=Ear())
    assert any(line.startswith("nobody.jpg#1: measured, but there is no person of this name") for line in said)
