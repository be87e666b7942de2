"""Methods on LSP (Table 5 of Pavlakos et al. 2018): from its keypoints to bodies to scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ...body import BodyModel
from ...camera import default_intrinsics
from ...interchange.spin import CROP_PIXELS
from ...observations import Observations, Person, observe, read_people
from ..crops import crop_around_joints
from ..datasets.lsp import ORIGIN, Lsp, LspImage, find_keypoints, open_lsp, read_annotation
from ..datasets.roots import DatasetError, lacking
from ..file_cache import cached_by_file
from .runner import Block

BLOCK = 25
CROP_SCALE = 1.2  # of the longer side of the annotated joints' box: what crop-based methods see


@dataclass(frozen=True, kw_only=True)
class LspBenchmark:
    """LSP's test images, block by block.

    Attributes:
        images: that are scored.
        detections: keypoint file that methods are given.
        joints: LSP's joints.mat, for methods on annotated keypoints and for the crops.
    """

    images: tuple[LspImage, ...]
    detections: Path
    joints: Path

    @property
    def names(self) -> list[list[str]]:
        """Names of all images, block by block."""
        every = [image.name for image in self.images]
        return [every[start : start + BLOCK] for start in range(0, len(every), BLOCK)]

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


class Opened(NamedTuple):
    """The benchmark, and a line for everything that is not as it should be."""

    benchmark: LspBenchmark
    problems: tuple[str, ...]


def open_lsp_benchmark(root: Path, detections: Path | None = None, joints: Path | None = None) -> Opened:
    """Find annotations and keypoints, and read every annotation once to see that it can be used.

    Args:
        root: as `open_lsp` takes it.
        detections: a keypoint file; None: est_joints.npz under the root, else the annotated joints.
        joints: LSP's joints.mat; None: the one under the root.
    Raises:
        DatasetError: there is no annotation, or no joints.mat.
    """
    dataset = open_lsp(root)
    joints = joints or find_keypoints(dataset.root, "joints.mat")
    if joints is None:
        raise lacking(dataset.root, "joints.mat (LSP's own archive has it; --joints names another place)", ORIGIN)
    problems = list(dataset.problems)
    found = detections or find_keypoints(dataset.root, "est_joints.npz")
    if found is None:
        problems.append(f"{dataset.root}: no est_joints.npz (SMPLify's detections): all methods get annotated joints")
        found = joints
    known = _by_name(found).keys() & _by_name(joints).keys()
    images = _usable(dataset, problems)
    without = [image.name for image in images if image.name not in known]
    if without:
        raise DatasetError(
            f"{found}: no keypoints of {len(without)} images, of {without[0]} for one; give those of all"
        )
    return Opened(LspBenchmark(images=images, detections=found, joints=joints), tuple(problems))


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


def _observed(path: Path, images: tuple[LspImage, ...], sizes: list[tuple[int, int]]) -> Observations:
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
