"""Estimates as a recording for the Rerun viewer: bodies, joints and keypoints in space and in their photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel
from ..observations.videos import frame_of
from ..options import install_command, without_package
from ..rendering import PALETTE
from ..results import BodyEstimate, split_name

NEEDED = f"Rerun's recordings need its package: {install_command('rerun', 'rerun-sdk')}"


def write_rerun(path: str | Path, estimate: BodyEstimate, body: BodyModel) -> None:
    """Write a ``.rrd`` file that ``rerun FILE`` opens; all or nothing.

    The timeline ``frame`` goes through a video's frames, or through the photographs in their order. Space is the
    camera's (x right, y down, z forward, metres): ``world/camera`` with ``image`` and the observed ``keypoints``, and
    for each person ``world/people/NUMBER`` with ``body`` and ``joints``.

    Args:
        path: ends in .rrd.
        estimate: rows of any photographs; the photographs are put in where they can be read.
        body: the body that they were made with.
    Raises:
        ImportError: the package rerun-sdk is not installed.
        OSError: the file cannot be written.
    """
    try:
        import rerun as rr
    except ImportError as error:
        raise ImportError(without_package("rerun", NEEDED, error)) from error
    path = Path(path)
    new: Any = getattr(rr, "new_recording", None) or rr.RecordingStream  # up to 0.22, and since
    recording = new("anchorfit", recording_id=path.stem)
    stream = recording.binary_stream()  # Rerun's own writer of files does not say when a disk is full
    recording.log("world", rr.ViewCoordinates.RDF, static=True)
    for moment, rows in _moments(estimate).items():
        _set_frame(recording, moment)
        recording.log("world", rr.Clear(recursive=True))  # else people stay on through frames without them
        _log_camera(recording, estimate.rows(rows[:1]))
        for row in rows:
            _log_person(recording, estimate[row], body)
    data = stream.read() or b""
    recording.disconnect()  # writes the recording's end, which would otherwise be dropped with a warning
    write_atomically(path, data + (stream.read() or b""))


def _set_frame(recording: Any, number: int) -> None:
    if hasattr(recording, "set_time"):
        recording.set_time("frame", sequence=number)
    else:  # 0.22
        recording.set_time_sequence("frame", number)


def _moments(estimate: BodyEstimate) -> dict[int, list[int]]:
    """Rows by their video's frame, or by their photograph's place."""
    labels = {label: place for place, label in enumerate(dict.fromkeys(estimate.image_labels))}
    moments: dict[int, list[int]] = {}
    for row, (name, label) in enumerate(zip(estimate.names, estimate.image_labels, strict=True)):
        frame = frame_of(name)
        moments.setdefault(labels[label] if frame is None else frame, []).append(row)
    return dict(sorted(moments.items()))


def _log_camera(recording: Any, one: BodyEstimate) -> None:
    import rerun as rr

    width, height = one.image_size[0].tolist()
    pinhole = rr.Pinhole(image_from_camera=one.intrinsics[0].numpy(), width=width, height=height)
    rr.log("world/camera", pinhole, recording=recording)
    if Path(one.images[0]).is_file():
        rr.log("world/camera/image", rr.EncodedImage(path=one.images[0]), recording=recording)


def _log_person(recording: Any, one: BodyEstimate, body: BodyModel) -> None:
    import rerun as rr

    number = split_name(one.names[0], one.images[0])[1]
    vertices, joints = one.bodies(body)
    color = PALETTE[int(number) % len(PALETTE)] if number.isdecimal() else PALETTE[0]
    root = ["world", "people", number]
    mesh = rr.Mesh3D(
        vertex_positions=vertices[0].numpy(),
        triangle_indices=body.faces.cpu().numpy(),
        albedo_factor=[*color, 1.0],
    )
    rr.log([*root, "body"], mesh, recording=recording)
    points = rr.Points3D(joints[0].numpy(), labels=list(SMPL_JOINTS), radii=0.015, show_labels=False)
    rr.log([*root, "joints"], points, recording=recording)
    seen = np.flatnonzero(one.confidence[0].numpy() > 0)
    names = [CANONICAL_JOINTS[joint] for joint in seen]
    observed = rr.Points2D(one.keypoints[0].numpy()[seen], labels=names, radii=3.0, show_labels=False)
    rr.log(["world", "camera", "keypoints", number], observed, recording=recording)
