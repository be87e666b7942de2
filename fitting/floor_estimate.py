"""A floor estimated from where feet stand, and from how bodies stand over them; with its uncertainty.

Contacts give the plane where they spread; along the line of sight they rarely do, and there the usual pitch of cameras
and the balance of those who stand and walk tell more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..body.floor import Floor

_PLACE = 0.015  # metres, standard deviation of a contact's height apart from its depth
_KERNEL = 3.0  # standard deviations, Geman-McClure
ROLL_DEG = 4.0  # cameras are held level to this standard deviation
_SIZE = 0.1  # share, standard deviation of the size that one person of several is taken for
_LEAN_DEG = (5.0, 3.0)  # of the mean lean of a person who walks or stands: along the line of sight, across it
_ROUNDS = 20
_UNEVEN, _EVEN_SHARE = 0.05, 0.7  # metres that so many of the contacts are from one plane at most, or lie on none
_OFF_GRAVITY = 2.6  # standard deviations that the plane may differ from gravity


@dataclass(frozen=True, kw_only=True)
class FootEvidence:
    """What the feet and bodies of one standing camera's rows say of the floor, float64.

    Attributes:
        places: (C, 3) metres, camera frame, of contacts.
        depth_sigma: (C,) metres, how far each may be off along the line of sight.
        lean: (2,) radians by which bodies lean away from the camera, and to the right; NaN where none stands.
        pitch, pitch_sigma: radians, what is known of the camera beforehand.
        roll_sigma: radians, how level it is held.
        people: (C,) int64 numbers from 0 of whose contact each is, where several people are each of one size that is
            not known: with it their distance and so the height of their contacts is; none: nothing is off together.
    """

    places: Tensor
    depth_sigma: Tensor
    lean: Tensor
    pitch: float
    pitch_sigma: float
    roll_sigma: float = math.radians(ROLL_DEG)
    people: Tensor | None = None

    @property
    def gravity(self) -> tuple[Tensor, Tensor]:
        """Pitch and roll (2,) as all but the contacts say, and their standard deviations (2,)."""
        mean = self.places.new_tensor([self.pitch, 0.0])
        sigma = self.places.new_tensor([self.pitch_sigma, self.roll_sigma])
        if bool(torch.isfinite(self.lean).all()):
            known, said = sigma.square().reciprocal(), torch.deg2rad(self.places.new_tensor(_LEAN_DEG)).square()
            total = known + said.reciprocal()
            mean = (mean * known - self.lean / said) / total
            sigma = total.rsqrt()
        return mean, sigma


def fit_floor(evidence: FootEvidence) -> tuple[Floor | None, str]:
    """The floor, and what is to be said of it; or None, and why.

    Minimises contacts' distances from the plane, in standard deviations, by Geman-McClure, and the distance of pitch
    and roll from what is known, squared, and that of several people's sizes from those that they are taken for;
    Gauss-Newton, iteratively reweighted.
    """
    prior, sigma = evidence.gravity
    sight = torch.nn.functional.normalize(evidence.places, dim=-1)
    angles = prior.clone()
    mine = _whose(evidence)  # (C, P)
    height, sizes = _begin(evidence.places @ upward(angles), mine)
    places = evidence.places
    hessian = torch.eye(3 + len(sizes), dtype=places.dtype)
    known = torch.cat((sigma.pow(-2), sigma.new_zeros(1), torch.full_like(sizes, _SIZE**-2)))
    for _ in range(_ROUNDS):
        up, turned = upward(angles), _derivative(angles)
        places = evidence.places * (1 + mine @ sizes)[:, None]
        spread = (_PLACE**2 + (evidence.depth_sigma * (sight @ up)).square()).sqrt()
        away = (places @ up + height) / spread
        weight = (1 + (away / _KERNEL).square()).pow(-2)
        larger = mine * (evidence.places @ up)[:, None]
        rows = torch.cat((places @ turned.T, torch.ones_like(places[:, :1]), larger), 1) / spread[:, None]
        hessian = rows.T @ (weight[:, None] * rows) + known.diag()
        off = torch.cat((angles - prior, sigma.new_zeros(1), sizes))
        step = torch.linalg.solve(hessian, rows.T @ (weight * away) + known * off)
        angles, height, sizes = angles - step[:2], height - step[2], sizes - step[3:]
    covariance = torch.linalg.inv(hessian)[:3, :3]
    up = upward(angles)
    places = evidence.places * (1 + mine @ sizes)[:, None]
    off = (places @ up + height).abs().quantile(_EVEN_SHARE)
    beyond = ((angles - prior).abs() / sigma).amax()
    if len(places) > 3 and float(off) > _UNEVEN:
        return None, f"no floor: feet stand at heights that differ by {100 * float(off):.0f} cm and more: stairs?"
    if float(beyond) > _OFF_GRAVITY:
        slope = math.degrees(float((angles - prior).norm()))
        return (
            None,
            f"no floor: where feet stand goes up or down by {slope:.0f} degrees against gravity: a slope, stairs?",
        )
    if float(height) <= 0 or -float(up[1]) < 0.3:
        return None, "no floor: feet stand above the camera, or the picture is turned"
    middle = torch.cat((_derivative(angles) @ places.mean(0), places.new_ones(1)))
    found = Floor(
        up=tuple(up.tolist()),
        height=float(height),
        tilt_sigma_deg=math.degrees(float(torch.linalg.eigvalsh(covariance[:2, :2])[-1].sqrt())),
        height_sigma=float((middle @ covariance @ middle).sqrt()),
    )
    return found, f"floor, estimated from {len(places)} contacts: {found}"


def _whose(evidence: FootEvidence) -> Tensor:
    """(C, P) 1 where a contact is a person's; P = 0 where there is one person, or nobody's size is off."""
    count = len(evidence.places)
    if evidence.people is None or len(evidence.people.unique()) < 2:
        return evidence.places.new_zeros(count, 0)
    _, place = evidence.people.unique(return_inverse=True)
    return torch.nn.functional.one_hot(place).to(evidence.places)


def _begin(above: Tensor, mine: Tensor) -> tuple[Tensor, Tensor]:
    """The camera's height by contacts at ``above`` (C,), and sizes (P,) that put each person's on that floor."""
    if not mine.shape[1]:
        return -above.median(), above.new_zeros(0)
    own = torch.stack([-above[column > 0].median() for column in mine.T]).clamp_min(1e-3)
    height = own.log().mean().exp()
    return height, height / own - 1


def upward(angles: Tensor) -> Tensor:
    """(3,) the world's up before a camera of pitch and roll (2,), radians."""
    (pitch, roll) = angles
    return torch.stack((-roll.sin() * pitch.cos(), -roll.cos() * pitch.cos(), -pitch.sin()))


def _derivative(angles: Tensor) -> Tensor:
    """(2, 3) of `upward` by pitch and by roll."""
    pitch, roll = angles
    zero = torch.zeros_like(pitch)
    by_pitch = torch.stack((roll.sin() * pitch.sin(), roll.cos() * pitch.sin(), -pitch.cos()))
    return torch.stack((by_pitch, torch.stack((-roll.cos() * pitch.cos(), roll.sin() * pitch.cos(), zero))))
