"""One thread for every test, so that results do not depend on the cores; small estimates; a stand-in detector."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from anchorfit import plugins
from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.detectors import Search
from anchorfit.observations import PeopleFile, files, read_people
from anchorfit.results import BodyEstimate, Diagnostics

torch.set_num_threads(1)

QUICK = {
    "test_camera.py": "",
    "test_deprecation.py": "",
    "test_films.py": "",
    "test_meshes.py": "",
    "test_optional_packages.py": "",
    "test_plugins.py": "",
    "test_results.py": "",
    "test_rows.py": "",
    "test_words.py": "",
    "adapting": "test_comparison test_people",
    "body": "test_body_loading test_body_model test_kinematics test_old_pickles test_parameters test_pose_library "
    "test_standing test_unpickling",
    "cli": "test_console test_tables",
    "detectors": "test_search",
    "evaluation": "test_body_errors test_detection test_estimates_matched test_gauges test_metrics_pose "
    "test_metrics_segmentation test_metrics_sets test_records_and_reports",
    "fitting": "test_config_file test_covariance test_interpenetration test_least_squares test_mixture_term "
    "test_robust",
    "interchange": "test_amass_and_spreadsheets test_formats_out",
    "observations": "",
    "points": "test_known_sizes test_point_files",
    "regressors": "test_balance test_folding test_passes",
    "rendering": "test_crops test_renderers",
    "reports": "test_selection",
    "rigging": "test_bvh",
    "runs": "test_chunks test_journal test_outputs test_sightings test_table",
}
"""What `pytest -m quick` runs before each commit, by folder; an empty text: all of it but what is marked slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        folder, _, name = item.path.relative_to(tests).as_posix().partition("/")
        chosen = QUICK.get(folder)
        named = chosen == "" or name.removesuffix(".py") in (chosen or "").split()
        if named and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.quick)


def some_estimate(count: int = 3, *, seed: int = 0, image: str = "photo.jpg") -> BodyEstimate:
    """Rows of random parameters, 3 m in front of a 640x480 camera; every second joint was seen."""
    generator = torch.Generator().manual_seed(seed)
    joints = len(CANONICAL_JOINTS)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(count, *shape, generator=generator)

    seen = torch.arange(joints) % 2 == 0
    confidence = seen.float().expand(count, joints).clone()
    reprojection = torch.where(seen, noise(joints).abs(), torch.nan)
    return BodyEstimate(
        global_orient=torch.tensor([torch.pi, 0, 0]).expand(count, 3).clone(),
        body_pose=0.1 * noise(69),
        betas=noise(10),
        transl=torch.tensor([0.0, 0.0, 3.0]) + 0.1 * noise(3),
        intrinsics=torch.tensor([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]]).expand(count, 3, 3).clone(),
        image_size=torch.tensor([640, 480]).expand(count, 2).clone(),
        crop_from_image=torch.eye(3).expand(count, 3, 3).clone(),
        keypoints=100 + 10 * noise(joints, 2),
        confidence=confidence,
        names=tuple(f"{image}#{i}" for i in range(count)),
        images=(image,) * count,
        body="open",
        gender="neutral",
        method="smplify",
        diagnostics=Diagnostics(
            reprojection_px=reprojection,
            energy={"keypoints": noise().abs(), "pose_prior": noise().abs()},
            steps=torch.arange(count),
            status=torch.arange(count) % 2,
            score=torch.where(torch.arange(count) % 2 == 0, 0.9, 0.1),
            trusted=torch.arange(count) % 2 == 0,
            reasons=tuple("" if i % 2 == 0 else "too few joints" for i in range(count)),
        ),
    )


@pytest.fixture(name="some_estimate")
def some_estimate_fixture() -> Callable[..., BodyEstimate]:
    return some_estimate


@dataclass
class StandIn:
    """A detector without networks: it sees the demo's skier in every picture that is not all of one colour."""

    copies: int = 1
    most_people: int = 5
    name: str = "stand-in 1.0"

    def people(self, image: np.ndarray) -> PeopleFile:
        height, width = image.shape[:2]
        skier = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
        if image.std() < 1:
            return PeopleFile(())
        zoom = np.array([width, height]) / (640, 425)
        mask = skier.mask if (width, height) == (640, 425) else None
        seen = replace(skier, keypoints=skier.keypoints * zoom, image_size=(width, height), mask=mask, image=None)
        everyone = [replace(seen, person_id=str(i), box=None) for i in range(self.copies)]
        return Search(most_people=self.most_people).limited(everyone)


@pytest.fixture
def stand_in() -> type[StandIn]:
    return StandIn


@pytest.fixture
def broken_mediapipe(monkeypatch, tmp_path_factory) -> Callable[..., None]:
    """Puts another package before the real one: what its __init__ says, and whether it seems to have networks."""

    def put(code: str, *, networks: bool = True) -> None:
        folder = tmp_path_factory.mktemp("broken")
        inside = folder / "mediapipe" / "modules" / "pose_landmark"
        inside.mkdir(parents=True)
        (folder / "mediapipe" / "__init__.py").write_text(code)
        if networks:
            (inside / "pose_landmark_full.tflite").touch()
        for name in [name for name in sys.modules if name.partition(".")[0] == "mediapipe"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(folder)

    return put


@pytest.fixture
def offer(monkeypatch) -> Iterator[Callable[..., None]]:
    """Replaces the entry points of a group: names, and what loads each."""

    def clear() -> None:
        for cached in (plugins._entries, plugins.load_plugins, files._installed):
            cached.cache_clear()

    def put(group: str, loads: dict[str, Callable[[], Any]]) -> None:
        entries = {
            group: [
                SimpleNamespace(name=name, load=load, dist=SimpleNamespace(name="other"))
                for name, load in loads.items()
            ]
        }
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries.get(group, []))
        clear()

    yield put
    monkeypatch.undo()
    clear()
