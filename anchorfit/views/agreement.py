"""Which views agree about a person: robust triangulation, sides that one view has exchanged, views that contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.joint_sets import mirror_permutation
from ..cameras import CalibratedCamera
from ..cameras.triangulation import Triangulated, ViewRays, rays_of_views, triangulate
from ..observations import Observations
from ..observations.person_size import person_size
from ..rows import Rows
from .observing import Seen

REACH = 0.06  # of the person's size in the image: a ray that misses a joint by less agrees with it
FEWEST = 4  # joints that views must agree about, for a body to stand where they say
BAD = 0.35  # share of a view's joints that others agree with, under which it is not believed,
FULL = 0.7  # and from which on it is believed in full
THIN = 0.27  # sine: cameras that stand less than 16 degrees apart, or opposite each other
_LEAST = 0.1  # weight of a view that is believed hardly
_SAID = 0.8  # weight under which that is said; views of a detector's usual errors are at 1
_DOUBTFUL = 0.65  # share under which a view is looked at with left and right exchanged
_BETTER = 0.3  # share of the view's joints that must agree then and did not before


@dataclass(frozen=True, kw_only=True)
class ViewAgreement(Rows):
    """What the views of B rows say together; points in the unit of the rig.

    Attributes:
        points: (B, K, 3) joints in the world, 0 where unknown. confidence: (B, K), 0 there.
        seen: (B, V) bool, which views have seen the person.
        share: (B, V) of a view's joints that agree with the others; NaN where no other has seen them.
        weight: (B, V) how far a view is believed; 0 where it has not seen the person, or contradicts.
        exchanged: (B, V) bool, left and right were exchanged back.
        usable: (B,) bool, at least two views agree about where the person stands.
        parallax: (B,) sine of the angle under which the views see a joint, the median of those that are known.
    """

    points: Tensor
    confidence: Tensor
    seen: Tensor
    share: Tensor
    weight: Tensor
    exchanged: Tensor
    usable: Tensor
    parallax: Tensor

    def __len__(self) -> int:
        return len(self.usable)

    @property
    def thin(self) -> Tensor:
        """(B,) bool: the views look along nearly one line, so they settle where a person stands, and hardly depths."""
        return self.usable & (self.parallax < THIN)


@lru_cache(maxsize=1)
def mirror_places() -> Tensor:
    """(K,) for each canonical joint the place of its mirror image."""
    return torch.tensor(list(mirror_permutation(CANONICAL_JOINTS)))


def sides_exchanged(seen: Observations, which: Tensor) -> Observations:
    """Observations of B rows with left and right exchanged in those that (B,) marks."""
    mirror = mirror_places()
    keypoints = torch.where(which[:, None, None], seen.keypoints[:, mirror], seen.keypoints)
    confidence = torch.where(which[:, None], seen.confidence[:, mirror], seen.confidence)
    world = torch.where(which[:, None, None], seen.world[:, mirror], seen.world)
    return replace(seen, keypoints=keypoints, confidence=confidence, world=world)


@dataclass(frozen=True)
class RigSight:
    """Keypoints (B, V, K, 2), confidence (B, V, K), intrinsics (B, V, 3, 3), tolerance (B, V), cameras' poses."""

    keypoints: Tensor
    confidence: Tensor
    intrinsics: Tensor
    tolerance: Tensor
    rotations: Tensor
    translations: Tensor

    def rays(self) -> ViewRays:
        return rays_of_views(self.keypoints, self.intrinsics, self.rotations, self.translations)

    def triangulated(self) -> Triangulated:
        return triangulate(self.rays(), self.confidence, self.tolerance)

    def rows(self, index: Tensor) -> RigSight:
        return RigSight(*(part[index] for part in vars(self).values()))

    def exchanged(self, which: Tensor) -> RigSight:
        """With left and right exchanged in the views that (B, V) marks."""
        mirror = mirror_places().to(self.keypoints.device)
        keypoints = torch.where(which[..., None, None], self.keypoints[:, :, mirror], self.keypoints)
        confidence = torch.where(which[..., None], self.confidence[:, :, mirror], self.confidence)
        return RigSight(keypoints, confidence, *list(vars(self).values())[2:])


def sight_of(seen: Seen, cameras: tuple[CalibratedCamera, ...], body: BodyModel) -> RigSight:
    """Views as triangulation takes them, in float64 on the CPU."""
    keypoints, confidence = seen.stacked("keypoints").double(), seen.stacked("confidence").double()
    intrinsics = seen.stacked("intrinsics").double()
    sizes = [
        person_size(body, one.keypoints.to(body.device, body.dtype), one.confidence.to(body.device, body.dtype))
        for one in seen.observations
    ]
    focal = torch.diagonal(intrinsics[..., :2, :2], dim1=-2, dim2=-1).mean(-1)
    tolerance = REACH * torch.stack(sizes, 1).cpu().double() / focal
    count = len(keypoints)
    rotations = torch.stack([camera.rotation for camera in cameras]).expand(count, -1, 3, 3)
    translations = torch.stack([camera.translation for camera in cameras]).expand(count, -1, 3)
    return RigSight(keypoints, confidence, intrinsics, tolerance.clamp_min(1e-4), rotations, translations)


def agree(sight: RigSight) -> ViewAgreement:
    """What B rows' views say together."""
    exchanged = torch.zeros_like(sight.tolerance, dtype=torch.bool)
    found = sight.triangulated()
    share, agreeing = _shares(found, sight.confidence)
    doubtful = torch.nonzero((share < _DOUBTFUL).any(1))[:, 0]
    if len(doubtful):
        exchanged[doubtful] = _exchanged(sight.rows(doubtful), agreeing[doubtful])
    if not bool(exchanged.any()):
        return _agreement(sight, found, exchanged)
    return agree_with(sight, exchanged)


def agree_with(sight: RigSight, exchanged: Tensor) -> ViewAgreement:
    """What B rows' views say together with left and right exchanged in those that (B, V) marks."""
    turned = sight.exchanged(exchanged)
    return _agreement(turned, turned.triangulated(), exchanged)


def _agreement(sight: RigSight, found: Triangulated, exchanged: Tensor) -> ViewAgreement:
    share, _ = _shares(found, sight.confidence)
    sure = (found.confidence > 0).sum(1) >= FEWEST
    weight = ((share - BAD) / (FULL - BAD)).clamp(_LEAST, 1.0)
    weight = torch.where((share >= BAD) & sure[:, None], weight, 0.0)
    usable = sure & ((weight > 0).sum(1) >= 2)
    return ViewAgreement(
        points=found.points,
        confidence=found.confidence,
        seen=(sight.confidence > 0).any(-1),
        share=share,
        weight=weight,
        exchanged=exchanged,
        usable=usable,
        parallax=found.parallax.masked_fill(found.confidence <= 0, torch.nan).nanmedian(1).values.nan_to_num(),
    )


def _shares(found: Triangulated, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """(B, V) shares of a view's joints that agree, of those that another view saw, too; and (B,) how many do."""
    shared = (confidence > 0) & ((confidence > 0).sum(1, keepdim=True) >= 2)
    agrees = (found.agrees & shared).sum(-1)
    share = agrees / shared.sum(-1).clamp_min(1)
    return share.masked_fill(shared.sum(-1) == 0, torch.nan), agrees.sum(-1)


def _exchanged(sight: RigSight, before: Tensor) -> Tensor:
    """(B, V) which views agree much better with left and right exchanged, and well; tried one after the other.

    A view of another camera than it is said to be of agrees better then, too, by chance, but not well.
    """
    result = torch.zeros_like(sight.tolerance, dtype=torch.bool)
    seen = (sight.confidence > 0).sum(-1)
    best = before
    for view in range(result.shape[1]):
        trial = result.clone()
        trial[:, view] = True
        other = sight.exchanged(trial)
        share, agreeing = _shares(other.triangulated(), other.confidence)
        better = (agreeing - best > _BETTER * seen[:, view]) & (seen[:, view] >= FEWEST) & (share[:, view] >= FULL)
        result = torch.where(better[:, None], trial, result)
        best = torch.where(better, agreeing, best)
    return result


def view_remarks(
    found: ViewAgreement, cameras: tuple[CalibratedCamera, ...], sizes: Sequence[str]
) -> list[tuple[int, str]]:
    """What is said of single views of rows.

    Args:
        found: what the views say. cameras: the rig.
        sizes: for each row what its distance is told by, should one view alone have it.
    """
    said = []
    names = [camera.name for camera in cameras]
    present = found.seen.sum(1)
    for row in range(len(found.share)):
        swapped = [names[view] for view in torch.nonzero(found.exchanged[row])[:, 0].tolist()]
        if swapped:
            said.append((row, f"camera {', '.join(swapped)}: left and right are exchanged; exchanged back"))
        if not bool(found.usable[row]):
            if int(present[row]) == 1 and len(names) > 1:
                said.append((row, f"one view alone: fitted by itself, its distance by {sizes[row]}"))
            continue
        if bool(found.thin[row]):
            said.append((row, "the views look along nearly one line: depths come from the prior"))
        said += [(row, f"camera {names[view]}: {text}") for view, text in _doubted(found, row)]
    return said


def _doubted(found: ViewAgreement, row: int) -> Iterator[tuple[int, str]]:
    """Views of a row that count little, and why."""
    share, weight = found.share[row], found.weight[row]
    for view in torch.nonzero(((share < BAD) | (weight < _SAID)) & ~share.isnan())[:, 0].tolist():
        believed = "not believed" if float(share[view]) < BAD else f"it counts {100 * float(weight[view]):.0f} %"
        yield view, f"the others agree with {100 * float(share[view]):.0f} % of its joints; {believed}"
