"""``python -m anchorfit``: the command line."""

from .cli.main import run

run()
