"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import options as opt

DATASETS = ("lsp",)


def evaluate(
    estimates: Annotated[
        Path,
        typer.Option(help="Results: anchorfit's .npz, SMPLify's .pkl, a SPIN-style .npz, or a folder of them."),
    ],
    dataset: Annotated[str, typer.Option(help=f"What they are scored on: {', '.join(DATASETS)}.")],
    root: Annotated[Path, typer.Option(help="The folder that holds the data set.")],
    output: opt.Output,
    body: Annotated[
        str | None,
        typer.Option(help="'open', or an SMPL .pkl or .npz file. Default: what the estimates name."),
    ] = None,
    gender: opt.Gender = "neutral",
    name: Annotated[str, typer.Option(help="What the table calls the method.")] = "estimates",
    enlarged: Annotated[
        float, typer.Option(help="SMPLify's pickles: how many times images were enlarged for the fit (its demo: 2).")
    ] = 1.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    cases: Annotated[bool, typer.Option(help="Whether to draw the page of best and worst images.")] = True,
) -> None:
    """Score 3D bodies by their segmentation, as published numbers are counted.

    A killed run goes on where it stopped when the same command is given again. An image without an estimate counts as
    an empty prediction.
    """
    from ..body import load_body
    from ..evaluation.datasets.lsp import open_lsp
    from ..evaluation.estimates import index_estimates
    from ..evaluation.protocols.lsp import match_estimates, scene_of_image, score_estimates
    from ..evaluation.published import LSP_ROWS
    from ..evaluation.records import RecordFile, checksum
    from ..evaluation.reports.cases import write_cases
    from ..evaluation.reports.manifest import manifest, write_manifest
    from ..evaluation.reports.people import write_people
    from ..evaluation.summary import SEGMENTATION, SEGMENTATION_BESIDE, summarise
    from .console import out, progress_bar, warn
    from .outputs import make_folder
    from .tables import print_table, write_table

    if dataset not in DATASETS:
        raise typer.BadParameter(f"expected one of {', '.join(DATASETS)}, got {dataset!r}", param_hint="--dataset")
    opt.check_gender(gender)
    if not 0 < enlarged < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {enlarged}", param_hint="--enlarged")
    lsp = open_lsp(root)
    index = index_estimates(estimates)
    model = _body_of(index.body, body, gender, estimates)
    matched = match_estimates(lsp, index)
    for line in [*lsp.problems, *matched.problems]:
        warn(line)
    make_folder(output)
    files = sorted({entry.path for entry in index.entries})
    settings = {"dataset": dataset, "method": name, "body": list(model), "enlarged": enlarged}
    run = {**settings, "estimates": checksum(files), "annotations": checksum([image.parts for image in lsp.images])}
    with RecordFile(output / "records.jsonl", run) as file, progress_bar("scoring", len(lsp.images)) as (bar, task):
        problems = score_estimates(
            lsp, matched, file, method=name, body=model, enlarged=enlarged, workers=workers,
            progress=lambda done: bar.advance(task, done),
        )  # fmt: skip
        records = file.records
    for line in problems:
        warn(line)
    if not records:
        raise ValueError(f"{root}: not one image could be scored")
    rows = summarise(records)
    write_table(output, [*rows, *LSP_ROWS], (*SEGMENTATION, *SEGMENTATION_BESIDE))
    write_people(output, records)
    write_manifest(output, manifest(settings, {"estimates": files, "parts": [image.parts for image in lsp.images]}))
    if cases:
        images = {image.name: image for image in lsp.images}
        found = {name: entry for name, entry in matched.entries.items() if entry is not None}
        drawable = [record for record in records if record.params and not record.problem]
        write_cases(
            output / "cases.html", drawable, lambda image: scene_of_image(images[image], found[image], enlarged),
            load_body(model[0], gender=model[1]), title=f"{name} on LSP: best and worst",
        )  # fmt: skip
    print_table([*rows, *LSP_ROWS], SEGMENTATION)
    print_table(rows, SEGMENTATION_BESIDE)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


def _body_of(stated: tuple[str, str] | None, given: str | None, gender: str, estimates: Path) -> tuple[str, str]:
    """Name and gender of the body that the estimates are of."""
    if given is not None:
        return given, gender
    if stated is None:
        raise ValueError(
            f"{estimates}: these files do not say of which body they are; give --body SMPL_NEUTRAL.pkl, or --body open"
        )
    return stated
