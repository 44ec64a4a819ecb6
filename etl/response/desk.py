"""The desk: offices act on warnings from a page, each with its PIN."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from etl.response.acts import Acts
from etl.response.life import Kind, Life
from etl.response.pins import check_pin
from etl.settings import Settings
from etl.standards import Office


class Desk:
    """Acts of offices that show their PIN.

    Parameters
    ----------
    engine : the store, open for writing.
    settings : of the locality; its offices may act.

    Raises
    ------
    AccessError : the PIN is wrong, there is none, or the warning is not in the office's area.
    CodeError, StepError, MovedOnError, InputError, PersonalDataError : see `Acts`.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._acts = Acts(engine, settings.config)
        self.offices: tuple[Office, ...] = settings.config.response.offices

    def acknowledge(
        self,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        note: str = "",
        version: int | None = None,
    ) -> Life:
        """Say that the office has seen the warning."""
        self._check(office, pin, now)
        return self._acts.act(
            Kind.ACKNOWLEDGED, warning_id, office=office, now=now, text=note, version=version
        )

    def respond(
        self,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        note: str = "",
        version: int | None = None,
    ) -> Life:
        """Say that the service of the tier is under way."""
        self._check(office, pin, now)
        return self._acts.act(
            Kind.RESPONDING, warning_id, office=office, now=now, text=note, version=version
        )

    def close(
        self,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        note: str = "",
        version: int | None = None,
    ) -> Life:
        """Say that what the tier asks for has been done."""
        self._check(office, pin, now)
        return self._acts.act(
            Kind.CLOSED, warning_id, office=office, now=now, text=note, version=version
        )

    def dismiss(
        self,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        reason: str,
        version: int | None = None,
    ) -> Life:
        """Say why nothing is to be done."""
        self._check(office, pin, now)
        return self._acts.act(
            Kind.DISMISSED, warning_id, office=office, now=now, text=reason, version=version
        )

    def note(
        self,
        warning_id: str,
        *,
        office: str,
        pin: str,
        now: datetime,
        note: str,
        version: int | None = None,
    ) -> Life:
        """Add a note."""
        self._check(office, pin, now)
        return self._acts.act(
            Kind.NOTE, warning_id, office=office, now=now, text=note, version=version
        )

    def _check(self, office: str, pin: str, now: datetime) -> None:
        self._acts.office(office)  # an unknown one has no PIN to be wrong
        check_pin(self._engine, office, pin, now=now)
