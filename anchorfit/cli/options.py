"""Options that several commands share, and their checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AGES, GENDERS, OptionError
from ..runs.engines import EngineOptions

if TYPE_CHECKING:
    from ..pictures import OverlayLook

OPACITY = 0.75  # as in rendering
LONGEST_GAP_S = 1.0  # as in observations.videos, which the help does without

Images = Annotated[
    list[Path],
    typer.Argument(
        help="Images, or folders of images (not their subfolders); or a video; or a keypoint file alone, for all its "
        "people.",
        show_default=False,
    ),
]
Keypoints = Annotated[
    Path | None,
    typer.Option(
        "--keypoints",
        "-k",
        help="2D keypoints: COCO or OpenPose JSON, LSP joints.mat, est_joints.npz, or a CSV/JSON/NPZ of our own. "
        "Without them a detector looks for people.",
    ),
]
Detector = Annotated[
    str,
    typer.Option(
        help="Detector of people without --keypoints: anchorfit (default: auto), mediapipe or human2d. With "
        "--keypoints: boxes, to detect keypoints anew in the boxes of the file's people."
    ),
]
DetectorModel = Annotated[
    Path | None,
    typer.Option(help="The detector's networks: MediaPipe's pose landmarker (.task), or Human2D's (.safetensors)."),
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Look for small people, too, in many parts of each image: 40 times as slow.")
]
Human2DFlip = Annotated[
    bool,
    typer.Option("--human2d-flip", help="Flip test of Human2D: a little better, at twice its time."),
]
MaxPeople = Annotated[
    int | None,
    typer.Option("--max-people", min=1, help="Largest number of people of a video; those seen longest are kept."),
]
MaxGap = Annotated[
    float, typer.Option("--max-gap", min=0.0, help="Seconds for which a video's person may be out of sight.")
]


def _named(text: str) -> Path:
    """A path; an empty name, which would be the current folder, is a variable that was not set."""
    if not text:
        raise typer.BadParameter("expected a name, got an empty one; give . for the current folder")
    return Path(text)


Output = Annotated[
    Path, typer.Option("--output", "-o", parser=_named, metavar="PATH", help="Folder for the results; made if missing.")
]
Convention = Annotated[
    str | None, typer.Option(help="Joint convention, where the file does not say: lsp14, coco17, body25 ...")
]
Points = Annotated[
    str | None,
    typer.Option(
        help="IMAGES are files of points in space (.npy, .npz, .csv, .json, .trc, .c3d): which points, smpl24, h36m17, "
        "coco17, body25, mediapipe33, kinect25, azure32, smplh22 ...; names, where the file's labels say it; or a JSON "
        "file from labels to body points (docs/points.md)."
    ),
]
PointUnit = Annotated[
    str, typer.Option(help="Unit of --points: m, cm, mm; auto (told by the body's size); free (none: mean size).")
]
PointUp = Annotated[str, typer.Option(help="Axis of --points that points up: x, y, z, -x, -y, -z; auto.")]
Height = Annotated[
    float | None, typer.Option(help="Height of the people in metres, where known: distances are metric.")
]
Measure = Annotated[
    str | None,
    typer.Option(
        help="Known measurements: waist=0.81,inseam=0.79 (metres) of everyone, or a CSV file with a column name "
        "(IMAGE#PERSON) and one for each measurement."
    ),
]
Body = Annotated[str, typer.Option(help="'open', or a path to an SMPL .pkl or .npz file.")]
Gender = Annotated[str, typer.Option(help="neutral, male or female.")]
Age = Annotated[str, typer.Option(help="adult or child: whom the open body is. A child is 2 to 12 years old.")]
Focal = Annotated[
    float | None, typer.Option(help="Focal length in pixels. Default: from EXIF, else the image's diagonal.")
]
Pitch = Annotated[
    str | None,
    typer.Option(
        help="Degrees by which the camera looks down, or 'people': as those who stand in an image show together. "
        "People who stand are balanced by it.",
        show_default=False,
    ),
]
Save = Annotated[
    str | None,
    typer.Option(
        help="What to write, comma-separated: npz, json, pkl, obj, ply, glb, rigged (GLB with a skeleton), bvh, "
        "overlay, side, openpose, coco, spin, smplx, csv, amass, rerun (formats of other programs), shards (a thousand "
        "people a file). Default: npz,glb,overlay; without images, shards.",
        show_default=False,
    ),
]
Report = Annotated[
    bool, typer.Option("--report", help="Write report.html too: one page of pictures, turning bodies and figures.")
]
Mask = Annotated[
    str | None,
    typer.Option(help="Masks to use, too: 'file' (the keypoint file's), 'detected', a PNG, or a folder of them."),
]
Covariance = Annotated[
    bool | None,
    typer.Option(
        "--covariance/--no-covariance",
        help="Say how sure joints are, in millimetres. Default: where each person has an npz or json.",
        show_default=False,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        help="Folder with networks of your own, as `anchorfit train priors` writes them. Default: the package's."
    ),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where OUTPUT holds an unfinished run; else it goes on.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine", help="local: this machine; or ray: over a cluster, too, by the package Ray (docs/scaling.md)."
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes. Default: 1; with ray one a core, or a GPU.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Address of a running Ray cluster, or 'auto', for --engine ray; its machines see the same files under the "
        "same names. Default: a Ray of its own, on this machine."
    ),
]
DetectorGpus = Annotated[
    float,
    typer.Option(
        "--detector-gpus", min=0.0, help="GPUs, or a share of one, for each detecting worker of --engine ray; 0: CPU."
    ),
]
Opacity = Annotated[float, typer.Option(min=0.0, max=1.0, help="Opacity of the bodies on overlays, 0 to 1.")]
DrawKeypoints = Annotated[bool, typer.Option("--draw-keypoints", help="Draw the observed keypoints on overlays, too.")]
Renderer = Annotated[str, typer.Option(help="What draws overlays: torch, or pytorch3d where it is installed.")]
Regressor = Annotated[
    Path | None,
    typer.Option(
        "--joint-regressor",
        help="Human3.6M, 3DPW: J_regressor_h36m.npy (17 x the body's vertices), by which published errors take joints "
        "from the surface. Default: the body's own joints.",
    ),
]
Reduced = Annotated[
    Path | None,
    typer.Option(help="UP-3D: the list of the reduced set, BodyNet's fitting/testnames/namesUPbmvc.txt."),
]
Landmarks = Annotated[
    Path | None,
    typer.Option(help="UP-3D: models/pose/landmarks.pkl of classner/up, the 79 vertices among the 91 landmarks."),
]
SmplxModel = Annotated[
    Path | None, typer.Option("--smplx-model", help="RICH: SMPL-X's .npz of the people's gender (SMPLX_MALE.npz ...).")
]
Split = Annotated[str, typer.Option(help="EMDB: emdb1 (default) or emdb2; RICH: test (default), val or train.")]
CameraNumber = Annotated[int, typer.Option("--camera", min=0, help="RICH: number of the camera.")]
Every = Annotated[int, typer.Option(min=1, help="RICH: of the frames so many; 1 means all.")]
DetectedKeypoints = Annotated[
    Path | None, typer.Option("--keypoints", help="Detected keypoints of the data set's people, in any format.")
]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")]


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turns an `OptionError` of the library into an error of the command line."""
    try:
        yield
    except OptionError as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.option}") from error


def checked_engine(
    name: str, workers: int | None, cluster: str | None, detector_gpus: float, *, gender: str, device: str
) -> EngineOptions:
    """The engine's options; they and the gender are looked at before anything large is loaded."""
    check_gender(gender)
    chosen = EngineOptions(name=name, workers=workers, cluster=cluster, detector_gpus=detector_gpus)
    with usage_errors():
        chosen.check(device)
    return chosen


def check_rate(frames_per_second: float) -> None:
    """Raises typer.BadParameter where it is no positive number."""
    if not 0 < frames_per_second < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {frames_per_second}", param_hint="--fps")


def check_gender(gender: str) -> None:
    """Raises typer.BadParameter where there is no such gender."""
    if gender not in GENDERS:
        raise typer.BadParameter(f"expected one of {', '.join(GENDERS)}, got {gender!r}", param_hint="--gender")


def named_body(body: str, gender: str, age: str) -> str:
    """The body's name for --body, --gender and --age together.

    Raises typer.BadParameter where there is no such gender or age, or no such body of them.
    """
    from ..body import chosen_body

    check_gender(gender)
    if age not in AGES:
        raise typer.BadParameter(f"expected one of {', '.join(AGES)}, got {age!r}", param_hint="--age")
    return str(chosen_body(body, gender, age))


def look_of(renderer: str, opacity: float, keypoints: bool) -> OverlayLook:
    """How overlays look. Raises typer.BadParameter where there is no such renderer."""
    from ..pictures import OverlayLook

    check_renderer(renderer)
    return OverlayLook(opacity=opacity, keypoints=keypoints, renderer=renderer)


def check_renderer(renderer: str) -> None:
    """Raises typer.BadParameter where there is no such renderer, or its package is not installed."""
    from ..rendering import load_renderer

    try:
        load_renderer(renderer)
    except (ImportError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--renderer") from error
