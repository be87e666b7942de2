"""Human2D, refined on annotated photographs beside synthetic pictures, and tested on held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..body import BodyModel
from ..observations import Person
from ..regressors import Human2D
from ..regressors.datasets import AnnotatedPhotographs, PersonCrops, crop_person
from ..regressors.datasets.crops import box_of, framing_of
from ..regressors.human2d import INPUT_SIZE
from ..regressors.training import Human2DTask, Trained, Training
from ..regressors.training.human2d_task import PictureScores, see_all
from ..regressors.training.human2d_task import score_pictures as judge_sight
from ..regressors.training.loop import Task
from .comparison import Comparison, Verdict, compare, judge
from .people import Split

MARGIN = 2.0  # of a person's square: turned and at its smallest, augmentation still finds its corners
HELDOUT_PICTURES = 32  # synthetic ones: what the network knew before must not be lost


class Pieces:
    """Each person's neighbourhood, cut out of its photograph once: photographs are large, and training asks often.

    `visit` is called with photographs; then ``people`` are those of the pieces, in the pieces' pixels, and `read` gives
    a piece.
    """

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self._pieces: dict[Path, np.ndarray] = {}

    def visit(self, image: np.ndarray, people: Sequence[Person]) -> None:
        for person in people:
            framing = framing_of(person)
            framing = framing._replace(side=MARGIN * framing.side, size=int(MARGIN * INPUT_SIZE))
            path = Path(person.name)
            x, y, width, height = box_of(person)
            zoom = framing.size / framing.side
            corner = framing.points(np.array([x, y]))
            self._pieces[path] = framing.cut(image)
            self.people[person.name] = replace(
                person,
                image=path,
                image_size=(framing.size, framing.size),
                keypoints=framing.points(person.keypoints),
                box=(float(corner[0]), float(corner[1]), zoom * width, zoom * height),
                mask=None if person.mask is None else framing.cut(np.asarray(person.mask) > 0) > 0.5,
            )

    def read(self, path: Path) -> np.ndarray:
        return self._pieces[path]

    def of(self, people: Sequence[Person]) -> list[Person]:
        return [self.people[person.name] for person in people]

    def crops(self, people: Sequence[Person], joints: tuple[str, ...]) -> PersonCrops:
        """People as the network sees them, one after the other, not varied."""
        return PersonCrops.stacked(
            crop_person(self.read(person.image or Path()), person, framing_of(person), joints=joints)
            for person in self.of(people)
        )


class Human2DAdaptation(NamedTuple):
    """The refined network, the run, the figures before and after, and what follows."""

    network: Human2D
    run: Trained
    figures: list[Comparison]
    verdict: Verdict


def adapt_human2d(
    split: Split,
    pieces: Pieces,
    shipped: Human2D,
    body: BodyModel,
    run: Callable[[Task, Training], Trained],
    config: Training,
) -> Human2DAdaptation:
    """Refine Human2D on the learned people, and compare on the held-out ones.

    Args:
        split: people with the names they were visited under.
        pieces: of all their photographs.
        shipped: the network to start from; stays as it is.
        body: that synthetic pictures, every other batch, show.
        run: trains, as `regressors.training.train` does.
        config: of the run.
    """
    joints = shipped.config.joints
    photographs = AnnotatedPhotographs(pieces.of(split.learned), joints=joints, seed=config.seed, read=pieces.read)
    task = Human2DTask(
        body, network=deepcopy(shipped), hold=True, photographs=photographs, heldout=HELDOUT_PICTURES, seed=config.seed
    )
    trained = run(task, config)
    crops = pieces.crops(split.heldout, joints)
    images = [person.image for person in split.heldout]
    aims = _figures(shipped, task.model.eval(), crops, images, "")
    numbers = list(range(HELDOUT_PICTURES))
    guards = _figures(shipped, task.model, task.heldout, numbers, "synthetic pictures: ")
    return Human2DAdaptation(task.model, trained, [*aims, *guards], judge(aims))


def _figures(
    before: Human2D, after: Human2D, crops: PersonCrops, images: Sequence[object], of: str
) -> list[Comparison]:
    old, new = (judge_sight(see_all(n, crops.picture), crops, n.config.joints) for n in (before, after))
    joints = old.joints.numpy()
    found = compare(
        f"{of}PCK@0.2",
        "%",
        _share(old),
        _share(new),
        images,
        lower_is_better=False,
        weights=joints,
    )
    masks = compare(
        f"{of}mask IoU",
        "",
        old.mask_iou.double().numpy(),
        new.mask_iou.double().numpy(),
        images,
        lower_is_better=False,
    )
    return [figure for figure in (found, masks) if figure is not None]


def _share(judged: PictureScores) -> np.ndarray:
    share: np.ndarray = (100 * judged.right.double() / judged.joints).numpy()
    return share
