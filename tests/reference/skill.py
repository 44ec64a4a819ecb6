"""Figures of skill as their definitions say them, replicate by replicate in plain Python."""

from __future__ import annotations

import math


def skill(alarms: list, outbreak: list) -> dict[str, float]:
    """Cubes of booleans as nested lists: replicate, week, area."""
    quiet = false = raised = weeks_of_outbreaks = hits = outbreaks = found = at_once = 0
    waits = []
    for one_alarm, one_truth in zip(alarms, outbreak, strict=True):
        lasting = [any(week) for week in one_truth]
        heard = []
        for week, (row_alarm, row_truth) in enumerate(zip(one_alarm, one_truth, strict=True)):
            for alarm, truth in zip(row_alarm, row_truth, strict=True):
                raised += alarm
                quiet += not truth
                false += alarm and not truth
                weeks_of_outbreaks += truth
                hits += alarm and truth
                if alarm and truth:
                    heard.append(week)
        if any(lasting):
            outbreaks += 1
            start = lasting.index(True)
            if heard:
                found += 1
                waits.append(min(heard) - start)
                at_once += min(heard) == start
    return {
        "fpr": false / quiet if quiet else math.nan,
        "pod": found / outbreaks if outbreaks else math.nan,
        "pod_first_week": at_once / outbreaks if outbreaks else math.nan,
        "sensitivity": hits / weeks_of_outbreaks if weeks_of_outbreaks else math.nan,
        "ppv": hits / raised if raised else math.nan,
        "timeliness": sum(waits) / len(waits) if waits else math.nan,
    }
