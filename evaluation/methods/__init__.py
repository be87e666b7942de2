"""Methods that benchmarks compare, and the register that commands look names up in.

NAME+2d is the method NAME with its bodies refined by the same keypoints (`refined`). Results of files are methods, too,
that look their answers up (`given`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...plugins import Plugins, load_plugin, load_plugins, plugin_names
from ..answers import MethodResult
from .ours import OURS
from .refined import SUFFIX, refined
from .variant import Method, Variant

__all__ = [
    "BASELINES",
    "ENTRY_POINTS",
    "VARIANTS",
    "Method",
    "MethodResult",
    "Variant",
    "all_variants",
    "register",
    "variants_of",
    "with_refined",
]

ENTRY_POINTS = "anchorfit.methods"
"""Where packages that are installed beside this one name their own `Variant`."""

BASELINES = (
    "ramakrishna", "akhter-black", "zhou", "forest", "forest-91", "tan-direct", "tan-indirect", "landmarks-91",
)  # fmt: skip
"""Methods of the distribution anchorfit-baselines (docs/baselines.md), which is installed by itself."""

VARIANTS: dict[str, Variant] = dict(OURS)
"""By name. Further methods join with `register` or under `ENTRY_POINTS`."""


def register(name: str, variant: Variant) -> None:
    """Add a method, so that ``anchorfit benchmark --variants NAME`` finds it.

    A package that is installed needs no call: it names its `Variant` under the entry point ``anchorfit.methods``.

    Raises:
        ValueError: there is one of this name.
    """
    if name in _names():
        raise ValueError(f"{name}: there is a method of this name already")
    VARIANTS[name] = variant


def variants_of(names: Sequence[str]) -> dict[str, Variant]:
    """The methods of these names, in their order; of other packages those alone are imported.

    Raises:
        ValueError: there is no such method, none is named, or its package cannot be imported.
    """
    known = _names()
    plain = {name: name if name in known else name.removesuffix(SUFFIX) for name in names}
    unknown = [name for name in names if plain[name] not in known]
    missing = [plain[name] for name in unknown if plain[name] in BASELINES]
    if missing:
        raise ValueError(
            f"variants: {', '.join(missing)}: of the distribution anchorfit-baselines, which is not installed; "
            "in a clone of anchorfit's repository: pip install ./baselines"
        )
    if unknown or not names:
        raise ValueError(f"variants: expected some of {', '.join(known)}; got {', '.join(unknown) or 'none'}")
    found = {one: VARIANTS.get(one) or load_plugin(ENTRY_POINTS, one, Variant) for one in plain.values()}
    joints = [name for name, one in plain.items() if one != name and not found[one].bodies]
    if joints:
        raise ValueError(f"variants: {', '.join(joints)}: joints alone cannot be refined: no body to begin with")
    return {name: found[one] if one == name else refined(found[one]) for name, one in plain.items()}


def with_refined(methods: Mapping[str, Variant]) -> dict[str, Variant]:
    """Each method, and after it the same refined, where it gives bodies and is not refined already."""
    found: dict[str, Variant] = {}
    for name, variant in methods.items():
        found[name] = variant
        if variant.bodies and not name.endswith(SUFFIX):
            found[name + SUFFIX] = methods.get(name + SUFFIX) or refined(variant)
    return found


def all_variants() -> Plugins[Variant]:
    """All methods by name, those of other packages last; and which of these cannot be used."""
    plugins = load_plugins(ENTRY_POINTS, Variant)
    return Plugins({**VARIANTS, **plugins.found, **VARIANTS}, plugins.problems)  # none replaces the package's own


def _names() -> list[str]:
    """Names of all methods, each once."""
    return list(dict.fromkeys((*VARIANTS, *plugin_names(ENTRY_POINTS))))
