"""Specification of a term of the energy: a frozen value that builds the term for the rows at hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..energy import Term

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


@dataclass(frozen=True, kw_only=True)
class TermSpec(ABC):
    """One line of a schedule's energy: a name, constants of its own, and the first stage that it is on in."""

    name: str  # in `FitConfig.terms`, in diagnostics and in a configuration file
    from_stage: str = ""  # the first stage that the term is on in; "": the schedule's first
    couples: ClassVar[bool] = False  # whether it needs rows of one person or video together (see `Stage.couples`)

    @abstractmethod
    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        """The term for the rows of a problem in one stage; None where no row has evidence for it."""
