"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as opt

if TYPE_CHECKING:
    from ..evaluation.datasets.lsp import Lsp
    from ..evaluation.protocols.lsp import Matched
    from ..evaluation.records import Record

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
    from ..evaluation.protocols.lsp import match_estimates, score_estimates
    from ..evaluation.records import RecordFile, checksum
    from .console import long_run, warn
    from .outputs import make_folder

    if dataset not in DATASETS:
        raise typer.BadParameter(f"expected one of {', '.join(DATASETS)}, got {dataset!r}", param_hint="--dataset")
    opt.check_gender(gender)
    if not 0 < enlarged < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {enlarged}", param_hint="--enlarged")
    lsp = open_lsp(root)
    index = index_estimates(estimates)
    model = _body_of(index.body, body, gender, estimates)
    load_body(model[0], gender=model[1])  # here first: a process that cannot load it says less
    matched = match_estimates(lsp, index)
    for line in [*lsp.problems, *matched.problems]:
        warn(line)
    make_folder(output)
    settings = {
        "dataset": dataset,
        "method": name,
        "body": list(model),
        "enlarged": enlarged,
        "sha256 of the estimates": checksum(sorted({entry.path for entry in index.entries})),
        "sha256 of the annotations": checksum([path for image in lsp.images for path in (image.mask, image.parts)]),
    }
    with (
        RecordFile(output / "records.jsonl", settings) as file,
        long_run("scoring", len(lsp.images), before=len(file.done)) as progress,
    ):
        problems = score_estimates(
            lsp, matched, file, method=name, body=model, enlarged=enlarged, workers=workers, progress=progress
        )
    for line in problems:
        warn(line)
    if not file.records:
        raise ValueError(f"{root}: not one image could be scored")
    if cases:
        _draw_cases(output, lsp, matched, file.records, model, name, enlarged)
    _report(output, file.records, settings)


def _report(output: Path, records: list[Record], settings: dict[str, Any]) -> None:
    """Tables, per-image scores and the manifest; and what the terminal shows."""
    from ..evaluation.published import LSP_ROWS
    from ..evaluation.reports.manifest import manifest, write_manifest
    from ..evaluation.reports.people import write_people
    from ..evaluation.summary import SEGMENTATION, SEGMENTATION_BESIDE, summarise
    from .console import out
    from .tables import print_table, write_table

    rows = summarise(records)
    write_table(output, [*rows, *LSP_ROWS], (*SEGMENTATION, *SEGMENTATION_BESIDE))
    write_people(output, records)
    write_manifest(output, manifest({**settings, "images": len(records)}))
    print_table([*rows, *LSP_ROWS], SEGMENTATION)
    print_table(rows, SEGMENTATION_BESIDE)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


def _draw_cases(
    output: Path, lsp: Lsp, matched: Matched, records: list[Record], body: tuple[str, str], name: str, enlarged: float
) -> None:
    """The page of best and worst images."""
    from ..body import load_body
    from ..evaluation.protocols.lsp import scene_of_image
    from ..evaluation.reports.cases import write_cases

    images = {image.name: image for image in lsp.images}
    entries = {image: entry for image, entry in matched.entries.items() if entry is not None}
    write_cases(
        output / "cases.html",
        [record for record in records if record.params and not record.problem],
        lambda image: scene_of_image(images[image], entries[image], enlarged),
        load_body(body[0], gender=body[1]),
        title=f"{name} on LSP: best and worst",
    )


def _body_of(stated: tuple[str, str] | None, given: str | None, gender: str, estimates: Path) -> tuple[str, str]:
    """Name and gender of the body that the estimates are of."""
    from .console import warn

    if given is not None:
        if stated is not None and stated != (given, gender):
            warn(f"{estimates}: made with body {stated[0]} ({stated[1]}), scored with {given} ({gender}) as you say")
        return given, gender
    if stated is None:
        raise ValueError(
            f"{estimates}: these files do not say of which body they are; give --body SMPL_NEUTRAL.pkl, or --body open"
        )
    return stated
