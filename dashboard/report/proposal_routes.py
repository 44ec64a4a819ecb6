"""The proposal of a scenario to download: ``/siting/<scenario>/proposal.<docx|pdf|xlsx|gpkg>``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote

import flask

from dashboard.errors import page_state
from dashboard.planner import Planner, refusal
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Catalog, load
from etl.store.reader import Reader
from geo.errors import InputError, NotPublishedError, RenderError, XintuError

if TYPE_CHECKING:
    from dashboard.report.proposal import Format

MIMES: dict[Format, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
}
_FORBIDDEN = '\\/:*?"<>|\r\n\t '
# One browser at a time: it needs a processor of its own.
_printing = Lock()
_log = logging.getLogger(__name__)


def register_routes(server: flask.Flask, reader: Reader, planner: Planner | None) -> None:
    """Serve the files of a proposal, in the language asked for with ``?lang=``."""
    for form in MIMES:
        server.add_url_rule(
            f"/siting/<scenario_id>/proposal.{form}",
            endpoint=f"siting_proposal_{form}",
            view_func=_view(form, reader, planner),
        )


def _view(form: Format, reader: Reader, planner: Planner | None) -> Callable[[str], flask.Response]:
    def proposal_file(scenario_id: str) -> flask.Response:
        asked = flask.request.args.get("lang", DEFAULT_LANGUAGE)
        catalog = load(asked if asked in LANGUAGES else DEFAULT_LANGUAGE)
        if planner is None:
            return _refused(catalog.t("proposal.refused.no_planner"), 404)
        # Only here: a worker that never makes one loads neither geometries nor a browser.
        from dashboard.report.proposal import proposal_bytes  # noqa: PLC0415

        try:
            scenario = planner.scenario(scenario_id)
            answer = planner.result(scenario_id)
            with _printing:
                content = proposal_bytes(answer, reader, form, lang=catalog.lang)
        except XintuError as error:
            _log.warning("the proposal of %s could not be made: %s", scenario_id, error)
            return _failed(error, catalog)
        return flask.Response(
            content,
            mimetype=MIMES[form],
            headers={
                "Content-Disposition": "attachment; filename*=UTF-8''"
                + quote(file_name(reader, scenario.snapshot_id, scenario.name, form, catalog)),
                # A scenario can be renamed and discarded; its answer never changes.
                "Cache-Control": "private, no-cache",
            },
        )

    return proposal_file


def file_name(reader: Reader, snapshot_id: str, name: str, form: Format, catalog: Catalog) -> str:
    """Name of the file, in the reader's language; what no system allows in one is replaced."""
    place = catalog.pick(reader.snapshot(snapshot_id).meta["locality"]["name"])
    said = catalog.t("proposal.file", place=place, name=name)
    return "".join("_" if letter in _FORBIDDEN else letter for letter in said)[:120] + f".{form}"


def _failed(error: XintuError, catalog: Catalog) -> flask.Response:
    if isinstance(error, RenderError):
        return _refused(catalog.t("proposal.refused.browser"), 503)
    if isinstance(error, NotPublishedError):
        return _refused(catalog.t("proposal.refused.no_answer"), 404)
    if refusal(error) == "unknown":
        return _refused(catalog.t("proposal.refused.unknown"), 404)
    if isinstance(error, InputError):
        return _refused(catalog.t("proposal.refused.nothing"), 409)
    state = page_state(error)
    return _refused(catalog.t(f"common.error.{state.key}"), state.status)


def _refused(said: str, status: int) -> flask.Response:
    return flask.Response(f"{said}\n", status, mimetype="text/plain")
