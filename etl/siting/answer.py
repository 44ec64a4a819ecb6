"""What is answered to a question of where new sites should be, and how it is kept.

This module computes nothing, so that pages may import it; see `etl.siting.answering`.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.siting.reach import as_runs
from geo.errors import InputError

FORMAT = 2
_PAIRS = 1  # kept each pair of site and cell, with its minutes
TEXT, NUMBER, COUNT, FLAG = "str", "float64", "int64", "bool"

_PLACE = {
    "name": TEXT, "lon": NUMBER, "lat": NUMBER, "town_code": TEXT, "town_name": TEXT,
    "village_name": TEXT, "area_m2": NUMBER, "floor": TEXT, "owner": TEXT, "hours": TEXT,
    "lacks": TEXT,
}  # fmt: skip
_CHANGE = {
    "persons": NUMBER, "covered_before": NUMBER, "covered_after": NUMBER, "newly": NUMBER,
    "lost": NUMBER, "share_before": NUMBER, "share_after": NUMBER,
}  # fmt: skip
# Table → column → dtype. A text may be missing (NaN); an unknown number is NaN.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "sites": {
        "site_id": TEXT, "source": TEXT, "state": TEXT, "order": NUMBER,
        "kind": TEXT, **_PLACE, "gain_persons": NUMBER, "persons_within": NUMBER,
        "alone_persons": NUMBER, "n_towns_served": COUNT, "cost": NUMBER,
    },
    "curve": {
        "n_new": COUNT, "persons": NUMBER, "share": NUMBER, "gain": NUMBER, "bound": NUMBER,
        "proven": FLAG, "knee": FLAG,
    },
    "towns": {
        "town_code": TEXT, "name": TEXT, **_CHANGE, "sites_before": COUNT, "sites_after": COUNT,
        "estimated": FLAG,
    },
    "groups": {"part": COUNT, "group": TEXT, **_CHANGE, "estimated": FLAG},
    "gaps": {"gap_before": NUMBER, "gap_after": NUMBER, "areas": COUNT, "persons": NUMBER},
    "targets": {
        "code": TEXT, "name_zh": TEXT, "name_en": TEXT, "value_before": NUMBER,
        "value_after": NUMBER, "required": NUMBER, "unit": TEXT, "met_before": FLAG,
        "met_after": FLAG,
    },
    "uncovered": {
        "part": COUNT, "area_code": TEXT, "name": TEXT, "village_name": TEXT, "town_name": TEXT,
        "persons": NUMBER, "withheld": FLAG, "nearest_min": NUMBER, "why": TEXT,
    },
    "candidates": {
        "candidate_id": TEXT, "source": TEXT, "kind": TEXT, **_PLACE,
        "village_code": TEXT, "x": NUMBER, "y": NUMBER, "chosen": FLAG, "forbidden": FLAG,
        "persons_within": NUMBER, "gain_now": NUMBER, "nearest_open_min": NUMBER, "cost": NUMBER,
    },
    "robustness": {
        "check": TEXT, "value": TEXT, "share_same_sites": NUMBER, "share_best": NUMBER,
        "regret": NUMBER, "kept": COUNT, "n_new": COUNT, "proven": FLAG,
    },
}  # fmt: skip


class CellState(IntEnum):
    """How a cell fares; the byte a map is coloured by."""

    EMPTY = 0
    COVERED = 1
    NEWLY = 2
    UNCOVERED = 3
    LOST = 4
    UNKNOWN = 5


@dataclass(frozen=True, eq=False)
class Answer:
    """One question, answered.

    Attributes
    ----------
    meta : JSON values; what is unknown is None.
    tables : the tables of `COLUMNS`, with exactly these columns.
    cells : arrays in the order of the ground's cells; those of parts after the first have the
        part's position behind a dot, as in `minutes_before.1`. `minutes_before` and
        `minutes_after` float32 [min], to the nearest open site, NaN where no way leads to one;
        `state` uint8, see `CellState`; `base_min` float32 [min], nearest of the sites of today
        that stay whatever is tried. `reach_start`, `reach_cell` and `reach_length`: cells within
        the threshold of each site that can be tried, see `etl.siting.reach`; these are the rows of
        table `candidates`, then the closable ones of today (`meta["closable"]`).
    """

    meta: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    cells: dict[str, npt.NDArray[Any]]

    def array(self, name: str, part: int = 0) -> npt.NDArray[Any]:
        """An array of the cells, of one part of the question."""
        return self.cells[name if part == 0 else f"{name}.{part}"]

    def to_bytes(self) -> bytes:
        """The answer as one compressed archive; equal answers of one machine give equal bytes."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            frames = {name: _columns(frame) for name, frame in self.tables.items()}
            head = {"format": FORMAT, "meta": jsonable(self.meta), "tables": frames}
            _write(archive, "answer.json", json.dumps(head, ensure_ascii=False).encode())
            for name, values in self.cells.items():
                array = io.BytesIO()
                np.save(array, values, allow_pickle=False)
                _write(archive, f"{name}.npy", array.getvalue())
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Answer:
        """Read what `to_bytes` wrote.

        Raises
        ------
        InputError : it is no such archive, or one of another format.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                head = json.loads(archive.read("answer.json"))
                if head.get("format") not in (FORMAT, _PAIRS):
                    raise InputError(
                        f"the answer has format {head.get('format')}; wanted {FORMAT}: ask again"
                    )
                cells = {
                    name.removesuffix(".npy"): np.load(
                        io.BytesIO(archive.read(name)), allow_pickle=False
                    )
                    for name in archive.namelist()
                    if name.endswith(".npy")
                }
        except (zipfile.BadZipFile, KeyError, ValueError) as exc:
            raise InputError(f"no answer can be read from these {len(data)} bytes: {exc}") from exc
        if head["format"] == _PAIRS and "pair_start" in cells:
            del cells["pair_min"]
            cells |= as_runs(cells.pop("pair_start"), cells.pop("pair_cell"))
        tables = {name: as_table(name, pd.DataFrame(head["tables"][name])) for name in COLUMNS}
        return cls(head["meta"], tables, cells)


def as_table(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table in their order and dtypes; an empty one keeps them too."""
    columns = COLUMNS[name]
    if frame.empty:
        return pd.DataFrame({c: pd.Series(dtype=dtype) for c, dtype in columns.items()})
    return frame[list(columns)].astype(dict(columns)).reset_index(drop=True)


def empty_tables() -> dict[str, pd.DataFrame]:
    """All tables, without rows."""
    return {name: as_table(name, pd.DataFrame()) for name in COLUMNS}


def jsonable(value: Any) -> Any:
    """The same in JSON's values; a number that is not finite is None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {
        str(column): values.astype(object).where(values.notna(), None).tolist()
        for column, values in frame.items()
    }


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A fixed date: the bytes must not tell when they were written.
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data, compresslevel=1)
