"""Records as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line with its end, in UTF-8. A file's name that is no text (on Linux it may be any bytes) stands escaped, and
    ``json.loads`` gives it back."""
    try:
        return (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(record, allow_nan=False) + "\n").encode()
