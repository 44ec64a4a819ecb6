"""Why a notice did not go out."""

from __future__ import annotations

from geo.errors import XintuError


class NotSentError(XintuError):
    """A message was not sent, or nobody can tell.

    Attributes
    ----------
    arrived : whether the other side may have it all the same: it was cut off while it answered.
    away : the server itself could not be used, so that the next message would fare no better.
    """

    def __init__(self, message: str, *, arrived: bool = False, away: bool = False) -> None:
        super().__init__(message)
        self.arrived, self.away = arrived, away
