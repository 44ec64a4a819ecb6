"""What a planner asks of a choice of sites: strict, and the same text for the same question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, field_validator
from pydantic import model_validator as validator

from etl.model import Model
from etl.sections import KindSettings
from etl.siting.faults import (
    ContradictionError,
    QuestionError,
    QuestionFault,
    faults_of,
    question_fault,
)
from geo.model import Kind
from geo.siting.problem import Objective

CandidateSource = Literal["venue", "school", "primary_care", "suitable", "extra"]
SOURCES: tuple[CandidateSource, ...] = get_args(CandidateSource)
# A source whose sites are of a kind brings no new site of that kind.
_OWN_KIND = {"venue": Kind.HOST_VENUE, "primary_care": Kind.PRIMARY_CARE}
_MEDIANS = (Objective.P_MEDIAN, Objective.P_CENTER)

Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]


def _in_order(given: Any) -> Any:
    """A set of texts in one order, each once: in which order it came says nothing."""
    if isinstance(given, list | tuple | set | frozenset) and all(isinstance(x, str) for x in given):
        return tuple(sorted(set(given)))
    return given


Codes = Annotated[tuple[Code, ...], BeforeValidator(_in_order)]


class Point(Model):
    """A place that somebody put on the map."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    name: str = Field(min_length=1, max_length=80)
    lon: Number = Field(ge=-180, le=180, description="WGS 84 [degrees]")
    lat: Number = Field(ge=-90, le=90)
    kind: Kind | None = Field(default=None, description="of the new site; None: any that is asked")


class Part(Model):
    """New sites of one kind: whom they serve, how far, how many, and where they may be."""

    kind: Kind = Kind.COUNSELLING_ROOM
    mode: Literal["foot", "car"]
    threshold_min: Number = Field(gt=0, le=240, description="covered within, inclusive [min]")
    group: str = "total"
    p_new: Whole | None = Field(
        default=None, description="more sites than today, below 0 fewer; None: as many as fit"
    )
    sources: tuple[CandidateSource, ...] = Field(default=("venue",), min_length=1)
    cost_new: Number | None = Field(default=None, ge=0, description="cost of one new site")
    capacity_new: Number | None = Field(default=None, gt=0, description="persons it can serve")
    towns: Codes = Field(default=(), description="new sites only in these; none: anywhere")

    @field_validator("sources")
    @classmethod
    def _once(cls, given: tuple[CandidateSource, ...]) -> tuple[CandidateSource, ...]:
        return tuple(source for source in SOURCES if source in given)


class Question(Model):
    """What is asked; sites in service are kept unless they are `closable`."""

    parts: tuple[Part, ...] = Field(min_length=1)
    objective: Objective = Objective.MAX_COVERAGE
    budget: Number | None = Field(default=None, ge=0, description="limit of the sum of cost_new")
    locked: Codes = Field(default=(), description="candidates that are built whatever comes")
    forbidden: Codes = Field(default=(), description="candidates that are not built")
    closable: Codes = Field(default=(), description="sites in service that may be closed")
    max_closures: Whole | None = Field(default=None, ge=0, description="None: any number")
    extra: tuple[Point, ...] = ()
    min_separation_m: Number | None = Field(default=None, gt=0, description="as flown [m]")
    one_per_town: YesNo = False
    min_town_share: Number | None = Field(default=None, ge=0, le=1)
    worst_first: YesNo = False
    weigh_by: Literal["residents", "need"] = "residents"
    time_limit_s: Number = Field(default=60.0, gt=0, le=3600)
    seed: Whole = Field(default=1, ge=0)

    @field_validator("extra")
    @classmethod
    def _by_id(cls, given: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(sorted(given, key=lambda point: point.id))

    @validator(mode="after")
    def _agrees(self) -> Question:
        faults = list(_contradictions(self))
        if faults:
            raise ContradictionError(faults)
        return self

    def points_of(self, part: Part) -> tuple[Point, ...]:
        """Points where a part may build: those of its kind, and those of none."""
        return tuple(point for point in self.extra if point.kind in (None, part.kind))

    def to_json(self) -> str:
        """The question as text: equal questions give equal text."""
        told = self.model_dump(mode="json")
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """Hash of `to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def read_question(given: Mapping[str, Any] | str) -> Question:
    """A question from JSON text, or from what such text holds.

    Raises
    ------
    QuestionError : keys that are unknown or missing, values out of range, contradictions; all that
        can be told at once.
    """
    try:
        if isinstance(given, str):
            return Question.model_validate_json(given)
        return Question.model_validate(given)
    except ValidationError as exc:
        raise QuestionError(faults_of(exc)) from exc


def usual_part(settings: KindSettings, *, p_new: int | None = None) -> Part:
    """A part that asks for new sites of a kind, reached as the locality says."""
    return Part(
        kind=settings.code, mode=settings.mode, threshold_min=settings.threshold_min, p_new=p_new
    )


def _contradictions(question: Question) -> Iterator[QuestionFault]:
    for number, part in enumerate(question.parts):
        yield from _of_part(question, part, f"parts.{number}")
    yield from _among_parts(question)
    yield from _of_points(question)
    yield from _of_locks(question)
    objective = question.objective
    if question.budget is not None and any(part.cost_new is None for part in question.parts):
        yield question_fault("budget_without_cost", "budget", question.budget)
    if question.min_town_share is not None and objective in _MEDIANS:
        yield question_fault("coverage_only", "min_town_share", objective.value)
    if question.worst_first and objective != Objective.MAX_COVERAGE:
        yield question_fault("worst_first_coverage", "worst_first", objective.value)


def _of_part(question: Question, part: Part, where: str) -> Iterator[QuestionFault]:
    if part.kind == Kind.HOTLINE:
        yield question_fault("kind_without_place", f"{where}.kind", part.kind.value)
    for source in part.sources:
        if _OWN_KIND.get(source) == part.kind:
            yield question_fault("source_of_own_kind", f"{where}.sources", source, kind=part.kind)
    if part.p_new is None:
        if question.objective in _MEDIANS:
            yield question_fault("number_needed", f"{where}.p_new", question.objective.value)
        elif question.objective != Objective.SET_COVER and question.budget is None:
            yield question_fault("nothing_limits", f"{where}.p_new", None)


def _among_parts(question: Question) -> Iterator[QuestionFault]:
    """Each kind once, and no place asked to become two sites."""
    divided = ("extra",) if all(point.kind for point in question.extra) else ()
    for number, part in enumerate(question.parts):
        for before in question.parts[:number]:
            where = f"parts.{number}"
            if before.kind == part.kind:
                yield question_fault("kind_twice", f"{where}.kind", part.kind.value)
            apart = before.towns and part.towns and not set(before.towns) & set(part.towns)
            common = [source for source in part.sources if source in before.sources]
            shared = [source for source in common if source not in divided]
            if shared and not apart:
                yield question_fault("source_shared", f"{where}.sources", ", ".join(shared))


def _of_points(question: Question) -> Iterator[QuestionFault]:
    ids = [point.id for point in question.extra]
    for code in sorted({code for code in ids if ids.count(code) > 1}):
        yield question_fault("point_twice", "extra", code)
    takers = [part for part in question.parts if "extra" in part.sources]
    taken = {point.id for part in takers for point in question.points_of(part)}
    if unused := [code for code in dict.fromkeys(ids) if code not in taken]:
        yield question_fault("points_unused", "extra", ", ".join(unused))


def _of_locks(question: Question) -> Iterator[QuestionFault]:
    names = ("locked", "forbidden", "closable")
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            both = sorted(set(getattr(question, one)) & set(getattr(question, other)))
            if both:
                yield question_fault(f"{one}_{other}", one, ", ".join(both))
    fewer = -sum(min(part.p_new or 0, 0) for part in question.parts)
    most = len(question.closable)
    if question.max_closures is not None:
        most = min(most, question.max_closures)
    if fewer > most:
        yield question_fault("fewer_than_closable", "parts.0.p_new", fewer, most=most)
    if question.max_closures is not None and not question.closable:
        yield question_fault("closures_of_none", "max_closures", question.max_closures)
