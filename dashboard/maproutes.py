"""What the map draws, as the browser fetches it: geometry, layers, sites and warnings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import flask
import numpy as np
import pandas as pd

from etl.store.reader import LayerData, Snapshot
from geo.errors import NotPublishedError
from geo.model import Missing

# Nothing under a snapshot's id or a hash ever changes.
_FOREVER = "public, max-age=31536000, immutable"
_SMALL_BYTES = 2048
_STATIC = "static"


class PublishedReader(Protocol):
    """What the routes read; `etl.store.reader.Reader` does."""

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """One snapshot by its id."""

    def layer(self, snapshot_id: str, level: str, layer: str, week: str = "") -> LayerData:
        """One layer of one level and week."""

    def sites(self, snapshot_id: str) -> pd.DataFrame:
        """Service sites of a snapshot."""

    def warnings(self, snapshot_id: str, week: str | None = None) -> pd.DataFrame:
        """Warnings of a week."""

    def geometry(self, geometry_hash: str) -> bytes:
        """Gzip GeoJSON of a level's areas or of a context theme."""


def register_routes(server: flask.Flask, reader: PublishedReader) -> None:
    """Serve what the map draws; every answer may be kept for ever.

    Parameters
    ----------
    server : the WSGI application of Dash.
    reader : published snapshots.

    Notes
    -----
    ``/published/geometry/<hash>.geojson``; for a layer ``/published/<snapshot>/<level>/<layer>/
    <week or static>`` with ``.bin`` (uint8 class bytes in idx order) or ``.f32`` (little-endian
    float32, NaN where withheld); ``/published/<snapshot>/sites.json`` and
    ``/published/<snapshot>/warnings/<week>.json``. What is not published answers 404.
    """

    def answer(make: Callable[[], flask.Response]) -> flask.Response:
        try:
            return make()
        except NotPublishedError as error:
            return flask.Response(f"{error}\n", 404, mimetype="text/plain")

    @server.get("/published/geometry/<geometry_hash>.geojson")
    def published_geometry(geometry_hash: str) -> flask.Response:
        return answer(lambda: _packed(reader.geometry(geometry_hash), "application/geo+json"))

    @server.get("/published/<snapshot_id>/<level>/<layer>/<week>.<any(bin, f32):ending>")
    def published_layer(
        snapshot_id: str, level: str, layer: str, week: str, ending: str
    ) -> flask.Response:
        def read() -> flask.Response:
            found = _read_layer(reader, snapshot_id, level, layer, week)
            return kept_answer(found.classes.tobytes() if ending == "bin" else _shown_values(found))

        return answer(read)

    @server.get("/published/<snapshot_id>/sites.json")
    def published_sites(snapshot_id: str) -> flask.Response:
        return answer(lambda: _json(_site_rows(reader, snapshot_id)))

    @server.get("/published/<snapshot_id>/warnings/<week>.json")
    def published_warnings(snapshot_id: str, week: str) -> flask.Response:
        return answer(lambda: _json(_warning_rows(reader, snapshot_id, week)))


def _read_layer(
    reader: PublishedReader, snapshot_id: str, level: str, layer: str, week: str
) -> LayerData:
    snapshot = reader.snapshot(snapshot_id)
    snapshot.level(level)
    weekly = bool(snapshot.layer(layer)["weekly"])
    _check_week(snapshot, week, wanted=weekly)
    return reader.layer(snapshot_id, level, layer, week if weekly else "")


def _check_week(snapshot: Snapshot, week: str, *, wanted: bool) -> None:
    known = week in snapshot.meta["weeks"] if wanted else week == _STATIC
    if not known:
        raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no week {week!r} here")


def _shown_values(layer: LayerData) -> bytes:
    shown = np.isin(layer.states, (int(Missing.OK), int(Missing.UNRELIABLE)))
    return np.where(shown, layer.values, np.nan).astype("<f4").tobytes()


def _site_rows(reader: PublishedReader, snapshot_id: str) -> list[dict[Hashable, Any]]:
    reader.snapshot(snapshot_id)
    sites = reader.sites(snapshot_id)
    placed = sites[sites["lon"].notna() & sites["lat"].notna()]
    rows = pd.DataFrame(
        {
            "id": placed["site_id"],
            "kind": placed["kind"],
            "name": placed["name"],
            "lon": placed["lon"].round(6),
            "lat": placed["lat"].round(6),
            "status": placed["status"],
            "staff": placed["staff"].astype(float).fillna(0.0),
            "quality": placed["quality"],
        }
    )
    return rows.to_dict("records")


def _warning_rows(reader: PublishedReader, snapshot_id: str, week: str) -> list[dict[str, Any]]:
    """One row an area: its highest tier, and the measures of that tier."""
    _check_week(reader.snapshot(snapshot_id), week, wanted=True)
    warnings = reader.warnings(snapshot_id, week)
    rows = []
    for (level, code), own in warnings.groupby(["level", "area_code"], sort=True):
        highest = own[own["tier"] == own["tier"].max()]
        rows.append(
            {
                "level": level,
                "code": code,
                "name": str(highest["name"].iloc[0]),
                "tier": int(highest["tier"].iloc[0]),
                "measures": sorted(set(highest["measure"])),
            }
        )
    return rows


def _json(rows: object) -> flask.Response:
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return kept_answer(text.encode("utf-8"), mimetype="application/json")


def kept_answer(body: bytes, mimetype: str = "application/octet-stream") -> flask.Response:
    """An answer that never changes, packed where it is worth it."""
    if len(body) > _SMALL_BYTES and flask.request.accept_encodings["gzip"] > 0:
        return _packed(gzip.compress(body, compresslevel=1, mtime=0), mimetype)
    return flask.Response(body, mimetype=mimetype, headers=_headers())


def _packed(body: bytes, mimetype: str) -> flask.Response:
    """Bytes that are gzip already, unpacked only for a client that cannot."""
    if flask.request.accept_encodings["gzip"] <= 0:
        return flask.Response(gzip.decompress(body), mimetype=mimetype, headers=_headers())
    headers = {**_headers(), "Content-Encoding": "gzip"}
    return flask.Response(body, mimetype=mimetype, headers=headers)


def _headers() -> dict[str, str]:
    return {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
