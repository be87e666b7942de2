"""Where fits of people begin: with the body that another program's file has of each, carried into our camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, compile_points, matrix_to_axis_angle
from ..camera import project, rotation_to_axis
from ..fit_options import FitOptions
from ..interchange.results import GivenBodies, OwnCrop, ResultFile
from ..observations import Person
from ..pipeline import predict_people
from ..ready_people import SeenPeople, seen_people
from ..regressors import Networks
from ..regressors.translation import translate_to_keypoints
from ..results import BodyEstimate, concatenate
from .carrying import carry, world_of_carried
from .matching import image_key, image_of_rows, rows_of_people
from .own_joints import settle_camera
from .resized import in_pixels_of
from .shapes import shaped


@dataclass(frozen=True, kw_only=True)
class FoundStarts:
    """Starts of people.

    Attributes:
        estimate: a row for each person who has one, method "given"; None: no person has one.
        predicted: names of those whose start is our own prediction.
        program: the one that most of the others are of.
        remarks: lines of what was decided.
    """

    estimate: BodyEstimate | None
    predicted: frozenset[str]
    program: str
    remarks: tuple[str, ...]

    def of(self, people: Sequence[Person]) -> BodyEstimate | None:
        """The starts of some people."""
        if self.estimate is None:
            return None
        names = {person.name for person in people}
        rows = [row for row, name in enumerate(self.estimate.names) if name in names]
        return self.estimate.rows(rows) if rows else None


def find_starts(
    people: Sequence[Person],
    results: Sequence[ResultFile],
    body: BodyModel,
    *,
    networks: Networks | None = None,
    options: FitOptions = FitOptions(),
    predict_missing: bool = False,
    images: Sequence[Path] = (),
) -> FoundStarts:
    """Match people with the bodies of files; where several files have a body of a person, the first counts.

    Args:
        people: all of a run: rows that name no images may go by their number.
        results: as `anchorfit.read_results` reads them.
        body: ours.
        networks: for people without a body, and for the directions of bodies that no camera saw.
        options: that decide cameras.
        predict_missing: people without a body get our own prediction.
        images: of the whole source, also those without people (`PeopleFile.images`): they tell which is frame 0.
    """
    seen = seen_people(people, options)
    everyone = _Everyone.of(people, seen, images)
    starts: dict[str, _Start] = {}
    remarks = [line for result in results for line in (*result.remarks, *result.problems)]
    programs: dict[str, int] = {}
    for bodies in _joined([result.bodies for result in results]):
        left = [row for row, person in enumerate(seen.people) if person.name not in starts]
        found, said = _starts_of(bodies, seen, everyone, left, body, networks, options)
        starts |= found
        remarks += said
        programs[bodies.program] = programs.get(bodies.program, 0) + len(found)
    missing = [person for person in seen.people if person.name not in starts]
    guess = None
    if missing and predict_missing:
        guess = predict_people(missing, body, networks=networks, options=options).estimate
    given = _start_estimate(starts, seen, body)
    parts = [part for part in (given, None if guess is None else replace(guess, method="given")) if part is not None]
    return FoundStarts(
        estimate=concatenate(parts) if parts else None,
        predicted=frozenset(() if guess is None else guess.names),
        program=max(programs, key=lambda name: programs[name], default="anchorfit"),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _joined(parts: Sequence[GivenBodies]) -> list[GivenBodies]:
    """Files of one kind as one, for a file an image is as usual as one for all."""
    groups: dict[object, list[GivenBodies]] = {}
    for part in parts:
        like = (part.program, part.model, part.gender, part.oriented, part.convention, type(part.camera), part.world.of)
        sizes = (part.betas.shape[1], part.points.shape[1], part.pixels.shape[1], getattr(part.camera, "rule", None))
        groups.setdefault((like, sizes), []).append(part)
    return [GivenBodies.concatenate(group) for group in groups.values()]


def _starts_of(
    given: GivenBodies,
    seen: SeenPeople,
    everyone: _Everyone,
    left: Sequence[int],
    body: BodyModel,
    networks: Networks | None,
    options: FitOptions,
) -> tuple[dict[str, _Start], list[str]]:
    """Starts by the names of those people who are left without one, and what was decided."""
    if not left:
        return {}, [f"{given.program}: everyone has a body of the results before: these are not used"]
    everywhere = _cameras_of_rows(given, seen, everyone)
    given, settled = settle_camera(given, everywhere.sizes)
    given, resized = in_pixels_of(given, everywhere.sizes, everywhere.known)
    found = shaped(given, body)
    carried = carry(given, found, body, everywhere.intrinsics, everywhere.sizes)
    points = compile_points(body.to("cpu", torch.float64), CANONICAL_JOINTS)
    where = project(points.points(carried.params), everywhere.intrinsics.double())
    placed = carried.placed & everywhere.known
    pixels = {row: where[row] for row in torch.nonzero(placed)[:, 0].tolist()}
    wanted = [everyone.numbers[person] for person in left]
    matches = rows_of_people(given, everyone.people, pixels, given.program, left=wanted, images=everyone.images)
    found_rows = [(person, matches.rows[everyone.numbers[person]]) for person in left]
    pairs = [(person, row) for person, row in found_rows if row is not None]
    remarks = [
        f"{given.program}: {len(pairs)} of {len(left)} people have a body in these results; {found.said}",
        *settled,
        *resized,
        *matches.remarks,
    ]
    if not pairs:
        return {}, remarks
    numbers, rows = (list(part) for part in zip(*pairs, strict=True))
    here = seen.rows(numbers)
    again = given.rows(rows)
    own = found._replace(rotations=found.rotations[rows], betas=found.betas[rows])
    chosen = carry(again, own, body, here.cameras.double(), here.sizes_px)
    params = _oriented(chosen.params, again, here, body, networks, options)
    exactly = chosen.placed & torch.tensor([found.exact] * len(rows))
    params = _placed(params, exactly, here, body)
    if isinstance(again.camera, OwnCrop) and not bool(chosen.placed.all()):
        params = _placed(_seen_on_crop(params, again.camera, chosen.placed, body), exactly, here, body)
    worlds = world_of_carried(again, own, params, body, here.sizes_px)
    return {person.name: _Start(params[row], worlds[row]) for row, person in enumerate(here.people)}, remarks


class _Start(NamedTuple):
    """Parameters (D,) before the person's camera, and the motion (4, 4) from there to the program's world."""

    params: Tensor
    world: Tensor


class _Everywhere(NamedTuple):
    """For each body the camera (B, 3, 3) and size (B, 2) of its image, where ``known`` (B,)."""

    intrinsics: Tensor
    sizes: Tensor
    known: Tensor


class _Everyone(NamedTuple):
    """All people, also those who cannot be fitted, whose bodies count in files without names; the number there of each
    who can; and all images."""

    people: list[Person]
    numbers: list[int]
    images: Sequence[Path]

    @staticmethod
    def of(people: Sequence[Person], seen: SeenPeople, images: Sequence[Path]) -> _Everyone:
        usable = {person.name: person for person in seen.people}
        everyone = [usable.get(person.name, person) for person in people if isinstance(person, Person)]
        number_of = {person.name: number for number, person in enumerate(everyone)}
        return _Everyone(everyone, [number_of[person.name] for person in seen.people], images)


def _cameras_of_rows(given: GivenBodies, seen: SeenPeople, everyone: _Everyone) -> _Everywhere:
    homes = image_of_rows(given, everyone.people, given.program, everyone.images).keys
    first: dict[object, int] = {}
    for number, person in enumerate(seen.people):
        first.setdefault(image_key(person), number)
    number_of = [first.get(home, -1) if home is not None else -1 for home in homes]
    known = torch.tensor([number >= 0 for number in number_of])
    place = torch.tensor([max(number, 0) for number in number_of])
    return _Everywhere(seen.cameras.double()[place], seen.sizes_px[place], known)


def _oriented(
    params: Tensor,
    given: GivenBodies,
    seen: SeenPeople,
    body: BodyModel,
    networks: Networks | None,
    options: FitOptions,
) -> Tensor:
    """Bodies of a world turned as our own prediction sees them."""
    if given.oriented:
        return params
    guess = predict_people(seen.people, body, networks=networks, options=options).estimate
    if guess is None:
        return params
    place = {name: row for row, name in enumerate(guess.names)}
    turned = params.clone()
    for row, person in enumerate(seen.people):
        if person.name in place:
            turned[row, body.layout.global_orient] = guess.global_orient[place[person.name]].double()
    return turned


def _seen_on_crop(params: Tensor, camera: OwnCrop, placed: Tensor, body: BodyModel) -> Tensor:
    """Bodies of crops whose place in the image the file does not say, turned by the rays to where they were found."""
    rest = body.to("cpu", torch.float64).rest_joints(params[:, body.layout.betas])[:, 0]
    there = params[:, body.layout.transl] + rest
    on_crop = camera.place(torch.full_like(there[:, :2], torch.nan)).transl
    turn = rotation_to_axis(there).mT @ rotation_to_axis(on_crop)
    where = body.layout.global_orient
    turned = matrix_to_axis_angle(turn @ axis_angle_to_matrix(params[:, where]))
    return torch.cat([torch.where(placed[:, None], params[:, where], turned), params[:, where.stop :]], 1)


def _placed(params: Tensor, known: Tensor, seen: SeenPeople, body: BodyModel) -> Tensor:
    """Bodies that no camera places exactly, where their joints fall nearest to the keypoints."""
    free = params.clone()
    free[:, body.layout.transl] = 0
    points = compile_points(body.to("cpu", torch.float64), CANONICAL_JOINTS).points(free)
    keypoints = torch.stack([torch.from_numpy(person.keypoints) for person in seen.people]).double()
    confidence = torch.stack([torch.from_numpy(person.confidence) for person in seen.people]).double()
    keypoints = torch.where((confidence > 0)[..., None], keypoints, 0.0)
    found = translate_to_keypoints(points, keypoints, confidence, seen.cameras.double())
    free[:, body.layout.transl] = torch.where(known[:, None], params[:, body.layout.transl], found.translation)
    return free


def _start_estimate(starts: dict[str, _Start], seen: SeenPeople, body: BodyModel) -> BodyEstimate | None:
    """What the fits begin with, as an estimate of its own."""
    if not starts:
        return None
    rows = [row for row, person in enumerate(seen.people) if person.name in starts]
    here = seen.rows(rows)
    params = torch.stack([starts[person.name].params for person in here.people]).to(body.dtype)
    worlds = torch.stack([starts[person.name].world for person in here.people]).to(body.dtype)
    parts = body.layout.split(params)._asdict()
    names = [person.name for person in here.people]
    images = [str(person.image.absolute()) if person.image else "" for person in here.people]
    estimate = BodyEstimate.from_smplx(
        parts,
        intrinsics=here.cameras,
        image_size=(0, 0),
        names=names,
        images=images,
        body=body.source or body.name,
        gender=body.gender,
    )
    keypoints = torch.stack([torch.from_numpy(person.keypoints) for person in here.people]).to(params)
    confidence = torch.stack([torch.from_numpy(person.confidence) for person in here.people]).to(params)
    keypoints = torch.where((confidence > 0)[..., None], keypoints, 0.0)
    sizes = here.sizes_px.long()
    estimate = replace(estimate, image_size=sizes, keypoints=keypoints, confidence=confidence, world_from_camera=worlds)
    points = compile_points(body.to("cpu", params.dtype), CANONICAL_JOINTS).points(params)
    away = (project(points, estimate.intrinsics) - keypoints).norm(dim=-1)
    errors = torch.where(confidence > 0, away, torch.nan)
    return replace(estimate, diagnostics=replace(estimate.diagnostics, reprojection_px=errors))
