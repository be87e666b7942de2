"""Commands whose options are declared by dataclasses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass, replace
from types import GenericAlias
from typing import Annotated, Any, NamedTuple

import typer

from ..options import Declared, OptionError, declared


def command_of(**fixed: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The decorator `command` for one mode of the dataclasses: their fields of these names have these values, and what
    only other modes read is no option."""
    return lambda function: command(function, **fixed)


def command(
    function: Callable[..., None], *, without: Collection[str] = (), required: Collection[str] = (), **fixed: Any
) -> Callable[..., None]:
    """The function as a command: each parameter that is a dataclass becomes the options that the dataclass declares.

    An `OptionError` becomes a usage error that names the option.

    Args:
        function: of plain parameters, as typer takes them, and of dataclasses.
        without: parameters of the function, and fields of the dataclasses, that are no options here.
        required: those that must be given here.
        fixed: as for `command_of`.
    """
    own = {
        name: one.replace(default=one.empty) if name in required else one
        for name, one in inspect.signature(function, eval_str=True).parameters.items()
        if name not in without
    }
    kinds = {name: one.annotation for name, one in own.items() if _is_group(one)}
    groups = {name: _Group.of(kind, fixed).narrowed(without, required) for name, kind in kinds.items()}
    parameters: list[inspect.Parameter] = []
    for name, one in own.items():
        if name in groups:
            parameters += map(_parameter, groups[name].options)
        else:
            parameters.append(one.replace(kind=one.KEYWORD_ONLY) if _keyword_only(parameters) else one)
    flat = inspect.Signature(parameters)

    def run(*args: Any, **kwargs: Any) -> None:
        bound = flat.bind(*args, **kwargs)
        bound.apply_defaults()
        values = bound.arguments
        with usage_errors():
            function(**{name: groups[name].made(values) if name in groups else values[name] for name in own})

    run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = flat  # type: ignore[attr-defined]
    return run


def typer_option(options: type, field: str) -> Any:
    """What typer is told of one field of a dataclass, for commands that take it alone."""
    return _typer_option(next(one for one in declared(options) if one.field == field))


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turns an `OptionError` of the library into an error of the command line."""
    try:
        yield
    except OptionError as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.option}") from error


class _Group(NamedTuple):
    """A dataclass among a command's parameters, its options here, and the values of other fields."""

    kind: type
    options: list[Declared]
    fixed: dict[str, Any]

    @staticmethod
    def of(kind: type, fixed: dict[str, Any]) -> _Group:
        own = {name: value for name, value in fixed.items() if name in {field.name for field in fields(kind)}}
        modes = {value for value in own.values() if isinstance(value, str)}  # none: the group says itself what it reads
        options = [
            one for one in declared(kind) if one.field not in own and (not modes or not one.only or modes & {*one.only})
        ]
        return _Group(kind, options, own)

    def narrowed(self, without: Collection[str], required: Collection[str]) -> _Group:
        """The same without some options, and with some that must be given."""
        kept = [one for one in self.options if one.field not in without]
        return self._replace(options=[replace(one, default=MISSING) if one.field in required else one for one in kept])

    def made(self, values: dict[str, Any]) -> Any:
        """The dataclass of a command's values."""
        found = {one.field: values[one.name] for one in self.options}
        found |= {one.field: tuple(values[one.name] or ()) for one in self.options if one.several}
        return self.kind(**self.fixed, **found)


def _is_group(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)


def _keyword_only(parameters: list[inspect.Parameter]) -> bool:
    return bool(parameters) and parameters[-1].kind is inspect.Parameter.KEYWORD_ONLY


def _parameter(one: Declared) -> inspect.Parameter:
    kind: Any = GenericAlias(list, one.takes) if one.several else one.takes
    default = None if one.several else inspect.Parameter.empty if one.default is MISSING else one.default
    wanted: Any = kind | None if default is None else kind
    annotation: Any = Annotated[wanted, _typer_option(one)]
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _typer_option(one: Declared) -> Any:
    flag = one.name.replace("_", "-")
    names = [f"--{flag}"]
    if one.takes is bool and one.default is not False:
        names = [f"--{flag}/--no-{flag}"]
    return typer.Option(*names, *([one.short] if one.short else []), help=one.help, min=one.least, max=one.most)
