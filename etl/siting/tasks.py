"""What the planner's process works out: answers, lists of candidates, points put on the map."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from etl.model import Text
from etl.siting.answer import Answer, as_table, empty_tables, jsonable
from etl.siting.answering import OnBound, OnProgress, answer_question
from etl.siting.calls import CANDIDATES, Call
from etl.siting.candidates import list_candidates
from etl.siting.faults import QuestionError, QuestionFault
from etl.siting.ground import Ground, pairs
from etl.siting.points import point_id
from etl.siting.question import Part, Point, Question, read_question
from etl.siting.reach import as_runs
from etl.siting.scenario import CANCELLED, DONE, FAILED, INFEASIBLE
from etl.siting.words import sentence, why_infeasible
from geo.errors import InputError, NotPublishedError, XintuError

KEPT_GROUNDS = 2
_STATES = {"found": DONE, "infeasible": INFEASIBLE, "cancelled": CANCELLED}


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    state : done, infeasible, cancelled or failed.
    answer : None where it has none.
    message : why it failed, or why nothing meets what is asked.
    """

    state: str
    answer: Answer | None = None
    message: Text | None = None


class Grounds:
    """The grounds of the last snapshots that were asked about; each is read once.

    Parameters
    ----------
    read : reads the ground of a snapshot.
    """

    def __init__(self, read: Callable[[str], Ground]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Ground] = OrderedDict()

    def get(self, snapshot_id: str) -> Ground:
        """The ground of a snapshot; a second thread waits for the first one's."""
        with self._lock:
            if snapshot_id not in self._found:
                while len(self._found) >= KEPT_GROUNDS:
                    self._found.popitem(last=False)
                self._found[snapshot_id] = self._read(snapshot_id)
            self._found.move_to_end(snapshot_id)
            return self._found[snapshot_id]


def work_out(
    ground: Ground,
    question: dict[str, Any],
    *,
    on_progress: OnProgress,
    on_bound: OnBound,
    cancelled: Callable[[], bool],
) -> Outcome:
    """Answer a question; faults and errors come out as `failed`, said in words."""
    answer = answer_question(
        ground,
        read_question(question),
        on_progress=on_progress,
        on_bound=on_bound,
        cancelled=cancelled,
    )
    state = _STATES[answer.meta["state"]]
    if state == INFEASIBLE:
        named = ground.names | _names_of_sites(answer, ground)
        why = why_infeasible(jsonable(answer.meta["infeasible"]), named)
        return Outcome(state, answer, why)
    if state == CANCELLED and answer.meta.get("value") is None:
        return Outcome(state)  # nothing had been found yet
    return Outcome(state, answer)


def reply_to(call: Call, grounds: Grounds) -> Answer:
    """What a page asked for, as an answer of which only the candidates are filled.

    Raises
    ------
    XintuError : it cannot be had.
    """
    ground = grounds.get(call.asked["snapshot_id"])
    question = read_question(call.asked["question"])
    if call.kind == CANDIDATES:
        return _bare(_listed(ground, question), {})
    return _place_point(ground, question, call)


def plain_words(error: BaseException) -> Text:
    """An error as a planner is told it: no traceback, no names of modules."""
    if isinstance(error, QuestionError):
        return sentence("failures", "question", faults=_joined(error.faults))
    if isinstance(error, PlaceError):
        return sentence("failures", "no_place")
    if isinstance(error, NotPublishedError):
        return sentence("failures", "snapshot_gone")
    if isinstance(error, MemoryError):
        return sentence("failures", "memory")
    if isinstance(error, XintuError):
        return sentence("failures", "refused", said=str(error))
    return sentence("failures", "unexpected")


def failure(error: BaseException) -> Outcome:
    """A job that ended in an error."""
    return Outcome(FAILED, message=plain_words(error))


def _listed(ground: Ground, question: Question) -> pd.DataFrame:
    """Candidates with the columns of an answer; what only an answer knows is missing."""
    found = list_candidates(ground, question)
    barred = found["candidate_id"].isin(question.forbidden)
    return found.assign(
        chosen=False,
        forbidden=barred,
        persons_within=np.nan,
        gain_now=np.nan,
        nearest_open_min=np.nan,
        cost=np.nan,
    )


def _place_point(ground: Ground, question: Question, call: Call) -> Answer:
    """A free point as a candidate for a kind that is asked for, and whom it reaches."""
    part = next(one for one in question.parts if one.kind == call.asked["kind"])
    code = point_id(call.call_id).partition(":")[2]
    made = Point(id=code, name=code, lon=call.asked["lon"], lat=call.asked["lat"])
    if ground.positions_at(np.array([made.lon]), np.array([made.lat]))[0] < 0:
        raise PlaceError(f"point {made.lon}, {made.lat}: in no cell of the locality")
    alone = Part(kind=part.kind, mode=part.mode, threshold_min=part.threshold_min,
                 group=part.group, p_new=1, sources=("extra",))  # fmt: skip
    row = _listed(ground, Question(parts=(alone,), extra=(made,))).assign(name=None)
    points = row.rename(columns={"candidate_id": "site_id"})
    near = pairs(ground, points, part.mode, limit_min=part.threshold_min)
    cell = pd.Index(ground.cells["area_code"]).get_indexer(pd.Index(near["area_code"]))
    persons = np.nan_to_num(ground.persons[part.group].to_numpy()[cell])
    peopled = persons > 0
    # The number of a single area that is withheld is not told, not even as a guess.
    single = peopled.sum() == 1 and ground.withheld[part.group].to_numpy()[cell][peopled].all()
    row["persons_within"] = np.nan if single else float(persons.sum())
    return _bare(row, as_runs(np.array([0, len(cell)]), np.sort(cell)))


class PlaceError(InputError):
    """A point that lies in no cell of the locality."""


def _bare(candidates: pd.DataFrame, cells: dict[str, Any]) -> Answer:
    tables = {**empty_tables(), "candidates": as_table("candidates", candidates)}
    return Answer({}, tables, cells)


def _names_of_sites(answer: Answer, ground: Ground) -> dict[str, str]:
    candidates = answer.tables["candidates"]
    found = dict(zip(candidates["candidate_id"], candidates["name"], strict=True))
    return dict(zip(ground.sites["site_id"], ground.sites["name"], strict=True)) | found


def _joined(faults: tuple[QuestionFault, ...]) -> Text:
    return Text(
        zh="".join(fault.words.zh for fault in faults),
        en="; ".join(fault.words.en for fault in faults),
    )
