"""``anchorfit adapt``: the networks, refined on a user's own annotated photographs, if that helps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as opt
from . import training as shared

if TYPE_CHECKING:
    from ..adapting import Comparison, Split, Verdict
    from ..regressors.training import Trained, Training
    from ..regressors.training.loop import Task

SETTINGS, REPORT = "settings.json", "adaptation.json"


def adapt(
    folder: Annotated[Path, typer.Argument(help="The folder of your photographs.", show_default=False)],
    annotations: Annotated[
        Path, typer.Option("--annotations", "-a", help="COCO keypoint annotations of them; masks count, too.")
    ],
    output: opt.Output,
    human2d: Annotated[
        Path | None, typer.Option(help="Human2D's weights (.safetensors), to be adapted as well.")
    ] = None,
    heldout: Annotated[float, typer.Option(help="Share of the images to test on; nothing is learned from them.")] = 0.3,
    steps: Annotated[int, typer.Option(min=1, help="Batches to refine PosePrior on.")] = 200,
    batch_size: Annotated[int, typer.Option(min=2, help="Of PosePrior's batches.")] = 64,
    human2d_steps: Annotated[int, typer.Option(min=1, help="Batches of 8 to refine Human2D on.")] = 100,
    learning_rate: Annotated[float, typer.Option(help=shared.RATE)] = 1e-4,
    mixed: shared.Mixed = False,
    resume: shared.Resume = False,
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
) -> None:
    """Adapt PosePrior, and with --human2d Human2D, to your photographs; needs the extra 'train'.

    Some images are held out. What is refined on the others is compared on these with what it was before: weights are
    written to OUTPUT only where they are surely better, and OUTPUT/adaptation.json says how much, or that they are not.
    """
    import torch

    from ..adapting import adapt_human2d, adapt_pose_prior, gather, split_by_image
    from ..adapting.human2d import Pieces
    from ..pipeline import load_body_on
    from ..regressors import load_human2d_network, load_networks, save_network
    from ..regressors.training import Training
    from ..runs.fingerprint import fingerprint
    from ..runs.outputs import make_folder
    from .console import long_run, out, warn

    if not 0 < heldout < 1:
        raise typer.BadParameter(f"expected a share between 0 and 1, got {heldout}", param_hint="--heldout")
    if threads:
        torch.set_num_threads(threads)
    shipped, network = load_networks(), load_human2d_network(human2d) if human2d else None
    pieces = Pieces()
    with long_run("reading", 1) as steps:
        found = gather(
            folder,
            annotations,
            visit=pieces.visit if network is not None else lambda image, people: None,
            progress=lambda done, total: steps.at(done, total=total),
        )
    for problem in found.problems:
        warn(problem)
    split = split_by_image(found.people, heldout, seed)
    make_folder(output)
    settings = {"folder": str(folder.absolute()), "annotations": fingerprint(annotations), "heldout": heldout}
    settings |= {"human2d": fingerprint(human2d), "seed": seed}
    _settle(output, settings, resume=resume)
    out.print(_split_line(split), highlight=False, soft_wrap=True)
    body = load_body_on("open", "neutral", "cpu")
    base = Training(steps=steps, batch_size=batch_size, learning_rate=learning_rate, warmup=20, seed=seed)
    base = replace(base, precision=shared.precision(mixed), evaluate_every=steps, checkpoint_every=50)
    report: dict[str, Any] = {"settings": settings, "split": _split_names(split)}

    def conclude(kind: str, network: Any, run: Trained, figures: Sequence[Comparison], verdict: Verdict) -> bool:
        path = output / f"{kind}.safetensors"
        path.unlink(missing_ok=True)
        if verdict.helped:
            save_network(network, path, training={"adapted": run.steps, "seed": seed, "figures": _plain(figures)})
        for figure in figures:
            out.print(f"  {figure}", highlight=False, soft_wrap=True)
        out.print(f"{kind}: {verdict.line}", highlight=False, soft_wrap=True, markup=False)
        report[kind] = {"helped": verdict.helped, "verdict": verdict.line, "figures": _plain(figures)}
        report[kind] |= {"steps": run.steps, "weights": path.name if verdict.helped else None}
        return verdict.helped

    posed = adapt_pose_prior(split, shipped, body, _runner(output / "pose_prior", resume), base)
    for problem in posed.problems:
        warn(problem)
    helped = [conclude("pose_prior", posed.network, posed.run, posed.figures, posed.verdict)]
    if network is not None:
        config = replace(base, steps=human2d_steps, batch_size=8, evaluate_every=human2d_steps)
        seen = adapt_human2d(split, pieces, network, body, _runner(output / "human2d", resume), config)
        helped.append(conclude("human2d", seen.network, seen.run, seen.figures, seen.verdict))
    _write(output / REPORT, report)
    command = _command(output, *helped)
    if command:
        out.print(f"Use: {command}", highlight=False, soft_wrap=True, markup=False)
    out.print(f"Written: {output / REPORT}", highlight=False, soft_wrap=True, markup=False)


def _runner(folder: Path, resume: bool) -> Callable[[Task, Training], Trained]:
    """Trains in a folder, going on where a checkpoint is."""
    from ..regressors.training.loop import CHECKPOINT
    from .training import run_training

    there = resume and (folder / CHECKPOINT).is_file()
    return lambda task, config: run_training(task, folder, config, resume=there, accelerator="cpu", devices=1)


def _settle(output: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
    """Note the run's settings, or make sure that they are those of the run that goes on.

    Raises:
        FileNotFoundError: there is nothing to go on with.
        FileExistsError: there is, and it was not asked for.
        ValueError: its settings are others.
    """
    path = output / SETTINGS
    if not path.is_file():
        if resume:
            raise FileNotFoundError(f"{path}: no run to go on with; leave --resume out")
        _write(path, settings)
        return
    if not resume:
        raise FileExistsError(f"{output}: a run is there already; give --resume to go on with it, or another --output")
    try:
        before = dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); give another --output") from error
    other = [key for key in settings if before.get(key) != settings[key]]
    if other:
        raise ValueError(f"{output}: the run there has other settings ({', '.join(other)}); give another --output")


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


def _write(path: Path, content: Mapping[str, Any]) -> None:
    from ..atomic import write_atomically

    write_atomically(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
