"""The people of several cameras, from folders, images and keypoint files: which camera each of them is of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..looks import OverlayLook
from ..observations import PeopleFile, Person, list_images, match_people, read_people
from ..observations.images import looks_like_image
from ..observations.videos import is_video_path, probe_video
from ..options import OptionError, one_line
from .pairing import camera_of_path, first_number

_SAME_RATE = 0.01  # of the rate: films whose rates differ by more are not of one clock

Detect = Callable[[Sequence[Path]], PeopleFile]
"""From images to the people in them."""

DetectFilm = Callable[[Path], PeopleFile]
"""From a film to the people in it, whose images are called FILM/NUMBER, by the frame's number."""


@dataclass(frozen=True, kw_only=True)
class ViewSources:
    """Camera's name -> its people, and the film that they were seen in; the keypoint files, folders, images and films;
    a line for all that could not be used."""

    people: dict[str, list[Person]] = field(default_factory=dict)
    films: dict[str, Path] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Images, films and keypoint files or folders of each camera, and keypoint files of several; ``but``: no such."""

    but: frozenset[Path] = frozenset()
    images: dict[str, list[Path]] = field(default_factory=dict)
    films: dict[str, Path] = field(default_factory=dict)
    keypoints: list[tuple[Path, str | None]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Names:
    """Names of cameras: those that can be used, and those that cannot."""

    used: tuple[str, ...]
    left_out: tuple[str, ...]

    def of(self, path: Path) -> str | None:
        """The camera that a path names."""
        return camera_of_path(path, (*self.used, *self.left_out))

    @property
    def only(self) -> str | None:
        """The camera that there is no other beside, which needs no name."""
        return self.used[0] if len(self.used) == 1 and not self.left_out else None

    @property
    def listed(self) -> str:
        """The cameras that can be used, in words."""
        return ", ".join(self.used[:8])


def gather_views(
    paths: Sequence[Path],
    cameras: Sequence[str],
    *,
    keypoints: Path | None = None,
    convention: str | None = None,
    detect: Detect | None = None,
    detect_film: DetectFilm | None = None,
    but: Collection[Path] = (),
    left_out: Sequence[str] = (),
) -> ViewSources:
    """The people of each camera.

    A path is of the camera whose name a folder of it or its own name has (``left/0001.jpg``, ``left.json``,
    ``left_0001.jpg``); of a keypoint file with several cameras' images the people's images say it.

    Args:
        paths: images, films, keypoint files, and folders of them or of a folder a camera. Frames of one number are one
            instant.
        cameras: names.
        keypoints: a keypoint file, or a folder of one a camera; None: those among ``paths``, or what a detector sees.
        convention: of the keypoints, where the files do not say.
        detect, detect_film: find people in images and films without keypoints; None: there is none.
        but: what is none of them in those folders: the cameras' file, the folder of results.
        left_out: names of further cameras, which cannot be used: what is of one of them is left out, with a line. A
            camera needs no name in the paths only where it is the only one, of these too.
    Raises:
        ValueError: films of different rates.
    """
    found = _Found(but=frozenset(path.resolve() for path in but))
    names = _Names(tuple(cameras), tuple(left_out))
    for one in paths:
        _sort(one, names, found)
    if keypoints is not None:
        found.keypoints.clear()
        _sort(keypoints, names, found, images=False)
    problems = list(found.problems)
    people: dict[str, list[Person]] = {camera: [] for camera in cameras}
    named: dict[str, list[Path]] = {camera: [] for camera in cameras}
    for path, camera in found.keypoints:
        if path.resolve() in found.but:
            continue
        file = _read(path, camera, names, convention, people, problems)
        for image in file.images if file is not None else ():
            if (own := camera or names.of(image)) in named:
                named[own].append(image)
    problems += _said_of_counts(named)
    for camera, some in people.items():
        people[camera], said = _once(some, camera)
        problems += said
    films: dict[str, Path] = {}
    if not any(people.values()) and not found.keypoints:
        _look(found, people, problems, films, detect, detect_film)
    else:
        problems += [f"{film}: films are looked at where there are no keypoints alone" for film in found.films.values()]
        for camera, images in found.images.items():
            if people[camera]:
                people[camera] = _with_images(people[camera], images)
    paths = [path for path, _ in found.keypoints] + [image for images in found.images.values() for image in images]
    paths += found.films.values()
    nobody = [camera for camera, some in people.items() if not some]
    if 0 < len(nobody) < len(people) and not problems:  # else a line may say why
        problems.append(f"no person of camera {', '.join(nobody)}")
    people = {camera: some for camera, some in people.items() if some}
    return ViewSources(people=people, films=films, paths=paths, problems=problems)


def _look(
    found: _Found,
    people: dict[str, list[Person]],
    problems: list[str],
    films: dict[str, Path],
    detect: Detect | None,
    detect_film: DetectFilm | None,
) -> None:
    """Add the people that detectors find in images, or else in films."""
    for camera, images in found.images.items():
        if detect is not None:
            seen = detect(images)
            problems += seen.problems
            people[camera] += seen.people
    if not found.films or detect_film is None:
        return
    if found.images:
        problems += [f"{film}: films are looked at where there are no images alone" for film in found.films.values()]
        return
    film_rate(list(found.films.values()))
    for camera, film in found.films.items():
        seen = detect_film(film)
        problems += seen.problems
        people[camera] += seen.people
        films[camera] = film


def film_rate(films: Sequence[Path]) -> float:
    """Frames a second of films whose frames of one number are one instant.

    Raises:
        ValueError: they have different rates.
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    rates = [probe_video(film).frames_per_second for film in films]
    for film, rate in zip(films[1:], rates[1:], strict=True):
        if abs(rate / rates[0] - 1) > _SAME_RATE:
            raise ValueError(
                f"{film}: {rate:g} frames a second, {films[0]} has {rates[0]:g}: frames of one number are taken as one "
                "instant; convert them to one rate"
            )
    return rates[0]


def _sort(path: Path, names: _Names, found: _Found, *, images: bool = True, within: str | None = None) -> None:
    """Put a path to the images or keypoint files of its camera; a folder of cameras' folders entry by entry."""
    camera = within or names.of(path) or names.only
    if not path.exists():
        found.problems.append(f"{path}: no such file")
    elif camera in names.left_out:
        found.problems.append(f"{path}: camera {camera} cannot be used; left out")
    elif path.is_dir():
        _sort_folder(path, camera, names, found, images=images)
    elif is_video_path(path):
        if camera is None:
            found.problems.append(f"{path}: the name says no camera; there are {names.listed}; left out")
        elif images and camera in found.films:
            found.problems.append(f"{path}: camera {camera} has {found.films[camera]}; left out")
        elif images:
            found.films[camera] = path
    elif looks_like_image(path):
        if images and camera is None:
            found.problems.append(f"{path}: the name says no camera; there are {names.listed}; left out")
        elif images and camera is not None:
            found.images.setdefault(camera, []).append(path)
    else:
        found.keypoints.append((path, camera))


def _sort_folder(path: Path, camera: str | None, names: _Names, found: _Found, *, images: bool) -> None:
    inside = sorted(one for one in path.iterdir() if not one.name.startswith(".") and one.resolve() not in found.but)
    named = [one for one in inside if one.is_dir() and names.of(Path(one.name))]
    files = [one for one in inside if one.is_file() and _is_keypoints(one)]
    if camera is not None and not named:
        pictures = [one for one in inside if one.is_file() and looks_like_image(one)]
        if images and pictures:
            found.images.setdefault(camera, []).extend(list_images([path]))
        for one in inside:
            if one.is_file() and is_video_path(one):
                _sort(one, names, found, images=images, within=camera)
        if files:  # one file of all its people, or one for each image
            found.keypoints.append((files[0] if len(files) == 1 else path, camera))
        for one in inside:
            if one.is_dir():
                _sort(one, names, found, images=images, within=camera)
        return
    for one in inside:
        if one.is_dir() or _is_keypoints(one) or looks_like_image(one) or is_video_path(one):
            if one.is_dir() and names.of(Path(one.name)) is None:
                found.problems.append(f"{one}: no camera of this name; there are {names.listed}; left out")
                continue
            _sort(one, names, found, images=images)


def _is_keypoints(path: Path) -> bool:
    known = path.suffix.lower() in (".json", ".csv", ".npz", ".mat", ".txt")
    return known and path.name not in ("cameras.json", "cameras.txt", "images.txt")


def _read(
    path: Path,
    camera: str | None,
    names: _Names,
    convention: str | None,
    people: dict[str, list[Person]],
    problems: list[str],
) -> PeopleFile | None:
    """Add a file's people to those of their cameras, or a line where it cannot be read."""
    try:
        file = read_people(path, convention=convention)
    except (ValueError, OSError) as error:
        problems.append(one_line(error))
        return None
    problems += file.problems
    lost: list[str] = []
    unused: dict[str, list[str]] = {}
    for person in file:
        own = camera or (names.of(person.image) if person.image is not None else None)
        if own in names.left_out:
            unused.setdefault(str(own), []).append(person.name)
        elif own is None:
            lost.append(person.name)
        else:
            people[own].append(person)
    problems += [
        f"{path}: {len(some)} people of camera {name}, which cannot be used; left out" for name, some in unused.items()
    ]
    if lost:
        problems.append(f"{path}: {len(lost)} people of no camera ({', '.join(lost[:3])} ...): their images name none")
    return file


def _said_of_counts(named: Mapping[str, Sequence[Path]]) -> list[str]:
    """A line where files of some cameras have a frame 0 and those of others begin with 1, as if counted from there."""
    firsts = {camera: first_number(images, camera) for camera, images in named.items()}
    zero, one = ([camera for camera, first in firsts.items() if first == least] for least in (0, 1))
    if not zero or not one:
        return []
    return [
        f"frames of camera {', '.join(one)} begin with 1, those of camera {', '.join(zero)} with 0: frames of one "
        "number are taken as one instant; if the former count from 1, number them alike"
    ]


def _once(people: Sequence[Person], camera: str) -> tuple[list[Person], list[str]]:
    """The people of a camera without those whose very keypoints another of their image has, as of two files of one
    detection; and what is said of these."""
    first: dict[object, Person] = {}
    for place, person in enumerate(people):
        same = person.image, person.keypoints.tobytes(), person.confidence.tobytes()
        told = person.image is not None and bool((person.confidence > 0).any())  # rows without images are instants
        first.setdefault(same if told else place, person)
    again = len(people) - len(first)
    said = f"camera {camera}: {again} of {len(people)} people are there twice, with the very same keypoints; left out"
    return list(first.values()), [said] if again else []


def _with_images(people: list[Person], images: Sequence[Path]) -> list[Person]:
    """The people with their images' paths, where there are such images; the others as they are."""
    matched = match_people(people, images).people
    there = {(person.image.name, person.person_id): person for person in matched if person.image is not None}
    found = []
    for person in people:
        names = [] if person.image is None else [image for image in images if person.belongs_to(image)]
        other = there.get((names[0].name, person.person_id)) if names else None
        found.append(person if other is None else replace(person, image=other.image, image_label=other.image_label))
    return found


def check_pictures(
    people: Mapping[str, Sequence[Person]], films: Mapping[str, Path], kinds: Sequence[str] | None, look: OverlayLook
) -> None:
    """Look whether overlays can be drawn where they are asked for.

    Args:
        people: of each camera. films: of cameras. kinds: of files to write; None: overlays where there are images.
    Raises:
        OptionError: overlays without an image to draw on, or a look of overlays without overlays.
    """
    images = (one.image for some in people.values() for one in some if one.image is not None)
    pictures = bool(films) or any(image.is_file() for image in images)
    if "overlay" in (kinds or ()) and not pictures:
        raise OptionError("save", "overlay needs images, and none of the people has one: give the images' folders, too")
    look.check(drawn=pictures and (kinds is None or "overlay" in kinds))


def sightings(people: Mapping[str, Sequence[Person]]) -> int:
    """How many people there are in all views together."""
    return sum(len(some) for some in people.values())
