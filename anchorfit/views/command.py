"""People of several cameras to files of bodies: what ``anchorfit fit --cameras FILE`` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..body import BodyModel
from ..cameras import CameraRig, read_cameras
from ..fit_options import InputProblem
from ..looks import OverlayLook
from ..options import OptionError
from ..plain_text import printable
from ..points.frames import check_scale
from ..runs.claiming import files_of, held
from ..runs.detecting import Detection, detect_people, people_of_film
from ..runs.engines import Engine, EngineOptions, opened_engines
from ..runs.fingerprint import fingerprint_inside
from ..runs.folder import RunFolder
from ..runs.listening import Listener
from ..runs.sightings import SIGHTINGS, Sightings
from ..runs.told import Lines
from .chunks import ChunkWork, ViewChunk, chunks_of, put_together
from .config import ViewOptions
from .drawing import draw_films
from .files import ViewNames, write_together
from .fitting import ViewFit
from .pages import REPORT, write_page
from .settling import Sighted, settle_views
from .sources import Detect, DetectFilm, ViewSources, check_pictures, film_rate, gather_views

KINDS = ("npz", "json", "bvh", "rigged", "overlay", "side")
_PROBLEMS = 40
_KEYPOINTS = (".json", ".csv", ".npz", ".mat", ".txt", ".yml", ".yaml", ".toml", ".xml")


@dataclass(frozen=True, kw_only=True)
class ViewJob:
    """What to do with the views.

    Attributes:
        cameras: the camera file or folder.
        keypoints, convention: see `sources.gather_views`.
        options: of the fit.
        kinds: of `KINDS`; None: npz, overlay where there are images, and bvh for a person in time.
        rate: frames a second of a person in time.
        look: of overlays.
        reads: further files that the command reads.
        detection: by which people are looked for in images and films without keypoints.
    """

    cameras: Path
    keypoints: Path | None = None
    convention: str | None = None
    options: ViewOptions = ViewOptions()
    kinds: tuple[str, ...] | None = None
    rate: float = 30.0
    look: OverlayLook = OverlayLook()
    reads: tuple[Path, ...] = ()
    detection: Detection = Detection()

    def settings(self, paths: Sequence[Path], body: BodyModel, output: Path) -> dict[str, Any]:
        """What must be the same for an unfinished run to go on: plain JSON, files by their content."""
        own = asdict(self.options)
        plain = {name: own[name] for name in ("unit", "several", "sequence", "smooth", "masks", "covariance")}
        sizes = self.options.sizes
        return {
            "evidence": "cameras",
            "cameras": fingerprint_inside(self.cameras, _KEYPOINTS),
            "keypoints": None if self.keypoints is None else fingerprint_inside(self.keypoints, _KEYPOINTS),
            "images": [[str(path.absolute()), _content(path, output)] for path in paths],
            "convention": self.convention,
            "detector": self.detection.settings(),
            "body": [body.name, body.gender, body.num_betas],
            "measure": {name: dict(known) for name, known in sizes.given.items()} if sizes else None,
            "save": self.kinds,
            "fps": self.rate,
            "look": asdict(self.look),
            **plain,
        }

    def of_films(self, rate: float) -> ViewJob:
        """The same for films of so many frames a second: their people are followed in time."""
        return replace(self, options=replace(self.options, sequence=True, smooth=True), rate=rate)


@dataclass(frozen=True, kw_only=True)
class ViewReport:
    """What came of the views: bodies fitted, files written, and lines to say."""

    bodies: int
    files: tuple[Path, ...]
    remarks: tuple[str, ...]
    problems: tuple[str, ...]


def fit_view_files(
    paths: Sequence[Path],
    body: BodyModel,
    output: Path,
    job: ViewJob,
    detect: Detect | None = None,
    detect_film: DetectFilm | None = None,
    *,
    engine: EngineOptions = EngineOptions(),
    report: bool = False,
    restart: bool = False,
    listener: Listener = Listener(),
) -> ViewReport:
    """Fit bodies to what several cameras saw, and write them; a run that was stopped goes on when it is called again.

    Writes people.npz (each body in its main camera's frame), CAMERA.npz (all of them in each camera's), world.npz
    (SMPL's parameters in metres and the cameras' world), cameras.json (in metres), people.csv (a line a body),
    views.csv (a line a body and view), index.jsonl (by which the folder is read), and what is asked for.

    The files are a run's: they take the place of those of the run before in the folder, and of no others.

    Args:
        paths: see `sources.gather_views`. body: the body model. output: the folder for results, made if missing.
        job: what to do.
        detect, detect_film: find people in images and films; None: as the job's ``detection`` says.
        engine: where people are looked for, fitted and drawn.
        report: write ``report.html``, too: each body in each view.
        restart: begin anew where the folder holds an unfinished run.
        listener: told how the run goes on.
    Raises:
        ValueError, OSError: the cameras or all of the people cannot be used; an unknown kind; a file that is read, or
            is no run's, would be overwritten; an unfinished run of other settings is there. Nothing is written then.
    """
    unknown = [kind for kind in job.kinds or () if kind not in KINDS]
    if unknown:
        raise ValueError(f"--save: expected some of {', '.join(KINDS)} for views, got {', '.join(unknown)}")
    check_scale(job.options.unit, job.options.sizes)
    if job.options.sequence and job.keypoints is not None and (engine.workers or 1) > 1:
        name = "video" if job.options.smooth else "same-person"
        raise OptionError("workers", f"with --{name} all people are fitted at once, in one process: leave it out")
    rig = read_cameras(job.cameras)
    with held(output), opened_engines(engine, str(body.device), listener.warn) as engines:
        folder = RunFolder.open(output, job.settings(paths, body, output), restart=restart)
        look = _Looking(job.detection, output, engines.detect, listener)
        gathered = _gathered(paths, rig, job, output, detect or look.at_images, detect_film or look.at_film)
        if gathered.films:
            job = job.of_films(film_rate(list(gathered.films.values())))
        run = _Run.of(rig, gathered, body, output, job, report)
        folder.check(run.reads(gathered), run.planned())
        saw = settle_views(gathered.people, rig.cameras, body, job.options, stated=rig.unit)
        chunks = list(chunks_of(saw, whole=job.options.sequence))
        problems = [*rig.problems, *gathered.problems, *run.through(saw, chunks, folder, engines.fit, listener)]
        found = put_together(saw, chunks, output)
        problems += _lines_of_bodies(found)
        problems += run.finish(found, folder, listener)
        for name in [*(name for chunk in chunks for name in chunk.files), SIGHTINGS]:
            (output / name).unlink(missing_ok=True)
    more = len(problems) - _PROBLEMS
    shown = [*problems[:_PROBLEMS], *([f"... and {more} more lines"] if more > 0 else [])]
    return ViewReport(
        bodies=len(found),
        files=tuple(output / name for name in run.planned() if (output / name).is_file()),
        remarks=tuple(map(printable, (*rig.remarks, *_said(rig, found), *found.remarks))),
        problems=tuple(map(printable, shown)),
    )


def _lines_of_bodies(found: ViewFit) -> list[str]:
    """What is wrong with bodies, a line for each reason and camera; not what a remark says of all of them."""
    of_camera: dict[str, Lines] = {}
    for row, text in found.problems:
        if any(remark.startswith(text) for remark in found.remarks):
            continue
        camera, mark, said = text.partition(": ") if text.startswith("camera ") else ("", "", text)
        lines = of_camera.setdefault(camera + mark, Lines(_PROBLEMS))
        lines.add([InputProblem(found.estimate.names[row], said)])
    return [camera + line for camera, lines in of_camera.items() for line in lines.told]


def _content(path: Path, output: Path) -> object:
    """The content of a file or folder of keypoints, without the folder of results, should that lie within."""
    results = output.resolve()
    within = (results, *results.parents)
    if not path.is_dir() or path.resolve() not in within:
        return fingerprint_inside(path, _KEYPOINTS)
    others = [one for one in sorted(path.iterdir()) if path.resolve() != results and one.resolve() not in within]
    return [[one.name, fingerprint_inside(one, _KEYPOINTS)] for one in others]


@dataclass(frozen=True)
class _Looking:
    """Looks for people in images and films, and keeps what it saw for a run that is stopped."""

    detection: Detection
    output: Path
    engine: Engine
    listener: Listener

    def _kept(self) -> Sightings:
        return Sightings.open(self.output, {"evidence": "cameras", "detector": self.detection.settings()})

    def at_images(self, images: Sequence[Path]) -> Any:
        return detect_people(
            images, self.detection, masks=False, engine=self.engine, sightings=self._kept(), listener=self.listener
        )

    def at_film(self, film: Path) -> Any:
        return people_of_film(film, self.detection, engine=self.engine, sightings=self._kept(), listener=self.listener)


def _gathered(
    paths: Sequence[Path], rig: CameraRig, job: ViewJob, output: Path, detect: Detect, detect_film: DetectFilm
) -> ViewSources:
    """The people of each camera, of whom there is one at least."""
    gathered = gather_views(
        paths,
        rig.names,
        keypoints=job.keypoints,
        convention=job.convention,
        detect=detect,
        detect_film=detect_film,
        but=(job.cameras, output),
        left_out=rig.left_out,
    )
    problems = [*rig.problems, *gathered.problems]
    if not gathered.people:
        raise ValueError(printable(problems[0]) if problems else f"{paths[0]}: no person of any camera")
    check_pictures(gathered.people, gathered.films, job.kinds, job.look)
    return gathered


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """A run whose people are known."""

    body: BodyModel
    output: Path
    job: ViewJob
    names: ViewNames
    kinds: tuple[str, ...]
    report: bool

    @staticmethod
    def of(rig: CameraRig, gathered: ViewSources, body: BodyModel, output: Path, job: ViewJob, report: bool) -> _Run:
        names = ViewNames.of(rig.names, gathered.people, gathered.films)
        return _Run(body=body, output=output, job=job, names=names, kinds=_kinds(names, job), report=report)

    def reads(self, gathered: ViewSources) -> list[Path]:
        """Files that the run reads."""
        job = self.job
        return files_of([job.cameras, *job.reads, *gathered.paths, *(Path(image) for _, image in self.names.pictures)])

    def planned(self) -> list[str]:
        """All the files that may be there at the end."""
        return [*self.names.planned(self.kinds), *([REPORT] if self.report else [])]

    def through(
        self, saw: Sighted, chunks: Sequence[ViewChunk], folder: RunFolder, engine: Engine, listener: Listener
    ) -> list[str]:
        """Work through the chunks that the folder does not hold yet; a line for each picture that could not be drawn.

        Raises:
            ValueError: those that it holds are not of these people.
        """
        done = {name for chunk in chunks[: folder.chunks] for name in chunk.saw.names}
        if folder.resumed and done != folder.done:
            raise ValueError(f"{self.output}: the people of its unfinished run are others now; give --restart")
        if folder.resumed:
            listener.warn(f"{self.output}: going on with an unfinished run, {len(done)} of {len(saw.names)} are done")
        folder.begin()
        work = ChunkWork(
            body=self.body, options=self.job.options, output=self.output, kinds=self.kinds, names=self.names,
            look=self.job.look,
        )  # fmt: skip
        left, problems = chunks[folder.chunks :], list[str]()
        with listener.phase("fitting people", len(saw.names), before=len(done)) as tell:
            tell(len(done))
            for found in engine(work, self._noted(left, folder)):
                folder.commit(found.lines)
                problems += found.problems
                tell(len(found.lines))
        return problems

    def _noted(self, chunks: Sequence[ViewChunk], folder: RunFolder) -> Iterator[ViewChunk]:
        """The chunks, the files of each noted in the journal when an engine takes it."""
        for chunk in chunks:
            images = {image for images in chunk.saw.seen.images for image in images if image}
            folder.intend([*chunk.files, *self.names.drawn(self.kinds, images)])
            yield chunk

    def finish(self, found: ViewFit, folder: RunFolder, listener: Listener) -> list[str]:
        """Write what is of all bodies, and close the journal; a line for each picture that could not be drawn."""
        folder.intend(self.planned())
        write_together(found, self.body, self.output, self.kinds, self.names, self.job.rate)
        problems = draw_films(found, self.body, self.output, self.kinds, self.names, self.job.look)
        if self.report:
            problems += write_page(self.output / REPORT, found, self.body, self.names, self.job.rate, listener)
        folder.finish()
        return problems


def _said(rig: CameraRig, found: ViewFit) -> list[str]:
    trusted = int(found.estimate.diagnostics.trusted.sum())
    views = (found.weights > 0).sum(1).double()
    off = float(found.errors_px.nanmedian())
    return [
        f"{len(rig)} cameras ({', '.join(rig.names[:8])}); {len(found)} bodies, {trusted} trusted; "
        f"{float(views.mean()):.1f} views a body; keypoints {off:.1f} px off (median)"
    ]


def _kinds(names: ViewNames, job: ViewJob) -> tuple[str, ...]:
    if job.kinds is not None:
        return job.kinds
    in_time = job.options.sequence and job.options.smooth
    return ("npz", *(["overlay"] if names.pictures or names.films else []), *(["bvh"] if in_time else []))
