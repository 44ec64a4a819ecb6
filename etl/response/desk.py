"""The desk: offices act on warnings from a page, each with its PIN."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from etl.response.acts import Acts
from etl.response.life import Kind, Life
from etl.response.pins import check_pin
from etl.settings import Settings
from etl.standards import Office
from geo.errors import StepError

ACTIONS: Mapping[str, Kind] = {
    "acknowledge": Kind.ACKNOWLEDGED,
    "respond": Kind.RESPONDING,
    "close": Kind.CLOSED,
    "dismiss": Kind.DISMISSED,
    "note": Kind.NOTE,
}


class Desk:
    """Acts of offices that show their PIN.

    Parameters
    ----------
    engine : the store, open for writing.
    settings : of the locality; its offices may act.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._acts = Acts(engine, settings.config)
        self.offices: tuple[Office, ...] = settings.config.response.offices

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
    ) -> Life:
        """Do something about a warning, and return the warning after it.

        Parameters
        ----------
        action : one of `ACTIONS`.
        pin : of the office.
        warning_id, office, now, text, version : see `Acts.act`.

        Raises
        ------
        StepError : there is no such action, or the warning's state does not allow it.
        AccessError : the PIN is wrong, there is none, or the warning is not in the office's area.
        CodeError, MovedOnError, InputError, PersonalDataError : see `Acts.act`.
        """
        kind = ACTIONS.get(action)
        if kind is None:
            raise StepError(f"{action!r}: no action; wanted one of {', '.join(ACTIONS)}")
        self._acts.office(office)  # an unknown one has no PIN to be wrong
        check_pin(self._engine, office, pin, now=now)
        return self._acts.act(kind, warning_id, office=office, now=now, text=text, version=version)
