"""Options that several commands take one by one, and their checks. Groups of options are dataclasses of the library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..options import AGES, GENDERS, check_choice, option
from ..runs.evaluation_options import BenchmarkOptions
from ..runs.options import RunOptions
from ..runs.training_options import TrainingOptions
from .declared import typer_option

Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="images",
        help="Images, or folders of images (not their subfolders); or a video; or a keypoint file alone, for all its "
        "people.",
        show_default=False,
    ),
]
Results = Annotated[list[Path], typer.Argument(help="Estimates (.npz), or folders of them.", show_default=False)]


def named(text: str) -> Path:
    """A path; an empty name, which would be the current folder, is a variable that was not set."""
    if not text:
        raise typer.BadParameter("expected a name, got an empty one; give . for the current folder")
    return Path(text)


Output = Annotated[
    Path, typer.Option("--output", "-o", parser=named, metavar="PATH", help="Folder for the results; made if missing.")
]
Body = Annotated[str, typer_option(RunOptions, "body")]
Gender = Annotated[str, typer_option(RunOptions, "gender")]
Age = Annotated[str, typer_option(RunOptions, "age")]
Threads = Annotated[int | None, typer_option(TrainingOptions, "threads")]
Resume = Annotated[bool, typer_option(TrainingOptions, "resume")]
Device = Annotated[str, typer_option(BenchmarkOptions, "device")]


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What a run writes beside its journal, and whether it begins anew."""

    save: str | None = option(
        None,
        takes=str,
        help="What to write, comma-separated: npz, json, pkl, obj, ply, glb, rigged (GLB with a skeleton), bvh, "
        "overlay, side, openpose, coco, spin, smplx, csv, amass, rerun (formats of other programs), shards (a thousand "
        "people a file). Default: npz,glb,overlay; without images, shards.",
    )
    report: bool = option(False, help="Write report.html too: one page of pictures, turning bodies and figures.")
    restart: bool = option(False, help="Begin anew where OUTPUT holds an unfinished run; else it goes on.")


def check_gender(gender: str) -> None:
    """Raises OptionError where there is no such gender."""
    check_choice("gender", gender, GENDERS)


def named_body(body: str, gender: str, age: str) -> str:
    """The body's name for --body, --gender and --age together.

    Raises OptionError where there is no such gender or age, or no such body of them.
    """
    check_gender(gender)
    check_choice("age", age, AGES)
    from ..body import chosen_body

    return str(chosen_body(body, gender, age))
