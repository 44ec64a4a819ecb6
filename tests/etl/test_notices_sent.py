"""Notices on the wire: real servers on this machine, processes that are killed, databases."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from etl.notices.deliver import (
    IN_ONE_MESSAGE,
    LEASE,
    Delivered,
    Office,
    deliver,
    send_test,
)
from etl.notices.errors import NotSentError
from etl.notices.news import News
from etl.notices.queue import queue_news
from etl.notices.settings import Mail, Subscription
from etl.store.lease import Lease
from etl.store.outbox import Entry, Outbox
from geo.errors import ConfigError
from tests.support.network import free_port
from tests.support.receivers import (
    Hook,
    Mailbox,
    certificate,
    mail_server,
    web_server,
)
from tests.support.warned import NOW, PARENTS, PLACE, ZONE, by_hook, by_mail, news

ROOT = Path(__file__).parents[2]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **wait: float) -> None:
        self.now += timedelta(**wait)


@pytest.fixture
def clock() -> Clock:
    """Monday, nine in the morning in Shanghai."""
    return Clock()


def office(
    *subscriptions: Subscription,
    port: int = 25,
    folder: Path = ROOT,
    environ: Mapping[str, str] | None = None,
    **mail: Any,
) -> Office:
    given = {"host": "127.0.0.1", "tls": "none", "sender": "xintu@example.org", "timeout_s": 5}
    server = Mail.model_validate({**given, "port": port, **mail})
    return Office(PLACE, folder, environ or {}, server, subscriptions)


def queue(engine: Engine, at: Office, *events: News, now: datetime = NOW) -> int:
    return queue_news(engine, at.subscriptions, events, parents=PARENTS, timezone=ZONE, now=now)


def states(engine: Engine) -> dict[str, int]:
    found = [entry.state for entry in Outbox(engine).every(limit=10_000)]
    return {state: found.count(state) for state in sorted(set(found))}


def only(engine: Engine) -> Entry:
    (entry,) = Outbox(engine).every(limit=10)
    return entry


# ---------------------------------------------------------------- mail


def test_a_batch_is_one_mail_and_goes_once(store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(languages=("zh", "en")), port=port)
        queue(store, at, news(1), news(2, tier=2))
        assert deliver(store, at, clock=clock) == Delivered(sent=2)
        for _ in range(3):
            clock.on(hours=1)
            queue(store, at, news(1), news(2, tier=2), now=clock.now)
            assert deliver(store, at, clock=clock) == Delivered()
    (message,) = box.took
    assert message["Subject"] == (
        "【内部工作提示】云汐市 第46周：橙色1、黄色1 / "
        "[For internal work] Yunxi week 46: orange 1, yellow 1"
    )
    assert message["From"] == "xintu@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.org>")
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain", "text/html",
    ]  # fmt: skip
    assert {part.get_content_charset() for part in message.iter_parts()} == {"utf-8"}
    assert "本周21次，往常约9次，已连续2周偏多。" in box.texts()[0]
    assert box.raw[0].isascii()
    assert box.greetings == ["example.org"]
    assert states(store) == {"sent": 2}


def test_each_office_gets_its_own_and_a_refused_one_takes_nothing_from_the_others(
    file_store: Engine, clock: Clock
) -> None:
    box = Mailbox(refused={"gone@example.org"})
    with mail_server(box) as port:
        at = office(by_mail(to=("a@example.org", "gone@example.org", "z@example.org")), port=port)
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(sent=2, failed=1)
    assert sorted(box.recipients) == [["a@example.org"], ["z@example.org"]]
    assert [message["To"] for message in box.took] == [to for (to,) in box.recipients]
    (waiting,) = [one for one in Outbox(file_store).every(limit=9) if one.state == "waiting"]
    assert waiting.target == "gone@example.org"
    assert waiting.last_error == "recipient gone@example.org refused: 550 no such office"


def test_starttls_with_login_and_the_localitys_own_authority(
    file_store: Engine, clock: Clock, tmp_path: Path
) -> None:
    tls = certificate(tmp_path)
    box = Mailbox(user="xintu", password="geheim 1")
    login = {"tls": "starttls", "ca_file": "own.pem", "username": "xintu", "password_env": "PW"}
    with mail_server(box, tls=tls) as port:
        at = office(by_mail(), port=port, folder=tmp_path, environ={"PW": "geheim 1"}, **login)
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)
    assert box.encrypted == [True]


@pytest.mark.parametrize(
    ("changes", "password", "message"),
    [
        ({}, "guessed", "535"),
        ({}, "geheim 心", "PW has characters beyond ASCII"),
        ({}, "", "environment variable PW is not set"),
        ({"ca_file": None}, "secret", "CERTIFICATE_VERIFY_FAILED"),
        ({"ca_file": "other.pem"}, "secret", "CERTIFICATE_VERIFY_FAILED"),
        ({"ca_file": "absent.pem"}, "secret", "ca_file absent.pem: No such file"),
        ({"host": "localhost"}, "secret", "Hostname mismatch"),
        ({"tls": "none", "username": None, "password_env": None}, "secret", "530"),
        ({"tls": "tls"}, "secret", "SSL"),
    ],
)
def test_a_server_that_cannot_be_trusted_or_does_not_trust_gets_nothing(
    file_store: Engine, tmp_path: Path, changes: dict[str, Any], password: str, message: str
) -> None:
    tls = certificate(tmp_path)
    certificate(tmp_path, name="other")
    box = Mailbox(user="xintu", password="secret")
    login = {"tls": "starttls", "ca_file": "own.pem", "username": "xintu", "password_env": "PW"}
    with mail_server(box, tls=tls) as port:
        at = office(
            by_mail(), port=port, folder=tmp_path, environ={"PW": password}, **{**login, **changes}
        )
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=Clock()) == Delivered(failed=1)
    assert box.took == []
    error = only(file_store).last_error or ""
    assert message in error
    assert "secret" not in error
    assert "guessed" not in error
    assert "心" not in error


def test_a_server_that_offers_no_encryption_gets_nothing(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(), port=port, tls="starttls")
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
    assert box.took == []
    assert "STARTTLS" in (only(file_store).last_error or "")


def test_a_server_that_is_away_is_asked_once_a_round_and_gets_all_in_one_when_it_is_back(
    file_store: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    port, box = free_port(), Mailbox()
    at = office(by_mail(to=("a@example.org", "b@example.org")), port=port)
    queue(file_store, at, news(1))
    with caplog.at_level(logging.WARNING):
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
    assert "Connection refused" in caplog.text
    clock.on(minutes=20)
    queue(file_store, at, news(2), now=clock.now)
    with mail_server(box, port=port):
        assert deliver(file_store, at, clock=clock) == Delivered(sent=4)
    assert len(box.took) == 2
    assert all("橙色2" in message["Subject"] for message in box.took)


def test_waits_grow_and_after_a_day_it_is_given_up_with_a_record(
    file_store: Engine, clock: Clock
) -> None:
    at = office(by_mail(), port=free_port())
    queue(file_store, at, news())
    tried = []
    while states(file_store) != {"given_up": 1}:
        waiting = only(file_store)
        if tried:
            clock.now = waiting.due_at - timedelta(seconds=1)
            assert deliver(file_store, at, clock=clock) == Delivered(), (
                "not before its wait is over"
            )
        clock.now = waiting.due_at
        deliver(file_store, at, clock=clock)
        assert only(file_store).attempts == waiting.attempts + 1
        tried.append(clock.now)
        assert clock.now < NOW + timedelta(days=2)
    waits = [(later - sooner).total_seconds() / 60 for sooner, later in pairwise(tried)]
    assert waits[:7] == [5, 10, 20, 40, 80, 160, 240]
    assert set(waits[6:]) == {240}
    assert timedelta(days=1) <= tried[-1] - NOW < timedelta(days=1, hours=4)
    assert "Connection refused" in (only(file_store).last_error or "")
    with mail_server(Mailbox(), port=at.mail.server_port if at.mail else 0):
        assert deliver(file_store, at, clock=clock) == Delivered()


def test_a_scheduler_that_was_off_for_days_still_tries(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(file_store, at, news())
        clock.on(days=5)
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)


def test_a_refused_message_is_put_together_anew(file_store: Engine, clock: Clock) -> None:
    box = Mailbox(answer="451 full")
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
        assert only(file_store).batch_id is None
        assert only(file_store).last_error == "message refused: 451 full"


def test_a_line_that_is_cut_before_the_answer_keeps_its_id(
    file_store: Engine, clock: Clock
) -> None:
    box = Mailbox(hang_up=True)
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(file_store, at, news(1))
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
        assert "may have arrived" in (only(file_store).last_error or "")
        box.hang_up = False
        clock.on(minutes=5)
        queue(file_store, at, news(2), now=clock.now)
        assert deliver(file_store, at, clock=clock) == Delivered(sent=2)
    ids = [message["Message-ID"] for message in box.took]
    assert ids.count(ids[0]) == 2
    assert len(set(ids)) == 2
    assert len({text for text, own in zip(box.texts(), ids, strict=True) if own == ids[0]}) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime
from etl.notices import deliver as module
from etl.notices.settings import Mail
from etl.store.engine import open_engine
from etl.store.outbox import Outbox
from tests.support.warned import NOW, PLACE, by_mail
Outbox.sent = lambda *args, **facts: os.kill(os.getpid(), signal.SIGKILL)
mail = Mail(host="127.0.0.1", port=int(sys.argv[2]), tls="none", sender="xintu@example.org")
at = module.Office(PLACE, Path("."), {}, mail, (by_mail(),))
module.deliver(open_engine(sys.argv[1]), at, clock=lambda: NOW)
"""


def test_killed_between_sending_and_marking_the_same_message_goes_again(
    store: Engine, store_url: str, clock: Clock
) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(store, at, news(1), news(2))
        done = subprocess.run(
            [sys.executable, "-c", KILLED, store_url, str(port)], cwd=ROOT, check=False
        )
        assert done.returncode == -signal.SIGKILL
        assert len(box.took) == 1
        assert states(store) == {"waiting": 2}
        assert deliver(store, at, clock=clock) == Delivered()  # not before its wait is over
        clock.on(minutes=5)
        queue(store, at, news(1), news(2), news(3), now=clock.now)
        assert deliver(store, at, clock=clock) == Delivered(sent=3)
    again = [message for message in box.took if message["Message-ID"] == box.took[0]["Message-ID"]]
    assert len(again) == 2
    assert len(box.took) == 3
    assert again[0]["Subject"] == again[1]["Subject"]


def test_two_processes_send_once(store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(to=tuple(f"o{n}@example.org" for n in range(6))), port=port)
        queue(store, at, *(news(number) for number in range(10)))
        done: list[Delivered | None] = []
        work = [
            threading.Thread(target=lambda: done.append(deliver(store, at, clock=clock)))
            for _ in range(4)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    assert sum(one.sent for one in done if one is not None) == 60
    assert sorted(to for (to,) in box.recipients) == sorted(at.subscriptions[0].to)


def test_while_another_process_sends_nothing_is_done(file_store: Engine, clock: Clock) -> None:
    at = office(by_mail())
    queue(file_store, at, news())
    with Lease(file_store, LEASE):
        assert deliver(file_store, at, clock=clock) is None
    assert only(file_store).attempts == 0


# ---------------------------------------------------------------- when


def test_quiet_hours_over_midnight_hold_all_but_red(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(quiet="21:00-07:00"), port=port)
        clock.on(hours=14)  # 23:00
        queue(file_store, at, news(1, tier=2), news(2, tier=4), now=clock.now)
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)
        assert "红色1" in box.took[0]["Subject"]
        clock.on(hours=7, minutes=59)  # 06:59
        assert deliver(file_store, at, clock=clock) == Delivered()
        clock.on(minutes=1)
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)
        assert "黄色1" in box.took[1]["Subject"]


def test_what_was_due_before_the_quiet_hours_waits_for_their_end(
    file_store: Engine, clock: Clock
) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(quiet="21:00-07:00"), port=port)
        queue(file_store, at, news(tier=2))
        clock.on(hours=15)  # the machine was off until midnight
        assert deliver(file_store, at, clock=clock) == Delivered()
        clock.on(hours=8)
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)


def test_a_retry_does_not_fall_into_quiet_hours(file_store: Engine, clock: Clock) -> None:
    at = office(by_mail(quiet="21:00-07:00"), port=free_port())
    clock.on(hours=11, minutes=58)  # 20:58
    queue(file_store, at, news(tier=2), now=clock.now)
    deliver(file_store, at, clock=clock)
    assert only(file_store).due_at == NOW + timedelta(hours=22)  # 07:00


def test_a_daily_digest_is_one_mail(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(daily_at="08:00"), port=port)
        for number in range(6):
            queue(file_store, at, news(number), now=clock.now)
            assert deliver(file_store, at, clock=clock) == Delivered()
            clock.on(hours=3)
        clock.on(hours=5)  # 08:00
        assert deliver(file_store, at, clock=clock) == Delivered(sent=6)
    assert len(box.took) == 1


def test_a_message_has_an_end(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(file_store, at, *(news(number) for number in range(IN_ONE_MESSAGE + 1)))
        assert deliver(file_store, at, clock=clock) == Delivered(sent=IN_ONE_MESSAGE + 1)
    assert len(box.took) == 2


def test_a_round_has_an_end(file_store: Engine, clock: Clock) -> None:
    at = office(by_mail())
    queue(file_store, at, news())
    assert deliver(file_store, at, clock=clock, budget_s=-1) == Delivered()
    assert only(file_store).attempts == 0


def test_who_is_taken_off_the_list_is_sent_nothing_more(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        queue(file_store, office(by_mail(to=("a@example.org", "b@example.org"))), news())
        assert deliver(
            file_store, office(by_mail(to=("b@example.org",)), port=port), clock=clock
        ) == Delivered(sent=1, given_up=1)
    assert box.recipients == [["b@example.org"]]
    (given_up,) = [one for one in Outbox(file_store).every(limit=9) if one.state == "given_up"]
    assert (given_up.target, given_up.last_error) == ("a@example.org", "no longer in [[notices]]")


def test_the_record_is_kept_and_tidied(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_mail(), port=port)
        queue(file_store, at, news(1))
        deliver(file_store, at, clock=clock)
        queue(file_store, at, news(2))
        Outbox(file_store).tidy(before=NOW)
        assert states(file_store) == {"sent": 1, "waiting": 1}
        Outbox(file_store).tidy(before=NOW + timedelta(seconds=1))
        assert states(file_store) == {"waiting": 1}


# ---------------------------------------------------------------- webhook


def test_a_webhook_is_signed_and_has_a_stable_id(store: Engine, clock: Clock) -> None:
    hook = Hook(status=503)
    with web_server(hook) as address:
        at = office(by_hook(f"{address}/in?key=1", secret_env="KEY"), environ={"KEY": "geheim"})
        queue(store, at, news(1), news(2))
        assert deliver(store, at, clock=clock) == Delivered(failed=2)
        hook.status = 202
        clock.on(minutes=5)
        assert deliver(store, at, clock=clock) == Delivered(sent=2)
    (path, first, body), (_, second, again) = hook.took
    assert path == "/in?key=1"
    assert body == again
    content = json.loads(body)
    assert len(content["notices"]) == 2
    assert first["Content-Type"] == "application/json; charset=utf-8"
    assert first["Idempotency-Key"] == second["Idempotency-Key"] == content["id"]
    assert int(second["X-Xintu-Timestamp"]) - int(first["X-Xintu-Timestamp"]) == 300
    signed = first["X-Xintu-Timestamp"].encode() + b"." + body
    right = "sha256=" + hmac.new(b"geheim", signed, hashlib.sha256).hexdigest()
    assert first["X-Xintu-Signature"] == right


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_elsewhere(file_store: Engine, clock: Clock, status: int) -> None:
    other = Hook()
    with web_server(other) as elsewhere, web_server(Hook(status, f"{elsewhere}/x")) as address:
        at = office(by_hook(address))
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
    assert other.took == []
    assert f"{status}, redirected" in (only(file_store).last_error or "")


@pytest.mark.parametrize(
    ("status", "kept"),
    [pytest.param(404, False, id="did not take it"), pytest.param(500, True, id="may have")],
)
def test_what_a_refusal_means(file_store: Engine, clock: Clock, status: int, kept: bool) -> None:
    with web_server(Hook(status)) as address:
        at = office(by_hook(f"{address}/a-key-of-the-receiver"))
        queue(file_store, at, news())
        deliver(file_store, at, clock=clock)
    entry = only(file_store)
    assert (entry.batch_id is not None) is kept
    assert str(status) in (entry.last_error or "")
    assert "a-key" not in (entry.last_error or "")


def test_a_web_server_that_is_away(file_store: Engine, clock: Clock) -> None:
    at = office(by_hook(f"http://127.0.0.1:{free_port()}/x"))
    queue(file_store, at, news())
    assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
    assert "Connection refused" in (only(file_store).last_error or "")


def test_a_web_server_that_does_not_answer_is_not_waited_for(
    file_store: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.notices.webhook.TIMEOUT_S", 0.2)
    with web_server(Hook(wait_s=1.0)) as address:
        at = office(by_hook(address))
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(failed=1)
    assert "may have arrived" in (only(file_store).last_error or "")
    assert only(file_store).batch_id is not None


def test_a_proxy_of_the_environment_is_not_used(
    file_store: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, hook = Hook(), Hook()
    with web_server(proxy) as other, web_server(hook) as address:
        monkeypatch.setenv("http_proxy", other)
        at = office(by_hook(address))
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1)
    assert (len(proxy.took), len(hook.took)) == (0, 1)


def test_a_webhook_that_fails_leaves_mail_alone(file_store: Engine, clock: Clock) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        at = office(by_hook(f"http://127.0.0.1:{free_port()}"), by_mail(), port=port)
        queue(file_store, at, news())
        assert deliver(file_store, at, clock=clock) == Delivered(sent=1, failed=1)


# ---------------------------------------------------------------- a test


def test_a_test_says_what_the_server_answered_and_leaves_no_trace(file_store: Engine) -> None:
    box, hook = Mailbox(), Hook(body="收到".encode())
    with mail_server(box) as port, web_server(hook) as address:
        at = office(by_mail(to=("a@example.org", "b@example.org")), by_hook(address), port=port)
        assert send_test(at, "office", now=NOW) == [
            ("a@example.org", "250 taken as 4711"), ("b@example.org", "250 taken as 4711"),
        ]  # fmt: skip
        assert send_test(at, "hook", now=NOW) == [(address, "200 收到")]
    assert "测试通知" in box.took[0]["Subject"]
    assert json.loads(hook.took[0][2])["test"] is True
    assert states(file_store) == {}


def test_a_test_that_fails_says_why() -> None:
    with pytest.raises(NotSentError, match="Connection refused"):
        send_test(office(by_mail(), port=free_port()), "office", now=NOW)
    with pytest.raises(ConfigError, match=r"no subscription 'x'.*there: office"):
        send_test(office(by_mail()), "x", now=NOW)
