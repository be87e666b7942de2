"""How far the joints of each program's bodies usually are off, in degrees about an axis: what an anchor holds them by.

The profile over the joints is measured: root mean squares of PosePrior's errors relative to the camera on the benchmark
openbody's held-out people with a detector's noise (``benchmarks/bench_refine.py --profile``). How much better or worse
than that a program is, is chosen: by the order of the errors that the programs' authors publish on 3DPW.
"""

from __future__ import annotations

PROFILE_DEG = (
    10.0, 12.0, 12.0, 11.0, 14.0, 14.0, 12.0, 18.0, 18.0, 13.0, 25.0, 25.0,
    15.0, 14.0, 14.0, 18.0, 17.0, 17.0, 20.0, 20.0, 28.0, 28.0, 30.0, 30.0,
)  # fmt: skip
"""Degrees, SMPL's joints."""

TIMES = {
    "SAM 3D Body": 0.7,
    "NLF": 0.7,
    "CameraHMR": 0.7,
    "GVHMR": 0.8,
    "TRAM": 0.8,
    "WHAM": 0.8,
    "HMR2": 0.85,
    "CLIFF": 0.9,
    "PARE": 1.0,
    "BEV": 1.0,
    "PyMAF": 1.0,
    "ROMP": 1.1,
    "VIBE": 1.1,
    "SPIN": 1.2,
    "SMPLify-X": 1.3,
    "SMPLify": 1.5,
    "anchorfit": 1.0,
}
"""Chosen, not measured: their outputs are not part of this package."""


def usual_errors_deg(program: str) -> tuple[float, ...]:
    """24 usual errors of a program's joints; of one that is not known those of PosePrior.

    >>> usual_errors_deg("HMR2")[0] < usual_errors_deg("SPIN")[0]
    True
    """
    return tuple(TIMES.get(program, 1.0) * degrees for degrees in PROFILE_DEG)
