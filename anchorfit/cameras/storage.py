"""OpenCV's FileStorage, YAML and JSON, read by hand: the same whichever OpenCV is installed.

Its own reader takes names without quotes for numbers, and gives zeros for what is not there (4.12 to 5.1).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from .reading import CameraFileError, text_of

_BLOCK = re.compile(r"^([A-Za-z_\"][^:\n]*?)\s*:(.*?)(?=^[A-Za-z_\"]|\Z)", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\.nan|\.inf|nan|inf|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)", re.IGNORECASE)


def read_storage(path: Path) -> dict[str, Any]:
    """Keys and values: matrices as arrays, lists of texts, texts and numbers.

    Raises:
        CameraFileError: this is no FileStorage.
    """
    text = text_of(path)
    if text.lstrip().startswith("{"):
        content = json.loads(text)
        return {key: _of_json(value) for key, value in content.items()}
    if text.lstrip().startswith("<"):
        raise CameraFileError(f"{path}: OpenCV's XML is not read; write it as .yml or .json")
    found = {name.strip('" '): _of_block(name, block) for name, block in _BLOCK.findall(text)}
    if not found:
        raise CameraFileError(f"{path}: expected OpenCV's FileStorage (KEY: !!opencv-matrix ...)")
    return found


def is_matrix(value: Any) -> bool:
    """Whether a value of FileStorage's JSON is a matrix."""
    return isinstance(value, dict) and str(value.get("type_id", "")).startswith("opencv-")


def _of_json(value: Any) -> Any:
    if not is_matrix(value):
        return value
    shape = (value["rows"], value["cols"]) if "rows" in value else value["sizes"]
    return np.asarray(value["data"], dtype=np.float64).reshape(shape)


def _of_block(name: str, block: str) -> Any:
    if "opencv-" in block:
        data = re.search(r"data\s*:\s*\[(.*?)\]", block, re.DOTALL)
        if data is None:
            raise ValueError(f"{name}: a matrix without data")
        values = [float(word.replace(".nan", "nan").replace(".inf", "inf")) for word in _numbers(data[1])]
        rows, columns = (re.search(rf"{key}\s*:\s*(\d+)", block) for key in ("rows", "cols"))
        if rows is None or columns is None:  # opencv-nd-matrix
            return np.array(values)
        if int(rows[1]) * int(columns[1]) != len(values):
            raise ValueError(f"{name}: expected {rows[1]} x {columns[1]} numbers, got {len(values)}")
        return np.array(values).reshape(int(rows[1]), int(columns[1]))
    plain = block.strip()
    if plain.startswith(("[", "-")):
        words = re.findall(r'"([^"]*)"|([^\s,\[\]"-][^\s,\[\]"]*)', plain)
        return [quoted or bare for quoted, bare in words]
    return plain.strip('"')


def _numbers(text: str) -> list[str]:
    return [word.lower() for word in _NUMBER.findall(text)]
