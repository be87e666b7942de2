"""Methods in the world: a row a method over the sequences of a data set whose cameras are known frame by frame.

Bodies are brought into the world by the data set's own camera of each frame, so what is judged is where a method puts
people before the camera. A method that says where they are in a world of its own has a second row, which contains the
error of the camera's way as it found it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeGuard

import numpy as np
import torch
from torch import Tensor

from ..body import SMPL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from .datasets.samples import BodyDataset, WorldDataset
from .metrics.bootstrap import Interval, bootstrap
from .metrics.world import foot_sliding, root_translation_error, world_error
from .records import Record
from .summary import Column, Row

COLUMNS = (
    Column(key="w_mpjpe", heading="W-MPJPE mm", scale=1000.0),
    Column(key="wa_mpjpe", heading="WA-MPJPE mm", scale=1000.0),
    Column(key="rte", heading="RTE %", decimals=2, scale=100.0),
    Column(key="sliding", heading="foot sliding mm"),
)
LEAST_WAY_M = 0.1
"""Metres: RTE is a share of the way's length, and says nothing of people who stay in place."""
FEET = ("left_big_toe", "right_big_toe", "left_heel", "right_heel")
OWN_WORLD = ", own world"
"""Behind a method's name: where it says that people are in its own world."""
_JOINTS = tuple(f"joint:{name}" for name in SMPL_JOINTS)


class Way(NamedTuple):
    """A person's way through the world in T frames: joints (T, J, 3) metres, the root first; points of the feet
    (T, F, 3), F may be 0; and numbers of the frames."""

    joints: Tensor
    feet: Tensor
    frames: tuple[int, ...]


def in_world(dataset: BodyDataset) -> TypeGuard[WorldDataset]:
    """Whether a data set knows its people's ways through a world."""
    return all(hasattr(dataset, name) for name in ("sequences", "frame", "camera_from_world"))


def world_rows(
    records: Sequence[Record], dataset: WorldDataset, body: BodyModel, true_body: BodyModel | None = None
) -> list[Row]:
    """A row for each method that gives bodies, in the order of their first records; and one for its own world.

    Means are over the frames of all sequences, intervals over draws of sequences. Frames without a usable body are left
    out and counted; a sequence of fewer than two frames is, too.

    Args:
        records: that keep parameters.
        dataset: the people.
        body: of the records.
        true_body: of the truth; None: the same.
    """
    rows = []
    for method in dict.fromkeys(record.method for record in records if record.params):
        own = {record.name: record for record in records if record.method == method}
        before = {name: record for name, record in own.items() if record.params and not record.problem}
        worlds = {name: record for name, record in before.items() if record.world}
        for used, in_own in ((before, False), (worlds, True)):
            if used or not in_own:
                sums = [
                    _sums(*_ways(used, known, dataset, body, true_body or body, in_own))
                    for known in _sequences(dataset, used)
                ]
                failed = len(own) - len(used) if in_own else sum(1 for record in own.values() if record.problem)
                name = method + OWN_WORLD * in_own
                rows.append(Row(method=name, scores=_scores(sums), people=len(own), failed=failed))
    return rows


def _sequences(dataset: WorldDataset, used: Mapping[str, Record]) -> Iterator[list[int]]:
    """Of each sequence the frames that there are bodies of, two and more."""
    names = dataset.names
    for indices in dataset.sequences.values():
        known = [index for index in indices if names[index] in used]
        if len(known) > 1:
            yield known


def _ways(
    records: Mapping[str, Record],
    indices: Sequence[int],
    dataset: WorldDataset,
    body: BodyModel,
    true_body: BodyModel,
    in_own: bool,
) -> tuple[Way, Way]:
    """The estimated way, by the data set's cameras or ``in_own`` world, and the true one."""
    frames = tuple(dataset.frame(index) for index in indices)
    cameras = torch.stack([dataset.camera_from_world(index).double() for index in indices])
    samples = [dataset.sample(index, true_body) for index in indices]
    bodies = [sample.params for sample in samples if sample.params is not None]
    if len(bodies) == len(samples):
        names, joints = (*_JOINTS, *FEET), len(_JOINTS)
        true = _points(torch.stack(bodies), names, true_body)
    else:
        names = ("pelvis", *dataset.judged)
        joints = len(names)
        true = torch.stack([torch.stack([sample.joints[name] for name in names]) for sample in samples])
    all_names = dataset.names
    found = [records[all_names[index]] for index in indices]
    params = torch.tensor([one.params for one in found], dtype=torch.float64)
    if in_own:
        moved = torch.tensor([one.world for one in found], dtype=torch.float64)
        parts = body.layout.split(body.own_params(params))
        there = parts._replace(global_orient=moved[:, :3], transl=moved[:, 3:])
        ours = _points(body.layout.join(**there._asdict()), names, body)
    else:
        ours = _to_world(_points(params, names, body), cameras)
    first, second = (Way(p[:, :joints], p[:, joints:], frames) for p in (ours, _to_world(true, cameras)))
    return first, second


def _points(params: Tensor, names: tuple[str, ...], body: BodyModel) -> Tensor:
    """(T, P, 3) float64, camera frame."""
    points = compiled_points(body, names)
    parts = body.own_params(params.to(body.v_template)).split(256)
    return torch.cat([points.points(part) for part in parts]).double().cpu()


def _to_world(points_cam: Tensor, cameras: Tensor) -> Tensor:
    """Points (T, P, 3) by cameras (T, 4, 4), from the world."""
    return (points_cam - cameras[:, None, :3, 3]) @ cameras[:, :3, :3]


def _sums(ours: Way, true: Way) -> np.ndarray:
    """(8,) of a sequence: for each metric the sum of its values and their number."""
    steps = [foot_sliding(a, b) for a, b in _unbroken(ours, true)] if true.feet.shape[1] else []
    root, true_root = ours.joints[:, 0], true.joints[:, 0]
    length = float((true_root[1:] - true_root[:-1]).norm(dim=-1).sum())
    values = (
        world_error(ours.joints, true.joints, aligned=False),
        world_error(ours.joints, true.joints, aligned=True),
        root_translation_error(root, true_root) if length > LEAST_WAY_M else torch.zeros(0),
        1000 * torch.cat(steps) if steps else torch.zeros(0),
    )
    finite = [one[torch.isfinite(one)] for one in values]
    return np.array([number for one in finite for number in (float(one.sum()), len(one))])


def _unbroken(ours: Way, true: Way) -> Iterator[tuple[Tensor, Tensor]]:
    """The feet in frames that follow each other without a gap, two and more."""
    gaps = [place + 1 for place, (a, b) in enumerate(pairwise(true.frames)) if b != a + 1]
    for first, last in pairwise([0, *gaps, len(true.frames)]):
        if last - first > 1:
            yield ours.feet[first:last], true.feet[first:last]


def _scores(sums: Sequence[np.ndarray]) -> Mapping[str, Interval]:
    if not sums:
        return {}
    table, scores = np.stack(sums), {}
    for place, column in enumerate(COLUMNS):
        pair = table[:, 2 * place : 2 * place + 2]
        if pair[:, 1].any():
            scores[column.key] = bootstrap(pair, _mean)
    return scores


def _mean(sums: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = sums[:, 0] / sums[:, 1]
    return found
