"""Long runs: chunk by chunk into a folder, one run at a time, going on where a killed run stopped."""

from .ledger import INDEX, Ledger, RunConflict, read_index
from .lock import FolderInUse, locked
from .running import (
    Chunk,
    Engine,
    Engines,
    JobSummary,
    Written,
    chunk_people,
    image_of,
    in_this_process,
    number_of,
    rows_to_show,
    run_job,
)
from .sightings import Sightings
from .table import write_table

__all__ = [
    "INDEX",
    "Chunk",
    "Engine",
    "Engines",
    "FolderInUse",
    "JobSummary",
    "Ledger",
    "RunConflict",
    "Sightings",
    "Written",
    "chunk_people",
    "image_of",
    "in_this_process",
    "locked",
    "number_of",
    "read_index",
    "rows_to_show",
    "run_job",
    "write_table",
]
