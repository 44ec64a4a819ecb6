"""What replays of one past under one policy or two came to, to be told side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from etl.evaluation.verdict import Related, Verdict, only_in
from etl.model import Text


@dataclass(frozen=True)
class Outcome:
    """One policy over the whole period.

    Attributes
    ----------
    policy : its name.
    summary : as `Verdict.summary`.
    """

    policy: str
    verdict: Verdict
    summary: Mapping[str, float]


@dataclass(frozen=True)
class Report:
    """Policies over the same weeks, held against the same events.

    Attributes
    ----------
    weeks : those replayed; positions in the verdicts count from the first.
    known_from : first week of which the figures are those known at the time; None where none is.
    events_file : name of the file of events; '' where they were found in hindsight.
    """

    weeks: Sequence[str]
    known_from: str | None
    events_file: str
    outcomes: Sequence[Outcome]
    measures: Mapping[str, Text]
    areas: Mapping[str, str]
    related: Related

    def week(self, position: float) -> str:
        """Name of a week; one before the first is told by the first."""
        return self.weeks[min(max(int(position), 0), len(self.weeks) - 1)]

    def measure_name(self, code: str, pick: Callable[[Mapping[str, str]], str]) -> str:
        """Name of a measure in the language of a catalog."""
        return pick(self.measures[code].model_dump())

    def area_name(self, code: str) -> str:
        """Name of an area, its code where it has none."""
        return self.areas.get(code, code)

    def differences(self) -> list[tuple[str, pd.DataFrame]]:
        """Of two policies, each with the warnings that only it gives."""
        one, other = self.outcomes
        return [
            (mine.policy, only_in(mine.verdict.warnings, theirs.verdict.warnings, self.related))
            for mine, theirs in ((one, other), (other, one))
        ]
