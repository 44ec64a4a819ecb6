"""Every error Xintu raises on purpose: one root, one child a cause.

A message says what is wrong, where, what came, what was wanted and what to do next;
the same facts ride as attributes, so that a page or a log can use them without parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class XintuError(Exception):
    """Root of all errors that Xintu raises on purpose."""


class ConfigError(XintuError):
    """A locality's configuration is wrong: an unknown key, a missing file, a contradiction."""


class InputError(XintuError):
    """A file cannot be used as a whole: missing, truncated, in another encoding, without rows."""


class PersonalDataError(InputError):
    """A file carries person-level columns and is refused whole; no value of it is repeated."""


class GeometryError(XintuError):
    """A geometry or a coordinate reference system is not what the step needs."""


class CodeError(XintuError):
    """An area code or site id is missing, doubled, malformed or unknown."""


class UnitError(XintuError):
    """A number is outside what its unit allows: negative cost, negative population."""


class ShapeError(XintuError):
    """Arrays or frames do not fit each other in length, columns or order."""


class ConvergenceError(XintuError):
    """An iteration did not come within its tolerance in the rounds it was given."""


class StoreError(XintuError):
    """The store cannot be opened, is of another version, or a transaction failed."""


class BusyError(StoreError):
    """Another process is doing the same job, and nobody wanted to wait for it."""


class MovedOnError(StoreError):
    """What was to be changed has been changed by somebody else since it was looked at."""


class StepError(XintuError):
    """A step that the present state does not allow."""


class FullError(StepError):
    """As much waits as may wait; something has to end first."""


class AbsentError(XintuError):
    """Nobody is there who does what was asked: its process does not run, or is too slow."""


class AccessError(XintuError):
    """Who asks may not: a wrong PIN, too many of them, or a place that is another office's."""


class NotPublishedError(StoreError):
    """Nothing has been published that answers the question."""


class RenderError(XintuError):
    """A page could not be drawn as a picture: no browser, not ready in time, a blank frame."""


@dataclass(frozen=True)
class Fault:
    """One thing a validator found wrong."""

    where: str
    came: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.where}: {self.came}; wanted {self.wanted}"


class FaultsError(XintuError):
    """All faults a validator found, raised once.

    Attributes
    ----------
    faults : every `Fault`, in the order found.
    """

    def __init__(self, subject: str, faults: Sequence[Fault]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{subject}: {len(self.faults)} fault(s)\n{lines}")
