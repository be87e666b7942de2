"""A page of each method's best and worst people: one HTML file that holds its own pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...atomic import write_atomically
from ...body import SIX_PARTS, BodyModel
from ...camera import Crop
from ...observations import Observations, mask_box, read_image
from ...rendering import PALETTE, overlay, side_view
from ..crops import crop_around_joints
from ..datasets.lsp import Annotation
from ..marks import THRESHOLDS
from ..metrics.segmentation import SegmentationCounts
from ..part_labels import draw_labels
from ..records import Record
from ..showing import Case

PANEL = 240  # pixels
_MARGIN = 1.3  # of the person's box
_GREY = 232
_IGNORED = (120, 120, 120)

_HEAD = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; max-width: 1300px }}
figure {{ margin: 0 0 1em; display: inline-block }} img {{ display: block; max-width: 100% }}
figcaption {{ color: #555 }} h2 {{ margin: 1.2em 0 .3em }} h3 {{ margin: .6em 0 .3em; font-weight: 600 }}
</style>
<h1>{title}</h1>
<p>{about}</p>
"""


def write_cases(
    path: Path,
    records: Sequence[Record],
    case_of: Callable[[str], Case],
    body: BodyModel,
    *,
    title: str,
    each: int = 3,
) -> None:
    """Write the page.

    Args:
        path: of the HTML file.
        records: of all methods; those without parameters are left out.
        case_of: gives what there is to show of a person, by name.
        body: of the records' parameters.
        title: of the page.
        each: how many best and how many worst people a method.
    """
    about = (
        "Left to right, as far as known: what was seen; annotated parts; estimated parts; the estimated body in its "
        "camera; the same from the camera's right; the true body from there."
    )
    pieces = [_HEAD.format(title=html.escape(title), about=about)]
    for method in dict.fromkeys(record.method for record in records if record.params):
        own = sorted((r for r in records if r.method == method and r.params), key=lambda r: (_score(r), r.name))
        pieces.append(f"<h2>{html.escape(method)}</h2>")
        worst, best = own[:each], own[max(each, len(own) - each) :][::-1]
        for heading, chosen in (("best", best), ("worst", worst)):
            pieces.append(f"<h3>{heading}</h3>")
            pieces.extend(_figure(record, draw_case(record, case_of(record.name), body)) for record in chosen)
    write_atomically(path, "\n".join(pieces).encode())


def draw_case(record: Record, case: Case, body: BodyModel) -> np.ndarray:
    """The panels of one person side by side; (240, n * 240, 3) uint8."""
    params = torch.tensor(record.params, dtype=body.dtype)[None]
    seen = case.observations
    width, height = (int(side) for side in seen.image_size[0])
    crop = _window_of(seen, case.annotation)
    camera = crop.crop_intrinsics(seen.intrinsics[0].double()).to(body.v_template)
    picture = _window(_photograph(case.photograph, width, height), crop)
    nobody = body.v_template.new_zeros(0, body.num_vertices, 3)
    keypoints = torch.cat([crop.to_crop(seen.keypoints[0].double()), seen.confidence[0, :, None].double()], 1)
    shown = case.photograph is not None or bool((seen.confidence > 0).any())
    panels = [overlay(picture, nobody, body.faces, camera, keypoints=keypoints)] if shown else []
    if case.annotation is not None:
        drawn = draw_labels(body, params, seen.intrinsics, [(width, height)])[0]
        panels += [_window(_coloured(labels), crop) for labels in (case.annotation.parts, drawn)]
    bodies = [body.from_params(params)]
    panels.append(overlay(picture, bodies[0].vertices, body.faces, camera))
    if case.truth is not None:
        bodies.append(body.from_params(case.truth.to(params)[None]))
    panels += [side_view(b.vertices - b.joints[:, :1], body.faces, (PANEL, PANEL)) for b in bodies]
    return np.concatenate(panels, axis=1)


def _score(record: Record) -> float:
    """What best and worst are by: per-vertex or reconstruction error, else PCK, else part F1; NaN is the worst."""
    for error in (record.surface_mm, record.reconstruction_mm):
        if np.isfinite(error):
            return -error
    if record.hits:
        return record.hits[1] / max(1, record.hits[0])
    f1 = SegmentationCounts.from_vectors(record.counts).result().part_f1 if record.counts else np.nan
    return float(f1) if np.isfinite(f1) else -np.inf


def _figure(record: Record, picture: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="JPEG", quality=85)
    data = base64.b64encode(stream.getvalue()).decode()
    parts = [record.name]
    if record.counts:
        parts.append(f"part F1 {100 * float(SegmentationCounts.from_vectors(record.counts).result().part_f1):.1f} %")
    if record.hits:
        parts.append(f"{record.hits[1]} of {record.hits[0]} joints within {THRESHOLDS[0]:g}")
    for label, value in (("per-vertex", record.surface_mm), ("reconstruction", record.reconstruction_mm)):
        if np.isfinite(value):
            parts.append(f"{label} {value:.0f} mm")
    caption = html.escape(", ".join([*parts, *filter(None, [record.problem])]))
    return f'<figure><img alt="" src="data:image/jpeg;base64,{data}"><figcaption>{caption}</figcaption></figure>'


def _window_of(seen: Observations, annotation: Annotation | None) -> Crop:
    """A square around the annotated or seen person."""
    box = None if annotation is None else mask_box(annotation.mask)
    if box is not None:
        return Crop.around_box(box, scale=_MARGIN, out_size=PANEL)
    return crop_around_joints(seen, 0, scale=_MARGIN, out_size=PANEL)


def _window(image: np.ndarray, crop: Crop) -> np.ndarray:
    """The part of an image (H, W, 3) that a crop sees, by nearest neighbour; grey outside."""
    centres = torch.arange(crop.out_size, dtype=torch.float64) + 0.5
    columns, rows = crop.to_image(torch.stack([centres, centres], -1)).floor().long().numpy().T
    inside = ((rows >= 0) & (rows < image.shape[0]))[:, None] & ((columns >= 0) & (columns < image.shape[1]))
    picked = image[rows.clip(0, image.shape[0] - 1)[:, None], columns.clip(0, image.shape[1] - 1)]
    return np.where(inside[..., None], picked, np.uint8(_GREY - 20))


def _photograph(path: Path | None, width: int, height: int) -> np.ndarray:
    """The photograph, or a grey one where there is none of that size."""
    if path is not None and (picture := read_image(path)).shape[:2] == (height, width):
        return picture
    return np.full((height, width, 3), _GREY, dtype=np.uint8)


def _coloured(labels: np.ndarray) -> np.ndarray:
    table = np.full((256, 3), _IGNORED, dtype=np.uint8)
    table[0] = 255
    for label in SIX_PARTS:
        table[label] = (255 * np.asarray(PALETTE[label - 1])).astype(np.uint8)
    return table[labels]
