"""Warnings held against what really happened: found or missed, how late, for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.model import Tier
from geo.rates import share_interval

RIGHT, NOTHING, OPEN = "right", "nothing", "open"
# A warning so many weeks before a rise is still of it; its first cases may look like chance.
EARLY_WEEKS = 2
# What began in the last weeks may still become a rise, or still be warned of.
OPEN_WEEKS = 3
YEAR_WEEKS = 52

Related = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Verdict:
    """What warnings were worth.

    Attributes
    ----------
    events : as given, with `warned_week` and `delay_weeks` (NaN where missed; 0 where warned in
        the first week or before) and `warning_id` ('' where missed).
    warnings : as given, with `verdict` and `event_id` ('' where there is none).
    """

    events: pd.DataFrame
    warnings: pd.DataFrame

    def summary(self, *, n_weeks: int) -> dict[str, float]:
        """Figures of the whole period; NaN where there is nothing to divide by.

        Parameters
        ----------
        n_weeks : weeks that were replayed.
        """
        delay = self.events["delay_weeks"].dropna()
        found, events = len(delay), len(self.events)
        judged = self.warnings[self.warnings["verdict"] != OPEN]
        vain = int((judged["verdict"] == NOTHING).sum())
        loud = judged[judged["tier"] >= Tier.YELLOW]
        interval = share_interval([float(found)], [float(events)])
        return {
            "events": events,
            "found": found,
            "found_share": found / events if events else np.nan,
            "found_low": float(interval.low[0]),
            "found_high": float(interval.high[0]),
            "first_week": int((delay == 0).sum()),
            "median_delay": float(delay.median()) if found else np.nan,
            "warnings": len(self.warnings),
            "right": len(judged) - vain,
            "nothing": vain,
            "nothing_yellow": int((loud["verdict"] == NOTHING).sum()),
            "open": len(self.warnings) - len(judged),
            "nothing_share": vain / len(judged) if len(judged) else np.nan,
            "nothing_a_year": vain * YEAR_WEEKS / n_weeks if n_weeks else np.nan,
        }


def judge(
    warnings: pd.DataFrame,
    spells: pd.DataFrame,
    events: pd.DataFrame,
    related: Related,
    *,
    n_weeks: int,
) -> Verdict:
    """Say of each event whether it was warned of, and of each warning what it was worth.

    A warning is of an event of its measure if it stood in a related area in a week from
    `EARLY_WEEKS` before the event's first to its last. Each event counts the earliest.

    Parameters
    ----------
    warnings : warning_id, measure, tier, start, end: positions of weeks.
    spells : warning_id, area_code, start, end: where each warning stood when.
    events : event_id, measure, area_code, start, end.
    related : area → itself, what it lies in and what lies in it, as far as a warning of the one
        tells of the other.
    n_weeks : weeks that were replayed; positions run from 0.
    """
    own = warnings.sort_values(["start", "warning_id"], ignore_index=True)
    happened = events.sort_values(["start", "event_id"], ignore_index=True)
    stood = spells.merge(own[["warning_id", "measure"]], on="warning_id")
    number_of = {warning_id: at for at, warning_id in enumerate(own["warning_id"])}
    event_of = np.full(len(own), "", dtype=object)
    first = np.full(len(happened), np.nan)
    by = np.full(len(happened), "", dtype=object)
    for at, event in enumerate(happened.to_dict("records")):
        code = str(event["area_code"])
        timely = (stood["start"] <= event["end"]) & (stood["end"] >= event["start"] - EARLY_WEEKS)
        near = stood["area_code"].isin(related.get(code, frozenset({code})))
        hits = stood[(stood["measure"] == event["measure"]) & timely & near]
        if len(hits):
            numbers = np.unique([number_of[one] for one in hits["warning_id"]])
            fresh = numbers[event_of[numbers] == ""]
            event_of[fresh] = event["event_id"]
            earliest = hits.sort_values(["start", "warning_id"]).iloc[0]
            first[at], by[at] = float(earliest["start"]), str(earliest["warning_id"])
    late = own["start"] > n_weeks - 1 - OPEN_WEEKS
    verdict = np.where(event_of != "", RIGHT, np.where(late, OPEN, NOTHING))
    return Verdict(
        events=happened.assign(
            warned_week=first,
            delay_weeks=np.maximum(first - happened["start"], 0.0),
            warning_id=by,
        ),
        warnings=own.assign(verdict=verdict, event_id=event_of),
    )


def _all_related(codes: list[str], related: Related) -> frozenset[str]:
    return frozenset().union(*(related.get(code, frozenset({code})) for code in codes))


def only_in(one: pd.DataFrame, other: pd.DataFrame, related: Related) -> pd.DataFrame:
    """Warnings of one policy that the other does not give: no week, measure and place in common.

    Parameters
    ----------
    one, other : as `warnings` of `judge`.
    """
    touched = [_all_related(str(areas).split("|"), related) for areas in other["areas"]]
    alone = []
    for row in one.to_dict("records"):
        own = frozenset(str(row["areas"]).split("|"))
        together = (other["start"] <= row["end"]) & (other["end"] >= row["start"])
        near = np.array([not own.isdisjoint(areas) for areas in touched], dtype=bool)
        alone.append(not (together & (other["measure"] == row["measure"]) & near).any())
    return one[np.array(alone, dtype=bool)].reset_index(drop=True)
