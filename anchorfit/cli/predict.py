"""``anchorfit predict``: people in photographs, from a keypoint file or a detector to bodies in one forward pass."""

from __future__ import annotations

from typing import Any

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
    save: opt.Save = None,
    report: opt.Report = False,
    mask: opt.Mask = None,
    weights: opt.Weights = None,
    restart: opt.Restart = False,
    engine: opt.EngineName = "local",
    workers: opt.Workers = None,
    cluster: opt.Cluster = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body, without fitting, for every person in the IMAGES, of the keypoint file or found by a detector.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    from ..pipeline import FitOptions, load_body_on, predict_people
    from ..regressors import load_priors
    from .delivery import Delivery, Kept, run
    from .inputs import Detection, fingerprint, gather_people, keypoint_file, source_settings
    from .outputs import parse_kinds

    alone = keypoints is None and keypoint_file(images, keypoints) is not None
    kinds = parse_kinds(save or (opt.DEFAULT_SAVE_OF_FILE if alone else opt.DEFAULT_SAVE))
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    priors = load_priors(weights) if weights else None
    detection = Detection(detector, detector_model, thorough)
    model = load_body_on(body, gender, device)
    options = FitOptions(focal=focal, masks=mask is not None)
    settings: dict[str, Any] = {
        "command": "predict",
        **source_settings(images, keypoints, detection),
        "weights": fingerprint(weights),
    }
    settings |= {"body": [body, gender], "focal": focal, "mask": mask, "save": list(kinds), "convention": convention}
    delivery = Delivery(
        output=output, kinds=kinds, settings=settings, restart=restart, renderer=renderer, report=report
    )
    with opt.opened_engine(engine, workers, cluster, device) as mapped:
        people = gather_people(images, keypoints, convention, mask, detection, mapped)
        run(
            people,
            model,
            lambda chunk: predict_people(chunk, model, priors=priors, options=options),
            delivery,
            Kept(),
            mapped,
        )
