"""The table of travel costs, and the codes that name its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import FloatArray
from geo.errors import CodeError, ShapeError


def cost_table(
    areas: npt.NDArray[np.object_], sites: npt.NDArray[np.object_], cost_min: FloatArray
) -> pd.DataFrame:
    """Table of pairs.

    Parameters
    ----------
    areas, sites : codes, one a pair.
    cost_min : float64 [min].

    Returns
    -------
    DataFrame with `area_code`, `site_id` and `cost_min`.
    """
    return pd.DataFrame(
        {
            "area_code": pd.array(areas, dtype="str"),
            "site_id": pd.array(sites, dtype="str"),
            "cost_min": cost_min,
        }
    )


def unique_codes(
    name: str, codes: Sequence[str] | pd.Index | npt.NDArray[np.object_], length: int
) -> npt.NDArray[np.object_]:
    """Codes as an array, one a point and each once.

    Parameters
    ----------
    name : what they are, for messages.
    codes : the codes.
    length : number of points.

    Returns
    -------
    object array, shape (length,).
    """
    index = pd.Index(codes)
    if len(index) != length:
        raise ShapeError(f"{name}: {len(index)} codes for {length} points; wanted one a point")
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise CodeError(f"{name}: {twice!r} comes twice; wanted each code once")
    return np.array(index.tolist(), dtype=object)
