"""What a page asks of the desk at which offices act on warnings, and what each refusal is called.

The desk itself is given to the application; pages import nothing that writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from geo.errors import (
    AccessError,
    CodeError,
    InputError,
    MovedOnError,
    PersonalDataError,
    StepError,
    StoreError,
    XintuError,
)


class Office(Protocol):
    """An office that may act, never a person."""

    @property
    def code(self) -> str:
        """As it stands in the record."""

    def serves(self, *, town_code: str, areas: frozenset[str]) -> bool:
        """Whether a warning of that town and these areas is this office's to act on."""


class Desk(Protocol):
    """`etl.response.desk.Desk` as pages see it."""

    @property
    def offices(self) -> Sequence[Office]:
        """Offices that may act."""

    def act(
        self,
        action: str,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        text: str = "",
        version: int | None = None,
    ) -> object:
        """Do it: acknowledge, respond, close, dismiss or note."""


ACKNOWLEDGE, RESPOND, CLOSE, DISMISS, NOTE = "acknowledge", "respond", "close", "dismiss", "note"
# Which steps a form offers in a state, the usual one first.
OFFERED: Mapping[str, tuple[str, ...]] = {
    "open": (ACKNOWLEDGE, RESPOND, DISMISS, NOTE),
    "acknowledged": (RESPOND, CLOSE, DISMISS, NOTE),
    "responding": (CLOSE, DISMISS, NOTE),
    "closed": (NOTE,),
    "dismissed": (NOTE,),
}
NEEDS_TEXT = frozenset({DISMISS, NOTE})
# The first row that fits; the key is of the text `warnings.form.error_<key>`.
_REFUSALS: tuple[tuple[type[XintuError], str], ...] = (
    (PersonalDataError, "personal"),
    (MovedOnError, "moved"),
    (AccessError, "access"),
    (StepError, "step"),
    (CodeError, "unknown"),
    (StoreError, "store"),
    (InputError, "text"),
)


@dataclass(frozen=True)
class Request:
    """What a form asks for: one of the steps, by which office, with what PIN and words."""

    action: str
    warning_id: str
    version: int
    office: str
    pin: str
    text: str


def submit(desk: Desk, asked: Request, *, now: datetime) -> str:
    """Do what a form asks for.

    Returns
    -------
    Empty where it was done; else why not, a key of `warnings.form.error_*`.
    """
    text = asked.text.strip()
    if not asked.office or not asked.pin:
        return "who"
    if asked.action in NEEDS_TEXT and not text:
        return f"empty_{asked.action}"
    try:
        desk.act(
            asked.action,
            asked.warning_id,
            office=asked.office,
            pin=asked.pin,
            now=now,
            text=text,
            version=asked.version,
        )
    except XintuError as error:
        key = next((key for kind, key in _REFUSALS if isinstance(error, kind)), None)
        if key is None:
            raise
        return key
    return ""
