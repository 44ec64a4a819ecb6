"""A proposal for QGIS: sites, cells, towns, candidates and who stays uncovered, with their styles.

WGS 84 (EPSG:4326), as everything that the product publishes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from dashboard.report.proposal.told import Told
from dashboard.siting_form import SOURCES
from dashboard.tokens import tokens
from etl.siting.answer import CellState

CRS = "EPSG:4326"
_SITE = (
    "site_id", "name", "source", "state", "order", "kind", "town_code", "town_name",
    "village_name", "area_m2", "floor", "owner", "hours", "lacks", "gain_persons",
    "persons_within", "alone_persons", "n_towns_served", "cost",
)  # fmt: skip
_CANDIDATE = (
    "candidate_id", "name", "source", "kind", "chosen", "forbidden", "town_code", "town_name",
    "village_code", "village_name", "area_m2", "floor", "owner", "hours", "lacks",
    "persons_within", "gain_now", "nearest_open_min", "cost",
)  # fmt: skip
_UNCOVERED = ("area_code", "name", "village_name", "town_name", "persons", "withheld",
              "nearest_min", "why")  # fmt: skip
_STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
    f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""


@dataclass(frozen=True)
class _Fill:
    """How a class of a layer is drawn: value of `state` or `why`, label, colours."""

    value: str
    label: str
    colour: str
    hatch: str = ""
    line: str = ""


def proposal_geopackage(told: Told) -> bytes:
    """The GeoPackage, to the byte the same for the same answer.

    Persons of an area whose number is withheld are NULL.
    """
    stamp = told.snapshot.published_at_utc.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with TemporaryDirectory(prefix="xintu-") as folder:
        path = Path(folder) / "made.gpkg"
        about = {
            "TITLE": told.t("proposal.title", place=told.place, what=told.what),
            "SNAPSHOT": told.snapshot.snapshot_id, "WEEK": told.snapshot.week,
            "CODE_VERSION": str(told.meta["code_version"]),
            "NOTE": told.t("proposal.method.privacy"),
        }  # fmt: skip
        for name, frame in _layers(told):
            if frame.empty:
                continue
            pyogrio.write_dataframe(
                frame, path, layer=name, driver="GPKG", append=path.exists(),
                promote_to_multi="Polygon" in frame.geom_type.iloc[0],
                dataset_metadata=None if path.exists() else about,
                layer_options={
                    "IDENTIFIER": told.t(f"proposal.layer.{name.partition('_')[0]}"),
                    "DESCRIPTION": told.t("proposal.footer_plain",
                                          snapshot=told.snapshot.snapshot_id, day=told.day),
                },
            )  # fmt: skip
        with closing(sqlite3.connect(path)) as db, db:
            _style(db, _styles(told), stamp)
            db.execute("UPDATE gpkg_contents SET last_change = ?", (stamp,))
            db.execute("UPDATE gpkg_metadata_reference SET timestamp = ?", (stamp,))
        return path.read_bytes()


def _layers(told: Told) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    for number in range(len(told.parts)):
        suffix = f"_{number + 1}" if number else ""
        yield f"cells{suffix}", _cells(told, number)
        uncovered = told.table("uncovered", number)
        yield f"uncovered{suffix}", _uncovered(told, uncovered)
    yield "towns", _towns(told)
    yield "candidates", _points(told.table("candidates"), ("part", *_CANDIDATE))
    yield "sites", _points(told.table("sites"), ("part", *_SITE))


def _points(frame: pd.DataFrame, columns: Sequence[str]) -> gpd.GeoDataFrame:
    there = frame.dropna(subset=["lon", "lat"])
    xy = there[["lon", "lat"]].to_numpy(dtype=float)
    # A word that SQL means something by is quoted by everybody but the user who filters.
    table = there[list(columns)].rename(columns={"order": "build_order"})
    return gpd.GeoDataFrame(table, geometry=shapely.points(xy), crs=CRS)


def _cells(told: Told, part: int) -> gpd.GeoDataFrame:
    cells, names = told.territory.cells, told.territory.names
    village, town = told.territory.town_of_cell
    states = [CellState(int(one)) for one in told.answer.array("state", part)]
    said = {state: told.t(f"proposal.map.state_{state.name.lower()}") for state in CellState}
    minutes = {
        name: told.answer.array(name, part).astype(np.float64).round(1)
        for name in ("minutes_before", "minutes_after")
    }
    table = pd.DataFrame(
        {
            "area_code": cells.frame["area_code"], "name": cells.frame["name"],
            "state": [state.name.lower() for state in states],
            "label": [said[state] for state in states], **minutes,
            "village_code": village, "village_name": village.map(names).fillna(""),
            "town_code": town, "town_name": town.map(names).fillna(""),
        }
    )  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=cells.shapes, crs=CRS)


def _towns(told: Told) -> gpd.GeoDataFrame:
    towns = told.territory.towns
    shapes = pd.Series(towns.shapes, index=towns.frame["area_code"])
    table = told.table("towns")
    there = table[table["town_code"].isin(shapes.index)]
    return gpd.GeoDataFrame(there, geometry=shapes.loc[there["town_code"]].to_numpy(), crs=CRS)


def _uncovered(told: Told, areas: pd.DataFrame) -> gpd.GeoDataFrame:
    cells = told.territory.cells
    shapes = pd.Series(cells.shapes, index=cells.frame["area_code"])
    there = areas[areas["area_code"].isin(shapes.index)]
    table = there[list(_UNCOVERED)].assign(
        label=[told.t(f"proposal.why.{why}") for why in there["why"]]
    )
    return gpd.GeoDataFrame(table, geometry=shapes.loc[there["area_code"]].to_numpy(), crs=CRS)


# ------------------------------------------------------------ styles


def _styles(told: Told) -> dict[str, str]:
    """QML by layer; QGIS takes it up when the layer is opened."""
    paper, t = tokens("light"), told.t

    def state(one: CellState, colour: str, hatch: str = "", line: str = "") -> _Fill:
        name = one.name.lower()
        label = t(f"proposal.map.state_{name}")
        return _Fill(name, label, paper[colour], hatch, paper[line] if line else "")

    cells = [
        state(CellState.COVERED, "access-2"),
        state(CellState.NEWLY, "access-4", "horizontal", "panel"),
        state(CellState.LOST, "gap-1", "vertical", "gap-3"),
        state(CellState.UNCOVERED, "gap-0", "b_diagonal", "gap-2"),
        state(CellState.EMPTY, "panel"),
        state(CellState.UNKNOWN, "suppressed-ground", "dense6", "suppressed-dot"),
    ]
    ramp = paper.ramp("sequential")
    whys = ("no_candidate", "forbidden", "not_chosen", "full", "no_road")
    reasons = [
        _Fill(why, t(f"proposal.why.{why}"), colour) for why, colour in zip(whys, ramp, strict=True)
    ]
    reasons.append(_Fill("unknown", t("proposal.why.unknown"), paper["suppressed-ground"]))
    sources = [
        _Fill(source, t(f"proposal.source.{source}"), colour)
        for source, colour in zip((*SOURCES, "extra"), ramp, strict=True)
    ]
    marks = [
        _Fill("kept", t("proposal.map.site_existing"), paper["map-site"]),
        _Fill("new", t("proposal.map.site_new"), paper["accent"]),
        _Fill("closed", t("proposal.map.site_closed"), paper["panel"]),
    ]
    styles: dict[str, str] = {}
    for number in range(len(told.parts)):
        suffix = f"_{number + 1}" if number else ""
        styles[f"cells{suffix}"] = _qml("state", cells, "fill")
        styles[f"uncovered{suffix}"] = _qml("why", reasons, "fill")
    return {
        **styles,
        # Borders alone: what is covered shows through.
        "towns": _outlined(paper["ink"]),
        "candidates": _qml("source", sources, "marker"),
        "sites": _qml("state", marks, "marker"),
    }


def _outlined(colour: str) -> str:
    line = _symbol_layer("SimpleFill", color=_rgb(colour), style="no", outline_style="solid",
                         outline_color=_rgb(colour), outline_width="0.5")  # fmt: skip
    return _document(
        '<renderer-v2 type="singleSymbol" symbollevels="0" forceraster="0" enableorderby="0">'
        '<symbols><symbol type="fill" name="0" alpha="1" clip_to_extent="1" force_rhr="0">'
        f"{line}</symbol></symbols></renderer-v2>"
    )


def _document(renderer: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22" styleCategories="Symbology">{renderer}</qgis>'
    )


def _qml(attribute: str, fills: Sequence[_Fill], kind: str) -> str:
    categories = "".join(
        f'<category render="true" type="string" value={quoteattr(fill.value)} symbol="{number}" '
        f"label={quoteattr(fill.label)}/>"
        for number, fill in enumerate(fills)
    )
    symbols = "".join(
        f'<symbol type="{kind}" name="{number}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f"{''.join(_symbol_layers(fill, kind))}</symbol>"
        for number, fill in enumerate(fills)
    )
    return _document(
        f'<renderer-v2 type="categorizedSymbol" attr="{attribute}" symbollevels="0" '
        f'forceraster="0" enableorderby="0"><categories>{categories}</categories>'
        f"<symbols>{symbols}</symbols></renderer-v2>"
    )


def _symbol_layers(fill: _Fill, kind: str) -> Iterator[str]:
    edge = tokens("light")["ink-2"]
    if kind == "marker":
        size = "4.2" if fill.value == "new" else "2.2"
        yield _symbol_layer(
            "SimpleMarker", name="circle", color=_rgb(fill.colour), size=size, size_unit="MM",
            outline_color=_rgb(edge), outline_width="0.2",
        )  # fmt: skip
        return
    yield _symbol_layer("SimpleFill", color=_rgb(fill.colour), style="solid",
                        outline_style="no", outline_color=_rgb(edge))  # fmt: skip
    if fill.hatch:
        yield _symbol_layer("SimpleFill", color=_rgb(fill.line), style=fill.hatch,
                            outline_style="no", outline_color=_rgb(edge))  # fmt: skip


def _symbol_layer(kind: str, **options: str) -> str:
    told = "".join(
        f'<Option type="QString" name="{name}" value="{value}"/>' for name, value in options.items()
    )
    return (
        f'<layer class="{kind}" enabled="1" locked="0" pass="0">'
        f'<Option type="Map">{told}</Option></layer>'
    )


def _rgb(colour: str) -> str:
    return ",".join(str(part) for part in bytes.fromhex(colour.lstrip("#")[:6])) + ",255"


def _style(db: sqlite3.Connection, styles: dict[str, str], stamp: str) -> None:
    db.execute(_STYLES_TABLE)
    there = {row[0]: row[1] for row in db.execute(
        "SELECT table_name, column_name FROM gpkg_geometry_columns")}  # fmt: skip
    for name, qml in styles.items():
        if name in there:
            db.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner, update_time) VALUES ('', '', ?, ?, ?, ?, '', 1, '', '', ?)",
                (name, there[name], name, qml, stamp),
            )
    db.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        (stamp,),
    )
