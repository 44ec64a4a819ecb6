"""From the record of warnings to the notices of offices, and the command that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete
from typer.testing import CliRunner

from dashboard import cli, cli_notices
from etl.notices.news import News
from etl.notices.telling import tell
from etl.notices.warned import read_news
from etl.response.acts import Acts
from etl.response.follow import follow
from etl.response.life import Kind
from etl.response.places import read_places
from etl.settings import Settings, load_locality
from etl.store.engine import open_engine
from etl.store.reader import Reader
from etl.store.response_tables import response_event, response_warning
from etl.template import write_template
from tests.support import published_store
from tests.support.network import free_port
from tests.support.receivers import Hook, Mailbox, mail_server, web_server
from tests.support.responses import TOWNS, VILLAGES, config, episodes, follow_week, places

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday, nine in the morning in Shanghai
A, B = VILLAGES[:2]


def told(engine: Engine, *, now: datetime = NOW, days: float = 14) -> list[News]:
    with engine.connect() as connection:
        return read_news(connection, config(), places(), since=now - timedelta(days=days), now=now)


def test_a_new_warning_is_told_with_its_place_reason_service_and_deadline(
    file_store: Engine,
) -> None:
    follow_week(file_store, episodes(("a", 3, f"{A}|{B}")), now=NOW, week="2026-W46")
    (one,) = told(file_store)
    assert (one.warning_id, one.event, one.tier, one.week) == ("a", "new", 3, "2026-W46")
    assert one.places == (f"{TOWNS[0]}镇", f"{A}村")
    assert one.areas == (A, B)
    assert (one.reason_zh, one.reason_en) == ("a高于往常。", "a is above usual.")
    assert one.measure_zh == "热线来电"
    assert one.service_zh == "县级社会心理服务中心，派出心理服务队"
    assert one.answer_by is not None
    assert one.answer_by > NOW


def test_events_keep_their_occasion_however_often_a_week_is_published(file_store: Engine) -> None:
    rows = [episodes(("a", tier, A)) for tier in (2, 3)]
    follow_week(file_store, rows[0], now=NOW, week="2026-W46")
    for hours, row in enumerate([rows[1], rows[0], rows[1]], start=1):
        follow_week(file_store, row, now=NOW + timedelta(hours=hours), week="2026-W47")
    found = told(file_store, now=NOW + timedelta(hours=4))
    assert {(one.event, one.occasion) for one in found} == {("new", ""), ("raised", "2026-W47.3")}


def test_what_is_dismissed_is_no_news_and_what_fades_is(file_store: Engine) -> None:
    both = episodes(("a", 2, A), ("b", 2, VILLAGES[4]))
    follow_week(file_store, both, now=NOW, week="2026-W46")
    later = NOW + timedelta(hours=1)
    Acts(file_store, config()).act(
        Kind.DISMISSED, "a", office="centre", now=later, text="数据已更正"
    )
    assert [one.warning_id for one in told(file_store, now=later)] == ["b"]
    follow_week(file_store, both.iloc[:0], now=NOW + timedelta(days=7), week="2026-W47")
    found = told(file_store, now=NOW + timedelta(days=7, hours=1))
    assert ("b", "faded", "2026-W47") in [(o.warning_id, o.event, o.occasion) for o in found]


def test_a_deadline_that_passed_is_told_once_for_each_step(file_store: Engine) -> None:
    follow_week(file_store, episodes(("a", 3, A)), now=NOW, week="2026-W46")
    due = told(file_store)[0].answer_by
    assert due is not None

    def overdue(now: datetime) -> set[str]:
        return {one.occasion for one in told(file_store, now=now) if one.event == "overdue"}

    assert overdue(due) == set()
    first = overdue(due + timedelta(minutes=1))
    assert len(first) == 1
    assert overdue(due + timedelta(hours=20)) == first
    Acts(file_store, config()).act(
        Kind.ACKNOWLEDGED, "a", office="centre", now=due + timedelta(hours=1)
    )
    assert overdue(due + timedelta(hours=2)) == set()
    second = overdue(due + timedelta(days=4))
    assert len(second) == 1
    assert second != first


def test_events_before_the_look_back_are_not_read(file_store: Engine) -> None:
    follow_week(file_store, episodes(("a", 1, A)), now=NOW - timedelta(days=3), week="2026-W46")
    assert [one.event for one in told(file_store, days=2)] == []


# ---------------------------------------------------------------- whole


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with mail_server(box) as port:
        yield box, port


def locality(folder: Path, *, port: int, url: str = "http://127.0.0.1:9/key") -> Settings:
    """A locality that tells one office by mail and one by webhook, with a published week."""
    path = write_template(folder / "place")
    with path.open("a", encoding="utf-8") as file:
        file.write(
            f"""
[mail]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "xintu@example.org"

[[notices]]
id = "office"
title = {{ zh = "联席办", en = "Joint office" }}
via = "mail"
to = ["office@example.org"]
areas = ["{published_store.COUNTY}"]

[[notices]]
id = "hook"
title = {{ zh = "平台", en = "Platform" }}
via = "webhook"
url = "{url}"
tier = "red"
"""
        )
    settings = load_locality(path.parent, store_url=published_store.publish(folder / "store"))
    reader = Reader(settings.store_url)
    snapshot = reader.current()
    village = reader.areas(snapshot.snapshot_id, "village").iloc[0]
    row = episodes(("a", 3, village["area_code"])).assign(name=village["name"])
    now = datetime.now(UTC)
    engine = open_engine(settings.store_url)
    with engine.begin() as connection:  # one warning of our own, and no other
        connection.execute(delete(response_event))
        connection.execute(delete(response_warning))
    follow(
        engine, row, now=now, week=snapshot.week,
        settings=settings.config, places=read_places(reader, snapshot),
    )  # fmt: skip
    return settings


def test_a_published_warning_is_in_the_office_minutes_later_and_once(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = locality(tmp_path, port=port)
    engine = open_engine(settings.store_url)

    def work() -> str | None:
        return tell(engine, settings, clock=lambda: datetime.now(UTC), environ={})

    assert work() == "sent 1, failed 0, given up 0"
    assert work() is None
    assert "橙色1" in box.took[0]["Subject"]
    assert "柳溪镇柳岸村" in box.texts()[0]


def test_the_command_lists_sends_and_tests(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    hook = Hook()
    with web_server(hook) as address:
        settings = locality(tmp_path, port=port, url=f"{address}/a-key")
        base = ["notices", str(settings.folder), "--store", settings.store_url]
        runner = CliRunner()
        assert "没有通知" in runner.invoke(cli.app, base).output
        said = runner.invoke(cli.app, [*base, "--test", "hook"])
        assert f"{address}：200 ok" in said.output
        assert "a-key" not in said.output
        assert json.loads(hook.took[0][2])["test"] is True
        said = runner.invoke(cli.app, [*base, "--send"])
        assert said.exit_code == 0, said.output
        assert "sent 1" in said.output
        assert "已发" in said.output
    (line,) = runner.invoke(cli.app, [*base, "--json"]).output.splitlines()
    record = json.loads(line)
    assert (record["state"], record["event"], record["tier"]) == ("sent", "new", 3)
    assert len(box.took) == 1


def test_a_mail_server_that_is_away_does_not_fail_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = locality(tmp_path, port=free_port())
    cli_notices.tell_after_run(settings)
    assert "failed 1" in capsys.readouterr().out
