"""What ``--help`` shows on a terminal of 80 columns, and where nothing says how wide it is."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from anchorfit.cli.main import app


def commands(command, path=()):
    """All commands with their names, groups among them."""
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, name), (*path, name))


COMMANDS = {" ".join(path): command for path, command in commands(get_command(app))}


@pytest.mark.parametrize("path", COMMANDS)
def test_each_name_stands_whole(path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*path.split(), "--help"])
    assert shown.exit_code == 0, shown.output
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown.output
    words = shown.output.replace(",", " ").split()
    options = [one for one in COMMANDS[path].params if one.param_type_name == "option" and not one.hidden]
    missing = [name for one in options for name in (*one.opts, *one.secondary_opts) if name not in words]
    assert not missing


@pytest.mark.parametrize("group", [path for path, command in COMMANDS.items() if hasattr(command, "list_commands")])
def test_a_group_says_each_commands_whole_sentence(group, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, [*group.split(), "--help"]).output
    said = " ".join(shown.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())
    for name in COMMANDS[group].list_commands(None):
        sentence = COMMANDS[f"{group} {name}".strip()].help.split("\n\n")[0]
        assert " ".join(sentence.split()) in said, name
