"""The scorer: a method's answer about some people against annotations and truth, a record a person."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..body import BodyModel
from .answers import Answer, MethodResult, PlacedAnswer
from .blocks import Block
from .datasets.lsp import Annotation
from .datasets.samples import transformed_params
from .estimates import NOT_FINITE, what_is_wrong
from .marks import mark_counts
from .methods import Variant
from .metrics.segmentation import SegmentationCounts
from .part_labels import draw_labels
from .records import Record
from .truth import errors_against


def score_block(
    name: str,
    variant: Variant,
    result: MethodResult,
    block: Block,
    bodies: tuple[BodyModel, BodyModel],
    milliseconds: float = math.nan,
) -> list[Record]:
    """Records of a method's answer.

    Args:
        name: of the method.
        variant: what it is given and judged by.
        result: its answer.
        block: the people.
        bodies: of the answer, and of the truth.
        milliseconds: that it took a person; NaN where not known.
    """
    body, true_body = bodies
    names, params = block.detected.names, result.params
    placed = isinstance(result, PlacedAnswer)
    if isinstance(result, PlacedAnswer):
        problems = list(result.problems)
        counts = _counts_of_placed(result, problems, block, body)
        failed = torch.tensor([bool(problem) for problem in problems])
        params = result.params.masked_fill(failed.to(result.params.device)[:, None], torch.nan)
        result = result._replace(params=params)
    else:
        problems = what_is_wrong(result.joints_cam if params is None else params)
        if isinstance(result, Answer) and result.problems:
            problems = [told or found for told, found in zip(result.problems, problems, strict=True)]
        counts = _counts(variant, params, block, body)
    marked = _hits(result, problems, block, body)
    errors = errors_against(block.truth, result, body, true_body)
    worlds = _worlds(result, params, body)
    return [
        Record(
            method=name,
            name=names[row],
            counts=counts[row],
            hits=marked[row],
            **{key: math.nan if problems[row] else float(column[row]) for key, column in errors.items()},
            ms=milliseconds,
            version=variant.version,
            problem=problems[row],
            params=() if params is None or (placed and problems[row]) else tuple(params[row].tolist()),
            world=() if problems[row] else worlds[row],
        )
        for row in range(len(names))
    ]


def _worlds(result: MethodResult, params: Tensor | None, body: BodyModel) -> Sequence[tuple[float, ...]]:
    """Each body's ``global_orient`` and ``transl`` in the method's own world, or none."""
    moved = getattr(result, "world_from_camera", None)
    if moved is None or params is None:
        return [()] * len(result.joints_cam)
    return [
        _in_world(*pair, body)
        for pair in zip(body.own_params(params.double()), moved.double().to(params.device), strict=True)
    ]


def _in_world(params: Tensor, world_from_camera: Tensor, body: BodyModel) -> tuple[float, ...]:
    if not (torch.isfinite(params).all() and torch.isfinite(world_from_camera).all()):
        return ()
    moved = transformed_params(body, params, world_from_camera[:3, :3], world_from_camera[:3, 3])
    parts = body.layout.split(moved[None])
    return (*parts.global_orient[0].tolist(), *parts.transl[0].tolist())


def empty_like(mask: np.ndarray) -> np.ndarray:
    """Labels of a missing prediction: background everywhere."""
    return np.zeros(mask.shape, dtype=np.uint8)


def segmentation_counts(labels: np.ndarray, annotation: Annotation) -> tuple[int, ...]:
    """A record's counts of one image (see `SegmentationCounts.of`)."""
    return tuple(SegmentationCounts.of(labels, annotation.mask, annotation.parts).vectors().tolist())


def centred(intrinsics: Tensor, width: int, height: int) -> Tensor:
    """Intrinsics with an unknown principal point in the middle of the image."""
    middle = torch.tensor([width / 2, height / 2], dtype=intrinsics.dtype)
    known = torch.isfinite(intrinsics[:2, 2])
    filled = intrinsics.clone()
    filled[:2, 2] = torch.where(known, intrinsics[:2, 2], middle)
    return filled


def _hits(result: MethodResult, problems: list[str], block: Block, body: BodyModel) -> Sequence[tuple[int, ...]]:
    """Counts of marks that were hit, where there are such and the method has bodies; who failed hits none. A body
    before the camera of another image becomes a problem."""
    marks, params = block.truth.marks, result.params
    if marks is None or params is None:
        return [()] * len(problems)
    intrinsics = block.detected.intrinsics.double()
    if isinstance(result, PlacedAnswer):
        known = [(int(width), int(height)) for width, height in block.detected.image_size.tolist()]
        for row, size in enumerate(result.image_sizes):
            if not problems[row] and size not in (None, known[row]):
                problems[row] = f"the estimate is of an image of {size}, the annotation of one of {known[row]}"
        intrinsics = torch.stack([centred(k, *size) for k, size in zip(result.intrinsics, known, strict=True)])
    failed = torch.tensor([bool(problem) for problem in problems])
    return mark_counts(marks, body, params.masked_fill(failed.to(params.device)[:, None], torch.nan), intrinsics)


def _counts(variant: Variant, params: Tensor | None, block: Block, body: BodyModel) -> Sequence[tuple[int, ...]]:
    """Segmentation counts, where masks are compared and the method has bodies."""
    if block.annotations is None or params is None:
        return [()] * len(block.detected)
    sizes = [(a.mask.shape[1], a.mask.shape[0]) for a in block.annotations]
    crops = block.crops if variant.on_crop else None
    labels = draw_labels(body, params, block.detected.intrinsics, sizes, crops)
    shown = [empty_like(a) if problem else a for a, problem in zip(labels, what_is_wrong(params), strict=True)]
    return [segmentation_counts(*pair) for pair in zip(shown, block.annotations, strict=True)]


def _counts_of_placed(
    result: PlacedAnswer, problems: list[str], block: Block, body: BodyModel
) -> Sequence[tuple[int, ...]]:
    """The same of bodies before their own cameras; a body that cannot be drawn becomes a problem."""
    if block.annotations is None:
        return [()] * len(problems)
    counts = []
    for row, annotation in enumerate(block.annotations):
        labels = empty_like(annotation.mask)
        if not problems[row]:
            try:
                labels = _drawn(result, row, annotation, body)
            except ValueError as error:
                problems[row] = str(error)
        counts.append(segmentation_counts(labels, annotation))
    return counts


def _drawn(result: PlacedAnswer, row: int, annotation: Annotation, body: BodyModel) -> np.ndarray:
    """Part labels of one body at the annotation's size.

    Raises:
        ValueError: it is of an image of another size, or its camera is not known.
    """
    height, width = annotation.mask.shape
    if result.image_sizes[row] not in (None, (width, height)):
        raise ValueError(f"the estimate is of an image of {result.image_sizes[row]}, the annotation {width} x {height}")
    intrinsics = centred(result.intrinsics[row], width, height)
    if not torch.isfinite(intrinsics).all():
        raise ValueError(f"the estimate holds numbers that are {NOT_FINITE}")
    return draw_labels(body, result.params[row : row + 1], intrinsics[None], [(width, height)], [result.crops[row]])[0]
