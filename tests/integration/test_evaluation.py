"""A fictional city's past replayed on a real store, with a correction that came late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from dashboard.cli import app
from etl.build.weeks import week_range
from etl.demo import write_demo
from etl.evaluation.known import load_later_changes
from etl.evaluation.replay import replay
from etl.evaluation.run import evaluate_locality, publish_moment, read_past
from etl.pipeline import run, take_in
from etl.settings import Settings, load_locality
from etl.store.reader import Reader
from etl.store.writer import Writer
from geo.errors import ConfigError, FaultsError, InputError

END = "2026-W45"
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A small city after its first run."""
    folder = tmp_path_factory.mktemp("city")
    write_demo(folder, seed=2026, cells=300, weeks=64, end_week=END)
    settings = load_locality(folder)
    run(settings, now=NOW)
    return settings


def test_the_newest_week_is_replayed_as_it_was_published(city: Settings) -> None:
    weeks = week_range(END, city.config.publish.weeks)
    past, _ = read_past(city, Writer(city.store_url).engine, weeks, [city.config.warnings])
    shown = replay(past, city.config.warnings, on_step=lambda done, n: None)
    live = shown.spells[shown.spells["end"] == len(weeks) - 1]
    measure = shown.warnings.set_index("warning_id")["measure"]
    came = set(zip(live["area_code"], live["warning_id"].map(measure), strict=True))
    with closing(Reader(city.store_url)) as reader:
        published = reader.warnings(reader.current().snapshot_id)
    assert len(published) > 3
    assert came == set(zip(published["area_code"], published["measure"], strict=True))


def test_two_policies_are_held_against_the_same_rises(city: Settings, tmp_path: Path) -> None:
    report = evaluate_locality(city, since="2026-W05", policy="calm")
    default, calm = report.outcomes
    assert [default.policy, calm.policy] == ["default", "calm"]
    assert default.summary["events"] == calm.summary["events"] > 0
    assert calm.summary["warnings"] < default.summary["warnings"]
    assert calm.summary["nothing"] <= default.summary["nothing"]
    only = dict(report.differences())
    assert len(only["calm"]) <= len(only["default"])
    assert report.known_from is None, "the first files came after the newest week was due"


def test_planted_outbreaks_are_events_that_were_found(city: Settings, tmp_path: Path) -> None:
    truth = json.loads((city.folder / "planted_truth.json").read_text(encoding="utf-8"))
    planted = [one for one in truth["outbreaks"] if one["end_week"] >= "2026-W05"]
    assert planted
    rows = [
        f"{one['measure']},{one['villages'][0]['area_code']},{one['start_week']},{one['end_week']}"
        for one in planted
    ]
    path = tmp_path / "事件.csv"
    path.write_text("\n".join(["指标,区划代码,开始周,结束周", *rows]), encoding="gb18030")
    report = evaluate_locality(city, since="2026-W05", events=path)
    (outcome,) = report.outcomes
    assert report.events_file == "事件.csv"
    assert outcome.summary["events"] == len(planted)
    assert outcome.summary["found"] >= 1


def test_a_late_correction_is_not_known_before_it_came(city: Settings) -> None:
    weeks = week_range(END, 10)
    engine = Writer(city.store_url).engine

    def replayed(*, as_known: bool) -> set[tuple[str, str, int, int]]:
        past, _ = read_past(city, engine, weeks, [city.config.warnings])
        assert bool(past.changed) is corrected
        told = past if as_known else replace(past, changed={})
        found = replay(told, city.config.warnings, on_step=lambda done, n: None)
        return set(found.spells.itertuples(index=False, name=None))

    corrected = False
    before = replayed(as_known=True)
    source = next(one for one in city.config.sources if one.id == "hotline")
    path = city.data / source.path
    lines = path.read_bytes().split(b"\n")
    # Several villages of one town are told a hundred calls in a week five weeks old.
    raised = 0
    for number, line in enumerate(lines):
        if line.startswith(b"2026-W40") and raised < 3:
            lines[number] = line.rpartition(b",")[0] + b",100"
            raised += 1
    assert raised == 3
    path.write_bytes(b"\n".join(lines))
    take_in(city, Writer(city.store_url), now=NOW + timedelta(days=3))
    assert len(load_later_changes(engine)) >= 3
    corrected = True
    assert replayed(as_known=True) == before
    today = replayed(as_known=False)
    assert any(spell[0].startswith("hotline_calls") for spell in today - before)


def test_the_moment_of_publication_is_the_monday_after(city: Settings) -> None:
    assert publish_moment(END, city.config) == datetime(2026, 11, 8, 23, 0, tzinfo=UTC)


def test_the_command_writes_a_workbook_and_figures(city: Settings, tmp_path: Path) -> None:
    out = tmp_path / "对照.xlsx"
    done = RUNNER.invoke(
        app,
        ["evaluate", str(city.folder), "--from", "2026-W30", "--policy", "calm",
         "--out", str(out), "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads(done.output.splitlines()[-1])
    assert list(record["policies"]) == ["default", "calm"]
    assert record["weeks"] == ["2026-W30", END]
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == [
        "对照", "实际升高 default", "预警 default", "实际升高 calm", "预警 calm", "差别", "怎么读",
    ]  # fmt: skip
    rows = list(book["预警 default"].values)
    assert len(rows) - 1 == record["policies"]["default"]["warnings"]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"since": "2026-W99"}, ConfigError, "--from"),
        ({"since": "2026-W45", "until": "2026-W40"}, ConfigError, "--from before --to"),
        ({"policy": "nervous"}, FaultsError, "nervous"),
        ({"events": Path("none.csv")}, InputError, "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    city: Settings, asked: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        evaluate_locality(city, **asked)  # type: ignore[arg-type]
