"""Old names of what is in `anchorfit.runs` now."""

from .deprecation import renamed_names

__getattr__ = renamed_names(
    __name__,
    INDEX="anchorfit.runs.INDEX",
    FolderInUse="anchorfit.runs.FolderInUse",
    RunConflict="anchorfit.runs.RunConflict",
    chunk_people="anchorfit.runs.chunks.chunk_people",
    image_of="anchorfit.runs.chunks.image_of",
    in_this_process="anchorfit.runs.engines.in_this_process",
    locked="anchorfit.runs.locked",
    number_of="anchorfit.runs.chunks.number_of",
    read_index="anchorfit.runs.read_index",
    rows_to_show="anchorfit.runs.chunks.rows_to_show",
    write_table="anchorfit.runs.table.write_table",
)
