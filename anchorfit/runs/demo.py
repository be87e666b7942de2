"""The demo: the bundled photographs, from keypoints or from the pictures alone to bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..assets import ASSETS
from ..evaluation.agreement import Agreement, agreement
from ..evaluation.detection import match_detections
from ..fit_options import FitOptions
from ..observations import Person, list_images, match_people, read_people, write_image
from ..pictures import draw_contact_sheet
from ..pipeline import fit_people, load_body_on
from ..results import BodyEstimate
from .claiming import make_folder
from .detecting import Detection, detect_people
from .listening import Listener
from .outputs import attempt, write_results


class Demo(NamedTuple):
    """What came of the demo: bodies, how far each agrees with what was annotated, and the sheet to look at."""

    estimate: BodyEstimate
    figures: Sequence[Agreement]
    sheet: Path


def run_demo(
    output: Path, *, body: str, gender: str, detect: bool, device: str = "cpu", listener: Listener = Listener()
) -> Demo:
    """Fit the people of the bundled photographs: overlays, meshes and one contact sheet.

    Args:
        output: folder, made if missing.
        body: name of the body.
        gender: its gender.
        detect: find the people in the pictures, or take the bundled keypoints.
        device: where fits run.
        listener: told how it goes.
    """
    people, references = _detected(listener) if detect else _bundled()
    model = load_body_on(body, gender, device)
    make_folder(output)
    with listener.phase("fitting people", len(people)) as advance:
        outcome = fit_people(people, model, options=FitOptions(pitch="people"), progress=advance)
    estimate = outcome.estimate
    if estimate is None:
        raise ValueError("not one person of the demo could be fitted: is the installation whole?")
    with listener.phase("writing people", len(estimate)) as advance:
        written = write_results(estimate, model, output, ("npz", "glb", "overlay"), progress=advance)
    sheet = output / "contact_sheet.jpg"
    attempt(written, sheet, lambda path: write_image(path, draw_contact_sheet(estimate, model)))
    for problem in [*outcome.problems, *written.problems]:
        listener.warn(problem)
    return Demo(estimate, agreement(estimate, model, references), sheet)


class _People(NamedTuple):
    """Whom to fit, and for each a person of the same name with what was annotated of it, to compare with."""

    people: list[Person]
    references: list[Person]


def _annotated() -> list[Person]:
    keypoints = ASSETS / "demo" / "person_keypoints.json"
    return match_people(read_people(keypoints).people, list_images([keypoints.parent]), keypoints).people


def _bundled() -> _People:
    people = [person for person in _annotated() if (person.confidence > 0).sum() >= 10]
    return _People(people, people)


def _detected(listener: Listener) -> _People:

    annotated = _annotated()
    images = list(dict.fromkeys(person.image for person in annotated if person.image))
    found = detect_people(images, Detection(), masks=False, listener=listener)
    for line in found.problems:
        listener.warn(line)
    references = []
    for image in images:
        here = [person for person in found.people if person.image == image]
        known = [person for person in annotated if person.image == image]
        partner = {j: known[i] for i, j in enumerate(match_detections(here, known)) if j is not None}
        references += [replace(partner.get(j, person), person_id=person.person_id) for j, person in enumerate(here)]
    return _People(list(found.people), references)
