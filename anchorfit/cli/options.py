"""Checks of options that several commands share."""

from __future__ import annotations

import typer


def check_gender(gender: str) -> None:
    """Raises typer.BadParameter where there is no such gender."""
    from ..body import GENDERS

    if gender not in GENDERS:
        raise typer.BadParameter(f"expected one of {', '.join(GENDERS)}, got {gender!r}", param_hint="--gender")


def check_renderer(renderer: str) -> None:
    """Raises typer.BadParameter where there is no such renderer, or its package is not installed."""
    from ..rendering import load_renderer

    try:
        load_renderer(renderer)
    except (ImportError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--renderer") from error
