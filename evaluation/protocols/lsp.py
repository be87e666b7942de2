"""Scoring results on LSP, exactly as published numbers are counted; any method's estimates, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS, BodyModel, load_body
from ...observations import Observations
from ...runs.engines import Prepared, processes
from ..datasets.lsp import Annotation, Lsp, LspImage, lsp_name, read_annotation
from ..estimates import NOT_FINITE, Entry, EstimateError, EstimateIndex, PlacedBody, read_estimate, what_is_wrong
from ..part_labels import draw_labels
from ..records import Record, RecordFile
from ..scoring import empty_like, segmentation_counts
from .runner import Case

IMAGES_AT_ONCE = 16
MISSING = "no estimate"


class MatchedImages(NamedTuple):
    """The entry of each image, None where there is none, and a line for what could not be matched."""

    entries: dict[str, Entry | None]
    problems: tuple[str, ...]


def match_estimates(dataset: Lsp, index: EstimateIndex) -> MatchedImages:
    """Which estimate belongs to which image.

    Raises:
        EstimateError: two estimates are of one image, or not one is of any.
    """
    entries: dict[str, Entry | None] = {image.name: None for image in dataset.images}
    problems = list(index.problems)
    extra = []
    numbered = next((entry for entry in index.entries if Path(entry.label).stem.isdecimal()), None)
    if numbered is not None:
        problems.append(
            f"{numbered.path.name} is taken for {_name_of(numbered.label)}: the public SMPLify counts all images from "
            "0; name the files im1001.pkl and so on if yours count otherwise"
        )
    for name, entry in index.by_name(_name_of):
        if name is None or name not in entries:
            extra.append(entry.label)
        elif (other := entries[name]) is not None:
            raise EstimateError(
                f"{name}: two estimates ({other.path.name} row {other.row}, {entry.path.name} row {entry.row}); "
                "LSP has one person an image: remove one"
            )
        else:
            entries[name] = entry
    if extra:
        problems.append(f"{len(extra)} estimates are of no image that is scored ({', '.join(extra[:3])} ...): left out")
    missing = [name for name, entry in entries.items() if entry is None]
    if len(missing) == len(entries):
        named = ", ".join(entry.label for entry in index.entries[:3])
        raise EstimateError(f"not one estimate is of a test image (im1001 to im2000); they are of {named} ...")
    if missing:
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        problems.append(f"{len(missing)} images have no estimate and count as empty predictions: {shown}")
    return MatchedImages(entries, tuple(problems))


def score_estimates(
    dataset: Lsp,
    matched: MatchedImages,
    file: RecordFile,
    *,
    method: str,
    body: tuple[str, str],
    num_betas: int = 10,
    enlarged: float = 1.0,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Score every image that the file does not hold yet; returns a line for each estimate or annotation that failed.

    Args:
        dataset: LSP.
        matched: the estimates.
        file: where records go, as they come.
        method: what records call the method.
        body: name or path and gender, as `load_body` takes them.
        num_betas: the most that an estimate has.
        enlarged: as `estimates.read_estimate` takes it.
        workers: processes.
        progress: called with the number of images done since the last call.
    """
    waiting = [image for image in dataset.images if (method, image.name) not in file.done]
    progress(len(dataset.images) - len(waiting))
    pairs = [(image, matched.entries[image.name]) for image in waiting]
    tasks = [pairs[start : start + IMAGES_AT_ONCE] for start in range(0, len(pairs), IMAGES_AT_ONCE)]
    problems = []
    engine = processes(workers)
    prepare = partial(_prepare, method, body, num_betas, enlarged)
    for records, unusable in engine(Prepared(prepare, _score), tasks):
        file.append(records)
        problems.extend(unusable)
        progress(len(records) + len(unusable))
    told = {record.name: record.problem for record in file.records if record.method == method}
    problems += [f"{name}: {text}; counts as empty" for name, text in told.items() if text and text != MISSING]
    return problems


class _Judge(NamedTuple):
    """What a worker needs."""

    method: str
    body: BodyModel
    enlarged: float


def _prepare(method: str, body: tuple[str, str], num_betas: int, enlarged: float) -> _Judge:
    name, gender = body
    return _Judge(method, load_body(name, gender=gender, num_betas=num_betas), enlarged)


def _score(judge: _Judge, pairs: Sequence[tuple[LspImage, Entry | None]]) -> tuple[list[Record], list[str]]:
    """Records of some images; and a line for each image whose annotation cannot be used."""
    records, unusable = [], []
    for image, entry in pairs:
        try:
            annotation = read_annotation(image)
        except (OSError, ValueError) as error:
            unusable.append(f"{error}; {image.name} is left out")
            continue
        records.append(_score_one(judge, image.name, annotation, entry))
    return records, unusable


def _score_one(judge: _Judge, name: str, annotation: Annotation, entry: Entry | None) -> Record:
    labels, problem, params = empty_like(annotation.mask), MISSING, ()
    if entry is not None:
        try:
            placed = read_estimate(entry, enlarged=judge.enlarged)
            labels, problem = estimated_labels(judge.body, placed, annotation), ""
            params = tuple(placed.params.tolist())
        except (OSError, ValueError) as error:
            problem = str(error)
    counts = segmentation_counts(labels, annotation.mask, annotation.parts)
    return Record(method=judge.method, name=name, counts=counts, problem=problem, params=params)


def estimated_labels(body: BodyModel, placed: PlacedBody, annotation: Annotation) -> np.ndarray:
    """Part labels of an estimate at the annotation's size.

    Raises:
        EstimateError: it is of an image of another size, or its numbers are not finite.
    """
    height, width = annotation.mask.shape
    if placed.image_size not in (None, (width, height)):
        raise EstimateError(f"the estimate is of an image of {placed.image_size}, the annotation {width} x {height}")
    intrinsics = centred(placed.intrinsics, width, height)
    (problem,) = what_is_wrong(placed.params[None])
    if problem or not torch.isfinite(intrinsics).all():
        raise EstimateError(f"the estimate holds numbers that are {problem or NOT_FINITE}")
    return draw_labels(body, placed.params[None], intrinsics[None], [(width, height)], [placed.crop])[0]


def case_of_image(image: LspImage, entry: Entry, enlarged: float) -> Case:
    """Case of an image and its estimate, without keypoints, which are not known."""
    annotation = read_annotation(image)
    height, width = annotation.mask.shape
    intrinsics = centred(read_estimate(entry, enlarged=enlarged).intrinsics, width, height).float()
    joints = len(CANONICAL_JOINTS)
    nothing = Observations(
        keypoints=torch.zeros(1, joints, 2),
        confidence=torch.zeros(1, joints),
        intrinsics=intrinsics[None],
        image_size=torch.tensor([[width, height]]),
        names=(image.name,),
    )
    return Case(observations=nothing, annotation=annotation, truth=None, photograph=image.photograph)


def centred(intrinsics: Tensor, width: int, height: int) -> Tensor:
    """Intrinsics with an unknown principal point in the middle of the image."""
    middle = torch.tensor([width / 2, height / 2], dtype=intrinsics.dtype)
    known = torch.isfinite(intrinsics[:2, 2])
    filled = intrinsics.clone()
    filled[:2, 2] = torch.where(known, intrinsics[:2, 2], middle)
    return filled


def _name_of(label: str) -> str | None:
    """LSP's name of an image; the public SMPLify numbers its pickles by the image's place in the whole set, from 0."""
    stem = Path(label).stem
    return f"im{int(stem) + 1:04d}" if stem.isdecimal() and len(stem) == 4 else lsp_name(label)
