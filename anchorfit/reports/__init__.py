"""One page that shows a run's results: photographs, bodies that can be turned, figures."""

from .page import write_report
from .selection import Shortlist

__all__ = ["Shortlist", "write_report"]
