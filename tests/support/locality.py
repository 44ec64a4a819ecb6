"""A locality of one county, two towns and four villages, small enough to check by hand.

The county is a square of 0.2 by 0.2 degrees around 113.9 E, 31.4 N; villages are its quarters:
01 south-west, 02 north-west (town 1), 01 south-east, 02 north-east (town 2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl

from etl.findings import Finding
from etl.ingest import Intake, ingest
from etl.outcome import DeliveryResult
from etl.settings import LocalityConfig, Settings, registry

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # a Wednesday, in week 2026-W47
COUNTY = "990101000000"
TOWNS = ("990101001000", "990101002000")
SW, NW, SE, NE = "990101001001", "990101001002", "990101002001", "990101002002"
VILLAGES = (SW, NW, SE, NE)
NAMES = {SW: "柳溪村", NW: "松岭村", SE: "桥头村", NE: "石湾村"}
CENTRES = {SW: (113.85, 31.35), NW: (113.85, 31.45), SE: (113.95, 31.35), NE: (113.95, 31.45)}
Ring = Sequence[tuple[float, float]]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A GeoJSON polygon."""
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(properties: Mapping[str, object], geometry: object) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def village_features() -> list[dict[str, Any]]:
    """The four villages as GeoJSON features."""
    return [
        feature({"code": code, "name": NAMES[code]}, box(x - 0.05, y - 0.05, x + 0.05, y + 0.05))
        for code, (x, y) in CENTRES.items()
    ]


def town_features() -> list[dict[str, Any]]:
    """The two towns as GeoJSON features."""
    return [
        feature({"code": TOWNS[0], "name": "西镇"}, box(113.8, 31.3, 113.9, 31.5)),
        feature({"code": TOWNS[1], "name": "东镇"}, box(113.9, 31.3, 114.0, 31.5)),
    ]


@dataclass
class Folder:
    """A locality's data folder and configuration in the making."""

    path: Path
    sources: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    store_url: str = "sqlite://"

    @classmethod
    def with_areas(cls, path: Path) -> Folder:
        """A folder with good boundaries of towns and villages."""
        folder = cls(path)
        folder.areas("towns", "town", town_features())
        folder.areas("villages", "village", village_features())
        return folder

    def write(self, name: str, content: str | bytes, *, encoding: str = "utf-8") -> Path:
        """Write a file into the data folder."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return file

    def workbook(
        self,
        name: str,
        sheets: Mapping[str, Sequence[Sequence[object]]],
        *,
        merged: Sequence[str] = (),
    ) -> Path:
        """Write a workbook; `merged` holds ranges of its first sheet."""
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        for cells in merged:
            book.worksheets[0].merge_cells(cells)
        file = self.path / name
        book.save(file)
        return file

    def areas(
        self, name: str, level: str, features: Sequence[Mapping[str, Any]], **settings: object
    ) -> None:
        """Write boundaries as GeoJSON and add their source."""
        collection = {"type": "FeatureCollection", "features": list(features)}
        self.write(f"{name}.geojson", json.dumps(collection, ensure_ascii=False))
        columns = {"code": "code", "name": "name"}
        self.source(name, "areas", f"{name}.geojson", level=level, columns=columns, **settings)

    def source(self, source_id: str, role: str, path: str, **settings: object) -> None:
        """Add a source to the configuration."""
        self.sources.append({"id": source_id, "role": role, "path": path, **settings})

    def weekly(self, path: str = "weekly.csv", **settings: object) -> None:
        """Add the usual weekly source: long, ISO weeks, villages by code, one measure."""
        usual: dict[str, object] = {
            "level": "village",
            "measure": "consult_visits",
            "columns": {"week": "周", "area": "代码", "count": "人次"},
        }
        self.source("weekly", "observations", path, **{**usual, **settings})

    def settings(self) -> Settings:
        """The configuration as a command would load it."""
        raw = {
            "locality": {
                "code": COUNTY,
                "name": {"zh": "试验县", "en": "Test County"},
                "crs": "EPSG:4547",
            },
            "codes": self.codes,
            "sources": self.sources,
            **{name: registry(name)[name] for name in ("groups", "measures", "kinds")},
        }
        return Settings(
            folder=self.path,
            data=self.path,
            store_url=self.store_url,
            config=LocalityConfig.model_validate(raw),
            config_sha256="",
        )

    def ingest(self, *, now: datetime = NOW) -> Intake:
        """Read everything."""
        return ingest(self.settings(), now=now)

    def result(self, source_id: str = "weekly") -> DeliveryResult:
        """Read everything, and what became of one source."""
        return next(r for r in self.ingest().results if r.source_id == source_id)


def findings(result: DeliveryResult, rule: str) -> list[Finding]:
    """Findings of one rule."""
    return [finding for finding in result.findings if finding.rule == rule]


def rules(result: DeliveryResult) -> list[str]:
    """Rules of all findings, in their order."""
    return [finding.rule for finding in result.findings]


def counts(result: DeliveryResult) -> dict[tuple[str, str], float]:
    """Area and week → count."""
    frame = result.frame
    keys = zip(frame["area_code"].astype(str), frame["week"].astype(str), strict=True)
    return dict(zip(keys, frame["count"].tolist(), strict=True))


def assert_accounted(result: DeliveryResult) -> None:
    """Every row that was read ended somewhere."""
    assert result.rows_read == (
        result.accepted + result.superseded + result.quarantined + result.set_aside
    )
    assert len(result.quarantine) == result.quarantined
    assert result.quarantine["row"].is_unique
