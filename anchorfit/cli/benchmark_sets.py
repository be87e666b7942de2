"""Commands of benchmark data sets, made from what each set says of itself: a set's own options and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command_from_info
from typer.models import CommandInfo

from ..options import OptionError, declared
from ..runs.evaluation_options import (
    BenchmarkOptions,
    BodiesOptions,
    DataOptions,
    EvaluateOptions,
    OpenBodyOptions,
    SeenOptions,
    data_options,
)
from . import options as opt
from .console import Terminal, out
from .declared import command, typer_option
from .groups import OPTIONS_MARKUP, ListedGroup

if TYPE_CHECKING:
    from ..evaluation.benchmarks import BenchmarkSet

Root = Annotated[Path, typer_option(EvaluateOptions, "root")]
SmplBody = Annotated[str, typer.Option("--body", help="The SMPL file whose parameters the data set's truth is in.")]

ALIASES = {"table2": "up3d", "table3": "surreal", "table4": "h36m", "table5": "lsp"}
"""Tables of Pavlakos et al. 2018 -> the data set."""


class BenchmarkGroup(ListedGroup):
    """The group of benchmarks: its own commands, and one for each data set of this package and of others.

    Nothing of the evaluation is imported before a data set is asked for.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *ALIASES, *_known_sets(say=True)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        one = _known_sets().get(ALIASES.get(cmd_name, cmd_name))
        if one is None:
            _known_sets(say=True)
            return None
        info = CommandInfo(name=cmd_name, callback=set_command(one), help=one.about)
        return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=OPTIONS_MARKUP)


def set_command(one: BenchmarkSet) -> Callable[..., None]:
    """What runs a benchmark over a data set, with the options of the set."""

    def run(
        *,
        root: Root = Path(),
        output: opt.Output,
        body: opt.Body = "open",
        gender: opt.Gender = "neutral",
        data: DataOptions,
        people: OpenBodyOptions,
        seen: SeenOptions,
        options: BodiesOptions,
    ) -> None:
        if one.smpl and body == "open":
            raise OptionError(
                "body",
                "this data set's truth is in SMPL's parameters, which mean nothing on the open body; give an SMPL file",
            )
        opt.check_gender(gender)
        from ..evaluation.benchmarks import SetOptions
        from ..runs.benchmark import run_set
        from .tables import print_table, print_world

        wanted = SetOptions(root=root, body=body, gender=gender, **data_options(data, people, seen))
        told = run_set(one, wanted, output, options, Terminal())
        print_table(told.rows, told.columns)
        if told.apart:
            out.print(f"\nThe same people, compared with {told.reference} (paired 95 % intervals):", highlight=False)
            print_table(told.apart, told.apart_columns)
        print_world(told.world)
        out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)

    if one.smpl:
        run.__annotations__["body"] = SmplBody
    if one.annotated:
        run.__annotations__["options"] = BenchmarkOptions
    options = {option.field for kind in (DataOptions, OpenBodyOptions, SeenOptions) for option in declared(kind)}
    without = {"gender", *options} - {*one.options}
    without |= {name for name, never in (("root", one.rootless), ("body", bool(one.own_body))) if never}
    required = {*one.required, *(["body"] if one.smpl else []), *([] if one.rootless else ["root"])}
    return command(run, without=without, required=required)


def _known_sets(*, say: bool = False) -> dict[str, BenchmarkSet]:
    """All data sets by name; those of other packages that cannot be used are said, if wanted."""
    from ..evaluation.benchmarks import all_benchmarks

    found, problems = all_benchmarks()
    for problem in problems if say else ():
        typer.echo(str(problem), err=True)
    return found
