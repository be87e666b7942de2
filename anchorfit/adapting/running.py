"""Networks refined on a folder of annotated photographs, and kept only where held-out people say that it helped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import regressors
from ..atomic import write_atomically
from ..pipeline import load_body_on
from ..regressors.training import Trained, Training
from ..regressors.training.loop import CHECKPOINT, Task
from ..runs.claiming import make_folder
from ..runs.fingerprint import fingerprint
from ..runs.journal import Journal, RunConflict, locked
from ..runs.listening import Listener
from ..runs.training import run_training
from ..runs.training_options import AdaptOptions as AdaptOptions
from .comparison import Comparison, Verdict
from .human2d import Pieces, adapt_human2d
from .people import Split, gather, split_by_image
from .pose_prior import adapt_pose_prior

JOURNAL, REPORT = "journal.jsonl", "adaptation.json"


def run_adaptation(
    folder: Path,
    annotations: Path,
    output: Path,
    options: AdaptOptions = AdaptOptions(),
    *,
    resume: bool = False,
    listener: Listener = Listener(),
) -> dict[str, Any]:
    """Refine PosePrior, and Human2D where its weights are given, on some images, and compare on the others.

    Args:
        folder: of the photographs.
        annotations: COCO keypoint annotations of them.
        output: made if missing; weights that surely help are written there, and a report.
        options: what is learned.
        resume: go on with the run that is there.
        listener: told how it goes.
    Returns:
        The report, as it is written.
    Raises:
        OptionError: an option cannot be, or is not read.
        FileNotFoundError, FileExistsError: there is no run to go on with, or one that was not to be.
        ValueError: the run there has other settings, or there are too few people.
    """
    options.check()
    network = regressors.load_human2d_network(options.human2d) if options.human2d else None
    shipped, pieces = regressors.load_networks(), Pieces()
    with listener.phase("reading files", 1) as advance:
        found = gather(
            folder,
            annotations,
            visit=pieces.visit if network is not None else lambda image, people: None,
            progress=lambda done, total: advance(done == total),
        )
    for problem in found.problems:
        listener.warn(problem)
    split = split_by_image(found.people, options.heldout, options.seed)
    settings = _run_settings(options, folder, annotations)
    make_folder(output)
    with locked(output):
        _settle(output, settings, resume=resume)
        listener.say(_split_line(split))
        body = load_body_on("open", "neutral", "cpu")
        base = _training(options, options.steps, options.batch_size)
        report: dict[str, Any] = {"settings": settings, "split": _split_names(split)}
        posed = adapt_pose_prior(split, shipped, body, _trainer(output / "pose_prior", resume, listener), base)
        for problem in posed.problems:
            listener.warn(problem)
        tried: list[tuple[str, Any]] = [("pose_prior", posed)]
        if network is not None:
            config = _training(options, options.human2d_steps, 8)
            trainer = _trainer(output / "human2d", resume, listener)
            tried.append(("human2d", adapt_human2d(split, pieces, network, body, trainer, config)))
        for kind, one in tried:
            report[kind] = _conclude(output / f"{kind}.safetensors", kind, one, options.seed, listener)
        write_atomically(output / REPORT, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
    command = _command(output, *(report[kind]["helped"] for kind, _ in tried))
    if command:
        listener.say(f"Use: {command}")
    listener.say(f"Written: {output / REPORT}")
    return report


def _run_settings(options: AdaptOptions, folder: Path, annotations: Path) -> dict[str, Any]:
    """What decides who is learned from and tested on, which a run that goes on must have in common."""
    own: dict[str, Any] = {"heldout": options.heldout, "seed": options.seed}
    own |= {"human2d": fingerprint(options.human2d), "annotations": fingerprint(annotations)}
    return {"folder": str(folder.absolute()), **own}


def _training(options: AdaptOptions, steps: int, batch_size: int) -> Training:
    base = Training(
        steps=steps, batch_size=batch_size, learning_rate=options.learning_rate, warmup=20, seed=options.seed
    )
    precision: Any = "bf16-mixed" if options.mixed else "32-true"
    return replace(base, precision=precision, evaluate_every=steps, checkpoint_every=50)


def _conclude(path: Path, kind: str, one: Any, seed: int, listener: Listener) -> dict[str, Any]:
    """Keep the weights where they help, and say by how much; as the report has it."""
    verdict: Verdict = one.verdict
    figures: Sequence[Comparison] = one.figures
    path.unlink(missing_ok=True)
    if verdict.helped:
        made_of = {"adapted": one.run.steps, "seed": seed, "figures": _plain(figures)}
        regressors.save_network(one.network, path, training=made_of)
    for figure in figures:
        listener.say(f"  {figure}")
    listener.say(f"{kind}: {verdict.line}")
    said = {"helped": verdict.helped, "verdict": verdict.line, "figures": _plain(figures)}
    return said | {"steps": one.run.steps, "weights": path.name if verdict.helped else None}


def _trainer(folder: Path, resume: bool, listener: Listener) -> Callable[[Task, Training], Trained]:
    """Trains in a folder, going on where a checkpoint is."""
    there = resume and (folder / CHECKPOINT).is_file()
    return lambda task, config: run_training(task, folder, config, resume=there, listener=listener)


def _settle(output: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
    """Begin the journal, or make sure that the run that goes on is of these settings.

    Raises:
        FileNotFoundError: there is nothing to go on with.
        FileExistsError: there is, and it was not asked for.
        ValueError: its settings are others.
    """
    path = output / JOURNAL
    journal = Journal.read(path)
    if journal is None and (output / "settings.json").is_file():
        raise ValueError(f"{output}: holds a run of an earlier version of anchorfit; give another --output")
    if journal is None:
        if resume:
            raise FileNotFoundError(f"{path}: no run to go on with; leave --resume out")
        Journal(path, settings).begin()
        return
    if not resume:
        raise FileExistsError(f"{output}: a run is there already; give --resume to go on with it, or another --output")
    other = journal.differing(settings)
    if other:
        raise RunConflict(f"{output}: the run there has other settings ({', '.join(other)}); give another --output")
    journal.resume()


def _split_line(split: Split) -> str:
    images = [len({person.image for person in part}) for part in split]
    return (
        f"Learning from {len(split.learned)} people in {images[0]} images; "
        f"testing on {len(split.heldout)} people in {images[1]} held-out images."
    )


def _split_names(split: Split) -> dict[str, list[str]]:
    return {
        name: sorted({person.image.name for person in part if person.image}) for name, part in split._asdict().items()
    }


def _plain(figures: Sequence[Comparison]) -> list[dict[str, Any]]:
    return [
        {
            "name": figure.name,
            "unit": figure.unit,
            "before": figure.before,
            "after": figure.after,
            "change": figure.change.value,
            "change_95": [figure.change.low, figure.change.high],
            "lower_is_better": figure.lower_is_better,
            "people": figure.people,
            "images": figure.images,
        }
        for figure in figures
    ]


def _command(output: Path, pose_prior: bool, human2d: bool = False) -> str | None:
    """The command that uses what helped."""
    parts = ["--detector human2d --detector-model", str(output / "human2d.safetensors")] if human2d else []
    parts += ["--weights", str(output)] if pose_prior else []
    return " ".join(["anchorfit fit PHOTOGRAPHS", *parts, "-o results"]) if parts else None
