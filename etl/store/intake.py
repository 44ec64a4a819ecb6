"""What was handed in, stored: one transaction an intake, history kept, differences worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update

from etl.deliveries import Logged
from etl.findings import Finding, finding_row
from etl.outcome import DeliveryResult
from etl.store import tables as t
from etl.store.changes import SourceFigures, insert_changes
from etl.store.log import read_log
from etl.store.packed import insert_counts, pack
from etl.store.rows import insert_frame
from etl.store.times import as_utc
from geo.model import LEVELS

_BY_DELIVERY = (
    t.intake_population,
    t.intake_site,
    t.intake_count,
    t.intake_count_area,
    t.intake_context,
    t.intake_area_change,
    t.intake_quarantine,
)


class StoreHoldings:
    """What a store has already, so that it need not be read again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def log(self) -> tuple[Logged, ...]:
        """All deliveries, in the order in which they came."""
        return read_log(self._engine)

    def contexts(self) -> Mapping[str, str]:
        """Source → hash of all that its stored rows depend on."""
        columns = t.intake_source.c
        with self._engine.connect() as connection:
            rows = connection.execute(select(columns.source_id, columns.inputs_sha256)).all()
        return {row.source_id: row.inputs_sha256 for row in rows}

    def areas(self) -> gpd.GeoDataFrame:
        """Stored areas: level, area_code, name, parent_code, geometry; finest level first."""
        with self._engine.connect() as connection:
            frame = pd.read_sql_query(select(t.intake_area), connection)
        rank = frame["level"].map({str(level): i for i, level in enumerate(LEVELS)})
        frame = frame.assign(rank=rank).sort_values(["rank", "area_code"], ignore_index=True)
        geometry = gpd.GeoSeries.from_wkb(frame.pop("geometry"), crs="EPSG:4326")
        return gpd.GeoDataFrame(frame.drop(columns="rank"), geometry=geometry, crs="EPSG:4326")

    def population(self) -> pd.DataFrame:
        """Stored residents: level, area_code, group, persons."""
        people = t.intake_population.c
        query = select(people.level, people.area_code, people.group_code, people.persons)
        with self._engine.connect() as connection:
            frame = pd.read_sql_query(query, connection)
        return frame.rename(columns={"group_code": "group"})

    def sites(self) -> pd.DataFrame:
        """Stored sites, as the frames of facility files."""
        with self._engine.connect() as connection:
            frame = pd.read_sql_query(select(t.intake_site), connection)
        # The finest area around the site; the frames of files hold it ready.
        finest = frame["grid_code"].fillna(frame["village_code"]).fillna(frame["town_code"])
        return frame.assign(area_code=finest)

    def changes(self) -> pd.DataFrame:
        """Stored changes of areas, as the frames of such files."""
        with self._engine.connect() as connection:
            return pd.read_sql_query(select(t.intake_area_change), connection)


@dataclass(frozen=True)
class SourceIntake:
    """What is stored of one source.

    Attributes
    ----------
    row : of `intake_source`, without what follows from the deliveries.
    results : its files that were read, in order.
    """

    row: Mapping[str, Any]
    results: Sequence[DeliveryResult]


def store_intake(
    connection: Connection,
    sources: Sequence[SourceIntake],
    strangers: Sequence[DeliveryResult],
    areas: gpd.GeoDataFrame | None,
    *,
    keep: Sequence[str],
    now: datetime,
    on_rows: Callable[[int], object] = lambda _n: None,
) -> None:
    """Put what was read in the place of what those sources said before.

    Parameters
    ----------
    connection : inside the transaction that makes all of it visible at once.
    strangers : files of no source.
    areas : all areas, where they were read.
    keep : sources of the configuration; the rows of others go, their deliveries stay in the log.
    now : when new files count as received.
    on_rows : told how many rows have been written.
    """
    _forget(connection, keep)
    if areas is not None:
        _replace_areas(connection, areas)
    for source in sources:
        _store_source(connection, source, now=now)
        on_rows(sum(len(result.frame) for result in source.results))
    connection.execute(delete(t.intake_finding).where(t.intake_finding.c.source_id == ""))
    for stranger in strangers:
        delivery_id = _log_delivery(connection, stranger, now=now)
        _insert_findings(connection, stranger, delivery_id)


def note_findings(connection: Connection, findings: Sequence[Finding]) -> None:
    """Keep what was found where an intake came to nothing; all else stays as it was."""
    for source_id in dict.fromkeys(finding.source_id for finding in findings):
        own = [finding for finding in findings if finding.source_id == source_id]
        connection.execute(
            delete(t.intake_finding).where(t.intake_finding.c.source_id == source_id)
        )
        connection.execute(insert(t.intake_finding), [finding_row(finding) for finding in own])


def withdraw(connection: Connection, delivery_id: int) -> str | None:
    """Take a delivery out of force; its source is read anew at the next run.

    Returns
    -------
    The source, or None if there is no such delivery in force.
    """
    columns = t.intake_delivery.c
    query = select(columns.source_id).where(
        columns.delivery_id == delivery_id, columns.state == "current"
    )
    source_id: str | None = connection.scalar(query)
    if source_id is not None:
        own = columns.delivery_id == delivery_id
        connection.execute(update(t.intake_delivery).where(own).values(state="withdrawn"))
        _bring_back(connection, delivery_id)
        same = t.intake_source.c.source_id == source_id
        connection.execute(update(t.intake_source).where(same).values(inputs_sha256=""))
    return source_id


def _bring_back(connection: Connection, delivery_id: int) -> None:
    """Put the file that a withdrawn one had replaced in force again."""
    columns = t.intake_delivery.c
    gone = connection.execute(
        select(columns.source_id, columns.name).where(columns.delivery_id == delivery_id)
    ).one()
    before = connection.scalar(
        select(func.max(columns.delivery_id)).where(
            columns.source_id == gone.source_id,
            columns.name == gone.name,
            columns.state == "replaced",
            columns.delivery_id < delivery_id,
        )
    )
    own = columns.delivery_id == before
    connection.execute(update(t.intake_delivery).where(own).values(state="current"))


def _forget(connection: Connection, keep: Sequence[str]) -> None:
    sources = t.intake_source.c.source_id
    gone = connection.scalars(select(sources).where(sources.not_in(keep))).all()
    for source_id in gone:
        _clear(connection, source_id)
        connection.execute(delete(t.intake_source).where(sources == source_id))
        columns = t.intake_delivery.c
        own = (columns.source_id == source_id, columns.state == "current")
        connection.execute(update(t.intake_delivery).where(*own).values(state="forgotten"))


def _clear(connection: Connection, source_id: str) -> None:
    """Take out a source's rows and findings."""
    ids = _ids(connection, source_id)
    for table in _BY_DELIVERY if ids else ():
        connection.execute(delete(table).where(table.c.delivery_id.in_(ids)))
    connection.execute(delete(t.intake_finding).where(t.intake_finding.c.source_id == source_id))


def _ids(connection: Connection, source_id: str) -> list[int]:
    columns = t.intake_delivery.c
    query = select(columns.delivery_id).where(columns.source_id == source_id)
    return list(connection.scalars(query))


def _replace_areas(connection: Connection, areas: gpd.GeoDataFrame) -> None:
    frame = pd.DataFrame(areas.drop(columns="geometry"))
    frame["geometry"] = areas.geometry.to_wkb()
    connection.execute(delete(t.intake_area))
    insert_frame(connection, t.intake_area, frame)


def _store_source(connection: Connection, source: SourceIntake, *, now: datetime) -> None:
    source_id = source.row["source_id"]
    ids = _ids(connection, source_id)
    before = SourceFigures.read(connection, ids) if ids else None
    _clear(connection, source_id)
    newest: int | None = None
    for result in source.results:
        delivery_id = _log_delivery(connection, result, now=now)
        _insert_findings(connection, result, delivery_id)
        if delivery_id is None or result.fate != "current":
            continue
        newest = delivery_id if result.delivery_id is None else newest
        for table, frame in _frames(result):
            insert_frame(connection, table, frame, delivery_id=delivery_id)
        if result.role == "observations":
            insert_counts(connection, pack(result.frame), delivery_id=delivery_id)
        waiting = result.quarantine
        insert_frame(connection, t.intake_quarantine, waiting, delivery_id=delivery_id)
    if before is not None:
        after = SourceFigures.read(connection, _ids(connection, source_id))
        insert_changes(connection, before, after, source_id=source_id, by=newest, now=now)
    _put_source(connection, source, now=now)


def _log_delivery(connection: Connection, result: DeliveryResult, *, now: datetime) -> int | None:
    """Enter a delivery, or what became of it this time; None where there is no file."""
    if result.fate == "absent":
        return None
    columns = t.intake_delivery.c
    fate: dict[str, Any] = {
        "state": result.fate,
        "encoding": result.encoding,
        "sheet": result.sheet,
        "rows_read": result.rows_read,
        "accepted": result.accepted,
        "superseded": result.superseded,
        "quarantined": result.quarantined,
        "set_aside": result.set_aside,
        "newest_week": result.newest_week,
    }
    if result.delivery_id is None:
        entry = insert(t.intake_delivery).values(
            source_id=result.source_id,
            name=result.file,
            location=result.location,
            sha256=result.sha256,
            bytes=result.bytes,
            received_at_utc=now,
            returned_for=result.returned_for,
            **fate,
        )
        (delivery_id,) = connection.execute(entry).inserted_primary_key or (None,)
        return delivery_id
    if result.fate == "replaced" and not result.rows_read:
        # It was not read again: all of its rows gave way, whatever they were.
        rows = columns.rows_read - columns.set_aside
        fate = {"state": "replaced", "accepted": 0, "quarantined": 0, "superseded": rows}
    own = columns.delivery_id == result.delivery_id
    connection.execute(update(t.intake_delivery).where(own).values(**fate))
    return result.delivery_id


def _insert_findings(
    connection: Connection, result: DeliveryResult, delivery_id: int | None
) -> None:
    key = {"source_id": result.source_id, "delivery_id": delivery_id}
    rows = [{**finding_row(finding), **key} for finding in result.findings]
    if rows:
        connection.execute(insert(t.intake_finding), rows)


def _frames(result: DeliveryResult) -> list[tuple[Table, pd.DataFrame]]:
    """The tables that a file's canonical rows go into."""
    frames = []
    if result.population is not None:
        frames.append((t.intake_population, result.population))
    tables = {
        "population": t.intake_population,
        "facilities": t.intake_site,
        "changes": t.intake_area_change,
    }
    if result.role in tables:
        frames.append((tables[result.role], result.frame))
    elif result.role == "context":
        frame = pd.DataFrame(result.frame.drop(columns="geometry"))
        frame["geometry"] = gpd.GeoSeries(result.frame["geometry"]).to_wkb()
        frames.append((t.intake_context, frame))
    return [(table, frame.rename(columns={"group": "group_code"})) for table, frame in frames]


def _put_source(connection: Connection, source: SourceIntake, *, now: datetime) -> None:
    """The summary of a source, from what is in force of it."""
    columns, source_id = t.intake_delivery.c, source.row["source_id"]
    in_force = (columns.source_id == source_id, columns.state == "current")
    newest = connection.execute(
        select(t.intake_delivery).where(*in_force).order_by(columns.delivery_id.desc()).limit(1)
    ).first()
    sums = connection.execute(
        select(
            func.coalesce(func.sum(columns.rows_read), 0).label("rows_read"),
            func.coalesce(func.sum(columns.accepted), 0).label("accepted"),
            func.coalesce(func.sum(columns.superseded), 0).label("superseded"),
            func.coalesce(func.sum(columns.quarantined), 0).label("quarantined"),
            func.coalesce(func.sum(columns.set_aside), 0).label("set_aside"),
            func.max(columns.newest_week).label("newest_week"),
        ).where(*in_force)
    ).one()
    last = source.results[-1] if source.results else None
    connection.execute(delete(t.intake_source).where(t.intake_source.c.source_id == source_id))
    connection.execute(
        insert(t.intake_source).values(
            **source.row,
            **sums._asdict(),
            sha256=newest.sha256 if newest else getattr(last, "sha256", ""),
            bytes=newest.bytes if newest else getattr(last, "bytes", 0),
            encoding=newest.encoding if newest else None,
            sheet=newest.sheet if newest else None,
            received_at_utc=as_utc(newest.received_at_utc) if newest else now,
            failed=newest is None or any(result.failed for result in source.results),
        )
    )
