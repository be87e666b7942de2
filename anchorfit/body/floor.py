"""The floor before a camera: a plane, how sure it is, and the frame of the world that stands on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..options import OptionError
from ..rows import Rows
from .standing import SHOWN_SIGMA_DEG

GIVEN_TILT_DEG, GIVEN_HEIGHT = 0.5, 0.01
"""Standard deviations of a floor that is given."""

_LEAST_UPRIGHT = 0.17  # a camera that is rolled or looks up or down by 80 degrees sees its floor still


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A floor before a standing camera (x right, y down, z forward): points x above it have ``up . x + height > 0``.

    Attributes:
        up: the unit normal, away from the floor, towards the camera's side.
        height: metres of the camera above the floor.
        tilt_sigma_deg: standard deviation of the normal, degrees.
        height_sigma: of the floor's height where the feet are, metres.

    >>> from anchorfit import Floor
    >>> Floor.of_camera(height=1.4, pitch_deg=10).height
    1.4
    >>> Floor.of_plane((0, 1, 0), 1.2).up  # y points down: a floor 1.2 m below the camera
    (0.0, -1.0, 0.0)
    """

    up: tuple[float, float, float]
    height: float
    tilt_sigma_deg: float = GIVEN_TILT_DEG
    height_sigma: float = GIVEN_HEIGHT

    def __post_init__(self) -> None:
        """Raises ValueError where this is no plane below a camera."""
        up = tuple(map(float, self.up))
        if len(up) != 3 or not all(map(math.isfinite, (*up, self.height))):
            raise ValueError(
                f"floor: expected a normal of three finite numbers and a height, got {self.up}, {self.height}"
            )
        if abs(math.hypot(*up) - 1) > 1e-6:
            raise ValueError(f"floor: expected a normal of length 1, got {self.up}; Floor.of_plane takes any length")
        if self.height <= 0:
            raise ValueError(f"floor: expected the camera above it, got a height of {self.height:g} m")
        if -up[1] < _LEAST_UPRIGHT:
            raise ValueError(
                f"floor: its normal {self.up} is no upright direction before a camera whose y axis points down; "
                "expected about (0, -1, 0) or (0, 1, 0)"
            )

    @staticmethod
    def of_plane(normal: tuple[float, float, float], offset: float) -> Floor:
        """The floor ``normal . x = offset``, metres, camera frame: a normal of any length, up or down.

        Raises:
            ValueError: no plane, one through the camera, or one that no person stands on.
        """
        length = math.hypot(*normal)
        if not 0 < length < math.inf or not math.isfinite(offset):
            raise ValueError(f"floor: expected a normal and an offset, got {normal}, {offset}: this is no plane")
        if offset == 0:
            raise ValueError("floor: the plane goes through the camera; expected metres from the camera, got 0")
        scale = -math.copysign(length, offset)
        x, y, z = (float(part) / scale + 0.0 for part in normal)
        return Floor(up=(x, y, z), height=abs(offset) / length)

    @staticmethod
    def of_camera(*, height: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Floor:
        """The floor below a camera that is ``height`` metres above it, looks down by ``pitch_deg`` and is turned by
        ``roll_deg`` about its line of sight, clockwise as seen from behind it.

        Raises:
            ValueError: a height that is not positive, or angles beyond 80 degrees.
        """
        return Floor(up=upright(math.radians(pitch_deg), math.radians(roll_deg)), height=height)

    @property
    def pitch_deg(self) -> float:
        """Degrees by which the camera looks down."""
        return math.degrees(math.asin(max(-1.0, min(1.0, -self.up[2]))))

    @property
    def roll_deg(self) -> float:
        """Degrees by which the camera is turned clockwise."""
        return math.degrees(math.atan2(-self.up[0], -self.up[1]))

    @property
    def plane(self) -> tuple[float, float, float, float]:
        """Normal and height: a row of `Floors.planes`."""
        return (*self.up, self.height)

    def __str__(self) -> str:
        """One line, with what is not sure about it."""
        return (
            f"camera {self.height:.2f} m above the floor, looks down by {self.pitch_deg:.1f} degrees "
            f"(+- {self.tilt_sigma_deg:.1f}); the floor is sure to {1000 * self.height_sigma:.0f} mm at the feet"
        )


def upright(pitch: float, roll: float) -> tuple[float, float, float]:
    """The world's up, camera frame, of a camera that looks down by ``pitch`` and is turned by ``roll``, radians."""
    level = math.cos(pitch)
    return (-math.sin(roll) * level + 0.0, -math.cos(roll) * level, -math.sin(pitch) + 0.0)


def parse_floor(text: str) -> Floor | None:
    """``"auto"`` as None; ``"0,1,0,1.2"`` (normal and offset) or ``"height=1.4,pitch=10"`` as a floor.

    Raises:
        OptionError: anything besides, or what is no floor.
    """
    if text.strip().lower() == "auto":
        return None
    parts = [part.strip() for part in text.split(",")]
    try:
        if all("=" in part for part in parts):
            named = {name.strip(): float(value) for name, _, value in (part.partition("=") for part in parts)}
            if "height" in named and named.keys() <= {"height", "pitch", "roll"}:
                return Floor.of_camera(
                    height=named["height"], pitch_deg=named.get("pitch", 0.0), roll_deg=named.get("roll", 0.0)
                )
        elif len(parts) == 4:
            x, y, z, offset = map(float, parts)
            return Floor.of_plane((x, y, z), offset)
    except ValueError as error:
        if str(error).startswith("floor: "):
            raise OptionError("floor", str(error).removeprefix("floor: ")) from error
    raise OptionError(
        "floor",
        "expected auto, a normal and an offset in the camera's frame (0,1,0,1.2), or the camera's height in metres and "
        f"pitch in degrees (height=1.4,pitch=10); got {text!r}",
    )


@dataclass(frozen=True, kw_only=True)
class Floors(Rows):
    """The floors of B rows.

    Attributes:
        planes: (B, 4) normal and height as of `Floor`, camera frame, metres; NaN where there is none.
        sigma: (B, 2) standard deviations: degrees of the normal, metres of the height where the feet are.
        said: B texts: what is to be said of it, or why there is none; empty where none was asked for.
    """

    planes: Tensor
    sigma: Tensor = field(default_factory=lambda: torch.zeros(0))
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.sigma.shape != (len(self), 2):  # of no row, too
            object.__setattr__(self, "sigma", self.planes.new_full((len(self), 2), torch.nan))
        if len(self.said) != len(self):
            object.__setattr__(self, "said", ("",) * len(self))

    def __len__(self) -> int:
        return len(self.planes)

    @property
    def known(self) -> Tensor:
        """(B,) bool."""
        return torch.isfinite(self.planes).all(-1)

    @property
    def pitch_deg(self) -> Tensor:
        """(B,) degrees by which the cameras look down; NaN where that is not known to within `SHOWN_SIGMA_DEG`."""
        pitch = torch.rad2deg(torch.asin((-self.planes[:, 2]).clamp(-1.0, 1.0)))
        return torch.where(self.sigma[:, 0] <= SHOWN_SIGMA_DEG, pitch, torch.nan)

    @staticmethod
    def none(count: int, like: Tensor, said: str = "") -> Floors:
        """Of rows that have none, in the type and on the device of ``like``."""
        return Floors(planes=like.new_full((count, 4), torch.nan), said=(said,) * count)

    @staticmethod
    def of(floor: Floor, count: int, like: Tensor, said: str = "") -> Floors:
        """One floor of B rows."""
        return Floors(
            planes=like.new_tensor(floor.plane).expand(count, 4).clone(),
            sigma=like.new_tensor((floor.tilt_sigma_deg, floor.height_sigma)).expand(count, 2).clone(),
            said=(said,) * count,
        )

    def floor(self, row: int) -> Floor | None:
        """The floor of a row."""
        if not bool(self.known[row]):
            return None
        x, y, z, height = self.planes[row].double().tolist()
        length = math.hypot(x, y, z)
        tilt, deviation = self.sigma[row].tolist()
        return Floor(
            up=(x / length, y / length, z / length), height=height, tilt_sigma_deg=tilt, height_sigma=deviation
        )


def heights(points: Tensor, planes: Tensor) -> Tensor:
    """(B, P) metres of points (B, P, 3) above floors (B, 4), camera frame."""
    return (points * planes[:, None, :3]).sum(-1) + planes[:, None, 3]


def world_rotation(planes: Tensor) -> Tensor:
    """(B, 3, 3) from the camera's axes to the world's: y up, z towards the camera, level.

    The world's origin is the point of the floor below the camera, so ``x_world = R x_cam + (0, height, 0)``.
    """
    up = torch.nn.functional.normalize(planes[:, :3], dim=-1)
    back = up.new_tensor([0.0, 0.0, -1.0]).expand_as(up)
    back = torch.nn.functional.normalize(back - (back * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack((torch.linalg.cross(up, back), up, back), 1)
