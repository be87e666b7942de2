"""What a run is to do: its arguments, checked, and the names of the files that it will write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..looks import OverlayLook
from ..observations import Person
from ..observations.videos import probe_video
from ..options import OptionError
from .chunks import Chunk, chunks_left, image_of, number_of
from .engines import EngineOptions
from .folder import RunFolder
from .options import RunOptions
from .outputs import SHARDS, FileNames, name_files, name_frames, parse_kinds, planned_files
from .sources import Source
from .table import TABLE
from .video import OVERLAY_VIDEOS

CHUNK = 256  # people that are fitted and written at once
SHARD = 1000  # the same, where one file holds them
REPORT = "report.html"


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """A run's arguments, checked."""

    source: Source
    output: Path
    options: RunOptions
    kinds: tuple[str, ...]
    report: bool
    look: OverlayLook
    frames_per_second: float | None  # of a video, or of frames that are one

    @staticmethod
    def of(
        source: str | Path | Sequence[str | Path],
        output: str | Path,
        options: RunOptions,
        save: str | None,
        report: bool,
        engine: EngineOptions,
        look: OverlayLook,
        device: str,
    ) -> RunPlan:
        """The plan of a run's arguments; see `fitting.run`.

        Raises:
            OptionError: an option that cannot be, or does not go with another.
            OSError: a file that is named is not there, or no video.
        """
        images = [Path(path) for path in ([source] if isinstance(source, str | Path) else source)]
        if not images:
            raise OptionError("source", "give images, a folder of them, a video or a keypoint file")
        if not str(output):
            raise OptionError("output", "expected a folder, got an empty name")
        engine.check(device)
        refused = {"report": report, "same-person": options.same_person, "video": options.video}
        wrong = [f"--{name}" for name, given in refused.items() if given]
        if engine.name != "local" and wrong:
            raise OptionError("engine", f"{', '.join(wrong)}: only with --engine local")
        options.check()
        found = options.source(images, engine.detector_device(device))
        found.check()
        _check_together(options, found, engine)
        kinds = parse_kinds(found.usual_kinds if save is None else save)
        look.check(drawn="overlay" in kinds)
        if look.floor_grid and options.floor is None:
            raise OptionError("draw-floor", "there is none to be drawn: give --floor, or leave it out")
        if found.video:  # an npz holds all frames of a person, and the film is drawn from it
            kinds = tuple(dict.fromkeys(SHARDS if kind == "npz" else kind for kind in kinds))
            kinds += (SHARDS,) if "overlay" in kinds and SHARDS not in kinds else ()
        rate = probe_video(found.video).frames_per_second if found.video else options.fps if options.video else None
        return RunPlan(
            source=found,
            output=Path(output),
            options=options,
            kinds=kinds,
            report=report,
            look=look,
            frames_per_second=rate,
        )

    @property
    def film(self) -> bool:
        """Whether the source is a video."""
        return self.source.video is not None

    @property
    def own_files(self) -> bool:
        """Whether each person has a file that says how sure its joints are."""
        return bool({"npz", "json"} & {*self.kinds})

    def settings(self) -> dict[str, Any]:
        """What must be the same for an unfinished run to go on."""
        found = self.source.settings()
        return {
            **self.options.settings(),
            "keypoints": found["keypoints"],
            "images": found["images"],
            "save": self.kinds,
            "look": asdict(self.look) if "overlay" in self.kinds else None,
        }

    def inputs(self, people: Sequence[Person]) -> Iterator[Path]:
        """Files that the run reads."""
        yield from self.source.inputs(people)
        given = (*self.options.init, self.options.weights, self.options.config, Path(self.options.body))
        for path in given:
            if isinstance(path, Path):
                yield from path.iterdir() if path.is_dir() else [path] if path.is_file() else []

    def chunk_size(self, people: Sequence[Person]) -> int:
        """People that are fitted and written at once; of a video, one person's frames whatever their number."""
        if self.film:
            return 1
        if self.options.same_person or self.options.video:
            return max(1, len(people))
        return SHARD if SHARDS in self.kinds else CHUNK

    def part(self, chunk: Chunk) -> str:
        """The name of the files that hold a chunk's people."""
        return f"person-{chunk.people[0].person_id}" if self.film else f"people-{chunk.number:05}"

    def motion(self, chunk: Chunk) -> str | None:
        """The name of a chunk's animation; None where there is none."""
        return self.part(chunk) if self.film else "video" if self.frames_per_second is not None else None


def _check_together(options: RunOptions, source: Source, engine: EngineOptions) -> None:
    """Raises OptionError for what is read of other sources, or with other engines, alone."""
    together = {"same-person": options.same_person, "video": options.video}
    for name in (name for name, there in together.items() if there):
        if source.video:
            raise OptionError(name, "a video's people are told apart and smoothed by themselves: leave it out")
        if source.file and (engine.workers or 1) > 1:
            raise OptionError("workers", f"with --{name} all people are fitted at once, in one process: leave it out")
    if engine.detector_gpus and source.file:
        raise OptionError("detector-gpus", "with a keypoint file nothing is detected: leave it out")


@dataclass(frozen=True, kw_only=True)
class RunNames:
    """Names of the files of a run's people."""

    plan: RunPlan
    people: Sequence[Person]
    names: Mapping[str, FileNames]  # none where all are in shards: a million are not sent to every worker for nothing

    @staticmethod
    def of(people: Sequence[Person], plan: RunPlan) -> RunNames:
        """Names that no two people share."""
        named = [] if plan.kinds == (SHARDS,) else people
        images = [str(person.image.absolute()) if person.image else "" for person in named]
        names = [person.name for person in named]
        return RunNames(plan=plan, people=people, names=name_frames(names) if plan.film else name_files(names, images))

    def of_chunk(self, chunk: Chunk) -> list[str]:
        """All the files that may be written for a chunk."""
        plan, names = self.plan, [person.name for person in chunk.people]
        return planned_files(names, plan.kinds, self.names, part=plan.part(chunk), motion=plan.motion(chunk))

    def planned(self, folder: RunFolder) -> Iterator[str]:
        """All the files that may be written from now on."""
        plan = self.plan
        group = number_of if plan.film else image_of
        for chunk in chunks_left(self.people, folder, plan.chunk_size(self.people), group):
            yield from self.of_chunk(chunk)
        yield from files_at_the_end(plan)


def files_at_the_end(plan: RunPlan) -> list[str]:
    """Files of all people, which are written last."""
    table, film = SHARDS in plan.kinds, plan.film and "overlay" in plan.kinds
    return [*([TABLE] if table else []), *(OVERLAY_VIDEOS if film else []), *([REPORT] if plan.report else [])]
