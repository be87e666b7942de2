"""Long runs: chunk by chunk into a folder, one run at a time, going on where a killed run stopped."""

from .ledger import INDEX, Ledger, RunConflict
from .lock import FolderInUse, locked
from .running import Chunk, JobSummary, chunk_people, run_job
from .table import write_table

__all__ = [
    "INDEX",
    "Chunk",
    "FolderInUse",
    "JobSummary",
    "Ledger",
    "RunConflict",
    "chunk_people",
    "locked",
    "run_job",
    "write_table",
]
