"""Refused rows back to their departments: a workbook for each file that has any."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Engine, Row, select

from etl.findings import Finding
from etl.gate import code_beginnings
from etl.raw import RawStore
from etl.returns import Handed, return_name, write_return
from etl.settings import Settings
from etl.sources.settings import AreasSource, ContextSource
from etl.store import tables as t
from etl.store.times import as_utc
from geo.model import Label


def give_back(
    settings: Settings,
    engine: Engine,
    *,
    source_id: str | None = None,
    out: Path | None = None,
) -> list[Path]:
    """Write a workbook for each table in force of which rows wait.

    Parameters
    ----------
    source_id : of this source only.
    out : folder; the configured one in the data folder by default.

    Returns
    -------
    What was written. Workbooks of an earlier time for the same files are written over; those of
    files of which nothing waits any more are left, since a department may be at work on them.
    """
    config = settings.config
    folder = out or settings.data / config.intake.returns
    sources = {source.id: source for source in config.sources}
    with engine.connect() as connection:
        query = select(t.intake_delivery).where(t.intake_delivery.c.state == "current")
        deliveries = connection.execute(query.order_by("delivery_id")).all()
        known = code_beginnings(connection.scalars(select(t.intake_area.c.area_code)))
        waiting = pd.read_sql_query(select(t.intake_quarantine), connection)
        findings = connection.execute(select(t.intake_finding)).all()
    written = []
    for entry in deliveries:
        source = sources.get(entry.source_id)
        raw = RawStore(settings.raw_folder).path(entry.sha256)
        if source is None or raw is None or isinstance(source, AreasSource | ContextSource):
            continue
        if source_id is not None and source.id != source_id:
            continue
        if entry.returned_for is not None:
            continue  # what is still wrong in it waits in the file it mends
        received = as_utc(entry.received_at_utc).astimezone(ZoneInfo(config.locality.timezone))
        handed = Handed(
            source_id=source.id,
            delivery_id=entry.delivery_id,
            sha256=entry.sha256,
            name=entry.name,
            title=source.title.zh if source.title else source.id,
            department=source.department,
            received_at=received,
            rows_read=entry.rows_read,
            # A row that gave way to another file is not to be mended either.
            accepted=entry.accepted + entry.superseded,
            sheet=entry.sheet,
            encoding=entry.encoding,
        )
        name = return_name(handed)
        if folder / name in written:
            name = f"{Path(name).stem}_{entry.delivery_id}.xlsx"
        folder.mkdir(parents=True, exist_ok=True)
        path = write_return(
            folder / name,
            raw,
            source,
            handed,
            waiting[waiting["delivery_id"] == entry.delivery_id],
            findings=[_finding(f) for f in findings if f.delivery_id == entry.delivery_id],
            drop=config.intake.drop,
            known=known,
        )
        if path is not None:
            written.append(path)
    return written


def _finding(row: Row[Any]) -> Finding:
    fields = row._asdict()
    wanted = Label(zh=fields["wanted_zh"], en=fields["wanted_en"])
    action = Label(zh=fields["action_zh"], en=fields["action_en"])
    names = ("source_id", "file", "sheet", "row", "column", "rule", "severity", "came")
    return Finding(
        **{name: fields[name] for name in names},
        wanted=wanted,
        action=action,
        count=fields["count"],
        proposal=fields["proposal"],
    )
