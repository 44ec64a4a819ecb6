"""The commands that plan sites: ask and be answered; keep the planner's process running."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboard.cli_site_told import Telling
from dashboard.console import Output, output, talk
from geo.errors import AbsentError, ConfigError, InputError

if TYPE_CHECKING:
    from etl.progress import Progress
    from etl.settings import Settings
    from etl.siting.desk import SitingDesk
    from etl.siting.scenario import Scenario

app = typer.Typer()
logger = logging.getLogger(__name__)

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
LOOK_EVERY_S = 0.2
END_WITHIN_S = 10.0
UNANSWERED = 1  # nothing meets what is asked, or it was cancelled
FAILED_CODE = 2


@app.command()
def site(
    folder: Folder,
    *,
    store: Store = None,
    kind: Annotated[str, typer.Option(help="kind of the new sites")] = "counselling_room",
    p: Annotated[
        int | None, typer.Option(help="new sites; below 0 so many fewer than today (--closable)")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="foot or car; as the locality says for the kind if unset")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="covered within [min]; as the locality says if unset")
    ] = None,
    group: Annotated[str, typer.Option(help="whom they serve")] = "total",
    objective: Annotated[
        str, typer.Option(help="max_coverage, set_cover, backup_coverage, p_median or p_center")
    ] = "max_coverage",
    source: Annotated[
        list[str] | None,
        typer.Option(help="candidates: venue, school, primary_care, suitable; again for more"),
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(help="a further candidate: lon,lat or lon,lat,name")
    ] = None,
    town: Annotated[list[str] | None, typer.Option(help="build only in these (code)")] = None,
    locked: Annotated[list[str] | None, typer.Option(help="candidate that is built")] = None,
    forbidden: Annotated[list[str] | None, typer.Option(help="candidate that is not")] = None,
    closable: Annotated[
        list[str] | None, typer.Option(help="site in service that may be closed")
    ] = None,
    max_closures: Annotated[int | None, typer.Option(help="close at most so many")] = None,
    budget: Annotated[float | None, typer.Option(help="limit of all costs")] = None,
    cost_new: Annotated[float | None, typer.Option(help="cost of one new site")] = None,
    capacity_new: Annotated[
        float | None, typer.Option(help="persons that one new site serves")
    ] = None,
    min_separation: Annotated[
        float | None, typer.Option(help="least distance of two sites [m]")
    ] = None,
    one_per_town: Annotated[bool, typer.Option("--one-per-town")] = False,
    min_town_share: Annotated[
        float | None, typer.Option(help="least covered share of every town, 0..1")
    ] = None,
    worst_first: Annotated[
        bool, typer.Option("--worst-first", help="the worst-off town first")
    ] = False,
    weigh_by: Annotated[str, typer.Option(help="residents or need")] = "residents",
    time_limit: Annotated[float, typer.Option(help="of the search [s]")] = 60.0,
    seed: Annotated[int, typer.Option(help="of the search's random choices")] = 1,
    question: Annotated[
        Path | None, typer.Option(help="the whole question as JSON, instead of all of these")
    ] = None,
    name: Annotated[str, typer.Option(help="what the scenario is called")] = "",
    out: Annotated[
        Path | None, typer.Option(help="write the proposal (xlsx, gpkg, docx, pdf) in here")
    ] = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en")] = "zh-CN",
    listing: Annotated[bool, typer.Option("--list", help="list scenarios, and end")] = False,
    show: Annotated[str | None, typer.Option(help="print this scenario, and end")] = None,
    replay: Annotated[
        str | None, typer.Option(help="ask the same as this scenario of the newest week")
    ] = None,
    discard: Annotated[str | None, typer.Option(help="throw this scenario away, and end")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="progress and answer as JSON")] = False,
) -> None:
    """Choose where new sites should be: what each adds, how sure that is, who stays uncovered."""
    from dashboard.text import LANGUAGES
    from etl.settings import load_locality
    from etl.siting.faults import QuestionError

    if lang not in LANGUAGES:
        raise ConfigError(f"--lang {lang}: wanted {' or '.join(LANGUAGES)}")
    talk(Output(as_json=as_json or output().as_json))
    settings = load_locality(folder, store_url=store)
    desk = _desk(settings)
    told = Telling(desk, settings, lang)
    if listing:
        told.all()
        return
    if discard is not None:
        desk.discard(discard)
        told.say("plan.line.discarded", id=discard)
        return
    if show is not None:
        _end(told.one(desk.scenario(show), out=out))
        return
    now = datetime.now(UTC)
    if replay is not None:
        scenario_id = desk.replay(replay, now=now)
    else:
        asked = (
            _read(question)
            if question is not None
            else _asked(
                settings,
                {
                    "kind": kind, "mode": mode, "threshold_min": threshold, "group": group,
                    "p_new": p, "sources": source, "cost_new": cost_new,
                    "capacity_new": capacity_new, "towns": town,
                },
                {
                    "objective": objective, "budget": budget, "locked": locked,
                    "forbidden": forbidden, "closable": closable, "max_closures": max_closures,
                    "min_separation_m": min_separation, "one_per_town": one_per_town,
                    "min_town_share": min_town_share, "worst_first": worst_first,
                    "weigh_by": weigh_by, "time_limit_s": time_limit, "seed": seed,
                },
                point or [],
            )
        )  # fmt: skip
        try:
            scenario_id = desk.ask(asked, name=name, now=now)
        except QuestionError as exc:
            told.faults(exc)
            raise typer.Exit(FAILED_CODE) from exc
    _end(told.one(_answered(desk, settings, scenario_id), out=out))


@app.command()
def plan(
    folder: Folder,
    *,
    store: Store = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Stay and answer what planners ask on the page; `xintu serve` starts one by itself."""
    from dashboard.compiled import keep_compiled
    from etl.progress import StopFlag
    from etl.schedule import stopping_on_signals
    from etl.settings import load_locality

    settings = load_locality(folder, store_url=store)
    engine = _store(settings)
    keep_compiled(folder)
    from etl.siting.worker import Worker

    stop = StopFlag()
    with stopping_on_signals(stop) as came:
        Worker(
            engine,
            settings,
            stop=stop,
            parent=parent,
            on_standby=lambda holder: logger.info("standing by; at work is %s", holder),
        ).serve()
    _leave(130 if signal.SIGINT in came else 0)


def _store(settings: Settings) -> Any:
    """The store, open for writing; one that is not there is not made."""
    from etl.store import migrate
    from etl.store.engine import open_engine

    migrate.check(open_engine(settings.store_url, read_only=True))
    return open_engine(settings.store_url)


def _desk(settings: Settings) -> SitingDesk:
    from etl.siting.desk import SitingDesk
    from etl.store.reader import Reader

    reader = Reader(settings.store_url)
    reader.current()
    return SitingDesk(_store(settings), settings, reader)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise InputError(f"{path}: not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise InputError(f"{path}: wanted a JSON object, a question of sites")
    return found


def _asked(
    settings: Settings, part: dict[str, Any], whole: dict[str, Any], points: list[str]
) -> dict[str, Any]:
    """The question that the options ask; what was not said is left to the question's defaults."""
    usual = next((kind for kind in settings.config.kinds if kind.code == part["kind"]), None)
    if usual is not None:
        part["mode"] = part["mode"] or usual.mode
        if part["threshold_min"] is None:
            part["threshold_min"] = usual.threshold_min
    extra = [_point(number, text) for number, text in enumerate(points, 1)]
    if extra:
        part["sources"] = [*(part["sources"] or ["venue"]), "extra"]
    whole = whole | {"parts": [{k: v for k, v in part.items() if v is not None}], "extra": extra}
    return {key: value for key, value in whole.items() if value is not None}


def _point(number: int, text: str) -> dict[str, Any]:
    lon, _, rest = text.partition(",")
    lat, _, name = rest.partition(",")
    try:
        return {"id": f"{number}", "name": name.strip() or f"点{number}",
                "lon": float(lon), "lat": float(lat)}  # fmt: skip
    except ValueError as exc:
        raise ConfigError(f"--point {text}: wanted lon,lat or lon,lat,name in degrees") from exc


def _answered(desk: SitingDesk, settings: Settings, scenario_id: str) -> Scenario:
    """Wait for the end of a scenario; whoever is at work answers it, this process if nobody is."""
    with output().progress() as progress, _at_work(settings) as alive:
        try:
            while (scenario := desk.scenario(scenario_id)).live:
                _show(progress, scenario)
                _see_somebody(desk, scenario, here=alive())
                time.sleep(LOOK_EVERY_S)
        except BaseException:
            desk.cancel(scenario_id, datetime.now(UTC))
            raise
    return scenario


def _see_somebody(desk: SitingDesk, scenario: Scenario, *, here: bool) -> None:
    if not here and not desk.working():
        raise AbsentError(f"scenario {scenario.scenario_id}: nobody is at work; the log says why")


def _show(progress: Progress, scenario: Scenario) -> None:
    step = scenario.step or ("queue" if scenario.position else "ground")
    progress.step(step, round(100 * scenario.progress), 100)


@contextmanager
def _at_work(settings: Settings) -> Iterator[Any]:
    """A worker in a thread, which stands by while a process is at work already."""
    from dashboard.compiled import keep_compiled
    from etl.progress import StopFlag

    keep_compiled(settings.folder)
    from etl.siting.worker import Worker

    logging.getLogger("etl.siting").setLevel(logging.WARNING)
    stop = StopFlag()
    worker = Worker(_store(settings), settings, stop=stop)
    thread = threading.Thread(target=worker.serve, name="siting worker", daemon=True)
    thread.start()
    try:
        yield thread.is_alive
    finally:
        stop.set()
        thread.join(END_WITHIN_S)


def _leave(code: int) -> None:
    """End; a solver that is still in its own code would not let the interpreter end in peace."""
    if any(thread.name.startswith("siting") for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if code:
        raise typer.Exit(code)


def _end(scenario: Scenario) -> None:
    """End with the code of a scenario's state."""
    from etl.siting.scenario import CANCELLED, FAILED, INFEASIBLE

    codes = {CANCELLED: UNANSWERED, INFEASIBLE: UNANSWERED, FAILED: FAILED_CODE}
    _leave(codes.get(scenario.state, 0))
