"""Bodies seen by several calibrated cameras at once."""

from .config import ViewOptions, views_config
from .fitting import ViewFit, fit_views
from .pairing import Instant, pair_views

__all__ = ["Instant", "ViewFit", "ViewOptions", "fit_views", "pair_views", "views_config"]
