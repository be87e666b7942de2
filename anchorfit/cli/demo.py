"""``anchorfit demo``: the bundled photographs, from their keypoints to bodies, pictures and figures."""

from __future__ import annotations

from pathlib import Path

from . import options as opt


def demo(
    output: opt.Output = Path("anchorfit-demo"),
    gender: opt.Gender = "neutral",
    device: opt.Device = "cpu",
) -> None:
    """Fit the people of six bundled photographs: overlays, meshes and one contact sheet."""
    from ..assets import ASSETS
    from ..evaluation.agreement import agreement
    from ..observations import list_images, match_people, read_people, write_image
    from ..pictures import draw_contact_sheet
    from ..pipeline import fit_people, load_body_on
    from .console import out, progress_bar, warn
    from .delivery import print_people
    from .outputs import attempt, make_folder, write_results

    opt.check_gender(gender)
    folder = ASSETS / "demo"
    keypoints = folder / "person_keypoints.json"
    people = match_people(read_people(keypoints).people, list_images([folder]), keypoints).people
    people = [person for person in people if (person.confidence > 0).sum() >= 10]
    model = load_body_on("open", gender, device)
    make_folder(output)
    with progress_bar("fitting", len(people)) as (bar, task):
        outcome = fit_people(people, model, progress=lambda done: bar.advance(task, done))
    if outcome.estimate is None:
        raise ValueError("not one person of the demo could be fitted: is the installation whole?")
    estimate = outcome.estimate
    with progress_bar("writing", len(estimate)) as (bar, task):
        written = write_results(
            estimate, model, output, ("npz", "glb", "overlay"), progress=lambda done: bar.advance(task, done)
        )
    sheet = output / "contact_sheet.jpg"
    attempt(written, sheet, lambda path: write_image(path, draw_contact_sheet(estimate, model)))
    for problem in [*outcome.problems, *written.problems]:
        warn(problem)
    figures = agreement(estimate, model, people)
    print_people(
        estimate,
        {
            "limbs, % of box height": [f"{100 * f.limb_error:.1f}" for f in figures],
            "mask IoU": ["-" if f.mask_iou is None else f"{f.mask_iou:.2f}" for f in figures],
        },
    )
    out.print(f"Look at {sheet}", soft_wrap=True, highlight=False, markup=False)
