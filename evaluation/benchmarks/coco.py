"""COCO's annotated people (Lin et al. 2014), judged by PCK.

Layout (https://cocodataset.org): ``annotations/person_keypoints_val2017.json`` and ``val2017/000000000139.jpg``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ...observations import read_people
from ...observations.conventions import COCO17
from ..datasets.marked import marked_people
from ..datasets.roots import Origin, existing_root, lacking
from ..placing import by_place
from ..summary import PCK
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys

ORIGIN = Origin("COCO", "https://cocodataset.org", "annotations CC BY 4.0; photographs under Flickr's terms")
SPLIT = "val2017"
JUDGED = tuple(name for name in COCO17 if name is not None)


def _open(wanted: SetOptions) -> OpenedSet:
    root, split = existing_root(wanted.root, ORIGIN), wanted.split or SPLIT
    file = root / "annotations" / f"person_keypoints_{split}.json"
    if not file.is_file():
        raise lacking(root, f"annotations/person_keypoints_{split}.json", ORIGIN)
    found = read_people(file)
    people = [replace(person, image=root / split / Path(str(person.image)).name) for person in found]
    dataset = marked_people(people, file, JUDGED, wanted.keypoints)
    return OpenedSet(
        dataset=dataset,
        columns=PCK,
        keys=data_keys(dataset),
        problems=found.problems,
        renamed=partial(by_place, dataset.people),
    )


BENCHMARK = BenchmarkSet(
    name="coco",
    about="PCK of projected joints on COCO's annotated people, by its 17 keypoints.",
    open=_open,
    options=("gender", "split", "keypoints"),
    true_cameras=False,
    annotated=True,
    smpl=False,
    bodies=False,
)
