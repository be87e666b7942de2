"""LSP (Table 5 of Pavlakos et al. 2018): bodies drawn over its test images, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...body import CANONICAL_JOINTS, BodyModel
from ...camera import default_intrinsics
from ...interchange.spin import CROP_PIXELS
from ...observations import Observations, Person, observe, read_people
from ..blocks import Block, in_blocks
from ..crops import crop_around_joints
from ..datasets.lsp import ORIGIN, Lsp, LspImage, find_keypoints, lsp_name, open_lsp, read_annotation
from ..datasets.roots import DatasetError, lacking
from ..estimates import Entry
from ..file_cache import cached_by_file
from ..published import LSP_ROWS
from ..records import checksum
from ..summary import SEGMENTATION, SEGMENTATION_BESIDE
from .benchmark import BenchmarkSet, OpenedSet, SetOptions

BLOCK = 25
CROP_SCALE = 1.2  # of the longer side of the annotated joints' box: what crop-based methods see


@dataclass(frozen=True, kw_only=True)
class LspBlocks:
    """LSP's test images, block by block.

    Attributes:
        images: that are scored.
        detections: keypoint file that methods are given; None: results are there already, and no method looks.
        joints: LSP's joints.mat, for methods on annotated keypoints and for the crops; None: as for detections.
    """

    images: tuple[LspImage, ...]
    detections: Path | None = None
    joints: Path | None = None

    @property
    def names(self) -> list[list[str]]:
        """Names of all images, block by block."""
        return in_blocks([image.name for image in self.images], BLOCK)

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The names."""
        return [(image.name,) for image in self.images]

    def block(self, index: int, body: BodyModel) -> Block:
        """Some images; the camera's focal length is the image's diagonal, for LSP's photographs do not say."""
        images = self.images[index * BLOCK : (index + 1) * BLOCK]
        annotations = tuple(read_annotation(image) for image in images)
        sizes = [(a.mask.shape[1], a.mask.shape[0]) for a in annotations]
        detected, annotated = (
            _observed(path, images, sizes).to(body.device, body.dtype) for path in (self.detections, self.joints)
        )
        return Block(
            detected=detected,
            annotated=annotated,
            annotations=annotations,
            crops=tuple(
                crop_around_joints(annotated, row, scale=CROP_SCALE, out_size=CROP_PIXELS) for row in range(len(images))
            ),
            photographs=tuple(image.photograph for image in images),
        )


def open_lsp_blocks(
    root: Path, detections: Path | None = None, joints: Path | None = None, *, truth_alone: bool = False
) -> OpenedSet:
    """Find annotations and keypoints, and read every annotation once to see that it can be used.

    Args:
        root: as `open_lsp` takes it.
        detections: a keypoint file; None: est_joints.npz under the root, else the annotated joints.
        joints: LSP's joints.mat; None: the one under the root.
        truth_alone: whether keypoints are not asked for.
    Raises:
        DatasetError: there is no annotation, or no joints.mat.
    """
    dataset = open_lsp(root)
    problems = list(dataset.problems)
    keypoints = {} if truth_alone else _keypoints(dataset, detections, joints, problems)
    images = _usable(dataset, problems)
    if keypoints:
        known = set.intersection(*(set(_by_name(path)) for path in keypoints.values()))
        without = [image.name for image in images if image.name not in known]
        if without:
            raise DatasetError(
                f"{keypoints['detections']}: no keypoints of {len(without)} images, of {without[0]} for one; give "
                "those of all"
            )
    annotations = [path for image in images for path in (image.mask, image.parts)]
    return OpenedSet(
        people=LspBlocks(images=images, **keypoints),
        columns=SEGMENTATION,
        columns_beside=SEGMENTATION_BESIDE,
        keys={
            **{f"sha256 of {name}": checksum([path]) for name, path in keypoints.items()},
            "sha256 of annotations": checksum(annotations),
        },
        problems=tuple(problems),
        renamed=_renamed,
    )


def _keypoints(dataset: Lsp, detections: Path | None, joints: Path | None, problems: list[str]) -> dict[str, Path]:
    """Files of detections and of joints.mat."""
    joints = joints or find_keypoints(dataset.root, "joints.mat")
    if joints is None:
        raise lacking(dataset.root, "joints.mat (LSP's own archive has it; --joints names another place)", ORIGIN)
    found = detections or find_keypoints(dataset.root, "est_joints.npz")
    if found is None:
        problems.append(f"{dataset.root}: no est_joints.npz (SMPLify's detections): all methods get annotated joints")
    return {"detections": found or joints, "joints": joints}


def _usable(dataset: Lsp, problems: list[str]) -> tuple[LspImage, ...]:
    images = []
    for image in dataset.images:
        try:
            read_annotation(image)
        except (OSError, ValueError) as error:
            problems.append(f"{error}; {image.name} is left out")
        else:
            images.append(image)
    if not images:
        raise DatasetError(f"{dataset.root}: not one annotation can be used: {problems[-1]}")
    return tuple(images)


def _renamed(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Results by LSP's names; the public SMPLify numbers its pickles by the image's place in the whole set, from 0."""
    found, numbered = [], []
    for entry in entries:
        stem = Path(entry.label).stem
        if stem.isdecimal() and len(stem) == 4:
            numbered.append((entry, f"im{int(stem) + 1:04d}"))
            found.append(entry._replace(label=numbered[-1][1]))
        else:
            found.append(entry._replace(label=lsp_name(entry.label) or entry.label))
    lines = [
        f"{entry.path.name} is taken for {name}: the public SMPLify counts all images from 0; name the files "
        "im1001.pkl and so on if yours count otherwise"
        for entry, name in numbered[:1]
    ]
    return found, lines


def _unseen(images: tuple[LspImage, ...], sizes: list[tuple[int, int]]) -> Observations:
    """Images of which no keypoints are known."""
    joints = len(CANONICAL_JOINTS)
    return Observations(
        keypoints=torch.zeros(len(images), joints, 2),
        confidence=torch.zeros(len(images), joints),
        intrinsics=torch.stack([default_intrinsics(*size) for size in sizes]).float(),
        image_size=torch.tensor(sizes),
        names=tuple(image.name for image in images),
    )


def _observed(path: Path | None, images: tuple[LspImage, ...], sizes: list[tuple[int, int]]) -> Observations:
    if path is None:
        return _unseen(images, sizes)
    people = _by_name(path)
    chosen = [people[image.name] for image in images]
    seen = observe(chosen, [default_intrinsics(*size) for size in sizes], image_sizes=sizes)
    return replace(seen, names=tuple(image.name for image in images))


@cached_by_file(maxsize=4)
def _by_name(path: Path) -> dict[str, Person]:
    """One person an image.

    Raises:
        DatasetError: there are two of one image.
    """
    people: dict[str, Person] = {}
    for person in read_people(path).people:
        if person.image is None:
            continue
        if people.setdefault(person.image.stem, person) is not person:
            raise DatasetError(f"{path}: two people in {person.image.name}; LSP has one person an image: remove one")
    return people


def _open(wanted: SetOptions) -> OpenedSet:
    return open_lsp_blocks(wanted.root, wanted.keypoints, wanted.joints, truth_alone=wanted.truth_alone)


BENCHMARK = BenchmarkSet(
    name="lsp",
    about="Segmentation on LSP's test images (Table 5 of Pavlakos et al. 2018).",
    open=_open,
    options=("gender", "keypoints", "joints"),
    published=LSP_ROWS,
    annotated=True,
    smpl=False,
    bodies=False,
)
