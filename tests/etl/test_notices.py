"""Notices: settings, times, what is queued, what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine

from etl.notices.mail import compose
from etl.notices.message import letter, payload
from etl.notices.news import News, wants
from etl.notices.queue import LOOK_BACK, notice_id, queue_news
from etl.notices.settings import Mail, Subscription
from etl.notices.timing import after_quiet, first_due, is_quiet, may_go, retry_wait
from etl.settings import load_locality
from etl.store.engine import open_engine
from etl.store.outbox import Outbox
from etl.template import write_template
from geo.errors import FaultsError
from geo.model import Tier
from tests.support.stores import sqlite_store
from tests.support.warned import NOW, PARENTS, PLACE, ZONE, by_hook, by_mail, news

MAIL = {"host": "mail.example.org", "sender": "xintu@example.org"}
SHANGHAI = ZoneInfo(ZONE)


def local(said: str, zone: str = ZONE) -> datetime:
    """A local time as UTC."""
    return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": ()}, "needs `to`"),
        ({"to": ("办公室@example.org",)}, "beyond ASCII.*Latin letters"),
        ({"to": ("Office <office@example.org>",)}, "not a mail address"),
        ({"to": ("a@example.org\r\nBcc: b@example.org",)}, "not a mail address"),
        ({"to": ("a@example.org", "a@example.org")}, "twice: a@example.org"),
        ({"url": "https://example.org/x"}, "are for webhooks"),
        ({"via": "webhook", "to": ()}, "needs `url`"),
        ({"via": "webhook", "url": "https://example.org"}, "`to` is for mail"),
        ({"via": "webhook", "to": (), "url": "ftp://example.org"}, "wanted http://host/path"),
        ({"via": "webhook", "to": (), "url": "https://u:p@example.org"}, "use secret_env"),
        ({"via": "webhook", "to": (), "url": "http://h\r\nx"}, "wanted http://host/path"),
        ({"tier": "green"}, "'blue', 'yellow', 'orange' or 'red'"),
        ({"events": ("opened",)}, "'new', 'raised', 'overdue' or 'faded'"),
        ({"languages": ()}, "at least 1 item"),
        ({"batch_minutes": 10, "daily_at": "08:00"}, "not both"),
        ({"quiet": "21:00-21:00"}, "begins when it ends"),
        ({"quiet": "21-7"}, "should match pattern"),
        ({"quiet": "21:00-07:00", "daily_at": "06:30"}, "06:30 lies within the quiet hours"),
        ({"quiet": "12:00-14:00", "daily_at": "12:00"}, "12:00 lies within the quiet hours"),
        ({"id": "Büro"}, "should match pattern"),
        ({"password": "x"}, "Extra inputs"),
    ],
)
def test_subscriptions_that_make_no_sense_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        by_mail(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sender": "心图@example.org"}, "beyond ASCII"),
        ({"username": "xintu"}, "go together"),
        ({"username": "心图", "password_env": "P"}, "username: empty, beyond ASCII"),
        ({"password_env": "XINTU_MAIL"}, "go together"),
        ({"username": "x", "password_env": "hunter2"}, "never stands in this file"),
        ({"username": "x", "password_env": "P", "tls": "none"}, "password in the clear"),
        ({"host": "mail.example.org/x"}, "should match pattern"),
        ({"port": 70000}, "less than or equal to 65535"),
    ],
)
def test_mail_settings_that_make_no_sense_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Mail.model_validate(MAIL | changes)


def test_port_goes_by_the_encryption() -> None:
    ports = {tls: Mail(**MAIL, tls=tls).server_port for tls in ("none", "starttls", "tls")}
    assert ports == {"none": 25, "starttls": 587, "tls": 465}
    assert Mail(**MAIL, port=2525).server_port == 2525


def faults_of(tmp_path: Path, text: str) -> str:
    """What a locality whose file ends so is told."""
    path = write_template(tmp_path / "new")
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(FaultsError) as raised:
        load_locality(path.parent)
    return str(raised.value)


HOOK = """
[[notices]]
id = "office"
title = { zh = "办", en = "O" }
via = "webhook"
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HOOK + 'url = "https://example.org"\nmeasures = ["petitions"]', "unknown measure"),
        (HOOK * 2, "url"),
        (HOOK.replace("webhook", "mail") + 'to = ["a@example.org"]', "no .mail. with host"),
    ],
)
def test_a_file_with_wrong_notices_says_so(tmp_path: Path, text: str, message: str) -> None:
    assert message.replace("no .mail.", "no [mail]") in faults_of(tmp_path, text)


def test_two_subscriptions_of_one_id_are_refused(tmp_path: Path) -> None:
    said = faults_of(tmp_path, (HOOK + 'url = "https://example.org"\n') * 2)
    assert "id used twice: office" in said


def test_no_secret_is_repeated_to_the_person_who_misplaced_it(tmp_path: Path) -> None:
    text = f"""
[mail]
host = "mail.example.org"
sender = "xintu@example.org"
password = "hunter2"
{HOOK}url = "ftp://example.org/hunter2"
secret_env = "hunter2"
"""
    said = faults_of(tmp_path, text)
    assert "mail.password" in said
    assert "notices.0.url" in said
    assert "hunter2" not in said


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("at", "quiet", "expected"),
    [
        ("2026-11-16T20:59:59", "21:00-07:00", "2026-11-16T20:59:59"),
        ("2026-11-16T21:00", "21:00-07:00", "2026-11-17T07:00"),
        ("2026-11-17T00:00", "21:00-07:00", "2026-11-17T07:00"),
        ("2026-11-17T06:59:59", "21:00-07:00", "2026-11-17T07:00"),
        ("2026-11-17T07:00", "21:00-07:00", "2026-11-17T07:00"),
        ("2026-11-16T12:30", "12:00-14:00", "2026-11-16T14:00"),
        ("2026-11-16T11:59", "12:00-14:00", "2026-11-16T11:59"),
        ("2026-11-16T23:30", "00:00-06:00", "2026-11-16T23:30"),
    ],
)
def test_quiet_hours_end_in_the_morning(at: str, quiet: str, expected: str) -> None:
    assert after_quiet(local(at), quiet, timezone=ZONE) == local(expected)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.sampled_from([ZONE, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_nothing_is_put_into_quiet_hours(now: datetime, start: str, end: str, zone: str) -> None:
    quiet = None if start == end else f"{start}-{end}"
    due = after_quiet(now, quiet, timezone=zone)
    assert not is_quiet(due, quiet, timezone=zone)
    assert now <= due <= now + timedelta(hours=25)
    assert after_quiet(due, quiet, timezone=zone) == due
    if quiet is not None and not is_quiet(now, quiet, timezone=zone):
        assert due == now
        assert is_quiet(now, f"{end}-{start}", timezone=zone)


def test_when_a_notice_is_due() -> None:
    def due(at: str, tier: Tier = Tier.YELLOW, **changes: Any) -> datetime:
        found = first_due(by_mail(**changes), tier, local(at), timezone=ZONE)
        return found.astimezone(SHANGHAI).replace(tzinfo=None)

    night = {"quiet": "21:00-07:00"}
    assert due("2026-11-16T09:03") == datetime(2026, 11, 16, 9, 3)  # noqa: DTZ001
    assert due("2026-11-16T09:03", batch_minutes=30) == datetime(2026, 11, 16, 9, 30)  # noqa: DTZ001
    assert due("2026-11-16T09:03", daily_at="08:00") == datetime(2026, 11, 17, 8)  # noqa: DTZ001
    assert due("2026-11-16T22:00", **night) == datetime(2026, 11, 17, 7)  # noqa: DTZ001
    # What would leave in quiet hours after its batch waits, too.
    assert due("2026-11-16T20:50", batch_minutes=30, **night) == datetime(2026, 11, 17, 7)  # noqa: DTZ001
    assert due("2026-11-16T22:00", Tier.RED, **night) == datetime(2026, 11, 16, 22)  # noqa: DTZ001
    held = due("2026-11-16T22:00", Tier.RED, red_breaks_quiet=False, **night)
    assert held == datetime(2026, 11, 17, 7)  # noqa: DTZ001


def test_only_red_goes_at_night() -> None:
    night, office = local("2026-11-16T23:00"), by_mail(quiet="21:00-07:00")
    goes = [may_go(office, tier, night, timezone=ZONE) for tier in (2, 3, 4)]
    assert goes == [False, False, True]


def test_waits_grow_to_four_hours() -> None:
    waits = [retry_wait(attempts) for attempts in range(1, 40)]
    assert waits[:4] == [timedelta(minutes=minutes) for minutes in (5, 10, 20, 40)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=4)


# ---------------------------------------------------------------- who is told


def test_a_subscription_is_told_of_what_it_asked_for() -> None:
    def told(one: News, **changes: Any) -> bool:
        return wants(by_mail(**changes), one, parents=PARENTS)

    orange = news(tier=3)
    assert told(orange)
    assert not told(news(tier=1))
    assert not told(orange, tier="red")
    assert told(orange, measures=("hotline_calls",))
    assert not told(orange, measures=("screened",))
    assert not told(news(event="faded"))
    assert told(news(event="faded"), events=("faded",))
    assert told(orange, areas=("990101100000",))
    assert told(orange, areas=("990101000000",))
    assert not told(orange, areas=("990101101000",))
    # A warning above the area is not below it; one that spans several is told where any of them is.
    assert not told(news(areas=("990101100000",)), areas=("990101100001",))
    assert told(news(areas=("990101100001", "990101101001")), areas=("990101101000",))
    assert not told(news(areas=("unknown",)), areas=("990101000000",))


def queue(file_store: Engine, *events: News, now: datetime = NOW, **changes: Any) -> int:
    return queue_news(
        file_store, [by_mail(**changes)], events, parents=PARENTS, timezone=ZONE, now=now
    )


def test_an_event_is_queued_once_for_each_address(file_store: Engine) -> None:
    both = {"to": ("a@example.org", "b@example.org")}
    assert queue(file_store, news(1), news(2), **both) == 4
    assert queue(file_store, news(1), news(2), now=NOW + timedelta(days=3), **both) == 0
    assert (
        queue(file_store, replace(news(1), tier=4, reason_zh="改了", week="2026-W47"), **both) == 0
    )
    assert queue(file_store, news(1, event="raised", occasion="2026-W47.4"), **both) == 2
    waiting = Outbox(file_store).due(NOW)
    assert {entry.state for entry in waiting} == {"waiting"}
    assert len(waiting) == 6
    kept = {entry.warning_id: News.of(entry.content) for entry in waiting if entry.event == "new"}
    assert kept == {one.warning_id: one for one in (news(1), news(2))}


def test_old_events_are_no_news(file_store: Engine) -> None:
    assert queue(file_store, news(happened_at=NOW - LOOK_BACK)) == 0
    assert queue(file_store, news(happened_at=NOW - LOOK_BACK + timedelta(seconds=1))) == 1


EVENTS = st.builds(
    lambda number, event, occasion: news(number, event=event, occasion=occasion),
    st.integers(1, 3),
    st.sampled_from(["new", "raised", "overdue"]),
    st.sampled_from(["", "2026-W46.3", "2026-W46.4"]),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(EVENTS, max_size=6), max_size=5))
def test_however_often_events_come_each_is_queued_once(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[News]]
) -> None:
    engine = open_engine(sqlite_store(tmp_path_factory.mktemp("outbox") / "xintu.db"))
    new = [queue(engine, *events) for events in rounds]
    every = {(one.warning_id, one.event, one.occasion) for events in rounds for one in events}
    assert sum(new) == len(every)
    assert len(Outbox(engine).every(limit=100)) == len(every)


def test_keys_keep_subscriptions_addresses_and_events_apart() -> None:
    parts = [("a", "x", news(1)), ("a", "y", news(1)), ("b", "x", news(1)), ("a", "x", news(2)),
             ("a", "x", news(1, event="raised")), ("a", "x", news(1, occasion="1"))]  # fmt: skip
    assert len({notice_id(*part) for part in parts}) == len(parts)


# ---------------------------------------------------------------- what is said


def test_the_subject_counts_by_tier() -> None:
    events = [news(1), news(2, tier=2), news(3, tier=2), news(4, event="overdue", tier=4)]
    office = by_mail(languages=("zh", "en"))
    zh, en = letter(office, events, place=PLACE).subject.split(" / ")
    assert zh == "【内部工作提示】云汐市 第46周：橙色1、黄色2、超时1"
    assert en == "[For internal work] Yunxi week 46: orange 1, yellow 2, overdue 1"


def test_the_text_says_where_why_who_and_until_when() -> None:
    text = letter(by_mail(dashboard="http://10.0.0.5:8050"), [news()], place=PLACE).text
    assert "1. ◆ 橙色 · 柳溪镇柳岸村 · 热线来电" in text
    assert "本周21次，往常约9次，已连续2周偏多。" in text
    assert "服务：县中心派出辅导小组" in text
    assert "请在11月19日 09:00前答复" in text
    assert "详情见平台：http://10.0.0.5:8050" in text
    assert "不含任何个人信息" in text
    assert "Hotline" not in text


def test_english_alone_and_both() -> None:
    english = letter(by_mail(languages=("en",)), [news()], place=PLACE).text
    assert "◆ orange · 柳溪镇 › 柳岸村 · Hotline calls" in english
    assert "Please answer by 19 Nov, 09:00" in english
    assert "热线来电" not in english
    both = letter(by_mail(languages=("en", "zh")), [news()], place=PLACE).text
    assert both.index("Hotline calls") < both.index("热线来电")


def test_the_gravest_comes_first_and_what_faded_asks_nothing() -> None:
    events = [news(1, tier=2, areas=()), news(2, tier=4), news(3, event="faded", tier=4)]
    text = letter(by_mail(), events, place=PLACE).text
    assert text.index("红色 ·") < text.index("黄色 ·") < text.index("已经消退 (1)")
    assert "答复" not in text[text.index("已经消退 (1)") :]


def test_weeks_over_a_batch_are_said_from_to() -> None:
    events = [news(1, week="2026-W45"), news(2, week="2026-W47")]
    assert "第45周至第47周：橙色2" in letter(by_mail(), events, place=PLACE).subject


def test_names_bring_no_header_no_line_and_no_markup() -> None:
    bad = "柳岸\r\nBcc: x@example.org\x00<b>&村"
    events = [news(places=("镇", bad), measure_zh="热线\r\n来电", reason_zh="多\n1. ■ 红色")]
    place = replace(PLACE, name=PLACE.name.model_copy(update={"zh": "云汐\r\nBcc: y@example.org"}))
    said = letter(by_mail(), events, place=place)
    message = compose(
        said, sender="xintu@example.org", to="office@example.org", batch_id="b1", now=NOW
    )
    assert message["Bcc"] is None
    assert "\n" not in said.subject
    assert "Bcc" not in {line.partition(":")[0] for line in said.text.splitlines()}
    assert "<b>" not in said.html
    assert "&lt;b&gt;&amp;村" in said.html
    assert not any(line.strip().startswith("1. ■") for line in said.text.splitlines())


@given(st.text(max_size=60))
def test_no_name_breaks_a_message(name: str) -> None:
    events = [news(places=(name,), measure_zh=name, reason_zh=name, service_zh=name)]
    message = compose(
        letter(by_mail(), events, place=PLACE), sender="xintu@example.org",
        to="office@example.org", batch_id="b1", now=NOW,
    )  # fmt: skip
    raw = message.as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    json.dumps(payload(by_mail(), events, place=PLACE, batch_id="b1"), ensure_ascii=False).encode()


def test_a_webhook_is_sent_the_documented_keys() -> None:
    hook = by_hook("https://example.org/x")
    content = payload(hook, [news()], place=PLACE, batch_id="b1")
    doc = (Path(__file__).parents[2] / "docs" / "notices.md").read_text(encoding="utf-8")
    example = json.loads(doc.split("```json\n")[1].split("```")[0])
    assert shape(content) == shape(example)
    assert content["schema"] == "xintu.notices/1" == example["schema"]
    assert content["notices"][0]["tier"] == {
        "code": "orange", "rank": 3, "name": {"zh": "橙色", "en": "orange"},
    }  # fmt: skip
    assert content["notices"][0]["answer_by"] == "2026-11-19T01:00:00+00:00"


def shape(value: object) -> object:
    """Keys of an object all the way down, an array by its first entry."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_a_test_says_that_it_is_one() -> None:
    said = letter(by_mail(), [], place=PLACE)
    assert said.subject == "【内部工作提示】云汐市：测试通知"
    assert "订阅“联席办”的测试通知" in said.text
    content = payload(by_mail(), [], place=PLACE, batch_id="b1")
    assert (content["test"], content["notices"]) == (True, [])


def test_news_come_back_from_the_outbox_as_they_went_in() -> None:
    for one in (news(), news(answer_by=None, areas=(), places=())):
        assert News.of(json.loads(json.dumps(one.content()))) == one


def test_subscriptions_are_frozen() -> None:
    office: Subscription = by_mail()
    with pytest.raises(ValidationError, match="frozen"):
        office.tier = "red"
