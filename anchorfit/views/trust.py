"""Trust in bodies that several views were fitted to: evidence of each view, weighed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..body.moving import moved
from ..fitting import FitResult
from ..fitting.diagnostics import gather_evidence
from ..fitting.trust import CALIBRATIONS, Evidence, weigh_evidence
from .solving import FittedRows, ViewTask

_MIRRORED = "left and right look exchanged in all views, or the images are mirrored"
_FAR = "the believed views lie far from the body on average: are names of cameras exchanged?"
_FAR_OFF = CALIBRATIONS["free"].limit  # of the person's size; views that are believed hardly count in full here
_NO_BODY = "a body hardly fits the joints that the views agree about"


class ViewVerdict(NamedTuple):
    """Scores (B,), whether trusted (B,), B reasons, and errors (B, V) in pixels of the images, NaN where not seen."""

    score: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]
    errors_px: Tensor


def judge_views(task: ViewTask, fitted: FittedRows, misnamed: Sequence[str]) -> ViewVerdict:
    """Weigh the evidence of all views about bodies; of one view alone its fit's own verdict stands.

    Args:
        task: what was fitted to. fitted: what came of it.
        misnamed: B reasons to trust none of a row's views, "" for none.
    """
    body, result, agreement, exchanged = task.body, fitted.result, task.agreement, fitted.exchanged
    parts, errors = [], []
    world = fitted.world
    for place, camera in enumerate(task.cameras):
        params = moved(body, world.double(), camera.rotation.to(world.device), camera.translation.to(world.device))
        own = task.seen.observations[place].to(body.device, body.dtype)
        params = params.to(body.device, body.dtype)
        evidence, off = gather_evidence(body, replace(own, masks=()), task.pose_prior, params)
        parts.append(evidence)
        errors.append(off.nanmean(-1))
    counts = torch.stack([one.joints for one in parts], 1).to(agreement.weight)  # (B, V)
    share = counts * torch.where(agreement.usable[:, None], agreement.weight, 0.0).to(counts)
    combined = _combined(parts, share.to(parts[0].reprojection), result)
    far = _far_off(parts, share) & agreement.usable.to(share.device)
    told = weigh_evidence(combined, "free")
    usable = agreement.usable.to(told.score.device)
    several = agreement.seen.sum(1) >= 2
    reasons = []
    for row, flag in enumerate(usable.tolist()):
        if misnamed[row]:
            reasons.append(misnamed[row])
        elif flag and bool(exchanged[row]):
            reasons.append(_MIRRORED if not bool(agreement.thin[row]) else _NO_BODY)
        elif flag:
            reasons.append("; ".join(filter(None, [_FAR if bool(far[row]) else "", told.reasons[row]])))
        elif bool(several[row]):
            reasons.append("the views contradict each other: the best of them is fitted alone")
        else:
            reasons.append(result.reasons[row])
    named = torch.tensor([bool(reason) for reason in misnamed])
    contradict = ((~agreement.usable & several) | exchanged | named).to(usable.device) | far.to(usable.device)
    score = torch.where(usable, told.score, result.score.to(told.score))
    score = torch.where(contradict, score.clamp(max=0.49), score)
    trusted = torch.where(usable, told.trusted, result.trusted.to(usable.device)) & ~contradict
    return ViewVerdict(score, trusted, tuple(reasons), torch.stack(errors, 1))


def _far_off(parts: list[Evidence], share: Tensor) -> Tensor:
    """(B,) bool: the mean of the believed views' errors, each counted alike, is beyond what gives even odds."""
    believed = share > 0
    off = torch.stack([one.reprojection for one in parts], 1).to(share)
    return torch.where(believed, off, 0.0).sum(1) / believed.sum(1).clamp_min(1) > _FAR_OFF


def _combined(parts: list[Evidence], share: Tensor, result: FitResult) -> Evidence:
    """Evidence of all views as that of one: errors by how much each view saw and is believed, the rest by the best."""
    there = share > 0

    def over(name: str) -> Tensor:
        return torch.stack([getattr(one, name) for one in parts], 1)

    total = share.sum(1).clamp_min(1e-9)
    first = parts[0]
    limb = over("limb").masked_fill(~there, torch.nan).nanmedian(1).values.nan_to_num()
    return replace(
        first,
        status=result.status.to(first.status),
        joints=over("joints").amax(1),
        limbs=over("limbs").amax(1),
        span=over("span").amax(1),
        behind=(over("behind") & there).any(1),
        reprojection=(over("reprojection") * share).sum(1) / total,
        limb=limb,
    )
