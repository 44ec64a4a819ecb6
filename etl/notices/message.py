"""What a notice says: subject, plain text, simple HTML, and the JSON of a webhook."""

from __future__ import annotations

import calendar
import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from etl.model import Text
from etl.notices.news import News
from etl.notices.settings import Subscription
from etl.policies import registry_toml
from geo.model import Tier

SCHEMA = "xintu.notices/1"
_EVENTS = ("new", "raised", "overdue", "faded")


@dataclass(frozen=True)
class Place:
    """The locality that speaks."""

    code: str
    name: Text
    timezone: str


@dataclass(frozen=True)
class Letter:
    """A notice for people, in the languages of its subscription."""

    subject: str
    text: str
    html: str


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return registry_toml("notices.toml")


def plain(text: str) -> str:
    """One line without control characters: what a name may bring into a header or a line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def letter(subscription: Subscription, news: Sequence[News], *, place: Place) -> Letter:
    """Notices in one message; worst first within each event.

    Parameters
    ----------
    news : empty for a test of the way.
    """
    bodies = [_Body(subscription, news, place, lang) for lang in subscription.languages]
    return Letter(
        subject=" / ".join(body.subject() for body in bodies),
        text="\n\n\n".join(body.text() for body in bodies) + "\n",
        html=_page([body.html() for body in bodies], lang=subscription.languages[0]),
    )


def payload(
    subscription: Subscription, news: Sequence[News], *, place: Place, batch_id: str
) -> dict[str, Any]:
    """What a webhook is sent; docs/notices.md says what each key holds."""
    return {
        "schema": SCHEMA,
        "id": batch_id,
        "test": not news,
        "label": _both(_words()["label"]),
        "locality": {"code": place.code, "name": place.name.model_dump()},
        "subscription": {"id": subscription.id, "title": subscription.title.model_dump()},
        "dashboard": subscription.dashboard,
        "notices": [_record(one) for one in _sorted(news)],
    }


def _record(news: News) -> dict[str, Any]:
    found = news.content()
    return {
        **{key: found[key] for key in ("warning_id", "event", "happened_at", "week", "level")},
        "tier": {"code": Tier(news.tier).name.lower(), "rank": news.tier,
                 "name": _both(_words()["tier"][str(news.tier)]["name"])},
        "measure": {"code": news.measure, "name": {"zh": news.measure_zh, "en": news.measure_en}},
        "area": {"code": news.area_code, "names": [plain(name) for name in news.places]},
        "reason": {"zh": plain(news.reason_zh), "en": plain(news.reason_en)},
        "service": {"zh": plain(news.service_zh), "en": plain(news.service_en)},
        "answer_by": found["answer_by"],
    }  # fmt: skip


def _both(words: dict[str, str]) -> dict[str, str]:
    return {lang: words[lang] for lang in ("zh", "en")}


def _sorted(news: Sequence[News]) -> list[News]:
    def rank(one: News) -> tuple[Any, ...]:
        return _EVENTS.index(one.event), -one.tier, one.week, one.area_code, one.warning_id

    return sorted(news, key=rank)


def _page(bodies: Sequence[str], *, lang: str) -> str:
    tag = "zh-CN" if lang == "zh" else lang
    return (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8"></head>'
        f"<body>{'<hr>'.join(bodies)}</body></html>\n"
    )


class _Body:
    """A message in one language."""

    def __init__(
        self, subscription: Subscription, news: Sequence[News], place: Place, lang: str
    ) -> None:
        self._subscription, self._place, self._lang = subscription, place, lang
        self._news = _sorted(news)

    def subject(self) -> str:
        name = plain(self._own(self._place.name))
        label = _words()["label"][self._lang]
        if not self._news:
            return self._say("test", "subject", label=label, name=name)
        return self._say(
            "line", "subject", label=label, name=name, week=self._weeks(), counts=self._counts()
        )

    def text(self) -> str:
        lines = [self.subject(), ""]
        for event, title, own in self._parts():
            lines += [title, "-" * 24] if event else [title]
            for number, one in enumerate(own, start=1):
                lines.append(f"{number}. {self._head(one)}")
                lines += [f"   {line}" for line in self._lines(one)]
            lines.append("")
        return "\n".join([*lines, *self._foot()])

    def html(self) -> str:
        found = [f"<h2>{html.escape(self.subject())}</h2>"]
        for event, title, own in self._parts():
            tag = "h3" if event else "p"
            found.append(f"<{tag}>{html.escape(title)}</{tag}>")
            items = [
                f"<li><strong>{html.escape(self._head(one))}</strong>"
                + "".join(f"<br>{html.escape(line)}" for line in self._lines(one))
                + "</li>"
                for one in own
            ]
            if items:
                found.append(f"<ol>{''.join(items)}</ol>")
        found += [f"<p>{html.escape(line)}</p>" for line in self._foot()]
        return "".join(found)

    def _parts(self) -> list[tuple[str, str, list[News]]]:
        if not self._news:
            title = plain(self._own(self._subscription.title))
            return [("", self._say("test", "body", title=title), [])]
        found = []
        for event in _EVENTS:
            own = [one for one in self._news if one.event == event]
            if own:
                found.append((event, f"{_words()['event'][event][self._lang]} ({len(own)})", own))
        return found

    def _head(self, news: News) -> str:
        tier = _words()["tier"][str(news.tier)]
        measure = plain(news.measure_zh if self._lang == "zh" else news.measure_en)
        places = [plain(name) for name in news.places]
        where = "".join(places) if self._lang == "zh" else " › ".join(places)
        return f"{tier['mark']} {tier['name'][self._lang]} · {where} · {measure}"

    def _lines(self, news: News) -> list[str]:
        zh = self._lang == "zh"
        found = [plain(news.reason_zh if zh else news.reason_en)]
        service = plain(news.service_zh if zh else news.service_en)
        if service and news.event != "faded":
            found.append(self._say("line", "service", service=service))
        if news.answer_by is not None and news.event != "faded":
            found.append(self._say("line", "answer_by", moment=self._moment(news.answer_by)))
        return [line for line in found if line]

    def _foot(self) -> list[str]:
        found = []
        if self._subscription.dashboard:
            found.append(self._say("line", "dashboard", address=self._subscription.dashboard))
        return [*found, self._say("line", "footer")]

    def _weeks(self) -> str:
        weeks = sorted({one.week for one in self._news})
        first, last = (week.partition("-W")[2].lstrip("0") for week in (weeks[0], weeks[-1]))
        if first == last:
            return self._say("line", "week", week=last)
        return self._say("line", "weeks", first=first, last=last)

    def _counts(self) -> str:
        """Tiers of what is new or raised, then what is overdue and what has faded."""
        tiers = Counter(one.tier for one in self._news if one.event in {"new", "raised"})
        gap = "" if self._lang == "zh" else " "
        found = [
            f"{_words()['tier'][str(tier)]['name'][self._lang]}{gap}{tiers[tier]}"
            for tier in sorted(tiers, reverse=True)
        ]
        for event in ("overdue", "faded"):
            n = sum(one.event == event for one in self._news)
            if n:
                found.append(self._say("count", event, n=n))
        return str(_words()["line"]["comma"][self._lang]).join(found)

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(self._place.timezone))
        return self._say(
            "line", "moment", month=local.month, day=local.day, clock=f"{local:%H:%M}",
            month_name=calendar.month_abbr[local.month],
        )  # fmt: skip

    def _own(self, text: Text) -> str:
        return text.zh if self._lang == "zh" else text.en

    def _say(self, part: str, key: str, **facts: object) -> str:
        return str(_words()[part][key][self._lang]).format(**facts)
