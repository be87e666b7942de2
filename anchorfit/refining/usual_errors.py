"""How far the joints of each program's bodies usually are off, in degrees about an axis: what an anchor holds them by.

The profile over the joints is measured: deviations of PosePrior's errors on 600 held-out people with a detector's
noise, both sides' mean (``python benchmarks/bench_refine.py --profile --count 600``). How much better than that a
program is, is chosen, in the order of the errors that the programs' authors publish on 3DPW: none of them was run.
"""

from __future__ import annotations

PROFILE_DEG = (
    7.0, 11.0, 11.0, 5.3, 8.2, 8.2, 3.6, 11.6, 11.6, 4.8, 12.3, 12.3,
    8.3, 3.7, 3.7, 9.5, 18.7, 18.7, 15.9, 15.9, 15.4, 15.4, 8.0, 8.0,
)  # fmt: skip
"""Degrees: the root's relative to the camera, the others' relative to their parents; SMPL's hands are chosen."""

TIMES = {
    "SAM 3D Body": 0.5,
    "NLF": 0.5,
    "CameraHMR": 0.5,
    "WHAM": 0.5,
    "GVHMR": 0.5,
    "TRAM": 0.5,
    "HMR2": 0.55,
    "CLIFF": 0.55,
    "PARE": 0.6,
    "BEV": 0.65,
    "ROMP": 0.7,
    "VIBE": 0.7,
    "PyMAF": 0.75,
    "SPIN": 0.8,
    "SMPLify-X": 1.0,
    "SMPLify": 1.2,
}
"""Chosen."""


def usual_errors_deg(program: str) -> tuple[float, ...]:
    """24 usual errors of a program's joints; of one that is not known those of PosePrior.

    >>> usual_errors_deg("HMR2")[0] < usual_errors_deg("SPIN")[0] < usual_errors_deg("mine")[0]
    True
    """
    return tuple(TIMES.get(program, 1.0) * degrees for degrees in PROFILE_DEG)
