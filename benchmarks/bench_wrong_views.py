"""Says how often exchanged sides and exchanged cameras are seen among several views, and what stays unsaid.

    python benchmarks/bench_wrong_views.py             # 256 held-out people in each line
    python benchmarks/bench_wrong_views.py --alone 64  # names of cameras exchanged, each person in a run of its own
    python benchmarks/bench_wrong_views.py --noise detector --rigs 2 4   # some of the lines

People and rigs of `bench_cameras.py`, all in the very middle of the ring, where cameras tell least. A line: what is
wrong with the views; people of whom it is said, those whose sides were exchanged back and those not trusted; people of
whom nothing is said, and how far their joints are off. Where nothing is wrong, whatever is said is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from bench_cameras import EXACT, MEASURED, SEED, heldout_in_rig

from anchorfit.body import BodyModel, load_body
from anchorfit.cameras import CalibratedCamera
from anchorfit.evaluation.rig_people import people_in_rig, ring_of_cameras
from anchorfit.observations import Person
from anchorfit.views import ViewFit, fit_views
from anchorfit.views.agreement import mirror_places

Views = dict[str, list[Person]]
FAR_MM = 100.0
NOISES = {"exact": EXACT, "detector": MEASURED}


def rigs() -> dict[str, tuple[CalibratedCamera, ...]]:
    """Cameras at one height, a quarter of the ring apart; and two that are a sixth apart, and of unlike heights."""
    ring = ring_of_cameras(4)
    return {
        "2": ring[:2],
        "2, 60 degrees": ring_of_cameras(6)[:2],
        "2, of two heights": (ring[0], ring_of_cameras(4, height=2.4)[1]),
        "3": ring[:3],
        "4": ring,
    }


def exchanged(people: Sequence[Person]) -> list[Person]:
    """With left and right exchanged."""
    mirror = mirror_places().numpy()
    return [replace(one, keypoints=one.keypoints[mirror], confidence=one.confidence[mirror]) for one in people]


def faults(views: Views) -> dict[str, Views]:
    """What may be wrong with the views, with what is seen then."""
    names = list(views)
    found = {"nothing": views}
    for name in names[:2]:
        found[f"sides in {name}"] = {**views, name: exchanged(views[name])}
    if len(names) == 4:
        for pair in (("cam1", "cam2"), ("cam1", "cam3")):
            found[f"sides in {' and '.join(pair)}"] = {**views, **{name: exchanged(views[name]) for name in pair}}
    found["sides in all"] = {name: exchanged(some) for name, some in views.items()}
    for one, other in (("cam1", "cam2"), ("cam1", "cam3")):
        if other in views:
            found[f"{one} and {other} exchanged"] = {**views, one: views[other], other: views[one]}
    if len(names) > 2:
        found["each camera called as the next"] = {
            name: views[after] for name, after in zip(names, [*names[1:], names[0]], strict=True)
        }
    return found


def line(label: str, found: ViewFit, body: BodyModel, truth: torch.Tensor, seconds: float) -> dict[str, Any]:
    """Print and return one line."""
    told = found.estimate.diagnostics
    untrusted = ~told.trusted
    back, said = torch.zeros_like(untrusted), untrusted.clone()
    for row, text in found.problems:
        said[row] = True
        back[row] |= "exchanged back" in text
    own, true = (body.from_params(params).joints for params in (body.layout.join(**found.world), truth))
    off = 1000 * (own - true).norm(dim=-1).mean(1)
    row = {
        "views": label,
        "said_percent": 100 * float(said.double().mean()),
        "exchanged_back_percent": 100 * float(back.double().mean()),
        "not_trusted_percent": 100 * float(untrusted.double().mean()),
        "unsaid_far_percent": 100 * float((~said & (off > FAR_MM)).double().mean()),
        "mpjpe_mm": float(off.mean()),
        "unsaid_mpjpe_mm": float(off[~said].mean()) if bool((~said).any()) else None,
        "cpu_ms_a_person": 1000 * seconds / len(truth),
    }
    unsaid = "-" if row["unsaid_mpjpe_mm"] is None else f"{row['unsaid_mpjpe_mm']:.0f} mm"
    print(
        f"{label:58s} said {row['said_percent']:5.1f} % (exchanged back {row['exchanged_back_percent']:5.1f}, not "
        f"trusted {row['not_trusted_percent']:5.1f})   joints {row['mpjpe_mm']:5.0f} mm, of the unsaid {unsaid}; "
        f"unsaid and over {FAR_MM:.0f} mm {row['unsaid_far_percent']:.1f} %   {row['cpu_ms_a_person']:.1f} ms",
        flush=True,
    )
    return row


class Case(NamedTuple):
    """What a rig saw of people, with one fault."""

    name: str
    fault: str
    rig: tuple[CalibratedCamera, ...]
    views: Views


def cases(body: BodyModel, truth: torch.Tensor, noises: Sequence[str], chosen: Sequence[str]) -> Iterator[Case]:
    """Every fault of the chosen rigs with each noise."""
    for noise in noises:
        for name in (known for known in rigs() if known in chosen):
            rig = rigs()[name]
            people = people_in_rig(body, truth, rig, seed=SEED, config=NOISES[noise])
            for fault, views in faults(people.views).items():
                yield Case(f"{noise}, {name}: {fault}", fault, rig, views)


def together(
    body: BodyModel, truth: torch.Tensor, noises: Sequence[str], chosen: Sequence[str]
) -> list[dict[str, Any]]:
    """Every fault of these rigs, all people in one run."""
    rows = []
    for case in cases(body, truth, noises, chosen):
        start = time.process_time()
        found = fit_views(case.views, case.rig, body)
        rows.append(line(case.name, found, body, truth, time.process_time() - start))
    return rows


def alone(body: BodyModel, truth: torch.Tensor, noises: Sequence[str], chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Exchanged names of cameras where a run has one instant alone."""
    rows = []
    for case in cases(body, truth, noises, chosen):
        if "exchanged" not in case.fault and case.fault != "nothing":
            continue
        runs = [{camera: some[row : row + 1] for camera, some in case.views.items()} for row in range(len(truth))]
        trusted = [bool(fit_views(one, case.rig, body).estimate.diagnostics.trusted[0]) for one in runs]
        share = 100 * (1 - sum(trusted) / len(trusted))
        rows.append({"views": case.name, "not_trusted_percent": share})
        print(f"{case.name:58s} not trusted {share:5.1f} %", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alone", type=int, metavar="COUNT", help="so many people, each in a run of its own")
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--noise", nargs="+", choices=NOISES, default=list(NOISES))
    parser.add_argument("--rigs", nargs="+", choices=rigs(), default=list(rigs()))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    truth = heldout_in_rig(body, options.alone or options.count)
    rows = (alone if options.alone else together)(body, truth, options.noise, options.rigs)
    if options.json:
        options.json.write_text(json.dumps({"seed": SEED, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
