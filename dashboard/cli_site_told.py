"""What the command that plans sites prints: scenarios and answers, for people and machines."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from dashboard.console import console, errors, output, print_table

if TYPE_CHECKING:
    from etl.settings import Settings
    from etl.siting.answer import Answer
    from etl.siting.desk import SitingDesk
    from etl.siting.faults import QuestionError
    from etl.siting.scenario import Scenario


class Telling:
    """Prints scenarios, to a person or to a machine."""

    def __init__(self, desk: SitingDesk, settings: Settings, lang: str) -> None:
        from dashboard.text import load

        self._desk, self._settings, self._catalog = desk, settings, load(lang)
        self._timezone = settings.config.locality.timezone

    def say(self, key: str, **values: object) -> None:
        """Print a sentence of the catalog; machines are told on the other stream."""
        where = errors if output().as_json else console
        where.print(escape(self._catalog.t(key, **values)), highlight=False)

    def faults(self, error: QuestionError) -> None:
        """What is wrong with a question, a line each."""
        for fault in error.faults:
            said = fault.words.en if self._catalog.lang == "en" else fault.words.zh
            errors.print(escape(f"{fault.where}: {said}"), highlight=False)

    def all(self) -> None:
        """The list of all scenarios."""
        from dashboard.siting_lines import LISTING_HEADS, listing_rows

        found = self._desk.scenarios()
        if output().as_json:
            for row in found.astype(object).where(found.notna(), None).to_dict("records"):
                typer.echo(json.dumps(row, ensure_ascii=False, default=_iso))
        elif found.empty:
            self.say("plan.line.none")
        else:
            heads = [self._catalog.t(f"plan.listing.{name}") for name in LISTING_HEADS]
            rows = listing_rows(found, self._catalog, timezone=self._timezone)
            self._table(heads, rows)

    def one(self, scenario: Scenario, *, out: Path | None) -> Scenario:
        """A scenario with its answer, and its proposal where one is wanted."""
        from dashboard.siting_lines import state_line
        from etl.siting.scenario import CANCELLED, DONE

        answer = self._desk.result(scenario.scenario_id) if scenario.answered else None
        planned = answer if scenario.state in {DONE, CANCELLED} else None
        files: list[Path] = []
        if out is not None and planned is not None:
            files = self._propose(scenario, planned, out)
        if output().as_json:
            typer.echo(json.dumps(_record(scenario, answer, files), ensure_ascii=False))
            return scenario
        title = scenario.name or scenario.scenario_id
        self.say("plan.table.title", name=title, week=scenario.week)
        if planned is None:
            console.print(escape(state_line(scenario, self._catalog)), highlight=False)
        else:
            self._answer(scenario, planned)
        for path in files:
            self.say("plan.line.written", path=path)
        return scenario

    def _answer(self, scenario: Scenario, answer: Answer) -> None:
        from dashboard.siting_lines import SITE_HEADS, result_lines, site_rows

        rows = site_rows(answer, self._catalog)
        if rows:
            self._table([self._catalog.t(f"plan.table.{head}") for head in SITE_HEADS], rows)
        else:
            self.say("plan.line.nothing_new")
        for line in result_lines(scenario, answer, self._catalog):
            console.print(escape(line), highlight=False)

    def _propose(self, scenario: Scenario, answer: Answer, out: Path) -> list[Path]:
        from dashboard.report.proposal import write_proposal
        from etl.store.reader import Reader

        called = re.sub(r"[^\w-]+", "_", scenario.name).strip("_")
        name = f"{called}-{scenario.scenario_id}" if called else scenario.scenario_id
        reader = Reader(self._settings.store_url)
        return write_proposal(answer, reader, out, lang=self._catalog.lang, name=name)

    @staticmethod
    def _table(heads: list[str], rows: list[list[str]]) -> None:
        table = Table(*heads, box=None)
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        print_table(table)


def _record(scenario: Scenario, answer: Answer | None, files: list[Path]) -> dict[str, Any]:
    """A scenario for a machine; times in UTC."""
    from etl.siting.answer import jsonable

    told = {
        "scenario_id": scenario.scenario_id,
        "name": scenario.name,
        "state": scenario.state,
        "snapshot_id": scenario.snapshot_id,
        "week": scenario.week,
        "progress": scenario.progress,
        "message": {"zh": scenario.message_zh, "en": scenario.message_en},
        "question": scenario.question,
        "meta": scenario.meta,
        "sites": [],
        "files": [str(path) for path in files],
    }
    if answer is not None:
        sites = answer.tables["sites"]
        told["sites"] = sites.astype(object).where(sites.notna(), None).to_dict("records")
    found: dict[str, Any] = jsonable(told)
    return found


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
