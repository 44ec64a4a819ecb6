"""`xintu warnings`: what is warned, who is on it, by when; and the acts of offices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from dashboard.console import console, print_table
from geo.errors import InputError, NotPublishedError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from etl.response.life import Kind, Life
    from etl.settings import Settings
    from etl.store.reader import Reader

TIERS = {1: "蓝 blue", 2: "黄 yellow", 3: "橙 orange", 4: "红 red"}
COLOURS = {1: "blue", 2: "yellow", 3: "dark_orange", 4: "red"}
STATES = {"open": "待签收", "acknowledged": "已签收", "responding": "响应中", "closed": "已办结",
          "dismissed": "不予响应"}  # fmt: skip
KINDS = {"opened": "发出预警", "grew": "范围扩大", "shrank": "范围缩小", "moved": "位置移动",
         "raised": "等级上调", "lowered": "等级下调", "steady": "仍然偏高", "faded": "信号已消退",
         "resumed": "再次偏高", "merged": "并入另一项", "acknowledged": "签收",
         "responding": "开始响应", "note": "备注", "closed": "办结",
         "dismissed": "不予响应"}  # fmt: skip
MODES = {"car": "乘车 by car", "foot": "步行 on foot"}


class _ListFirst(TyperGroup):
    """`xintu warnings DIR` is short for `xintu warnings list DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the word that is left out."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ListFirst, no_args_is_help=True, help="Warnings: who is on them, and by when."
)

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
WarningId = Annotated[str, typer.Argument(metavar="ID", help="its id, or enough of its beginning")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
OfficeCode = Annotated[str, typer.Option("--office", help="code of the office that acts")]
Note = Annotated[str, typer.Option("--note", help="a note; nothing that points at a person")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines; times in UTC")]


def _load(folder: Path, store: str | None) -> Settings:
    from etl.settings import load_locality

    return load_locality(folder, store_url=store)


def _engine(settings: Settings) -> Engine:
    from etl.store import migrate
    from etl.store.engine import open_engine

    open_engine(settings.store_url, read_only=True).dispose()  # says so where there is no store
    engine = open_engine(settings.store_url)
    migrate.check(engine)
    return engine


# ------------------------------------------------------------ to read


@app.command("list")
def list_warnings(
    folder: Folder,
    *,
    store: Store = None,
    state: Annotated[
        str | None,
        typer.Option(help="open, acknowledged, responding, closed, dismissed; live ones if unset"),
    ] = None,
    tier: Annotated[str | None, typer.Option(help="blue, yellow, orange or red")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="past their deadline only")] = False,
    area: Annotated[str | None, typer.Option(help="area code: in it, or of its town")] = None,
    as_json: AsJson = False,
) -> None:
    """List warnings: highest tier first, then the earliest deadline."""
    from etl.standards import TIERS as TIER_CODES
    from etl.store.reader import Reader

    _known("--state", state, STATES)
    _known("--tier", tier, TIER_CODES)
    settings = _load(folder, store)
    now = datetime.now(UTC)
    reader = Reader(settings.store_url)
    rows = reader.responses(now=now).warnings
    reader.close()
    kept = rows["live"] if state is None else rows["state"] == state
    if tier is not None:
        kept &= rows["tier"] == int(TIER_CODES[tier])
    if overdue:
        kept &= rows["overdue"]
    if area is not None:
        within = f"|{area}|"
        spans = ("|" + rows["areas"] + "|").str.contains(within, regex=False)
        kept &= (rows["town_code"] == area) | spans
    rows = rows[kept.astype(bool)]
    if as_json:
        for row in _records(rows):
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    if rows.empty:
        console.print("没有这样的预警 No such warning")
        return
    print_table(_table(rows, settings, now))


@app.command()
def show(
    folder: Folder, warning: WarningId, *, store: Store = None, as_json: AsJson = False
) -> None:
    """Show one warning: its reason, its deadlines, all that happened, the nearest services."""
    from etl.response.ledger import read_life
    from etl.response.reading import column_values, read_events
    from etl.store.reader import Reader

    settings = _load(folder, store)
    engine = _engine(settings)
    with engine.connect() as connection:
        life = read_life(connection, warning)
        events = read_events(connection, [life.warning_id])
    reader = Reader(settings.store_url)
    near = _near(reader, life)
    reader.close()
    if as_json:
        told = {key: _plain(value) for key, value in column_values(life).items()}
        told["overdue"] = life.overdue(datetime.now(UTC))
        told["events"] = [
            {key: _plain(value) for key, value in vars(event).items() if key != "changes"}
            for event in events
        ]
        told["nearest"] = _records(near)
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    zone = ZoneInfo(settings.config.locality.timezone)
    _print_life(life, settings, zone)
    table = Table("时间", "经过", "等级", "单位", "备注", box=None)
    for event in events:
        table.add_row(
            f"{event.at.astimezone(zone):%Y-%m-%d %H:%M}",
            f"{KINDS[event.kind]} {event.kind.value}",
            TIERS.get(event.tier, "–"),
            _office(settings, event.office),
            escape(event.text),
        )
    print_table(table)
    _print_near(near)


def _table(rows: pd.DataFrame, settings: Settings, now: datetime) -> Table:
    zone = ZoneInfo(settings.config.locality.timezone)
    titles = ("编号", "等级", "地方", "指标", "进展", "单位", "期限")
    table = Table(*titles, title=f"{len(rows)} 项预警 warnings")
    for row in rows.to_dict("records"):
        town = f"{row['town_name']} " if row["town_name"] not in {"", row["name"]} else ""
        fading = "，信号已消退 faded" if row["faded"] else ""
        table.add_row(
            row["warning_id"],
            f"[{COLOURS[row['tier']]}]{TIERS[row['tier']]}[/]",
            escape(f"{town}{row['name']}"),
            escape(_measure(settings, row["measure"])),
            f"{STATES[row['state']]} {row['state']}{fading}",
            _office(settings, row["office"] or row["assigned"]),
            _due(row["due_at_utc"], zone, now),
        )
    return table


def _due(due: datetime, zone: ZoneInfo, now: datetime) -> str:
    if _missing(due):
        return "–"
    late = " [bold red]已逾期 overdue[/]" if now > due else ""
    return f"{due.astimezone(zone):%m-%d %H:%M}{late}"


def _print_life(life: Life, settings: Settings, zone: ZoneInfo) -> None:
    standard = settings.config.response.standard(max(life.tier, 1))
    measure = escape(_measure(settings, life.measure))
    following = "–" if life.due_at is None else _due(life.due_at, zone, datetime.now(UTC))
    lines = [
        f"[bold]{life.warning_id}[/]",
        f"{TIERS.get(life.tier, '–')}，{escape(life.name)}（{life.area_code}），{measure}",
        f"{STATES[life.state]} {life.state.value}" + ("，信号已消退 faded" if life.faded else ""),
    ]
    if life.live:
        lines += [
            f"处置标准：{escape(standard.answers.zh)}{escape(standard.action.zh)}",
            f"{escape(standard.answers.en)}: {escape(standard.action.en)}",
            f"签收期限 acknowledge by: {_due_of(life.acknowledge_by, zone)}",
            f"响应期限 respond by: {_due_of(life.respond_by, zone)}",
            f"下一期限 next: {following}",
        ]
    if life.earlier_id:
        lines.append(f"此前 earlier: {life.earlier_id}")
    if life.merged_into:
        lines.append(f"并入 merged into: {life.merged_into}")
    lines += [escape(text) for text in (life.reason_zh, life.reason_en) if text]
    console.print("\n".join(lines), highlight=False)


def _due_of(by: datetime | None, zone: ZoneInfo) -> str:
    return "–" if by is None else f"{by.astimezone(zone):%m-%d %H:%M}"


def _print_near(near: pd.DataFrame) -> None:
    if near.empty:
        console.print("没有找到就近可以响应的服务 No service near by that can answer is known")
        return
    table = Table("就近可以响应的服务 nearest", "人员 staff", "路上 way", "开放 hours", box=None)
    for row in near.to_dict("records"):
        way = f"{MODES[row['mode']]} {row['minutes']:.0f} min" if row["mode"] else "–"
        staff = "未知 unknown" if _missing(row["staff"]) else f"{row['staff']:g}"
        hours = "–" if _missing(row["hours"]) else escape(str(row["hours"]))
        table.add_row(escape(str(row["name"])), staff, way, hours)
    print_table(table)


def _near(reader: Reader, life: Life) -> pd.DataFrame:
    """Nearest services that can answer the tier, then those that answer from anywhere."""
    import pandas as pd

    columns = ["site_id", "kind", "name", "staff", "hours", "minutes", "mode"]
    found = []
    try:
        snapshot_id = reader.current().snapshot_id
        sites = reader.table(snapshot_id, "responders")
        lines = reader.table(snapshot_id, "responder_lines")
    except NotPublishedError:  # a snapshot of an earlier version
        return pd.DataFrame(columns=columns)
    for code in (life.area_code, life.town_code):  # a cell is as near as its town
        own = sites[(sites["area_code"] == code) & (sites["tier"] == life.tier)]
        if len(own):
            found.append(own.sort_values("rank"))
            break
    found.append(lines[lines["tier"] == life.tier].assign(minutes=math.nan, mode=""))
    return pd.concat([frame[columns].astype(object) for frame in found], ignore_index=True)


# ------------------------------------------------------------ to act


@app.command()
def acknowledge(
    folder: Folder, warning: WarningId, *, office: OfficeCode, note: Note = "", store: Store = None
) -> None:
    """An office has seen the warning."""
    _act("acknowledged", folder, warning, office, note, store=store)


@app.command()
def respond(
    folder: Folder, warning: WarningId, *, office: OfficeCode, note: Note = "", store: Store = None
) -> None:
    """The service that the tier asks for is under way."""
    _act("responding", folder, warning, office, note, store=store)


@app.command()
def close(
    folder: Folder, warning: WarningId, *, office: OfficeCode, note: Note = "", store: Store = None
) -> None:
    """What the tier asks for has been done."""
    _act("closed", folder, warning, office, note, store=store)


@app.command()
def dismiss(
    folder: Folder,
    warning: WarningId,
    *,
    office: OfficeCode,
    reason: Annotated[str, typer.Option(help="why nothing is to be done")],
    store: Store = None,
) -> None:
    """Nothing is to be done, and why."""
    _act("dismissed", folder, warning, office, reason, store=store)


@app.command()
def note(
    folder: Folder,
    warning: WarningId,
    *,
    office: OfficeCode,
    note: Annotated[str, typer.Option("--note", help="nothing that points at a person")],
    store: Store = None,
) -> None:
    """Add a note."""
    _act("note", folder, warning, office, note, store=store)


def _act(
    kind: str, folder: Path, warning: str, office: str, text: str, *, store: str | None
) -> None:
    from etl.response.acts import Acts
    from etl.response.life import Kind

    settings = _load(folder, store)
    done: Kind = Kind(kind)
    life = Acts(_engine(settings), settings.config).act(
        done, warning, office=office, now=datetime.now(UTC), text=text
    )
    console.print(
        f"{life.warning_id}：{KINDS[kind]} {kind}，{_office(settings, office)}；"
        f"现为 now: {STATES[life.state]} {life.state.value}",
        highlight=False,
    )


@app.command()
def pin(
    folder: Folder,
    office: Annotated[str, typer.Argument(help="code of the office")],
    *,
    ask: Annotated[bool, typer.Option("--ask", help="type one instead of having it made")] = False,
    store: Store = None,
) -> None:
    """Give an office the PIN with which it acts on the page; the one before is void."""
    from etl.response.acts import Acts
    from etl.response.pins import new_pin, set_pin

    settings = _load(folder, store)
    engine = _engine(settings)
    who = Acts(engine, settings.config).office(office)
    chosen = new_pin()
    if ask:
        chosen = typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
    set_pin(engine, who.code, chosen, now=datetime.now(UTC))
    told = "已设置 set" if ask else chosen
    console.print(f"{escape(who.name.zh)} {who.code}：PIN {told}", highlight=False)
    if not ask:
        console.print("只显示这一次，请当面交给该单位 Shown this once; hand it to the office")


# ------------------------------------------------------------ words


def _known(option: str, given: str | None, wanted: Mapping[str, Any]) -> None:
    if given is not None and given not in wanted:
        raise InputError(f"{option} {given!r}: wanted one of {', '.join(wanted)}")


def _measure(settings: Settings, code: str) -> str:
    names = {measure.code: measure.name.zh for measure in settings.config.measures}
    return names.get(code, code)


def _office(settings: Settings, code: str | None) -> str:
    """An office by its name; by its code where it is registered no more."""
    if _missing(code):
        return "–"
    names = {office.code: office.name.zh for office in settings.config.response.offices}
    return escape(names.get(str(code), str(code)))


def _missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 (NaN and NaT are not themselves)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    """A value that JSON can hold: what is unknown is null."""
    if _missing(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return value
