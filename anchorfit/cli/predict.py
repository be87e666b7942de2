"""``anchorfit predict``: people in photographs, from a keypoint file to bodies in one forward pass."""

from __future__ import annotations

from . import options as opt


def predict(
    images: opt.Images,
    keypoints: opt.Keypoints,
    output: opt.Output,
    convention: opt.Convention = None,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = opt.DEFAULT_SAVE,
    report: opt.Report = False,
    mask: opt.Mask = None,
    weights: opt.Weights = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body for every person of the keypoint file that stands in one of the IMAGES, without fitting.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    from ..pipeline import FitOptions, load_body_on, predict_people
    from ..regressors import load_priors
    from .console import progress_bar
    from .delivery import deliver
    from .inputs import gather_people
    from .outputs import make_folder, parse_kinds

    kinds = parse_kinds(save)
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    priors = load_priors(weights) if weights else None
    people = gather_people(images, keypoints, convention, mask)
    model = load_body_on(body, gender, device)
    make_folder(output)
    options = FitOptions(focal=focal, masks=mask is not None)
    with progress_bar("predicting", len(people)) as (bar, task):
        outcome = predict_people(
            people, model, priors=priors, options=options, progress=lambda done: bar.advance(task, done)
        )
    deliver(outcome, model, output, kinds, renderer=renderer, report=report)
