"""What pages ask of the desk at which sites are planned: questions in, scenarios and answers out.

The desk itself (`etl.siting.desk`) is given to the application; pages import nothing that writes.
Nothing is computed here or in a web worker but the figures of sites moved by hand: sums over what a
job has worked out and stored, and where room is short how it is shared out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.siting.answer import Answer
from etl.siting.scenario import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    INFEASIBLE,
    LIVE,
    QUEUED,
    RUNNING,
    SCENARIO_COLUMNS,
    GroupOffer,
    KindOffer,
    Offer,
    Scenario,
)
from geo.errors import (
    AbsentError,
    CodeError,
    FaultsError,
    FullError,
    InputError,
    NotPublishedError,
    PersonalDataError,
    StepError,
    StoreError,
    XintuError,
)

__all__ = [
    "CANCELLED", "DONE", "ENDED", "FAILED", "INFEASIBLE", "LIVE", "QUEUED", "RUNNING",
    "SCENARIO_COLUMNS", "Answer", "GroupOffer", "KindOffer", "Moved", "Offer", "Planner",
    "Scenario", "refusal",
]  # fmt: skip


class Moved(Protocol):
    """`etl.siting.moves.Moved` as pages see it: the figures with other sites."""

    @property
    def covered_after(self) -> float:
        """Persons covered."""

    @property
    def share_after(self) -> float:
        """Of all persons."""

    @property
    def exact(self) -> bool:
        """Whether asked anew they would cover as many; else they may cover fewer (short room)."""

    @property
    def states(self) -> Sequence[npt.NDArray[np.uint8]]:
        """By part of the question and by cell, as `Answer.array("state", part)`."""


class Planner(Protocol):
    """`etl.siting.desk.SitingDesk` as pages see it.

    Every method raises `StoreError` where the store does not answer, and those that take an id
    `CodeError` where there is no such scenario. `refusal` says what a refusal is called.
    """

    def offer(self, snapshot_id: str | None = None) -> Offer:
        """What can be asked, of the newest snapshot by default."""

    def candidates(self, question: Mapping[str, Any]) -> pd.DataFrame:
        """Candidates of a question on the newest snapshot, worked out by the planner's process.

        Raises FaultsError where the question cannot be asked, AbsentError where no process answers.
        """

    def ask(self, question: Mapping[str, Any], *, name: str, now: datetime) -> str:
        """Put a question into the queue, of the newest snapshot; the id of its scenario.

        Raises FaultsError (all faults of the question; each a `Fault`, most with `words` in both
        languages), FullError, PersonalDataError or InputError of the name.
        """

    def scenario(self, scenario_id: str) -> Scenario:
        """A scenario as it stands this moment, in any process."""

    def scenarios(self) -> pd.DataFrame:
        """All, newest first; columns `SCENARIO_COLUMNS`."""

    def result(self, scenario_id: str) -> Answer:
        """The answer; NotPublishedError where there is none (yet)."""

    def cancel(self, scenario_id: str, now: datetime) -> None:
        """Ask for the end of a job; what has ended stays as it is."""

    def rename(self, scenario_id: str, name: str) -> None:
        """Call it otherwise; PersonalDataError or InputError of the name."""

    def discard(self, scenario_id: str) -> None:
        """Throw it away with its answer; StepError while it runs."""

    def replay(self, scenario_id: str, *, now: datetime) -> str:
        """Ask the same of the newest snapshot; the id of the new scenario."""

    def try_sites(self, scenario_id: str, site_ids: Sequence[str]) -> Moved:
        """Figures with these new sites (and closed ones left out); CodeError for a stranger."""

    def add_point(self, scenario_id: str, lon: float, lat: float, *, kind: str) -> str:
        """A free point (WGS 84) as a further candidate of an answer; its id, for `try_sites`.

        It is kept with the scenario: `points` lists it, in every process. AbsentError where no
        process answers, InputError for a point out of the locality, CodeError for a kind of site
        that the scenario does not ask for.
        """

    def points(self, scenario_id: str) -> pd.DataFrame:
        """Free points of a scenario, as rows of the answer's candidates; they have no name."""


# The first row that fits; pages have a text for each.
_REFUSALS: tuple[tuple[type[XintuError], str], ...] = (
    (PersonalDataError, "personal"),
    (FaultsError, "faults"),
    (FullError, "full"),
    (AbsentError, "absent"),
    (StepError, "step"),
    (CodeError, "unknown"),
    (NotPublishedError, "no_answer"),
    (StoreError, "store"),
    (InputError, "text"),
)


def refusal(error: XintuError) -> str:
    """What a refusal is called: personal, faults, full, absent, step, unknown, and so on."""
    return next((key for kind, key in _REFUSALS if isinstance(error, kind)), "other")
