"""How ``--help`` looks: commands are listed in a table, options are plain text."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

OPTIONS_MARKUP = None
"""Typer's ``rich_markup_mode`` of commands that have options: Rich's table of them cuts long names on 80 columns."""


class ListedGroup(TyperGroup):
    """A group that shows each command's whole first sentence; plain text would cut it after half a line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "rich_markup_mode": "rich"})
