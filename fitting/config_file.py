"""Constants of a schedule from a TOML file: ``[terms.hinge]``, ``weight = 3.0`` (the tables of docs/fitting.md)."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..body import CANONICAL_JOINTS
from .config import ESSENTIAL, FitConfig, Stage, default_term
from .least_squares import Dogleg, LevenbergMarquardt, StepRule
from .terms import TermSpec

RULES: dict[str, type[LevenbergMarquardt] | type[Dogleg]] = {
    "levenberg-marquardt": LevenbergMarquardt,
    "dogleg": Dogleg,
}
"""What ``rule`` may be."""
NONE = "none"  # TOML has no word for it
OFF = "off"
_POSITIVE = ("sigma", "reference_height", "damping", "max_damping", "radius", "min_radius")  # 0 would divide by it
_CHOICES = {"depth_from": ("limbs", "torso")}


class ConfigFileError(ValueError):
    """A configuration file that cannot be used; the message is one line: the file, the key, what was expected."""


def read_config(path: str | Path, base: FitConfig) -> FitConfig:
    """Read the constants that a TOML file changes.

    Tables follow the dataclasses: ``[limits]`` changes `Limits`, ``[stages.last.stopping]`` the `Stopping` of the stage
    of that name. ``[terms.NAME]`` changes a term that is on, or switches on one of the package's with its usual
    constants; ``off = true`` alone switches a term or a stage off. Weights of joints that are not named stay.

    Args:
        path: of the file.
        base: what is changed; what the file does not name stays as it is there.
    Raises:
        ConfigFileError: the file is missing or broken, or has an unknown key, a value of the wrong type, or a number
            that is not finite or out of range.
    """
    try:
        with Path(path).open("rb") as stream:
            content = tomllib.load(stream)
    except FileNotFoundError as error:
        raise ConfigFileError(f"{path}: no such configuration file; check the path") from error
    except OSError as error:
        raise ConfigFileError(f"{path}: cannot be read ({error.strerror}); expected a TOML file") from error
    except (ValueError, RecursionError) as error:
        raise ConfigFileError(f"{path}: this is no TOML ({' '.join(str(error).split())})") from error
    try:
        config: FitConfig = _changed(base, content, "")
        for stage in config.stages[:1]:
            config.terms_of(stage)  # every term begins in a stage that there is
    except ValueError as error:
        raise ConfigFileError(f"{path}: {error}") from error
    return config


def _changed(old: Any, given: Any, key: str) -> Any:
    """A frozen dataclass with the fields that a table names as the table says."""
    table = _table(given, key)
    hints = get_type_hints(type(old))
    known = [field.name for field in fields(old) if field.name != "name"]
    for name in table:
        if name not in known:
            raise ValueError(f"{_under(key, name)}: no such key; expected {', '.join(known)}")
    new = {name: _value(getattr(old, name), value, hints[name], _under(key, name)) for name, value in table.items()}
    return replace(old, **new)


def _value(old: Any, given: Any, hint: Any, key: str) -> Any:
    """What a file gives for a field, checked against the field's type; ``old`` is its value so far."""
    kind, inner = get_origin(hint), get_args(hint)
    if hint is StepRule:
        return _rule(old, given, key)
    if is_dataclass(old):
        return _changed(old, given, key)
    if kind is tuple and inner[0] in (Stage, TermSpec):
        return _named(old, given, key)
    if kind is tuple:
        return _numbers(given, key)
    if kind is Mapping:
        return {**old, **_joint_weights(given, key)}
    if kind in (Union, UnionType):
        (plain,) = (one for one in inner if one is not NoneType)
        return None if given == NONE else _value(old, given, plain, key)
    return _plain(given, hint, key)


def _named(old: tuple[Any, ...], given: Any, key: str) -> tuple[Any, ...]:
    """Stages or terms, some of them changed, switched on or off by name."""
    found = {one.name: one for one in old}
    for name, entry in _table(given, key).items():
        where = _under(key, name)
        table = dict(_table(entry, where))
        off = _plain(table.pop(OFF, False), bool, f"{where}.{OFF}")
        if off and table:
            raise ValueError(f"{where}: expected {OFF} = true alone, got {', '.join(table)}, too")
        if off and name in ESSENTIAL:
            raise ValueError(f"{where}: expected it to be on: without {', '.join(ESSENTIAL)} nothing is fitted")
        if name not in found and key == "stages":
            raise ValueError(f"{where}: no such stage; expected {', '.join(found)}")
        one = found.pop(name, None) if off else found.get(name)
        if not off:
            found[name] = _changed(one or default_term(name), table, where)
    if not found:
        raise ValueError(f"{key}: expected one that is on")
    return tuple(found.values())


def _rule(old: StepRule, given: Any, key: str) -> Any:
    """A step rule: its name, or a table of its constants with the name as ``kind``."""
    table = {"kind": given} if isinstance(given, str) else dict(_table(given, key))
    kind = table.pop("kind", None)
    if kind is None:
        return _changed(old, table, key)
    if not isinstance(kind, str) or kind not in RULES:
        raise ValueError(f"{key}: expected {_either(RULES)}, got {_shown(kind)}")
    return _changed(old if isinstance(old, RULES[kind]) else RULES[kind](), table, key)


def _numbers(given: Any, key: str) -> tuple[float, ...]:
    if not isinstance(given, list) or not given or not all(map(_is_number, given)):
        raise ValueError(f"{key}: expected a list of numbers, got {_shown(given)}")
    return tuple(map(float, given))


def _joint_weights(given: Any, key: str) -> dict[str, float]:
    table = _table(given, key)
    unknown = next((name for name in table if name not in CANONICAL_JOINTS), None)
    if unknown is not None:
        raise ValueError(f"{_under(key, unknown)}: no such joint; expected some of {', '.join(CANONICAL_JOINTS)}")
    return {name: _plain(value, float, _under(key, name)) for name, value in table.items()}


def _plain(given: Any, hint: Any, key: str) -> Any:
    """A number, a word or a truth value."""
    name = key.rpartition(".")[2]
    choices = _CHOICES.get(name) or (get_args(hint) if get_origin(hint) is Literal else ())
    if choices:
        if given not in choices:
            raise ValueError(f"{key}: expected {_either(choices)}, got {_shown(given)}")
        return given
    if hint is float:
        least = "above 0" if name in _POSITIVE else "of 0 or more"
        if not _is_number(given) or given < 0 or (given == 0 and name in _POSITIVE):
            raise ValueError(f"{key}: expected a number {least}, got {_shown(given)}")
        return float(given)
    if hint is int:
        if type(given) is not int or given < 1:
            raise ValueError(f"{key}: expected a whole number of 1 or more, got {_shown(given)}")
        return given
    words = {bool: "true or false", str: "a text in quotes"}
    if type(given) is not hint:
        raise ValueError(
            f"{key}: expected {words.get(hint, 'nothing: it cannot be set in a file')}, got {_shown(given)}"
        )
    return given


def _table(given: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{key}: expected a table [{key}], got {_shown(given)}")
    return given


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _either(names: Any) -> str:
    return " or ".join(f'"{name}"' for name in names)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
