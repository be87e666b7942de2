"""``anchorfit predict``: people in photographs, from a keypoint file to bodies in one forward pass."""

from __future__ import annotations

from typing import Any

from . import options as opt


def predict(
    images: opt.Images,
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = None,
    report: opt.Report = False,
    mask: opt.Mask = None,
    weights: opt.Weights = None,
    restart: opt.Restart = False,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body for every person of the keypoint file that stands in one of the IMAGES, without fitting.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    from ..pipeline import FitOptions, load_body_on, predict_people
    from ..regressors import load_priors
    from .delivery import Delivery, Kept, run
    from .inputs import fingerprint, gather_people
    from .outputs import parse_kinds

    kinds = parse_kinds(save or (opt.DEFAULT_SAVE if keypoints else opt.DEFAULT_SAVE_OF_FILE))
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    priors = load_priors(weights) if weights else None
    people = gather_people(images, keypoints, convention, mask)
    model = load_body_on(body, gender, device)
    options = FitOptions(focal=focal, masks=mask is not None)
    settings: dict[str, Any] = {
        "command": "predict",
        "keypoints": fingerprint(keypoints or images[0]),
        "images": None if keypoints is None else [str(path.absolute()) for path in images],
        "weights": fingerprint(weights),
    }
    settings |= {"body": [body, gender], "focal": focal, "mask": mask, "save": list(kinds), "convention": convention}
    delivery = Delivery(
        output=output, kinds=kinds, settings=settings, restart=restart, renderer=renderer, report=report
    )
    run(people, model, lambda chunk: predict_people(chunk, model, priors=priors, options=options), delivery, Kept())
