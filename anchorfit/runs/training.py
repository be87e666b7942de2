"""Trainings as runs: the networks by name, from options to weights in a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ..body import BodyModel
from ..observations import Person
from ..options import OptionError
from ..pipeline import load_body_on
from ..regressors import Human2D, PosePrior, ShapePrior
from ..regressors.datasets import AnnotatedPhotographs
from ..regressors.datasets.named import annotated_people, backdrop_pictures
from ..regressors.end2end import EndToEnd
from ..regressors.human2d import Human2DConfig
from ..regressors.pose_prior import PosePriorConfig
from ..regressors.prediction import load_networks
from ..regressors.shape_prior import ShapePriorConfig
from ..regressors.synthesis.images import ImageSynthesis
from ..regressors.training import (
    ALTERNATIONS,
    End2EndTask,
    Human2DTask,
    PoseTask,
    Refinement,
    ShapeTask,
    Trained,
    Training,
    UncertaintyTask,
    train,
)
from ..regressors.training.end2end_people import photographed_target, synthetic_target, worsened
from ..regressors.training.loop import Task
from ..regressors.weights import (
    POSE_PRIOR,
    load_human2d_network,
    load_pose_prior_network,
    load_shape_prior_network,
    read_weights,
    save_network,
)
from .listening import Listener
from .training_options import End2EndOptions, Human2DOptions, Photographs, PriorOptions, TrainingOptions, Which


def run_training(
    task: Task,
    folder: Path,
    config: Training,
    *,
    resume: bool = False,
    accelerator: str = "cpu",
    devices: int = 1,
    listener: Listener = Listener(),
) -> Trained:
    """`regressors.training.train`, told to a listener."""
    with listener.phase("training steps", config.steps) as advance:
        before = [0]

        def tell(done: int, text: str) -> None:
            listener.stand(text)
            advance(done - before[0])
            before[0] = done

        return train(task, folder, config, resume=resume, accelerator=accelerator, devices=devices, progress=tell)


def train_prior(
    output: Path,
    options: PriorOptions,
    run: TrainingOptions,
    *,
    body: str = "open",
    gender: str = "neutral",
    listener: Listener = Listener(),
) -> None:
    """Train a prior, and write its weights.

    Args:
        output: folder.
        options: which prior, how long.
        run: how.
        body: name or path of the body.
        gender: its gender.
        listener: told how it goes.
    Raises:
        OptionError: options contradict each other.
    """
    options.check()
    _use_threads(run)
    begun = options.begun
    ours = Training(steps=options.steps or Training.steps)
    if options.which is Which.UNCERTAINTY:
        ours = Training(steps=options.steps or 1_200, batch_size=512, learning_rate=2e-3, falling=0.9, fall="cosine")
    elif begun is not None:
        ours = replace(ours, falling=0.9, fall="cosine")
    config = _settings(ours, Training.paper(ours.steps) if options.paper else None, options, run)
    model = load_body_on(body, gender, _device(run))
    task = _prior_task(options, model, run.seed)
    result = _trained(task, output, config, run, listener)
    made_of: dict[str, Any] = {"body": model.name, "gender": gender}
    if begun is not None:
        made_of["start_from"] = Path(begun).name  # files travel, folders do not
    path = output / f"{options.which}_prior.safetensors"
    network: PosePrior | ShapePrior
    if isinstance(task, UncertaintyTask):
        # How the answer was made goes before.
        made_of["answer"] = read_weights(_file(begun) or POSE_PRIOR, "pose").training
        path, network = output / POSE_PRIOR.name, task.network
    else:
        network = task.model
    _write_weights({path: network}, config, result, made_of, listener)


def _prior_task(options: PriorOptions, model: BodyModel, seed: int) -> PoseTask | ShapeTask | UncertaintyTask:
    begun, new = _file(options.begun), options.begun is None
    if options.which is Which.SHAPE:
        shape = ShapePriorConfig(width=options.width or ShapePriorConfig.width)
        return ShapeTask(model, network=shape if new else load_shape_prior_network(begun), seed=seed)
    if options.which is Which.UNCERTAINTY:
        return UncertaintyTask(model, load_pose_prior_network(begun), seed=seed)
    pose = PosePriorConfig(width=options.width or PosePriorConfig.width)
    return PoseTask(model, network=pose if new else load_pose_prior_network(begun), seed=seed)


def _file(begun: str | None) -> Path | None:
    """The weights to go on with; None: the package's, or none."""
    return None if begun in (None, "shipped") else Path(str(begun))


def train_human2d(
    output: Path,
    options: Human2DOptions,
    photographs: Photographs,
    run: TrainingOptions,
    *,
    listener: Listener = Listener(),
) -> None:
    """Train Human2D on synthetic pictures, and on annotated photographs where they are named; write its weights.

    Raises:
        OptionError: options contradict each other.
        FileNotFoundError, ValueError: photographs, backdrops or weights cannot be used.
    """
    options.check(photographs)
    _use_threads(run)
    papers = replace(Training.paper(options.steps), batch_size=4) if options.paper else None
    config = _settings(Training(steps=options.steps, batch_size=16), papers, options, run)
    people = _people(photographs, listener)
    start = load_human2d_network(options.start_from) if options.start_from is not None else None
    shape = start.config if start is not None else Human2DConfig(features=options.features or Human2DConfig.features)
    task = Human2DTask(
        load_body_on("open", "neutral", _device(run)),
        network=start or shape,
        synthesis=ImageSynthesis(size=options.size),
        photographs=AnnotatedPhotographs(
            people, joints=shape.joints, size=options.size, seed=run.seed, tell=listener.warn
        )
        if people
        else None,
        share=0.5 if options.share is None else options.share,
        backdrops=backdrop_pictures(options.backdrops, listener.warn),
        heldout=options.heldout,
        seed=run.seed,
    )
    result = _trained(task, output, config, run, listener)
    made_of = {"photographed_people": len(people), "size": options.size}
    _write_weights({output / "human2d.safetensors": task.model}, config, result, made_of, listener)


def train_end2end(
    output: Path,
    options: End2EndOptions,
    photographs: Photographs,
    run: TrainingOptions,
    *,
    listener: Listener = Listener(),
) -> None:
    """Refine all networks together, say held-out errors before and after, and write all three's weights.

    Raises:
        OptionError: options contradict each other, or there are too few photographs.
        FileNotFoundError, ValueError: photographs or weights cannot be used.
    """
    options.check(photographs)
    _use_threads(run)
    config = _settings(
        Training(steps=600, batch_size=8, learning_rate=1e-4, warmup=20),
        replace(Training.paper(2000), learning_rate=8e-5, batch_size=4) if options.paper else None,
        options,
        run,
    )
    people = _people(photographs, listener)
    body = load_body_on("open", "neutral", _device(run))
    networks = _all_networks(options, body)
    joints = networks.human2d.config.joints
    target = (
        photographed_target(people, joints, options.heldout, run.seed, listener.warn)
        if people
        else synthetic_target(body, joints, options.synthetic or 2, options.heldout, run.seed)
    )
    refinement = Refinement(turns=ALTERNATIONS[options.alternation])
    task = End2EndTask(
        networks, target.pictures, target.heldout, bodies=target.bodies, refinement=refinement, seed=run.seed
    )
    networks.eval()
    with torch.no_grad():
        before = task.evaluate()
    result = _trained(task, output, config, run, listener)
    if result.is_first:
        listener.say(f"Held-out people: {len(target.heldout.picture)}. Their errors before, then after:")
        listener.say(_figures(before))
        worse = worsened(before, result.errors)
        if worse:
            listener.warn(f"held-out {', '.join(worse)} got worse: there the weights that you started from are better")
    weights: dict[Path, Human2D | PosePrior | ShapePrior] = {
        output / "human2d.safetensors": networks.human2d,
        output / "pose_prior.safetensors": networks.pose,
        output / "shape_prior.safetensors": networks.shape,
    }
    made_of = {"body": body.name, "annotated": target.people, "heldout_before": before, **asdict(refinement)}
    _write_weights(weights, config, result, made_of, listener)


def _all_networks(options: End2EndOptions, body: BodyModel) -> EndToEnd:
    trained = load_networks(options.priors)
    if body.name not in trained.shapes:
        raise OptionError("priors", f"{options.priors}: no ShapePrior of the body {body.name!r} there")
    human2d = load_human2d_network(options.human2d)
    return EndToEnd(human2d, trained.pose, trained.shapes[body.name], body).to(body.device)


def _people(named: Photographs, listener: Listener) -> list[Person]:
    mpii, coco = (named.mpii, named.mpii_images), (named.coco, named.coco_images)
    return annotated_people(named.lsp, mpii, coco, listener.warn)


def _settings(
    ours: Training,
    papers: Training | None,
    options: PriorOptions | Human2DOptions | End2EndOptions,
    run: TrainingOptions,
) -> Training:
    """Our settings, or the paper's where they are asked for, with what was given in place of theirs."""
    named = {name: getattr(options, name) for name in ("steps", "batch_size", "learning_rate")}
    given = {name: value for name, value in named.items() if value is not None}
    return replace(papers or ours, **given, seed=run.seed, precision=run.precision)


def _use_threads(run: TrainingOptions) -> None:
    if run.threads:
        torch.set_num_threads(run.threads)


def _device(run: TrainingOptions) -> str:
    """The CPU, or the GPU of this process: under torchrun each has its own."""
    return "cpu" if run.accelerator == "cpu" else f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def _trained(task: Task, output: Path, config: Training, run: TrainingOptions, listener: Listener) -> Trained:
    return run_training(
        task, output, config, resume=run.resume, accelerator=run.accelerator, devices=run.devices, listener=listener
    )


def _figures(errors: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.1f}" for name, value in errors.items())


def _write_weights(
    weights: Mapping[Path, PosePrior | ShapePrior | Human2D],
    config: Training,
    result: Trained,
    made_of: Mapping[str, Any],
    listener: Listener,
) -> None:
    """Weights with how they were made, and the last held-out errors; by the first process alone."""
    if not result.is_first:
        return
    for path, model in weights.items():
        save_network(model, path, training={**asdict(config), **made_of, "heldout": result.errors})
    listener.say(_figures(result.errors))
    listener.say(f"Weights: {', '.join(map(str, weights))}")
