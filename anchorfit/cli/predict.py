"""``anchorfit predict``: people in photographs, from a keypoint file or a detector to bodies in one forward pass."""

from __future__ import annotations

from . import options as opt
from .launch import launch


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
    age: opt.Age = "adult",
    focal: opt.Focal = None,
    pitch: opt.Pitch = None,
    save: opt.Save = None,
    report: opt.Report = False,
    mask: opt.Mask = None,
    weights: opt.Weights = None,
    covariance: opt.Covariance = None,
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
    where = opt.checked_engine(engine, workers, cluster, detector_gpus, gender=gender, device=device)
    from ..runs import RunOptions  # which takes a second: what can be seen without it has been looked at

    options = RunOptions(
        method="predict",
        keypoints=keypoints,
        convention=convention,
        mask=mask,
        detector=detector,
        detector_model=detector_model,
        thorough=thorough,
        human2d_flip=human2d_flip,
        max_people=max_people,
        max_gap=max_gap,
        body=body,
        gender=gender,
        age=age,
        focal=focal,
        pitch=pitch,
        weights=weights,
        covariance=covariance,
    )
    look = opt.look_of(renderer, opacity, draw_keypoints)
    launch(images, output, options, where, save=save, report=report, restart=restart, look=look, device=device)
