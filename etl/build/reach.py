"""Layers of minutes: what no way leads to is a state of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from etl.build.layers import LayerSpec
from etl.build.levels import Floats, ancestors
from etl.build.residents import resident_mean
from etl.build.work import Work
from geo.arrays import BoolArray
from geo.model import Missing
from geo.rollup import roll_up


def add_minutes(work: Work, spec: LayerSpec, minutes: Floats, unreachable: BoolArray) -> None:
    """Add minutes of every level: of an area the mean over its residents who get there.

    An area is unreachable where residents are known and none of them gets there.

    Parameters
    ----------
    minutes : on the finest level; NaN where unknown or unreachable.
    unreachable : whether no way leads there, though there is a site.
    """
    levels, book = work.levels, work.book
    persons = levels[0].persons["total"]
    book.add(spec, levels[0].level, minutes, states=_states(minutes, unreachable))
    cut_off = np.where(unreachable, np.nan_to_num(persons), 0.0)
    for position, frame in enumerate(levels[1:], start=1):
        mean = resident_mean(levels, position, minutes, persons)
        left = roll_up(cut_off, ancestors(levels, position), n_parents=len(frame)).values
        book.add(spec, frame.level, mean, states=_states(mean, np.isnan(mean) & (left > 0)))


def _states(values: Floats, unreachable: BoolArray) -> npt.NDArray[np.uint8]:
    states = np.where(np.isnan(values), int(Missing.NO_DATA), int(Missing.OK))
    return np.where(unreachable, int(Missing.UNREACHABLE), states).astype(np.uint8)
