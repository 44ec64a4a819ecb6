"""The command for notices: what was sent, what waits; send now; test a subscription."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from dashboard.console import console, errors, print_table
from geo.errors import XintuError

if TYPE_CHECKING:
    from etl.settings import Settings
    from etl.store.outbox import Entry

app = typer.Typer()
logger = logging.getLogger(__name__)

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
STATES = {"sent": "已发", "waiting": "待发", "given_up": "放弃"}
EVENTS = {"new": "新的提示", "raised": "等级上调", "overdue": "超过时限", "faded": "已经消退"}


def _now() -> datetime:
    return datetime.now(UTC)


@app.command()
def notices(
    folder: Folder,
    *,
    store: Store = None,
    send: Annotated[bool, typer.Option("--send", help="queue and send what is due first")] = False,
    test: Annotated[
        str | None, typer.Option(help="send a test to this subscription, and end")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="notices to list")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List notices of warnings: what waits, what was sent, what was given up."""
    from etl.notices.deliver import send_test
    from etl.notices.telling import office_of
    from etl.settings import load_locality
    from etl.store import migrate
    from etl.store.engine import open_engine
    from etl.store.outbox import Outbox

    settings = load_locality(folder, store_url=store)
    if test is not None:
        office = office_of(settings, os.environ)
        for target, answer in send_test(office, test, now=_now()):
            console.print(f"{escape(_shown(target))}：{escape(answer)}", highlight=False)
        return
    engine = open_engine(settings.store_url, read_only=True)
    migrate.check(engine)
    if send:
        done = queue_and_send(settings)
        (errors if as_json else console).print(done or "没有到时间的通知 nothing is due")
    found = Outbox(engine).every(limit=limit)
    if as_json:
        for entry in found:
            typer.echo(json.dumps(_record(entry), ensure_ascii=False))
    elif found:
        print_table(_table(found, timezone=settings.config.locality.timezone))
    else:
        console.print("没有通知 no notices")


def queue_and_send(settings: Settings) -> str | None:
    """Queue what happened and send what is due; what was done, None where there was nothing."""
    if not settings.config.notices:
        return None
    from etl.notices.telling import tell
    from etl.store.engine import open_engine

    return tell(open_engine(settings.store_url), settings, clock=_now, environ=os.environ)


def tell_after_run(settings: Settings) -> None:
    """Queue and send after a publication; what fails is said, and stops nothing."""
    from sqlalchemy.exc import DBAPIError

    try:
        done = queue_and_send(settings)
    except (XintuError, DBAPIError) as exc:
        logger.warning("通知未发出 notices: %s", exc)
    else:
        if done:
            console.print(f"通知 notices: {done}")


def _shown(target: str) -> str:
    """An address without the path, which may hold the receiver's own key."""
    scheme, mark, rest = target.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if mark else target


def _table(entries: list[Entry], *, timezone: str) -> Table:
    zone = ZoneInfo(timezone)
    table = Table(box=None)
    for title in ("状态", "时间", "订阅", "发往", "事项", "地区", "次数"):
        table.add_column(title, no_wrap=True)
    table.add_column("说明")
    for entry in entries:
        at = entry.sent_at or entry.given_up_at or entry.due_at
        table.add_row(
            STATES[entry.state],
            f"{at.astimezone(zone):%Y-%m-%d %H:%M}",
            entry.subscription,
            escape(_shown(entry.target)),
            EVENTS.get(entry.event, entry.event),
            escape("".join(entry.content["places"])),
            str(entry.attempts),
            escape(entry.last_error or ""),
        )
    return table


def _record(entry: Entry) -> dict[str, Any]:
    """A notice for a machine; times in UTC."""

    def iso(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "notice_id": entry.notice_id,
        "state": entry.state,
        "subscription": entry.subscription,
        "target": _shown(entry.target),
        "warning_id": entry.warning_id,
        "event": entry.event,
        "tier": entry.tier,
        "queued_at": iso(entry.queued_at),
        "due_at": iso(entry.due_at),
        "sent_at": iso(entry.sent_at),
        "given_up_at": iso(entry.given_up_at),
        "attempts": entry.attempts,
        "last_error": entry.last_error,
    }
