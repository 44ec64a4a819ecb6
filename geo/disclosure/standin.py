"""Figures for withheld counts that are made of published ones alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, amounts
from geo.disclosure.primary import Published
from geo.disclosure.tree import links_of, tables_of
from geo.errors import ShapeError
from geo.model import Missing


def stand_in(
    published: Sequence[Published],
    parent_index: Sequence[npt.ArrayLike],
    persons: Sequence[npt.ArrayLike],
    *,
    otherwise: float,
) -> list[FloatArray]:
    """Published counts, and for withheld ones what anybody would guess.

    What is left of a parent's count when its published children are taken off is shared out over
    the withheld ones by residents. Whatever is computed from the result tells no more than has
    been published.

    Parameters
    ----------
    published : one a level, finest first, shapes (n_areas,) or (n_weeks, n_areas).
    parent_index : as in `suppress_hierarchy`.
    persons : one float64 array a level [persons], shape (n_areas,); NaN where unknown.
    otherwise : guess where no count above is published, >= 0.

    Returns
    -------
    One float64 array a level, shape of its counts; NaN where there is no data.

    Raises
    ------
    ShapeError : shapes or numbers of levels do not fit.
    CodeError : a parent's position is out of range.

    Notes
    -----
    O(n), from the top down: a withheld parent is first guessed itself.

    Examples
    --------
    >>> villages = Published(np.array([np.nan, np.nan, 40.0]), np.array([2, 2, 0], dtype=np.uint8))
    >>> town = Published(np.array([52.0]), np.array([0], dtype=np.uint8))
    >>> stand_in([villages, town], [[0, 0, 0]], [[100, 200, 300], [600]], otherwise=5)[0].tolist()
    [4.0, 8.0, 40.0]
    """
    tables = tables_of([one.values for one in published])
    hidden = [
        np.asarray(one.states).reshape(table.shape) == Missing.SUPPRESSED
        for one, table in zip(published, tables, strict=True)
    ]
    links = links_of(tables, parent_index)
    if len(persons) != len(tables):
        raise ShapeError(f"persons: {len(persons)}; wanted one a level, {len(tables)}")
    guesses = [table.copy() for table in tables]
    for guess, mask in zip(guesses, hidden, strict=True):
        some = np.flatnonzero(mask.any(axis=1))
        guess[some] = np.where(mask[some], otherwise, guess[some])
    for i in range(len(links) - 1, -1, -1):
        weeks = np.flatnonzero(hidden[i].any(axis=1))
        if not len(weeks):
            continue
        link, mask = links[i], hidden[i][weeks]
        people = np.nan_to_num(amounts(f"persons[{i}]", persons[i]))
        weight = np.where(mask, np.maximum(people, 1.0), 0.0)
        shown = link.total(np.nan_to_num(tables[i][weeks]))
        left = np.maximum(guesses[i + 1][weeks] - shown, 0.0)
        whole = link.total(weight)
        rate = np.where(whole > 0, left, np.nan) / np.where(whole > 0, whole, 1.0)
        share = weight * link.spread(rate, without=np.nan)
        guesses[i][weeks] = np.where(mask & ~np.isnan(share), share, guesses[i][weeks])
    shapes = [np.shape(one.values) for one in published]
    return [guess.reshape(shape) for guess, shape in zip(guesses, shapes, strict=True)]
