"""Bodies of other programs, refined: matched with people, carried into their cameras, and fitted near there."""

from .carrying import Carried, carry
from .matching import PairedRows, rows_of_people
from .people import Refined, fit_from, refine_config, refine_people
from .reading import read_starts
from .starts import FoundStarts, find_starts
from .usual_errors import usual_errors_deg

__all__ = [
    "Carried",
    "FoundStarts",
    "PairedRows",
    "Refined",
    "carry",
    "find_starts",
    "fit_from",
    "read_starts",
    "refine_config",
    "refine_people",
    "rows_of_people",
    "usual_errors_deg",
]
