"""``anchorfit benchmark``: methods over benchmarks, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as opt

if TYPE_CHECKING:
    from ..evaluation.protocols.runner import Benchmark
    from ..evaluation.summary import Column, Row

benchmark_app = typer.Typer(help="Methods over benchmarks: tables, per-person results, cases.", no_args_is_help=True)

DEFAULT_VARIANTS = "direct,smplify,anchored,smplify-on-gt"
Variants = Annotated[str, typer.Option(help="Methods, comma-separated; `anchorfit benchmark methods` lists them.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes. Times are those of an idle machine only with 1.")]
Cases = Annotated[bool, typer.Option(help="Whether to draw the page of best and worst people.")]
Root = Annotated[Path, typer.Option(help="The folder that holds the data set.")]


@benchmark_app.callback()
def _group() -> None:
    """Methods over benchmarks."""


@benchmark_app.command()
def methods() -> None:
    """List the methods that --variants takes."""
    from rich.table import Table

    from ..evaluation.methods import VARIANTS
    from .console import out

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, variant in VARIANTS.items():
        table.add_row(name, variant.about)
    out.print(table)


@benchmark_app.command()
def openbody(
    output: opt.Output,
    count: Annotated[int, typer.Option(min=1, help="People.")] = 300,
    variants: Variants = DEFAULT_VARIANTS,
    seed: Annotated[int, typer.Option(min=0, help="Everything random comes from it.")] = 2018,
    workers: Workers = 1,
    cases: Cases = True,
) -> None:
    """Synthetic people in held-out poses: no licensed file is needed.

    A killed run goes on where it stopped when the same command is given again; a larger --count adds people to it.
    """
    from ..evaluation.protocols.openbody import VERSION, OpenBody
    from ..evaluation.summary import POSE, SEGMENTATION, SURFACE, TIME

    plan = Plan(
        people=OpenBody(count=count, seed=seed),
        settings={"benchmark": VERSION, "seed": seed},
        columns=(*SEGMENTATION, SURFACE, *POSE, TIME),
        masks=True,
    )
    run(plan, output, variants, workers, cases)


@benchmark_app.command()
def lsp(
    root: Root,
    output: opt.Output,
    keypoints: Annotated[
        Path | None, typer.Option(help="Detected keypoints of all images. Default: est_joints.npz under the root.")
    ] = None,
    joints: Annotated[Path | None, typer.Option(help="LSP's joints.mat. Default: the one under the root.")] = None,
    variants: Variants = DEFAULT_VARIANTS,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    workers: Workers = 1,
    cases: Cases = True,
) -> None:
    """Segmentation on LSP's test images (Table 5 of Pavlakos et al. 2018).

    A killed run goes on where it stopped when the same command is given again.
    """
    from ..evaluation.protocols.lsp_benchmark import open_lsp_benchmark
    from ..evaluation.published import LSP_ROWS
    from ..evaluation.records import checksum
    from ..evaluation.summary import SEGMENTATION, SEGMENTATION_BESIDE, TIME
    from .console import warn

    opt.check_gender(gender)
    opened = open_lsp_benchmark(root, keypoints, joints)
    for line in opened.problems:
        warn(line)
    people = opened.benchmark
    sums = {
        "detections": checksum([people.detections]),
        "joints": checksum([people.joints]),
        "annotations": checksum([path for image in people.images for path in (image.mask, image.parts)]),
    }
    plan = Plan(
        people=people,
        settings={"benchmark": "lsp", "body": [body, gender], **{f"sha256 of {name}": s for name, s in sums.items()}},
        columns=(*SEGMENTATION, *SEGMENTATION_BESIDE[:1], TIME),
        published=LSP_ROWS,
        body=(body, gender),
    )
    run(plan, output, variants, workers, cases)


benchmark_app.command("table5", help="The same as `lsp`.")(lsp)


@benchmark_app.command()
def table1() -> None:
    """Say how Table 1, the ablation of the losses, is made again: it trains networks, which is a script's work."""
    from .console import out

    out.print("Table 1 trains networks: python scripts/reproduce_table1.py (see docs/prediction.md)", highlight=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A benchmark as a command runs it.

    Attributes:
        people: who.
        settings: what must be the same for records to belong together.
        columns: of the table.
        published: rows to print below ours.
        body: name or path and gender.
        masks: whether methods may be given masks.
    """

    people: Benchmark
    settings: dict[str, Any]
    columns: tuple[Column, ...]
    published: tuple[Row, ...] = ()
    body: tuple[str, str] = ("open", "neutral")
    masks: bool = False


def run(plan: Plan, output: Path, variants: str, workers: int, cases: bool) -> None:
    """Run, print and write everything: table.csv, .md and .tex, people, cases.html, manifest.json, records.jsonl."""
    import torch

    from ..body import load_body
    from ..evaluation.methods import variants_of
    from ..evaluation.protocols.runner import run_benchmark, scene_of
    from ..evaluation.records import RecordFile
    from ..evaluation.reports.cases import write_cases
    from ..evaluation.reports.manifest import fingerprint, manifest, write_manifest
    from ..evaluation.reports.people import write_people
    from ..evaluation.summary import summarise
    from .console import out, progress_bar
    from .outputs import make_folder
    from .tables import print_table, write_table

    chosen = [name.strip() for name in variants.split(",") if name.strip()]
    try:
        masked = [name for name, variant in variants_of(chosen).items() if variant.masks and not plan.masks]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--variants") from error
    if masked:
        raise typer.BadParameter(f"{', '.join(masked)}: masks are the answer here, not given", param_hint="--variants")
    make_folder(output)
    torch.set_num_threads(1)  # results do not depend on it, times do
    total = len(chosen) * sum(map(len, plan.people.names))
    settings = {**plan.settings, **fingerprint(plan.body[0])}
    with RecordFile(output / "records.jsonl", settings) as file, progress_bar("running", total) as (bar, task):
        records = run_benchmark(
            plan.people, chosen, file, body=plan.body, workers=workers, progress=lambda done: bar.advance(task, done)
        )
    rows = [*summarise(records), *plan.published]
    write_table(output, rows, plan.columns)
    write_people(output, records)
    if cases:
        body = load_body(plan.body[0], gender=plan.body[1])
        title = f"{plan.settings['benchmark']}: best and worst"
        write_cases(output / "cases.html", records, lambda name: scene_of(plan.people, name, body), body, title=title)
    write_manifest(output, manifest({**settings, "variants": chosen, "people": total // len(chosen)}))
    print_table(rows, plan.columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)
