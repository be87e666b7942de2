"""Commands of benchmark data sets, made from what each set says of itself: a set's own options and no other."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from . import options as opt

if TYPE_CHECKING:
    from ..evaluation.benchmarks import BenchmarkSet

DEFAULT_METHODS = "direct,smplify,anchored"
Variants = Annotated[str, typer.Option(help="Methods, comma-separated; `anchorfit benchmark methods` lists them.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes. Times are those of an idle machine only with 1.")]
Cases = Annotated[bool, typer.Option(help="Whether to draw the page of best and worst people.")]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder for all that can be made again, in which --trained lies. Default: the user's cache."),
]
Root = Annotated[Path, typer.Option(help="The folder that holds the data set, or the file that it is.")]
SmplBody = Annotated[str, typer.Option("--body", help="The SMPL file whose parameters the data set's truth is in.")]

OWN: dict[str, tuple[Any, Any]] = {
    "gender": (opt.Gender, "neutral"),
    "joint_regressor": (opt.Regressor, None),
    "reduced": (opt.Reduced, None),
    "landmarks": (opt.Landmarks, None),
    "smplx_model": (opt.SmplxModel, None),
    "split": (opt.Split, ""),
    "camera": (opt.CameraNumber, 0),
    "every": (opt.Every, 1),
    "keypoints": (opt.DetectedKeypoints, None),
}
"""Options of data sets: what the command line takes for each, and what is meant where it is not given."""

Results = Annotated[
    Path | None,
    typer.Option(
        help="Results of any program, as `anchorfit evaluate` takes them: scored beside the methods (results), and "
        "after anchored fitting to the set's keypoints (results+2d)."
    ),
]
_COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("variants", Variants, DEFAULT_METHODS),
    ("results", Results, None),
    ("workers", Workers, 1),
    ("cases", Cases, True),
    ("device", opt.Device, "cpu"),
    ("cache", Cache, None),
)
ALIASES = {"table2": "up3d", "table3": "surreal", "table4": "h36m"}
"""Tables of Pavlakos et al. 2018 -> the data set."""


class BenchmarkGroup(TyperGroup):
    """The group of benchmarks: its own commands, and one for each data set of this package and of others.

    Nothing of the evaluation is imported before a data set is asked for.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        from ..evaluation.benchmarks import all_benchmarks

        found, problems = all_benchmarks()
        for problem in problems:
            typer.echo(str(problem), err=True)
        return [*super().list_commands(ctx), *ALIASES, *found]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        from ..evaluation.benchmarks import all_benchmarks

        known, problems = all_benchmarks()
        one = known.get(ALIASES.get(cmd_name, cmd_name))
        if one is None:
            for problem in problems:
                typer.echo(str(problem), err=True)
            return None
        info = CommandInfo(name=cmd_name, callback=command_of(one), help=one.about)
        return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="rich")


def command_of(one: BenchmarkSet) -> Callable[..., None]:
    """What runs a benchmark over a data set, with the options of the set."""

    def run(**given: Any) -> None:
        _run(one, **given)

    first: list[tuple[str, Any, Any]] = [
        ("root", Root, Parameter.empty),
        ("output", opt.Output, Parameter.empty),
        ("body", SmplBody, Parameter.empty) if one.smpl else ("body", opt.Body, "open"),
    ]
    own = [
        (name, OWN[name][0], Parameter.empty if name in one.required else OWN[name][1])
        for name in sorted(one.options, key=lambda name: name not in one.required)
    ]
    parameters = [*first, *own, *_COMMON]
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for name, kind, default in parameters
        ]
    )
    return run


def _run(
    one: BenchmarkSet,
    *,
    root: Path,
    output: Path,
    body: str,
    variants: str,
    results: Path | None,
    workers: int,
    cases: bool,
    device: str,
    cache: Path | None,
    **own: Any,
) -> None:
    from ..evaluation.benchmarks import SetOptions
    from ..runs.plans import set_plan
    from .benchmark import run_plan_and_print

    if one.smpl:
        check_smpl(body)
    if "gender" in own:
        opt.check_gender(own["gender"])
    plan = set_plan(one, SetOptions(root=root, body=body, **own))
    run_plan_and_print(plan, output, variants, workers, cases, device=device, cache=cache, results=results)


def check_smpl(body: str) -> None:
    """Raises typer.BadParameter for the open body, which SMPL's parameters mean nothing on."""
    if body == "open":
        raise typer.BadParameter(
            "this data set's truth is in SMPL's parameters, which mean nothing on the open body; give an SMPL file",
            param_hint="--body",
        )
