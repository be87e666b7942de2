"""LSP-extended (Johnson & Everingham 2011), judged by PCK.

Layout (https://sam.johnson.io/research/lspet.html): ``joints.mat`` (14 joints x (x, y, visible) x 10000) and
``images/im00001.jpg``; or those of the high resolution, ``im00001.png`` beside ``joints.mat``.
"""

from __future__ import annotations

from dataclasses import replace

from ...observations import image_size
from ...observations.conventions import LSP14
from ...observations.formats.lsp import find_lsp_images, read_lsp
from ..datasets.marked import marked_people
from ..datasets.roots import DatasetError, Origin, existing_root, lacking
from ..summary import PCK
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys

ORIGIN = Origin("LSP-extended", "https://sam.johnson.io/research/lspet.html", "for research purposes")
DIGITS = 5
JUDGED = tuple(name for name in LSP14 if name is not None)


def _open(wanted: SetOptions) -> OpenedSet:
    root = existing_root(wanted.root, ORIGIN)
    file = root / "joints.mat"
    if not file.is_file():
        raise lacking(root, "joints.mat", ORIGIN)
    images = find_lsp_images(root, DIGITS)
    if images is None:
        raise lacking(root, "images/im00001.jpg, whose sizes are needed", ORIGIN)
    found = [replace(person, image=images.folder / str(person.image)) for person in read_lsp(file)]
    there = [person for person in found if person.image is not None and person.image.is_file()]
    if not there:
        raise DatasetError(f"{images.folder}: not one image is of a person of {file.name}; joints.mat of LSP itself?")
    sized = [replace(person, image_size=image_size(person.image)) for person in there if person.image is not None]
    dataset = marked_people(sized, file, JUDGED, wanted.keypoints)
    missing = len(found) - len(there)
    said = (f"{images.folder}: {missing} of {len(found)} images are not there: left out",) if missing else ()
    return OpenedSet(dataset=dataset, columns=PCK, keys=data_keys(dataset), problems=said)


BENCHMARK = BenchmarkSet(
    name="lsp-extended",
    about="PCK of projected joints on LSP-extended, by its 14 keypoints where they are visible.",
    open=_open,
    options=("gender", "keypoints"),
    true_cameras=False,
    annotated=True,
    smpl=False,
    bodies=False,
)
