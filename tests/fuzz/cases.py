"""The file of a number: a form, a dress, and one to three mutations, always the same."""

from __future__ import annotations

import numpy as np

from tests.fuzz import forms
from tests.fuzz import mutations as m
from tests.fuzz.forms import Case, Rng

SEED = 20261118
_TABLES = tuple(forms.TABLES)
_MAPS = tuple((name, role) for name in forms.MAPS for role in ("areas", "facilities"))
_DRESSES = (*forms.DRESSES, "xlsx", "xlsx", "xlsx")


def case_of(number: int) -> Case:
    """The file of a number."""
    rng = np.random.default_rng([SEED, number])
    kind = rng.random()
    if kind < 0.02:
        case = _xls(number)
        _change(case, [m.BYTES], rng)
    elif kind < 0.25:
        case = _map(number, rng)
    else:
        case = _table(number, rng)
    case.source |= {"id": "fuzzed", "path": case.name}
    return case


def _table(number: int, rng: Rng) -> Case:
    form = _TABLES[rng.integers(len(_TABLES))]
    dress = _DRESSES[rng.integers(len(_DRESSES))]
    source, grid = forms.TABLES[form](rng)
    case = Case(number, f"{form}.{dress}", "", source, grid=grid)
    if form != "persons" and rng.random() < 0.06:
        m.plant_persons(case, rng)
        case.done.append("persons")
    in_cells = rng.random() < 0.65
    if in_cells:
        for _ in range(rng.integers(1, 4)):
            name = list(m.CELLS)[rng.integers(len(m.CELLS))]
            if grid:
                m.CELLS[name](grid, rng)
                case.done.append(name)
            if not grid:
                grid.append([""])
    suffix, case.content = forms.dressed(grid, dress, rng)
    case.name = f"fuzzed.{suffix}"
    if not in_cells or rng.random() < 0.15:
        fitting = [m.BYTES, m.ZIP, m.XML, m.XML] if dress == "xlsx" else [m.BYTES, m.TEXT]
        _change(case, fitting, rng)
    if dress == "xlsx" and number % 7 == 1:
        _change(case, [{"contradict_xml": m.contradict_xml}], rng)
    return case


def _map(number: int, rng: Rng) -> Case:
    kind, role = _MAPS[rng.integers(len(_MAPS))]
    case = Case(number, f"{role}.{kind}", f"fuzzed.{kind}", forms.map_source(role))
    case.content = forms.MAPS[kind](role)
    own = {"geojson": m.GEOJSON, "kml": m.KML, "zip": m.ZIP}
    if kind == "shp":
        case.beside = forms.shapefile(role)
        case.content = case.beside.pop(".shp")
        if rng.random() < 0.7:
            m.edit_shapefile(case, rng)
            case.done.append("edit_shapefile")
            return case
    _change(case, [own[kind], own[kind], m.BYTES] if kind in own else [m.BYTES], rng)
    return case


def _xls(number: int) -> Case:
    """A workbook of the old kind, which nothing here writes."""
    source = {
        "role": "observations", "level": "village", "measure": "consult_visits", "week": "monday",
        "columns": {"week": "周", "area": "代码", "count": "人次"},
    }  # fmt: skip
    return Case(number, "dated_counts.xls", "fuzzed.xls", source, forms.xls())


def _change(case: Case, tables: list[dict[str, m.Bytes]], rng: Rng) -> None:
    for _ in range(rng.choice([1, 1, 2])):
        table = tables[rng.integers(len(tables))]
        name = list(table)[rng.integers(len(table))]
        try:
            changed = table[name](case.content, rng)
        except Exception:  # noqa: BLE001 (what an earlier one left is no archive, no JSON any more)
            continue
        case.content = changed
        case.done.append(name)
