"""``anchorfit demo``: the bundled photographs, from keypoints or from the pictures alone to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from . import options as opt

if TYPE_CHECKING:
    from ..observations import Person


def demo(
    output: opt.Output = Path("anchorfit-demo"),
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    detect: Annotated[
        bool,
        typer.Option("--detect/--no-detect", help="Find the people in the pictures, or take the bundled keypoints."),
    ] = True,
    device: opt.Device = "cpu",
) -> None:
    """Fit the people of six bundled photographs: overlays, meshes and one contact sheet."""
    from ..evaluation.agreement import agreement
    from ..observations import write_image
    from ..pictures import draw_contact_sheet
    from ..pipeline import fit_people, load_body_on
    from ..runs.outputs import attempt, make_folder, write_results
    from .console import long_run, out, warn
    from .people import print_people

    body = opt.named_body("open", gender, age)
    people, references = _detected() if detect else _bundled()
    model = load_body_on(body, gender, device)
    make_folder(output)
    with long_run("fitting", len(people)) as steps:
        outcome = fit_people(people, model, progress=steps)
    if outcome.estimate is None:
        raise ValueError("not one person of the demo could be fitted: is the installation whole?")
    estimate = outcome.estimate
    with long_run("writing", len(estimate)) as steps:
        written = write_results(estimate, model, output, ("npz", "glb", "overlay"), progress=steps)
    sheet = output / "contact_sheet.jpg"
    attempt(written, sheet, lambda path: write_image(path, draw_contact_sheet(estimate, model)))
    for problem in [*outcome.problems, *written.problems]:
        warn(problem)
    figures = agreement(estimate, model, references)
    print_people(
        estimate,
        {
            "limbs, % of box height": [f"{100 * f.limb_error:.1f}" for f in figures],
            "mask IoU": ["-" if f.mask_iou is None else f"{f.mask_iou:.2f}" for f in figures],
        },
    )
    out.print(f"Look at {sheet}", soft_wrap=True, highlight=False, markup=False)


class _People(NamedTuple):
    """Whom to fit, and for each a person of the same name with what was annotated of it, to compare with."""

    people: list[Person]
    references: list[Person]


def _annotated() -> list[Person]:
    from ..assets import ASSETS
    from ..observations import list_images, match_people, read_people

    keypoints = ASSETS / "demo" / "person_keypoints.json"
    return match_people(read_people(keypoints).people, list_images([keypoints.parent]), keypoints).people


def _bundled() -> _People:
    people = [person for person in _annotated() if (person.confidence > 0).sum() >= 10]
    return _People(people, people)


def _detected() -> _People:
    from dataclasses import replace

    from ..evaluation.detection import match_detections
    from ..runs.detecting import Detection, detect_people
    from .console import Terminal, warn

    annotated = _annotated()
    images = list(dict.fromkeys(person.image for person in annotated if person.image))
    found = detect_people(images, Detection(), masks=False, listener=Terminal())
    for line in found.problems:
        warn(line)
    references = []
    for image in images:
        here = [person for person in found.people if person.image == image]
        known = [person for person in annotated if person.image == image]
        partner = {j: known[i] for i, j in enumerate(match_detections(here, known)) if j is not None}
        references += [replace(partner.get(j, person), person_id=person.person_id) for j, person in enumerate(here)]
    return _People(list(found.people), references)
