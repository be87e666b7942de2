"""One page that shows a run's results: pictures, bodies that can be turned, figures."""

from .page import write_report

__all__ = ["write_report"]
