"""Photographs that commands train on."""

import json

import numpy as np
import pytest

from anchorfit.observations import write_image


@pytest.fixture(scope="session")
def coco(tmp_path_factory):
    """Three photographs, one person each."""
    folder = tmp_path_factory.mktemp("coco")
    images, people = [], []
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 256, (80, 60, 3), dtype=np.uint8)
        write_image(folder / f"{number}.png", picture)
        images.append({"id": number, "file_name": f"{number}.png", "width": 60, "height": 80})
        keypoints = np.column_stack((np.linspace(20, 40, 17), np.linspace(10, 70, 17), np.full(17, 2.0)))
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "keypoints": keypoints.ravel().tolist(),
                "num_keypoints": 17,
                "bbox": [15, 5, 30, 70],
                "segmentation": [[15, 5, 45, 5, 45, 75, 15, 75]],
                "iscrowd": 0,
            }
        )
    file = folder / "people.json"
    file.write_text(json.dumps({"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}))
    return "--coco", file, "--coco-images", folder
