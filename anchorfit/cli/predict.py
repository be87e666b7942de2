"""``anchorfit predict``: people in photographs, from a keypoint file or a detector to bodies in one forward pass."""

from __future__ import annotations

from . import options as opt


def predict(
    images: opt.Images,
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    detector: opt.Detector = "auto",
    detector_model: opt.DetectorModel = None,
    thorough: opt.Thorough = False,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = opt.DEFAULT_SAVE,
    mask: opt.Mask = None,
    weights: opt.Weights = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body, without fitting, for every person in the IMAGES, of the keypoint file or found by a detector.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    from ..pipeline import FitOptions, load_body_on, predict_people
    from ..regressors import load_priors
    from .console import progress_bar
    from .inputs import Detection, gather_people
    from .outputs import make_folder, parse_kinds
    from .report import deliver

    kinds = parse_kinds(save)
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    priors = load_priors(weights) if weights else None
    people = gather_people(images, keypoints, convention, mask, Detection(detector, detector_model, thorough))
    model = load_body_on(body, gender, device)
    make_folder(output)
    options = FitOptions(focal=focal, masks=mask is not None)
    with progress_bar("predicting", len(people)) as (bar, task):
        outcome = predict_people(
            people, model, priors=priors, options=options, progress=lambda done: bar.advance(task, done)
        )
    deliver(outcome, model, output, kinds, renderer=renderer)
