"""Long runs: chunk by chunk into a folder, one run at a time, going on where a killed run stopped."""

from .ledger import INDEX, Ledger, RunConflict
from .lock import FolderInUse, locked
from .running import Chunk, Engine, JobSummary, Written, chunk_people, in_this_process, run_job
from .table import write_table

__all__ = [
    "INDEX",
    "Chunk",
    "Engine",
    "FolderInUse",
    "JobSummary",
    "Ledger",
    "RunConflict",
    "Written",
    "chunk_people",
    "in_this_process",
    "locked",
    "run_job",
    "write_table",
]
