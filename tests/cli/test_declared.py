"""Commands whose options are declared by dataclasses."""

import ast
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

import anchorfit
from anchorfit.cli import declared
from anchorfit.options import OptionError, option, refuse_unread


@dataclass(frozen=True, kw_only=True)
class Toys:
    """A group of options."""

    kind: str = option(takes=str, help="Which.")
    method: str = "build"
    number: int | None = option(None, takes=int, least=1, short="-n", help="How many.")
    paths: tuple[Path, ...] = option((), takes=Path, help="Where.")
    loud: bool = option(False, name="noisy", help="Loud.")
    tidy: bool = option(True, help="Tidy.")
    height: float = option(1.0, help="Metres.", only=("build",))

    def check(self) -> None:
        refuse_unread(self, self.method, by="method")
        if self.number == 13:
            raise OptionError("number", "expected another")


def app(**fixed: str) -> tuple[typer.Typer, list[Toys]]:
    """A command of one argument and the group, and what it was called with."""
    seen: list[Toys] = []
    made = typer.Typer()

    @made.command()
    @declared.command_of(**fixed)
    def play(name: Annotated[str, typer.Argument()], toys: Toys, device: str = "cpu") -> None:
        """Play."""
        toys.check()
        seen.append(toys)

    return made, seen


def test_a_dataclass_becomes_options():
    made, seen = app()
    call = ["x", "--kind", "brick", "-n", "3", "--paths", "a", "--paths", "b", "--noisy", "--no-tidy", "--height", "2"]
    assert CliRunner().invoke(made, call).exit_code == 0
    paths = (Path("a"), Path("b"))
    assert seen == [Toys(kind="brick", number=3, paths=paths, loud=True, tidy=False, height=2.0)]


def test_an_option_error_names_the_option():
    made, _ = app()
    for wrong, message in (
        (["x"], "Missing option '--kind'"),
        (["x", "--kind", "a", "-n", "0"], "Invalid value for '--number' / '-n'"),
        (["x", "--kind", "a", "-n", "13"], "Invalid value for --number: expected another"),
    ):
        result = CliRunner().invoke(made, wrong)
        assert result.exit_code == 2
        assert message in " ".join(result.output.replace("│", " ").split())


def test_a_mode_has_the_options_that_it_reads():
    made, seen = app(method="look")
    assert CliRunner().invoke(made, ["x", "--kind", "a"]).exit_code == 0
    assert seen[0].method == "look"
    assert "No such option" in CliRunner().invoke(made, ["x", "--kind", "a", "--height", "2"]).output
    with pytest.raises(OptionError, match="only with method build, got look"):
        Toys(kind="a", method="look", height=2.0).check()


def test_modes_are_those_of_their_own_group():
    """Of a group without that field, what some modes alone read is an option: the group itself says when."""

    @dataclass(frozen=True, kw_only=True)
    class Evidence:
        unit: str = option("auto", help="Unit.", only=("points",))

    @declared.command_of(method="look")
    def play(toys: Toys, evidence: Evidence) -> None:
        pass

    assert "unit" in signature(play).parameters
    assert "height" not in signature(play).parameters


def test_a_command_is_called_from_python_too():
    calls = []

    @declared.command
    def play(name: str, toys: Toys) -> None:
        calls.append((name, toys))

    play("x", kind="brick", noisy=True)
    assert calls == [("x", Toys(kind="brick", loud=True))]


def test_typer_stays_in_the_command_line():
    home = Path(anchorfit.__file__).parent
    users = []
    for path in home.rglob("*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        ]
        users += [path.relative_to(home).parts[0] for name in names if name and name.split(".")[0] == "typer"]
    assert {*users} == {"cli"}


def test_a_command_is_made_of_some_options_and_needs_others():
    seen: list[tuple[str, str, Toys]] = []
    made = typer.Typer()

    def play(*, device: Annotated[str, typer.Option()] = "cpu", gender: str = "neutral", toys: Toys) -> None:
        seen.append((device, gender, toys))

    made.command()(declared.command(play, without={"gender", "height", "paths"}, required={"device", "number"}))
    assert CliRunner().invoke(made, ["--kind", "a", "--device", "cuda", "-n", "2"]).exit_code == 0
    assert seen == [("cuda", "neutral", Toys(kind="a", number=2))]
    for needed in ("--device", "--number"):
        given = [one for one in ("--device=cuda", "--number=2") if not one.startswith(needed)]
        assert f"Missing option '{needed}'" in CliRunner().invoke(made, ["--kind", "a", *given]).output
    for foreign in ("--gender", "--height", "--paths"):
        call = ["--kind", "a", "--device", "cuda", "-n", "2", foreign, "1"]
        assert f"No such option: {foreign}" in CliRunner().invoke(made, call).output
