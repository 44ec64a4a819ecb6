"""All scenarios of siting as a workbook: what was asked, of which data, and what came out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import quote

import flask

from dashboard import siting_scenarios as told
from dashboard.errors import page_state
from dashboard.export import MIME
from dashboard.planner import Planner
from dashboard.siting_scenarios import Listed, read_scenarios
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Catalog, load, words
from etl.spreadsheet import Sheet, sheets_bytes
from etl.store.reader import Reader
from geo.errors import XintuError

COLUMNS = (
    "name", "asked", "week", "state", "n_new", "persons", "covered", "share_before",
    "share_after", "gained", "proven", "gap", "created", "replays", "id",
)  # fmt: skip


def scenarios_workbook(rows: Sequence[Listed], catalog: Catalog, *, timezone: str) -> bytes:
    """One row a scenario, newest first; numbers are numbers, what is unknown is empty."""
    t = catalog.t
    return sheets_bytes(
        [
            Sheet(
                t("scenarios.sheet.title"),
                [t(f"scenarios.column.{name}") for name in COLUMNS],
                [_row(one, catalog, timezone) for one in rows],
            )
        ]
    )


def _row(one: Listed, catalog: Catalog, timezone: str) -> tuple[object, ...]:
    t = catalog.t
    proven = t(f"scenarios.sheet.{'yes' if one.proven else 'no'}") if one.answered else None
    return (
        one.name,
        one.asked,
        one.week,
        told.state_words(one, catalog),
        *(
            _known(value)
            for value in (
                one.n_new, one.persons, one.covered_after, one.share_before, one.share_after,
                one.gained,
            )
        ),
        proven,
        _known(one.gap),
        words.moment(catalog, one.created_at_utc, timezone),
        one.replays,
        one.scenario_id,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def catalog_asked() -> Catalog:
    """Catalog of the language that the address of a download names."""
    asked = flask.request.args.get("lang", DEFAULT_LANGUAGE)
    return load(asked if asked in LANGUAGES else DEFAULT_LANGUAGE)


def attachment(content: bytes, name: str) -> flask.Response:
    """A workbook that is saved under a name of any script."""
    told_name = f"attachment; filename*=UTF-8''{quote(name)}"
    return flask.Response(content, mimetype=MIME, headers={"Content-Disposition": told_name})


def register_workbook(server: flask.Flask, reader: Reader, planner: Planner) -> None:
    """Serve the workbook: ``/siting/scenarios.xlsx?lang=zh-CN``."""

    @server.get("/siting/scenarios.xlsx")
    def scenarios_file() -> flask.Response:
        catalog = catalog_asked()
        try:
            locality = reader.current().meta["locality"]
            rows = read_scenarios(planner, reader, catalog)
        except XintuError as error:
            return flask.Response(f"{error}\n", page_state(error).status, mimetype="text/plain")
        content = scenarios_workbook(rows, catalog, timezone=str(locality["timezone"]))
        name = catalog.t("scenarios.sheet.file", locality=catalog.pick(locality["name"]))
        return attachment(content, name)
