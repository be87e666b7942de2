"""AlphaPose's JSON of a whole run, an image a key (``--format open`` and ``--format cmu``).

Its default layout is a list of COCO's results (`coco`), and its separate files are OpenPose's (`openpose`). Format:
AlphaPose, docs/output.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..gathering import Gathering
from ..people import PeopleFile
from .format import Content, Format
from .openpose import gather_people, is_openpose


def is_alphapose(content: Any) -> bool:
    """Whether the content of a JSON file is an object of images, each OpenPose's or AlphaPose's own."""
    return isinstance(content, dict) and bool(content) and all(is_openpose(one) for one in [*content.values()][:10])


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    for image, content in file.json.items():
        if is_openpose(content):
            gather_people(content, file.path, gathering, image=Path(image))
        else:
            gathering.add_image(Path(image))
            gathering.note("images that are not AlphaPose's are left out", image)
    return gathering.people_file()


FORMAT = Format(name="alphapose", recognises=lambda file: file.is_json and is_alphapose(file.json), read=_read)
