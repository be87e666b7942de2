"""Says how many rows of points with left and right exchanged are told, named right, or trusted, and what is not.

    python benchmarks/bench_exchanges.py                   # single rows: held-out people in the poses of the library
    python benchmarks/bench_exchanges.py --takes ARCHIVE   # CMU's archive: dances and a walk of held-out people

Held-out people, betas drawn with standard deviation 1; exact points, 10 mm of noise, and that with a quarter missing.
``said``: rows told to have something exchanged; ``named``: the right part; ``silent``: trusted all the same. The line
``nothing`` counts false alarms, of more rows. In recordings half of the rows are exchanged, in stretches of half a
second.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import Split, load_pose_library
from anchorfit.points import fit_points, point_convention
from anchorfit.points.trust import exchange

FEET = ("foot", "heel", "toe")
PARTS = {
    "legs": ("hip", "knee", "ankle", *FEET),
    "legs below the hips": ("knee", "ankle", *FEET),
    "shanks": ("ankle", *FEET),
    "feet": FEET,
    "knees": ("knee",),
    "arms": ("collar", "shoulder", "elbow", "wrist", "hand", "tip"),
    "forearms": ("elbow", "wrist", "hand", "tip"),
    "hands": ("wrist", "hand", "tip"),
}
CONDITIONS = ((0.0, 0.0), (0.01, 0.0), (0.01, 0.25))
TAKES, FRAMES = ("r-pirouette", "r-lambada", "131_04", "05_01"), 180
CONVENTIONS = ("smpl24", "coco17", "mediapipe33")


def people(body: BodyModel, count: int, split: Split, seed: int) -> Tensor:
    """(B, D) in poses of the library, no subject counting for more than 300."""
    library = load_pose_library(split=split)
    generator = torch.Generator().manual_seed(seed)
    params = body.layout.zeros(count, body.v_template)
    chosen = torch.multinomial(library.subject_balanced_weights(300), count, generator=generator)
    params[:, body.layout.pose] = library.poses[chosen]
    params[:, body.layout.betas] = torch.randn(count, body.num_betas, generator=generator).clamp(-2.5, 2.5)
    return params


def exchanged(names: tuple[str, ...], points: Tensor, part: str) -> Tensor:
    """The same (B, P, 3) with left and right of a part exchanged."""
    mirrored = exchange(names) or []
    moves = [mirrored[own] if any(word in name for word in PARTS[part]) else own for own, name in enumerate(names)]
    return points[:, moves]


def measured(points: Tensor, names: tuple[str, ...], seed: int, noise: float, missing: float) -> tuple[Tensor, Tensor]:
    """Points (B, P, 3) as they are measured, and confidence (B, P)."""
    generator = torch.Generator().manual_seed(seed)
    points = points + noise * torch.randn(points.shape, generator=generator)
    return points, (torch.rand(points.shape[:2], generator=generator) >= missing).float()


def told(
    body: BodyModel, points: Tensor, seen: Tensor, names: tuple[str, ...], **options: Any
) -> tuple[list[str], Tensor]:
    """For each row what is said to be exchanged, or "", and (B,) whether it is trusted."""
    found = fit_points(points, seen, convention=names, body=body, unit="m", up="y", **options)
    parts = [""] * len(points)
    for row, text in found.problems:
        if "look exchanged" in text:
            before = text.split(" look exchanged")[0]
            parts[row] = before.removeprefix("left and right").removeprefix(" of the ") or "all"
    assert found.estimate.diagnostics is not None
    return parts, found.estimate.diagnostics.trusted


def line(label: str, part: str, parts: list[str], trusted: Tensor, seconds: float) -> dict[str, Any]:
    count = len(parts)
    row = {
        "points": label,
        "exchanged": part,
        "rows": count,
        "said": sum(map(bool, parts)) / count,
        "named": sum(one == part for one in parts) / count,
        "silent": float(trusted.float().mean()),
        "cpu_ms_a_row": 1000 * seconds / count,
    }
    print(
        f"{label:38s} {part or 'nothing':20s} {count:5d} rows: said {row['said']:7.2%}  named {row['named']:7.2%}  "
        f"silent {row['silent']:7.2%}  {row['cpu_ms_a_row']:5.2f} ms a row",
        flush=True,
    )
    return row


def single_rows(body: BodyModel, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    for convention in options.conventions:
        names = tuple(name for name in point_convention(convention) if name)
        true = compiled_points(body, names).points(people(body, options.people, options.split, options.seed))
        for noise, missing in CONDITIONS:
            points, seen = measured(true, names, 1, noise, missing)
            label = f"{convention}, {1000 * noise:.0f} mm, {missing:.0%} missing"
            for part in ("", *options.parts):
                some = slice(None if not part else options.people // 4)
                given = exchanged(names, points[some], part) if part else points
                if part and bool((given == points[some]).all()):
                    continue
                shown = exchanged(names, seen[some][..., None], part)[..., 0] if part else seen
                begun = time.process_time()
                parts, trusted = told(body, given, shown, names)
                rows.append(line(label, part, parts, trusted, time.process_time() - begun))
    return rows


def recordings(body: BodyModel, archive: Path) -> list[dict[str, Any]]:
    """Of takes of held-out people half a second of each second exchanged; single rows are told in their recording."""
    from filmed_takes import on_the_ground, takes_of

    names = tuple(name for name in point_convention("smpl24") if name)
    rows = []
    for name, (take, poses) in takes_of(archive, TAKES).items():
        world = on_the_ground(body, take, poses, torch.zeros(body.num_betas))[:FRAMES]
        true = compiled_points(body, names).points(world)
        wrong = (torch.arange(len(true)) // 15) % 2 == 1
        for noise, missing in CONDITIONS:
            points, seen = measured(true, names, 1, noise, missing)
            for part in ("", "shanks", "legs below the hips"):
                given, shown = points.clone(), seen.clone()
                if part:
                    given[wrong] = exchanged(names, points[wrong], part)
                    shown[wrong] = exchanged(names, seen[wrong][..., None], part)[..., 0]
                begun = time.process_time()
                parts, trusted = told(body, given, shown, names, sequence=True)
                seconds = (time.process_time() - begun) / len(true)
                label = f"{name}, {1000 * noise:.0f} mm, {missing:.0%} missing"
                for word, some in ((part, wrong), ("", ~wrong)) if part else (("", wrong | ~wrong),):
                    told_here = [one for one, flag in zip(parts, some.tolist(), strict=True) if flag]
                    rows.append(line(label, word, told_here, trusted[some], seconds * len(told_here)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--split", default="heldout", help="of the library: train, where constants are chosen")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--conventions", nargs="*", default=list(CONVENTIONS))
    parser.add_argument("--takes", type=Path, help="the tar archive of CMU takes: recordings in place of single rows")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = recordings(load_body(), options.takes) if options.takes else single_rows(load_body(), options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
