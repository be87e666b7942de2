"""The scoring of given results on each data set as a run, and everything that is written of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..body import load_body
from ..evaluation.benchmarks import SetOptions, benchmark_of
from ..evaluation.datasets.lsp import open_lsp
from ..evaluation.estimates import EstimateIndex, index_estimates
from ..evaluation.matching import match_results
from ..evaluation.protocols.body_results import (
    DatasetPeople,
    OpenBodyPeople,
    People,
    Scoring,
    case_of_person,
    score_people,
)
from ..evaluation.protocols.lsp import MISSING, case_of_image, match_estimates, score_estimates
from ..evaluation.protocols.openbody import VERSION, OpenBody
from ..evaluation.published import LSP_ROWS
from ..evaluation.records import Record, RecordFile, checksum
from ..evaluation.reports.cases import write_cases
from ..evaluation.reports.manifest import checksums, manifest, write_manifest
from ..evaluation.reports.people import write_person_scores
from ..evaluation.reports.tables import write_score_table
from ..evaluation.summary import (
    POSE,
    SEGMENTATION,
    SEGMENTATION_BESIDE,
    SURFACE,
    Column,
    Row,
    summarise,
    summarise_parts,
    with_any_of,
)
from ..options import OptionError
from .benchmark import Tables
from .claiming import make_folder
from .evaluation_options import LSP, OPENBODY, SETS, EvaluateOptions, data_options
from .listening import Listener


def score_results(
    estimates: Path, output: Path, options: EvaluateOptions, listener: Listener = Listener()
) -> list[Tables]:
    """Score given results, and write everything: tables, people, cases.html, manifest.json, records.jsonl.

    Args:
        estimates: a file of results, or a folder of them.
        output: folder; a run that was killed goes on in it.
        options: on what, and how.
        listener: told how far it is.
    Returns:
        What to print.
    Raises:
        OptionError: options contradict each other.
        OSError, ValueError: results or data set cannot be used.
    """
    options.check()
    index = index_estimates(estimates)
    if options.enlarged != 1 and all(entry.path.suffix != ".pkl" for entry in index.entries):
        raise OptionError("enlarged", "only with SMPLify's pickles: these results say what their pixels are")
    body = body_of(index.body, options.body, options.gender, estimates, listener.warn)
    load_body(body[0], gender=body[1], num_betas=index.num_betas)  # here first: a process that cannot says less
    asked = _Asked(index=index, output=output, body=body, options=options, listener=listener)
    return _on_lsp(asked) if options.dataset == LSP else _on_people(asked)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is to be scored, checked; ``body`` is name and gender of the results'."""

    index: EstimateIndex
    output: Path
    body: tuple[str, str]
    options: EvaluateOptions
    listener: Listener

    @property
    def root(self) -> Path:
        """The data set's folder."""
        return self.options.root or Path()

    @property
    def people(self) -> str:
        """Gender of the truth's body."""
        return self.options.people or "neutral"

    @property
    def truth_body(self) -> str:
        """Name of the truth's body."""
        return self.options.truth_body or self.body[0]

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, without what is known of the data set."""
        return {
            "dataset": self.options.dataset,
            "method": self.options.name,
            "body": list(self.body),
            "enlarged": self.options.enlarged,
            "sha256 of the estimates": checksum(sorted({entry.path for entry in self.index.entries})),
            **checksums(self.body[0], ("poses",) if self.options.dataset == OPENBODY else ()),
        }


def body_of(
    stated: tuple[str, str] | None, given: str | None, gender: str, estimates: Path, warn: Callable[[str], None]
) -> tuple[str, str]:
    """Name and gender of the body that the estimates are of: as given, else as they state.

    Raises:
        ValueError: neither says it.
    """
    if given is not None:
        if stated is not None and stated != (given, gender):
            warn(f"{estimates}: made with body {stated[0]} ({stated[1]}), scored with {given} ({gender}) as you say")
        return given, gender
    if stated is None:
        raise ValueError(
            f"{estimates}: these files do not say of which body they are; give --body SMPL_NEUTRAL.pkl, or --body open"
        )
    return stated


def _on_lsp(asked: _Asked) -> list[Tables]:
    """By segmentation."""
    lsp = open_lsp(asked.root)
    matched = match_estimates(lsp, asked.index)
    _say(asked.listener, [*lsp.problems, *matched.problems])
    make_folder(asked.output)
    annotations = [path for image in lsp.images for path in (image.mask, image.parts)]
    settings = {**asked.settings(), "sha256 of the annotations": checksum(annotations)}
    with (
        RecordFile(asked.output / "records.jsonl", settings) as file,
        asked.listener.phase("scoring", len(lsp.images), before=len(file.done)) as progress,
    ):
        problems = score_estimates(
            lsp, matched, file, method=asked.options.name, body=asked.body, num_betas=asked.index.num_betas,
            enlarged=asked.options.enlarged, workers=asked.options.workers, progress=progress,
        )  # fmt: skip
    _say(asked.listener, problems)
    if not file.records:
        raise ValueError(f"{asked.root}: not one image could be scored")
    if asked.options.cases:
        images = {image.name: image for image in lsp.images}
        entries = {image: entry for image, entry in matched.entries.items() if entry is not None}
        write_cases(
            asked.output / "cases.html",
            _drawable(file.records),
            lambda image: case_of_image(images[image], entries[image], asked.options.enlarged),
            load_body(asked.body[0], gender=asked.body[1], num_betas=asked.index.num_betas),
            title=f"{asked.options.name} on LSP: best and worst",
        )
    return _report(asked, file.records, settings, (*SEGMENTATION, *SEGMENTATION_BESIDE), LSP_ROWS)


def _on_people(asked: _Asked) -> list[Tables]:
    """By surface and joints, and on openbody by segmentation, too."""
    people, columns, keys, parts = _opened(asked)
    known_bodies = SURFACE in columns
    true_body = (asked.truth_body, asked.people) if known_bodies else asked.body
    if known_bodies:
        _check_truth(asked.options.dataset, true_body[0])
    scoring = Scoring(
        method=asked.options.name, body=asked.body, num_betas=asked.index.num_betas, true_body=true_body,
        enlarged=asked.options.enlarged,
    )  # fmt: skip
    body, truth = scoring.bodies()
    matched = match_results(people.labels, asked.index.entries, asked.options.dataset)
    _say(asked.listener, [*asked.index.problems, *matched.problems])
    make_folder(asked.output)
    (truth_sum,) = checksums(true_body[0], ()).values()
    settings = {**asked.settings(), "true body": list(true_body), "sha256 of the true body": truth_sum, **keys}
    with (
        RecordFile(asked.output / "records.jsonl", settings) as file,
        asked.listener.phase("scoring", len(matched.entries), before=len(file.done)) as progress,
    ):
        problems = score_people(
            people, matched.entries, file, scoring, workers=asked.options.workers, progress=progress
        )
    _say(asked.listener, problems)
    names = [name for block in people.names for name in block]
    wanted = set(names)
    records = [record for record in file.records if record.name in wanted]
    if asked.options.cases:
        entries = {name: entry for name, entry in zip(names, matched.entries, strict=True) if entry is not None}
        write_cases(
            asked.output / "cases.html",
            _drawable(records),
            lambda name: case_of_person(people, name, entries[name], scoring, truth),
            body,
            title=f"{asked.options.name} on {asked.options.dataset}: best and worst",
        )
    published = () if asked.options.dataset == OPENBODY else benchmark_of(asked.options.dataset).published
    return _report(asked, records, settings, columns, published, parts)


def _check_truth(dataset: str, body: str) -> None:
    """Raises ValueError for a body that a data set's truth is not of; what another package's is of, it knows itself."""
    if dataset != OPENBODY and dataset not in SETS and not benchmark_of(dataset).smpl:
        return
    if (body == "open") != (dataset == OPENBODY):
        kind = "the open body" if dataset == OPENBODY else "SMPL"
        raise ValueError(f"{dataset}'s truth is of {kind}, not of {body}; name its body by --truth-body")


def _opened(asked: _Asked) -> tuple[People, tuple[Column, ...], dict[str, Any], Mapping[str, frozenset[str]]]:
    """People, columns of the table, what must be the same for a run to go on, and parts of the people."""
    if asked.options.dataset == OPENBODY:
        people = OpenBodyPeople(benchmark=OpenBody(count=asked.options.count, seed=asked.options.seed))
        return people, (*SEGMENTATION, SURFACE, *POSE), {"benchmark": VERSION, "seed": asked.options.seed}, {}
    wanted = SetOptions(
        root=asked.root, body=asked.truth_body, gender=asked.people, truth_alone=True, **data_options(asked.options)
    )
    opened = benchmark_of(asked.options.dataset).open(wanted)
    _say(asked.listener, opened.problems)
    known = DatasetPeople(dataset=opened.dataset, regressor=opened.regressor, landmarks=opened.landmarks)
    return known, opened.columns, dict(opened.keys), opened.parts


def _say(listener: Listener, problems: Sequence[str]) -> None:
    for line in problems:
        listener.warn(line)


def _drawable(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.params and not record.problem]


def _report(
    asked: _Asked,
    records: Sequence[Record],
    settings: dict[str, Any],
    columns: tuple[Column, ...],
    published: tuple[Row, ...],
    parts: Mapping[str, frozenset[str]] | None = None,
) -> list[Tables]:
    """Tables, per-image scores and the manifest; returns what to print.

    Raises:
        ValueError: all is written, but not one result could be used.
    """
    rows = summarise_parts(records, parts) if parts else summarise(records)
    published = with_any_of(published, columns)
    write_score_table(asked.output, [*rows, *published], columns)
    write_person_scores(asked.output, records)
    write_manifest(asked.output, manifest({**settings, "people": len(records)}))
    beside = [column for column in columns if column in SEGMENTATION_BESIDE]
    if all(record.problem for record in records):
        told = next((record.problem for record in records if record.problem != MISSING), MISSING)
        raise ValueError(f"not one of {len(asked.index.entries)} results could be used; the first: {told}")
    shown = [Tables([*rows, *published], [column for column in columns if column not in beside])]
    return [*shown, Tables(rows, beside)] if beside else shown
