"""Methods that benchmarks compare: what one has to offer, and the register that commands look names up in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from ..body import BodyModel
from ..fitting import GaussianMixture, load_pose_prior
from ..observations import Observations
from ..pipeline import fit, predict
from ..plugins import Plugins, load_plugin, load_plugins, plugin_names
from ..regressors import Networks, load_networks
from .answers import Answer, answer_of
from .storage import Store

ENTRY_POINTS = "anchorfit.methods"
"""Where packages that are installed beside this one name their own `Variant`."""

BASELINES = (
    "ramakrishna", "akhter-black", "zhou", "forest", "forest-91", "tan-direct", "tan-indirect", "landmarks-91",
)  # fmt: skip
"""Methods of the distribution anchorfit-baselines (docs/baselines.md), which is installed by itself."""


class MethodResult(Protocol):
    """A method's answer for B people; any object with these attributes will do."""

    @property
    def params(self) -> Tensor | None:
        """(B, D), see `anchorfit.body.parameters.Layout`; camera frame; None for methods that know no body. A row that
        is not finite counts as failed."""

    @property
    def joints_cam(self) -> Tensor:
        """(B, 24, 3) metres, camera frame, SMPL's joints."""


class Method(Protocol):
    """Takes people to bodies, B at once; rows do not influence each other."""

    def estimate(self, observations: Observations, body: BodyModel) -> MethodResult: ...


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A method, and what it is given and judged by.

    Attributes:
        make: makes the method for a body: loads it, or trains it and keeps it in the store, where there is one.
        about: one line for the help.
        keypoints: "detected"; "annotated": without a detector's noise and gaps; "none".
        masks: whether it is given masks.
        landmarks: whether it is given the 91 landmarks of `landmarks`.
        trained: whether ``make`` may take minutes the first time.
        version: changes whenever the method gives something else from the same settings; records of another version
            are not mixed with its own.
        on_crop: on LSP its body is drawn in the crop around the person and taken back to the image, as published
            crop-based predictions are.
    """

    make: Callable[[BodyModel, Store | None], Method]
    about: str
    keypoints: Literal["detected", "annotated", "none"] = "detected"
    masks: bool = False
    landmarks: bool = False
    trained: bool = False
    version: int = 1
    on_crop: bool = False

    @property
    def given(self) -> str:
        """What it is given, as tables say it."""
        keypoints = {"detected": "keypoints", "annotated": "annotated keypoints", "none": ""}[self.keypoints]
        parts = (keypoints, "masks" if self.masks else "", "91 true landmarks" if self.landmarks else "")
        return ", ".join(filter(None, parts))


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
    unknown = [name for name in names if name not in known]
    missing = [name for name in unknown if name in BASELINES]
    if missing:
        raise ValueError(
            f"variants: {', '.join(missing)}: of the distribution anchorfit-baselines, which is not installed; "
            "in a clone of anchorfit's repository: pip install ./baselines"
        )
    if unknown or not names:
        raise ValueError(f"variants: expected some of {', '.join(known)}; got {', '.join(unknown) or 'none'}")
    return {name: VARIANTS.get(name) or load_plugin(ENTRY_POINTS, name, Variant) for name in names}


def all_variants() -> Plugins[Variant]:
    """All methods by name, those of other packages last; and which of these cannot be used."""
    plugins = load_plugins(ENTRY_POINTS, Variant)
    return Plugins({**VARIANTS, **plugins.found, **VARIANTS}, plugins.problems)  # none replaces the package's own


def _names() -> list[str]:
    """Names of all methods, each once."""
    return list(dict.fromkeys((*VARIANTS, *plugin_names(ENTRY_POINTS))))


class DirectPrediction:
    """PosePrior and ShapePrior in one forward pass."""

    def __init__(self, networks: Networks | None = None) -> None:
        self.networks = networks or load_networks()

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        return _answer(predict(observations, body, networks=self.networks).params, body)


class FourStages:
    """SMPLify: four stages from keypoints alone."""

    def __init__(self, body: BodyModel) -> None:
        self.pose_prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        return _answer(fit(observations, body, schedule="smplify", pose_prior=self.pose_prior).params, body)


class Anchored:
    """The last stage, from the direct prediction and held near it; its time includes the prediction's."""

    def __init__(self, body: BodyModel, networks: Networks | None = None) -> None:
        self.pose_prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)
        self.networks = networks or load_networks()

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        found = fit(observations, body, pose_prior=self.pose_prior, networks=self.networks)
        return _answer(found.params, body)


def _answer(params: Tensor, body: BodyModel) -> Answer:
    return answer_of(params.to(body.v_template), body)


def _direct(body: BodyModel, store: Store | None) -> DirectPrediction:
    return DirectPrediction()


def _smplify(body: BodyModel, store: Store | None) -> FourStages:
    return FourStages(body)


def _anchored(body: BodyModel, store: Store | None) -> Anchored:
    return Anchored(body)


VARIANTS: dict[str, Variant] = {
    "direct": Variant(make=_direct, about="one forward pass", on_crop=True),
    "smplify": Variant(make=_smplify, about="SMPLify's four stages"),
    "anchored": Variant(make=_anchored, about="the last stage, anchored to the prediction"),
    "smplify-on-gt": Variant(make=_smplify, about="SMPLify on annotated keypoints", keypoints="annotated"),
    "direct+masks": Variant(make=_direct, about="shape from the mask", masks=True, on_crop=True),
    "smplify+masks": Variant(make=_smplify, about="outlines in the fit", masks=True),
    "anchored+masks": Variant(make=_anchored, about="shape and outlines from the mask", masks=True),
}
"""By name. Further methods join with `register` or under `ENTRY_POINTS`."""
