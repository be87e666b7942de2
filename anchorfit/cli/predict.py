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
    human2d_flip: opt.Human2DFlip = False,
    max_people: opt.MaxPeople = None,
    max_gap: opt.MaxGap = opt.LONGEST_GAP_S,
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
    detector_gpus: opt.DetectorGpus = 0.0,
    renderer: opt.Renderer = "torch",
    opacity: opt.Opacity = opt.OPACITY,
    draw_keypoints: opt.DrawKeypoints = False,
    device: opt.Device = "cpu",
) -> None:
    """Predict a 3D body, without fitting, for every person in the IMAGES, of the keypoint file or found by a detector.

    The results are what `anchorfit fit --init` starts from; a mask tells the shape.
    """
    from ..pictures import OverlayLook
    from ..pipeline import FitOptions, load_body_on, predict_people
    from ..regressors import load_networks
    from .delivery import Delivery, Kept, deliver
    from .detection import Detection
    from .fingerprint import fingerprint
    from .inputs import Source

    source = Source(
        images=images,
        keypoints=keypoints,
        convention=convention,
        mask=mask,
        detection=Detection(
            detector=detector,
            model=detector_model,
            thorough=thorough,
            flip=human2d_flip,
            device=opt.detector_device(engine, detector_gpus, device),
        ),
        longest_gap_s=max_gap,
        most_people=max_people,
    )
    source.check()
    opt.check_values(gender=gender, renderer=renderer, focal=focal)
    networks = load_networks(weights) if weights else None
    model = load_body_on(body, gender, device)
    options = FitOptions(focal=focal, masks=mask is not None)
    settings = {"command": "predict", "weights": fingerprint(weights), "body": [body, gender], "focal": focal}
    look = OverlayLook(opacity=opacity, keypoints=draw_keypoints, renderer=renderer)
    delivery = Delivery.of(source, output, save, settings, restart=restart, look=look, report=report)
    with opt.opened_engines(opt.EngineOptions(engine, workers, cluster, detector_gpus, device)) as engines:
        deliver(
            source,
            model,
            lambda chunk: predict_people(chunk, model, networks=networks, options=options),
            delivery,
            Kept(),
            engines,
        )
