"""Checks of options that several commands share."""

from __future__ import annotations

import typer


def check_gender(gender: str) -> None:
    """Raises typer.BadParameter where there is no such gender."""
    from ..body import GENDERS

    if gender not in GENDERS:
        raise typer.BadParameter(f"expected one of {', '.join(GENDERS)}, got {gender!r}", param_hint="--gender")
