"""The default detector: MoveNet Thunder and BlazePose, as they ship with the package.

1. MoveNet sees the whole picture and gives each person's middle and joints; BlazePose's detection network may see more.
   Both look at windows of it where that is asked for, or while no person is found.
2. MoveNet looks at an upright square around each of them, and again at the square that its own joints mark; of poses
   that are alike one goes on.
3. BlazePose's landmark network looks there: feet, mask, whether a person is there at all, and joints in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..body.joint_sets import CANONICAL_JOINTS
from ..observations.conventions import BLAZEPOSE33, COCO17, joints_to_canonical
from ..observations.people import PeopleFile, Person
from ..regressors.human2d import fast_in_half
from .blazepose import finished
from .landmarks import Look, look, place_mask
from .networks import MoveNet, PoseDetection, PoseLandmarks, load_network
from .networks.fused import fuse
from .poses import WINDOW_SIZE, Pose, see_again, see_everybody, see_middle
from .proposals import propose
from .protocol import FEWEST_JOINTS
from .search import Search
from .shared_joints import settle
from .squares import ROI_SCALE, Square
from .suppression import suppress
from .windows import Window, windows

LEAST_SURE = 0.2
"""Of a person: the mean confidence of MoveNet's joints, which reaches 0.65, halved where BlazePose sees nobody."""
_LEAST_BESIDE = 0.3  # of a person whom only a window shows, beside others: below it most are nobody
_PRESENT = 0.5
_SURE_FIGURE = 0.7  # of the detection network; at 0.65 it sees somebody in a rocket
_LEAST_IN_BOX = 0.1  # of a file: people half hidden have 0.11 or more, pictures of one colour 0.03
_DEEPEST = 2  # level, for pictures that seem empty, or full of small people: a level more takes seconds
_LARGE = 1 / 6  # of the picture's shorter side: where nobody is larger, there may be many whom windows show better
_SIZES = (WINDOW_SIZE, 320, 256)  # of the longer side of windows, by level
_GUESSED = 0.15  # a joint with a lower confidence may be one
_SAME_FOOT = 0.05  # of the square: where BlazePose's ankle is that far from MoveNet's, its foot counts exp(-1/2)
_FEET = {f"{side}_{name}": f"{side}_ankle" for side in ("left", "right") for name in ("heel", "big_toe")}


@dataclass(frozen=True, kw_only=True)
class EmbeddedDetector:
    """A detector for `anchorfit.detect` that needs nothing beside the package.

    Attributes:
        movenet, detection, landmarks: the networks, in evaluation mode, on one device.
        search: how thoroughly to look.
    """

    movenet: MoveNet
    detection: PoseDetection
    landmarks: PoseLandmarks
    search: Search = Search()

    @property
    def name(self) -> str:
        return "anchorfit (MoveNet Thunder, BlazePose)"

    @property
    def most_people(self) -> int:
        return self.search.most_people

    def people(self, image: np.ndarray) -> PeopleFile:
        height, width = image.shape[:2]
        small = self.search.reduced(image)
        kept, squares = self._found(small)
        people = self.search.limited(
            [finished(person, i, (width, height), masks=self.search.masks) for i, person in enumerate(kept)]
        )
        missed = _largest_missed(squares, kept, (small.shape[1], small.shape[0]), width / small.shape[1])
        return people if missed is None else replace(people, problems=(*people.problems, missed))

    def in_boxes(self, image: np.ndarray, boxes: Sequence[tuple[float, float, float, float]]) -> list[Person | None]:
        """Detect the person of each given box (x, y, width, height, pixels); None where too little is seen."""
        size = (image.shape[1], image.shape[0])
        squares = [Square.around_box(box) for box in boxes]
        poses = see_again(self.movenet, image, see_middle(self.movenet, image, squares))
        looks = look(self.landmarks, image, [pose.leaning_square() for pose in poses], masks=self.search.masks)
        people = [_person(pose, seen, size) for pose, seen in zip(poses, looks, strict=True)]
        return [
            finished(person, 0, size, masks=self.search.masks)
            if (person.confidence > 0).sum() >= FEWEST_JOINTS and pose.sureness >= _LEAST_IN_BOX
            else None
            for pose, person in zip(poses, people, strict=True)
        ]

    def _found(self, image: np.ndarray) -> tuple[list[Person], list[Square]]:
        """The people, and the squares of the detection network; searches deeper while there is nobody large."""
        height, width = image.shape[:2]
        people: list[Person] = []
        known: list[Pose] = []
        seen: list[Square] = []

        def look_at(poses: list[Pose], level: int) -> None:
            """Who is seen in the whole picture stays; parts of them that windows show are told by their masks.

            In the whole picture masks would leave out people who stand behind others.
            """
            nonlocal people
            new = [pose for pose in poses if not _explained(pose.square(), known, away=0.25, times=2.0)]
            found = self._people(image, new, masks=self.search.masks or self.search.levels > 0 or level > 0)
            if level > 0 and people:
                found = [(pose, person) for pose, person in found if (person.score or 0) >= _LEAST_BESIDE]
            known.extend(pose for pose, _ in found)
            most = {} if level else {"most_taken": 1.0, "most_inside": 1.0}
            people = suppress([person for _, person in found], people, **most)

        def proposed(places: list[Window], poses: list[Pose]) -> list[Pose]:
            squares = propose(self.detection, image, places)
            seen.extend(squares)
            return see_middle(self.movenet, image, [s for s in squares if not _explained(s, [*known, *poses])])

        for level in range(max(self.search.levels, min(self.search.most_levels, _DEEPEST)) + 1):
            if level > self.search.levels and any(_size(person) > _LARGE * min(width, height) for person in people):
                break
            places = windows(width, height, level)
            poses = see_everybody(self.movenet, image, places, size=_SIZES[min(level, 2)])
            # BlazePose knows people whom the picture cuts off, too; else it finds nobody beside those of MoveNet.
            early = level < 2 and (level > 0 or any(pose.hides_hips() for pose in poses))
            look_at(poses + proposed(places, poses) if early else poses, level)
            if level < 2 and not early and not people:
                look_at(proposed(places, poses), level)
        return people, seen

    def _people(self, image: np.ndarray, poses: list[Pose], *, masks: bool) -> list[tuple[Pose, Person]]:
        """Those of the poses that are somebody, each of them once."""
        size = (image.shape[1], image.shape[0])
        again = _surest(see_again(self.movenet, image, _surest(poses, size)), size)[: self.search.most_people]
        again = [pose for pose in again if pose.sureness >= LEAST_SURE]  # BlazePose makes nobody surer
        looks = look(self.landmarks, image, [pose.leaning_square() for pose in again], masks=masks)
        there = [n for n, pose in enumerate(again) if _score(pose, looks[n]) >= LEAST_SURE]
        settled = settle([again[n] for n in there])
        return [
            (again[n], replace(_person(pose, looks[n], size), score=_score(again[n], looks[n])))
            for n, pose in zip(there, settled, strict=True)
        ]


def load_embedded_detector(
    search: Search = Search(), device: torch.device | str = "cpu", *, half: bool | None = None
) -> EmbeddedDetector:
    """The networks in the package.

    Args:
        half: whether a CPU computes in bfloat16, but for what needs more; None: where it is fast at it.
    Raises:
        FileNotFoundError, ValueError: as `load_network`.
    """
    half = fast_in_half(device) if half is None else half
    networks = load_network(MoveNet), load_network(PoseDetection), load_network(PoseLandmarks)
    for network in networks:
        if torch.device(device).type == "cpu":
            fuse(network, half=half)
        else:
            network.to(device)
    movenet, detection, landmarks = networks
    return EmbeddedDetector(movenet=movenet, detection=detection, landmarks=landmarks, search=search)


def _largest_missed(
    squares: Sequence[Square], people: Sequence[Person], size: tuple[int, int], zoom: float
) -> str | None:
    """A line about the largest figure that the detection network is sure of where nobody was found; None without one.

    Args:
        size: (width, height) of the picture that squares and people are in. Hips below it are taken to its border.
        zoom: pixels of the picture as it was given in one of that.
    """
    boxes = [person.box for person in people if person.box is not None]
    sure = [square for square in squares if square.score >= _SURE_FIGURE]
    inside = [square._replace(x=min(max(square.x, 0), size[0]), y=min(max(square.y, 0), size[1])) for square in sure]
    missed = [square for square in inside if not any(_in_box(square, box) for box in boxes)]
    if not missed:
        return None
    largest = max(missed, key=lambda square: square.side)
    x, y, extent = (round(zoom * value) for value in (largest.x, largest.y, largest.side / ROI_SCALE))
    return f"somebody of about {extent} px may be around x {x}, y {y}, but no joints are seen there; left out"


def _in_box(square: Square, box: tuple[float, float, float, float]) -> bool:
    """Whether the hips that a square stands around lie in a person's box, or a fifth of its longer side beside it."""
    x, y, width, height = box
    room = max(width, height) / 5
    return x - room <= square.x <= x + width + room and y - room <= square.y <= y + height + room


def _explained(square: Square, poses: list[Pose], *, away: float = 0.15, times: float = 1.6) -> bool:
    """Whether a square covers a person whose pose is known.

    Args:
        away: share of its side by which their hips lie apart at most. With 0.25, people side by side hid each other.
        times: by how much one is larger than the other at most.
    """
    for other in (pose.square() for pose in poses):
        small, large = sorted((square.side, other.side))
        if np.hypot(square.x - other.x, square.y - other.y) < away * square.side and large < times * small:
            return True
    return False


def _surest(poses: list[Pose], size: tuple[int, int]) -> list[Pose]:
    """Of poses that are alike the surest; without those of whom too little is in the picture."""
    people = {str(number): pose for number, pose in enumerate(poses)}
    shown = [replace(_joints(pose, size), person_id=number) for number, pose in people.items()]
    shown = [person for person in shown if (person.confidence > 0).sum() >= FEWEST_JOINTS]
    return [people[person.person_id] for person in suppress(shown)]


def _joints(pose: Pose, size: tuple[int, int]) -> Person:
    """A person of MoveNet's joints alone.

    Confidences are roots, so that fits hold to joints that are plain to see, of which MoveNet says 0.5.
    Joints outside of the picture are guesses, and count as not seen; so do those inside that MoveNet hardly sees and
    expects outside: it looks for them where there is something to be seen.
    """
    inside = _inside(pose.positions, size) & (_inside(pose.expected, size) | (pose.confidence >= _GUESSED))
    keypoints = joints_to_canonical(
        np.where(inside[:, None], pose.positions, 0.0), np.where(inside, np.sqrt(pose.confidence), 0.0), COCO17
    )
    low, high = pose.positions.min(0).clip(0, size), pose.positions.max(0).clip(0, size)
    return Person(
        person_id="0",
        keypoints=keypoints.positions,
        confidence=keypoints.confidence,
        image_size=size,
        box=(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])),
        score=pose.sureness,
    )


def _inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(N,) whether (N, 2) points are in a picture of (width, height)."""
    inside: np.ndarray = (points >= 0).all(1) & (points <= size).all(1)
    return inside


def _person(pose: Pose, seen: Look, size: tuple[int, int]) -> Person:
    """MoveNet's joints with what BlazePose says of the same person, where it sees one."""
    person = replace(_joints(pose, size), score=_score(pose, seen))
    if seen.presence < _PRESENT:
        return person
    mask = None if seen.mask is None else place_mask(seen.mask, seen.square, size)
    return replace(_with_feet(person, seen, size), mask=mask, world=_world(seen))


def _size(person: Person) -> float:
    """The longer side of the box, pixels."""
    return max(person.box[2:]) if person.box else 0.0


def _score(pose: Pose, seen: Look) -> float:
    return pose.sureness * (1 + seen.presence) / 2


def _world(seen: Look) -> np.ndarray:
    """(K, 3) canonical joints, metres; NaN where BlazePose has none."""
    world = np.full((len(CANONICAL_JOINTS), 3), np.nan)
    for place, name in zip(seen.world, BLAZEPOSE33, strict=True):
        if name is not None:
            world[CANONICAL_JOINTS.index(name)] = place
    return world


def _with_feet(person: Person, seen: Look, size: tuple[int, int]) -> Person:
    """Heels and toes of BlazePose, the surer the nearer its ankle lies to the person's."""
    keypoints, confidence = person.keypoints.copy(), person.confidence.copy()
    for name, ankle in _FEET.items():
        joint, base = (CANONICAL_JOINTS.index(part) for part in (name, ankle))
        x, y, visible = seen.landmarks[BLAZEPOSE33.index(name)]
        away = np.linalg.norm(seen.landmarks[BLAZEPOSE33.index(ankle), :2] - keypoints[base]) / seen.square.side
        if 0 <= x <= size[0] and 0 <= y <= size[1]:
            keypoints[joint] = x, y
            confidence[joint] = confidence[base] * visible * np.exp(-0.5 * (away / _SAME_FOOT) ** 2)
    return replace(person, keypoints=keypoints, confidence=confidence)
