"""What offices do about warnings: acknowledge, respond, close, dismiss, note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from etl.response.ledger import Act, read_life, transaction, write
from etl.response.life import Kind, Life
from etl.response.notes import clean_note
from etl.settings import LocalityConfig
from etl.standards import Office
from geo.errors import AccessError, CodeError, InputError, MovedOnError


@dataclass(frozen=True)
class Acts:
    """Acts of offices, each one transaction; for whoever may write to the store."""

    engine: Engine
    config: LocalityConfig

    def act(
        self,
        kind: Kind,
        warning_id: str,
        *,
        office: str,
        now: datetime,
        text: str = "",
        version: int | None = None,
    ) -> Life:
        """Do something about a warning, and return the warning after it.

        Parameters
        ----------
        kind : acknowledged, responding, closed, dismissed or note.
        warning_id : or a beginning of it that no other has.
        office : code of a registered office.
        now : aware.
        text : a note; the reason where it is dismissed.
        version : of the warning as it was looked at; None for whichever it is.

        Raises
        ------
        CodeError : no such office or warning.
        AccessError : the warning is not in the office's area.
        StepError : the warning's state does not allow it.
        MovedOnError : the warning has changed since `version`.
        InputError : a note is too long, or one that is needed is empty.
        PersonalDataError : a note points at a person.
        """
        who = self.office(office)
        what = "reason" if kind == Kind.DISMISSED else "note"
        said = clean_note(text, what=what)
        if not said and kind in {Kind.DISMISSED, Kind.NOTE}:
            raise InputError(f"{what}: empty; wanted a few words")
        with transaction(self.engine) as connection:
            life = read_life(connection, warning_id)
            if version is not None and version != life.version:
                raise MovedOnError(
                    f"{life.warning_id}: has changed since it was looked at (version {version}, "
                    f"now {life.version}: {life.state}); look again before acting"
                )
            if not who.serves(town_code=life.town_code, areas=life.areas):
                raise AccessError(
                    f"{life.warning_id}: {life.name} is not in the area of {who.code} "
                    f"({who.area_code}); wanted an office that serves it"
                )
            done = Act(kind, life.last_week, now, office=who.code, text=said)
            return write(connection, life, [done])

    def office(self, code: str) -> Office:
        """A registered office.

        Raises
        ------
        CodeError : there is none of that code.
        """
        offices = self.config.response.offices
        for office in offices:
            if office.code == code:
                return office
        known = ", ".join(one.code for one in offices) or "none; [[response.offices]] has them"
        raise CodeError(f"office {code!r}: not registered; wanted one of {known}")
