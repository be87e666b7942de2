"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from . import options as opt

LSP, OPENBODY = "lsp", "openbody"
_OF_SETS = ("root", "people", "joint_regressor", "reduced", "landmarks", "smplx_model", "split", "camera", "every")
_OWN = {LSP: ("root",), OPENBODY: ("count", "seed")}
"""Options of data sets, of which a command has those of its own set."""


class ByDataset(TyperCommand):
    """A command whose options are those of the data set that --dataset names; another set's are refused."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["dataset"] = named_dataset(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        every = super().get_params(ctx)
        own = options_of(ctx.meta.get("dataset"))
        foreign = set() if own is None else {*_OF_SETS, *_OWN[OPENBODY]} - {*own}
        return [one for one in every if one.name not in foreign]


def named_dataset(args: Sequence[str]) -> str | None:
    """What --dataset says, or None."""
    for place, word in enumerate(args):
        if word == "--dataset":
            return args[place + 1] if place + 1 < len(args) else None
        if word.startswith("--dataset="):
            return word.partition("=")[2]
    return None


def options_of(dataset: str | None) -> tuple[str, ...] | None:
    """The options that a data set has beside those of all; None where there is no such set."""
    if dataset is None or dataset in _OWN:
        return None if dataset is None else _OWN[dataset]
    from ..evaluation.benchmarks import all_benchmarks

    one = all_benchmarks().found.get(dataset)
    return None if one is None else ("root", *("people" if name == "gender" else name for name in one.options))


def evaluate(
    estimates: Annotated[
        Path,
        typer.Option(help="Results: anchorfit's .npz, SMPLify's .pkl, a SPIN-style .npz, or a folder of them."),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            help="Data set that results are scored on: lsp, openbody, up3d, surreal, h36m, 3dpw, spin, emdb, bedlam, "
            "rich, or a data set of another package. With it, --help shows its options."
        ),
    ],
    output: opt.Output,
    root: Annotated[
        Path | None,
        typer.Option(help="The folder that holds the data set; with --dataset spin its file; openbody has none."),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(help="'open', or an SMPL .pkl or .npz file. Default: what the estimates name."),
    ] = None,
    gender: opt.Gender = "neutral",
    people: Annotated[
        str | None,
        typer.Option(
            help="surreal, 3dpw, emdb, and spin with gendered bodies: whose results are scored, female or male."
        ),
    ] = None,
    truth_body: Annotated[
        str | None, typer.Option(help="The SMPL file that the truth is of. Default: the estimates' body.")
    ] = None,
    joint_regressor: opt.Regressor = None,
    reduced: opt.Reduced = None,
    landmarks: opt.Landmarks = None,
    smplx_model: opt.SmplxModel = None,
    split: opt.Split = "",
    camera: opt.CameraNumber = 0,
    every: opt.Every = 1,
    count: Annotated[int, typer.Option(min=1, help="openbody: people.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="openbody: everything random comes from it.")] = 2018,
    name: Annotated[str, typer.Option(help="What the table calls the method.")] = "estimates",
    enlarged: Annotated[
        float, typer.Option(help="SMPLify's pickles: how many times images were enlarged for the fit (its demo: 2).")
    ] = 1.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    cases: Annotated[bool, typer.Option(help="Whether to draw the page of best and worst images.")] = True,
) -> None:
    """Score 3D bodies as published numbers are counted: by segmentation on LSP, by surface and joints elsewhere.

    A killed run goes on where it stopped when the same command is given again. An image without an estimate counts as
    an empty prediction.
    """
    from ..body import load_body
    from ..evaluation.benchmarks import SetOptions
    from ..evaluation.estimates import index_estimates
    from ..runs import scored
    from .console import Terminal, out, warn
    from .tables import print_table

    _check(dataset, root, gender, people, enlarged)
    index = index_estimates(estimates)
    model = scored.body_of(index.body, body, gender, estimates, warn)
    load_body(
        model[0], gender=model[1], num_betas=index.num_betas
    )  # here first: a process that cannot load it says less
    wanted = SetOptions(
        root=root or Path(), body=truth_body or model[0], gender=people or "neutral", joint_regressor=joint_regressor,
        reduced=reduced, landmarks=landmarks, smplx_model=smplx_model, split=split, camera=camera, every=every,
        truth_alone=True,
    )  # fmt: skip
    asked = scored.Asked(
        index=index, dataset=dataset, root=root or Path(), output=output, body=model, people=people or "neutral",
        truth_body=truth_body or model[0], wanted=wanted, count=count, seed=seed, method=name, enlarged=enlarged,
        workers=workers, cases=cases, listener=Terminal(),
    )  # fmt: skip
    for table in scored.on_lsp(asked) if dataset == LSP else scored.on_people(asked):
        print_table(table.rows, table.columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


def _check(dataset: str, root: Path | None, gender: str, people: str | None, enlarged: float) -> None:
    """Raises typer.BadParameter for options that cannot be."""
    from ..evaluation.benchmarks import all_benchmarks

    sets = all_benchmarks().found
    if dataset not in (LSP, OPENBODY, *sets):
        known = ", ".join((LSP, *sets, OPENBODY))
        raise typer.BadParameter(f"expected one of {known}, got {dataset!r}", param_hint="--dataset")
    if root is None and dataset != OPENBODY:
        raise typer.BadParameter(f"--dataset {dataset} needs the folder that holds it", param_hint="--root")
    opt.check_gender(gender)
    if people not in (None, "female", "male"):
        raise typer.BadParameter(f"expected female or male, got {people!r}", param_hint="--people")
    if people is None and dataset in sets and "gender" in sets[dataset].required:
        raise typer.BadParameter(
            f"{dataset}'s men and women are two models; say whose results are scored, and their file by --truth-body",
            param_hint="--people",
        )
    if not 0 < enlarged < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {enlarged}", param_hint="--enlarged")
