"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import options as opt

LSP, OPENBODY = "lsp", "openbody"
KNOWN_BODIES = ("up3d", "surreal", "h36m", "3dpw", "spin")
DATASETS = (LSP, *KNOWN_BODIES, OPENBODY)


def evaluate(
    estimates: Annotated[
        Path,
        typer.Option(help="Results: anchorfit's .npz, SMPLify's .pkl, a SPIN-style .npz, or a folder of them."),
    ],
    dataset: Annotated[str, typer.Option(help=f"What they are scored on: {', '.join(DATASETS)}.")],
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
        typer.Option(help="surreal, 3dpw, and spin with gendered bodies: whose results are scored, female or male."),
    ] = None,
    truth_body: Annotated[
        str | None, typer.Option(help="The SMPL file that the truth is of. Default: the estimates' body.")
    ] = None,
    joint_regressor: opt.Regressor = None,
    reduced: opt.Reduced = None,
    landmarks: opt.Landmarks = None,
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
    asked = scored.Asked(
        index=index, dataset=dataset, root=root or Path(), output=output, body=model, people=people or "neutral",
        truth_body=truth_body or model[0], regressor=joint_regressor, reduced=reduced, landmarks=landmarks, count=count,
        seed=seed, method=name, enlarged=enlarged, workers=workers, cases=cases, listener=Terminal(),
    )  # fmt: skip
    for table in scored.on_lsp(asked) if dataset == LSP else scored.on_people(asked):
        print_table(table.rows, table.columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


def _check(dataset: str, root: Path | None, gender: str, people: str | None, enlarged: float) -> None:
    """Raises typer.BadParameter for options that cannot be."""
    if dataset not in DATASETS:
        raise typer.BadParameter(f"expected one of {', '.join(DATASETS)}, got {dataset!r}", param_hint="--dataset")
    if root is None and dataset != OPENBODY:
        raise typer.BadParameter(f"--dataset {dataset} needs the folder that holds it", param_hint="--root")
    opt.check_gender(gender)
    if people not in (None, "female", "male"):
        raise typer.BadParameter(f"expected female or male, got {people!r}", param_hint="--people")
    if people is None and dataset in ("surreal", "3dpw"):
        raise typer.BadParameter(
            f"{dataset}'s men and women are two models; say whose results are scored, and their file by --truth-body",
            param_hint="--people",
        )
    if not 0 < enlarged < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {enlarged}", param_hint="--enlarged")
