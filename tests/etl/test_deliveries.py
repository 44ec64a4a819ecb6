"""What is handed in, on both engines: nothing twice, nothing lost, and every row has its end."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from sqlalchemy import Engine, select

from etl.build.counts import followed_counts
from etl.deliveries import waiting
from etl.findings import Doubts, IntakeError
from etl.giveback import give_back
from etl.ingest import Intake
from etl.pipeline import run, take_in
from etl.sources.successors import Successors
from etl.store import tables as t
from etl.store.accepted import load_accepted, load_counts, newest_week
from etl.store.engine import open_engine
from etl.store.lease import RUN, lease
from etl.store.log import read_log
from etl.store.packed import unpack
from etl.store.writer import Writer
from geo.errors import BusyError
from tests.support.locality import COUNTY, NE, NOW, NW, SE, SW, Folder

HEADER = "周,代码,人次\n"


@dataclass
class Office:
    """A locality with a store, to which files are handed in."""

    folder: Folder

    @property
    def engine(self) -> Engine:
        return open_engine(self.folder.store_url)

    def hand_in(self, name: str, *rows: str) -> None:
        self.folder.write(name, HEADER + "".join(f"{row}\n" for row in rows))

    def take_in(self, **options: float) -> Intake:
        intake, _ = take_in(
            self.folder.settings(), Writer(self.folder.store_url), now=NOW, **options
        )
        assert_every_row_has_its_end(self.engine)
        return intake

    def counts(self) -> dict[tuple[str, str], float]:
        frame = unpack(load_counts(self.engine, since="2026-W01", until="2026-W53"))
        keys = zip(frame["area_code"].astype(str), frame["week"].astype(str), strict=True)
        found = dict(zip(keys, frame["count"].tolist(), strict=True))
        assert len(found) == len(frame), "a figure stands twice"
        return found

    def log(self) -> pd.DataFrame:
        with self.engine.connect() as connection:
            frame = pd.read_sql_query(
                select(t.intake_delivery).order_by(t.intake_delivery.c.delivery_id), connection
            )
        return frame[frame["source_id"] == "weekly"].reset_index(drop=True)

    def fates(self) -> list[tuple[str, str, int, int, int]]:
        log = self.log()
        columns = ["name", "state", "accepted", "superseded", "quarantined"]
        return [tuple(row) for row in log[columns].itertuples(index=False)]

    def changes(self) -> list[tuple[str, str, float | None, float | None]]:
        with self.engine.connect() as connection:
            c = t.intake_change.c
            query = select(c.code, c.week, c.before, c.after).order_by(c.change_id)
            return [tuple(row) for row in connection.execute(query)]

    def returns(self) -> list[Path]:
        return give_back(self.folder.settings(), self.engine)

    def rules(self, source_id: str = "weekly") -> list[str]:
        findings = load_accepted(self.engine).findings
        return findings.loc[findings["source_id"] == source_id, "rule"].tolist()


def assert_every_row_has_its_end(engine: Engine) -> None:
    with engine.connect() as connection:
        log = pd.read_sql_query(select(t.intake_delivery), connection)
        waiting_rows = pd.read_sql_query(select(t.intake_quarantine), connection)
    ends = log[["accepted", "superseded", "quarantined", "set_aside"]].sum(axis=1)
    assert ends.tolist() == log["rows_read"].tolist()
    held = waiting_rows.groupby("delivery_id").size()
    expected = log.set_index("delivery_id")["quarantined"]
    assert held.to_dict() == expected[expected > 0].to_dict()


@pytest.fixture
def office(store_url: str, tmp_path: Path) -> Office:
    folder = Folder.with_areas(tmp_path)
    folder.weekly("weekly*.csv")
    folder.store_url = store_url
    return Office(folder)


def kept_files(office: Office) -> list[str]:
    root = office.folder.settings().raw_folder
    return sorted(path.name for path in root.rglob("*") if path.is_file())


# ------------------------------------------------------------------ the same, corrected, added


def test_the_same_file_twice_changes_nothing(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},x")
    assert len(office.take_in().results) == 3
    before = (str(office.counts()), office.fates())
    assert office.take_in().results == (), "nothing is read again"
    os.utime(office.folder.path / "weekly.csv")
    assert office.take_in().results == ()
    assert (str(office.counts()), office.fates()) == before
    assert office.fates() == [("weekly.csv", "current", 1, 0, 1)]
    assert office.changes() == []


def test_the_same_content_under_another_name_or_in_the_drop_folder_changes_nothing(
    office: Office,
) -> None:
    rows = (f"2026-W40,{SW},3", f"2026-W40,{NW},4")
    office.hand_in("weekly.csv", *rows)
    office.take_in()
    office.hand_in("weekly_again.csv", *rows)
    office.hand_in("收件箱/weekly.csv", *rows)
    assert office.take_in().results == ()
    assert len(office.log()) == 1


def test_a_corrected_file_supersedes_with_history_and_difference(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},4", f"2026-W40,{NE},5")
    office.take_in()
    office.hand_in("weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},40", f"2026-W40,{SE},6")
    office.take_in()
    assert office.counts() == {
        (SW, "2026-W40"): 3, (NW, "2026-W40"): 40, (SE, "2026-W40"): 6,
    }  # fmt: skip
    assert office.fates() == [
        ("weekly.csv", "replaced", 0, 3, 0), ("weekly.csv", "current", 3, 0, 0),
    ]  # fmt: skip
    assert sorted(office.changes()) == sorted(
        [(NW, "2026-W40", 4, 40), (SE, "2026-W40", None, 6), (NE, "2026-W40", 5, None)]
    )
    assert kept_files(office).count("weekly.csv") == 2, "both are kept as they came"


def test_a_file_taken_back_to_what_it_was_counts_again(office: Office) -> None:
    for count in (3, 4, 3):
        office.hand_in("weekly.csv", f"2026-W40,{SW},{count}")
        office.take_in()
        assert office.counts() == {(SW, "2026-W40"): count}
    assert [fate[1] for fate in office.fates()] == ["replaced", "replaced", "current"]
    assert [change[2:] for change in office.changes()] == [(3, 4), (4, 3)]


def test_a_file_of_another_name_adds_and_overrides_by_key(office: Office) -> None:
    office.hand_in("weekly_40.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},4", f"2026-W40,{SE},-1")
    office.take_in()
    office.hand_in("weekly_41.csv", f"2026-W41,{SW},5", f"2026-W40,{NW},9", f"2026-W41,{NE},")
    office.take_in()
    counts = office.counts()
    assert np.isnan(counts.pop((NE, "2026-W41")))
    assert np.isnan(counts.pop((SE, "2026-W40"))), "a refused figure is no data"
    assert counts == {(SW, "2026-W40"): 3, (SW, "2026-W41"): 5, (NW, "2026-W40"): 9}
    assert office.fates() == [
        ("weekly_40.csv", "current", 1, 1, 1), ("weekly_41.csv", "current", 3, 0, 0),
    ]  # fmt: skip
    assert office.changes() == [(NW, "2026-W40", 4, 9)] or (NW, "2026-W40", 4, 9) in (
        office.changes()
    )
    assert "superseded" in office.rules()


def test_neither_filled_zeros_nor_gaps_take_a_figure_away(office: Office) -> None:
    office.folder.sources[-1]["absent"] = "zero"
    office.hand_in("weekly_a.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},4")
    office.hand_in("weekly_b.csv", f"2026-W40,{SW},", f"2026-W40,{SE},7")
    office.take_in()
    assert office.counts() == {
        (SW, "2026-W40"): 3, (NW, "2026-W40"): 4, (SE, "2026-W40"): 7, (NE, "2026-W40"): 0,
    }  # fmt: skip


def test_a_file_that_is_gone_from_the_folder_still_counts(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    (office.folder.path / "weekly.csv").unlink()
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert office.rules() == ["missing_file"]
    sources = load_accepted(office.engine).sources.set_index("source_id")
    assert sources.loc["weekly", "failed"]
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    assert office.rules() == []
    assert len(office.log()) == 1


def test_newest_week_and_no_data(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},4", f"2026-W41,{SW},")
    office.take_in()
    assert newest_week(office.engine, until="2026-W53") == "2026-W40", "no data is not a figure"
    assert np.isnan(office.counts()[SW, "2026-W41"])


# ------------------------------------------------------------------ files that fail


def test_a_damaged_file_leaves_what_was_handed_in_before(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    office.folder.write("weekly.csv", b"\x00\x01\x02")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert [fate[1] for fate in office.fates()] == ["current", "failed"]
    assert "not_a_table" in office.rules()
    assert office.take_in().results == (), "a known failure is not tried again for nothing"
    office.hand_in("weekly.csv", f"2026-W40,{SW},5")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 5}
    assert [fate[1] for fate in office.fates()] == ["replaced", "failed", "current"]


def test_a_refused_file_is_kept_nowhere(office: Office) -> None:
    office.folder.write("weekly.csv", f"周,代码,人次,姓名\n2026-W40,{SW},1,\n".encode())
    office.take_in()
    assert office.counts() == {}
    assert "weekly.csv" not in kept_files(office)
    assert office.rules() == ["personal_data"]


def test_a_mapping_mended_later_lets_the_waiting_file_in(office: Office) -> None:
    office.folder.write("weekly.csv", f"周,代码,次数\n2026-W40,{SW},3\n")
    office.take_in()
    assert office.counts() == {}
    office.folder.sources[-1]["columns"] = {"week": "周", "area": "代码", "count": "次数"}
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert office.fates() == [("weekly.csv", "current", 1, 0, 0)]


# ------------------------------------------------------------------ the drop folder


def test_dropped_files_find_their_source_by_name_and_by_header(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.hand_in("收件箱/weekly_41.csv", f"2026-W41,{SW},4")
    office.hand_in("收件箱/十月.csv", f"2026-W42,{SW},5")
    office.folder.write("收件箱/别的.csv", "甲,乙\n1,2\n")
    office.folder.write("收件箱/~$十月.csv", "x")
    office.take_in()
    assert office.counts() == {
        (SW, "2026-W40"): 3, (SW, "2026-W41"): 4, (SW, "2026-W42"): 5,
    }  # fmt: skip
    assert [fate[0] for fate in office.fates()] == [
        "weekly.csv", "weekly_41.csv", "收件箱/十月.csv",
    ]  # fmt: skip
    assert office.rules("") == ["nobodys_file"]
    assert not waiting(office.folder.settings(), read_log(office.engine))
    (office.folder.path / "收件箱" / "别的.csv").unlink()
    office.take_in()
    assert office.rules("") == []


def test_a_dropped_file_of_a_configured_name_replaces_it(office: Office) -> None:
    office.folder.sources[-1]["path"] = "周报/weekly.csv"
    office.hand_in("周报/weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},4")
    office.take_in()
    office.hand_in("收件箱/weekly.csv", f"2026-W40,{SW},30")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 30}
    assert [fate[:2] for fate in office.fates()] == [
        ("周报/weekly.csv", "replaced"), ("周报/weekly.csv", "current"),
    ]  # fmt: skip
    assert office.take_in().results == (), "the old one in its old place is not news"


def test_a_file_that_still_grows_is_left_alone(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    office.hand_in("收件箱/weekly_41.csv", f"2026-W41,{SW},4")
    settings, log = office.folder.settings(), read_log(office.engine)
    office.take_in(settle_s=60.0)
    assert not waiting(settings, log)
    assert (SW, "2026-W41") not in office.counts()
    earlier = time.time() - timedelta(minutes=5).total_seconds()
    os.utime(office.folder.path / "收件箱" / "weekly_41.csv", (earlier, earlier))
    assert waiting(settings, log)
    office.take_in(settle_s=60.0)
    assert office.counts()[SW, "2026-W41"] == 4


# ------------------------------------------------------------------ withdrawn, dropped, rebuilt


def test_a_withdrawn_delivery_no_longer_counts(office: Office) -> None:
    office.hand_in("weekly_a.csv", f"2026-W40,{SW},3")
    office.hand_in("weekly_b.csv", f"2026-W40,{SW},9", f"2026-W41,{SW},1")
    office.take_in()
    assert office.counts()[SW, "2026-W40"] == 9
    (wrong,) = office.log().loc[office.log()["name"] == "weekly_b.csv", "delivery_id"]
    assert Writer(office.folder.store_url).withdraw(int(wrong)) == "weekly"
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert [fate[1] for fate in office.fates()] == ["current", "withdrawn"]
    assert Writer(office.folder.store_url).withdraw(int(wrong)) is None


def test_withdrawing_a_correction_brings_back_what_it_replaced(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    office.hand_in("weekly.csv", f"2026-W40,{SW},30")
    office.take_in()
    assert Writer(office.folder.store_url).withdraw(int(office.log()["delivery_id"].iloc[-1]))
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert [fate[1] for fate in office.fates()] == ["current", "withdrawn"]
    assert office.take_in().results == ()


def test_a_stranger_about_persons_is_told_as_such(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.folder.write("收件箱/台账.csv", "姓名,事由\n略,略\n")
    office.take_in()
    assert office.rules("") == ["personal_data"]


def test_sources_that_the_configuration_dropped_are_forgotten(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    office.folder.sources.pop()
    office.take_in()
    assert office.counts() == {}
    assert "weekly" not in load_accepted(office.engine).sources["source_id"].tolist()
    assert office.log()["state"].tolist() == ["forgotten"], "the log remembers"
    office.folder.weekly("weekly*.csv")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}, "and finds it again"
    assert office.fates() == [("weekly.csv", "current", 1, 0, 0)]


def test_areas_come_back_as_they_went_in(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    first = office.take_in()
    office.hand_in("weekly.csv", f"2026-W40,{SW},4")
    second = office.take_in()
    assert {result.source_id for result in second.results} == {"weekly"}
    plain = [pd.DataFrame(i.areas.drop(columns="geometry")) for i in (first, second)]
    pd.testing.assert_frame_equal(*plain)
    assert first.areas.geometry.geom_equals_exact(second.areas.geometry, 0).all()
    assert COUNTY in first.areas["area_code"].tolist()


@pytest.mark.parametrize("seed", range(6))
def test_step_by_step_is_the_same_as_all_at_once(
    tmp_path: Path, seed: int, make_office: Callable[[Path], Office]
) -> None:
    rng = np.random.default_rng(seed)
    step = make_office(tmp_path / "step")
    for _ in range(8):
        name = f"weekly_{rng.integers(3)}.csv"
        rows = [
            f"2026-W{rng.integers(40, 43)},{rng.choice([SW, NW, SE, 'x'])},"
            f"{rng.choice(['1', '2', '', '-1'])}"
            for _ in range(rng.integers(1, 6))
        ]
        step.hand_in(name, *rows)
        step.take_in()
    # The same files in the order in which they came, into an empty store.
    again = make_office(tmp_path / "again")
    log = step.log()
    for name in log.loc[log["state"] == "current", "name"]:
        again.folder.write(name, (step.folder.path / name).read_bytes())
        again.take_in()
    assert str(step.counts()) == str(again.counts())
    in_force = [fate for fate in step.fates() if fate[1] == "current"]
    assert in_force == again.fates()


@pytest.fixture
def make_office() -> Callable[[Path], Office]:
    def make(path: Path) -> Office:
        path.mkdir()
        folder = Folder.with_areas(path)
        folder.weekly("weekly*.csv")
        folder.store_url = f"sqlite:///{path / '.xintu' / 'xintu.db'}"
        return Office(folder)

    return make


# ------------------------------------------------------------------ workbooks that go back


def test_a_mended_workbook_releases_the_rows_that_waited(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{NW},-4", f"2026-W40,{NE},x")
    office.take_in()
    assert office.fates() == [("weekly.csv", "current", 1, 0, 2)]
    (path,) = office.returns()
    book = openpyxl.load_workbook(path)
    sheet = book[book.sheetnames[1]]
    header = next(row for row in sheet.iter_rows() if "人次" in [cell.value for cell in row])
    count = next(cell.column for cell in header if cell.value == "人次")
    for row in sheet.iter_rows(min_row=header[0].row + 1):
        if str(row[count - 1].value) == "-4":
            row[count - 1].value = 4
    drop = office.folder.path / "收件箱"
    drop.mkdir()
    book.save(drop / path.name)
    office.take_in()
    counts = office.counts()
    assert counts[SW, "2026-W40"] == 3
    assert counts[NW, "2026-W40"] == 4
    assert np.isnan(counts[NE, "2026-W40"])
    first, mended = office.fates()
    assert first[1:] in {("current", 1, 1, 1), ("current", 0, 2, 1)}
    assert mended[1] == "current"
    (delivery,) = office.log()["returned_for"].dropna()
    assert delivery == office.log()["delivery_id"].iloc[0]


def test_two_runs_at_once_wait_or_say_so(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    writer = Writer(office.folder.store_url)
    with lease(writer.engine, RUN), pytest.raises(BusyError):
        run(office.folder.settings(), now=NOW, wait=False)


# ------------------------------------------------------------------ what depends on other files


def test_merged_villages_carry_their_past_on(office: Office) -> None:
    old = "990101001003"
    office.folder.source(
        "changes", "changes", "changes.csv", level="village",
        columns={"old": "旧", "new": "新", "since": "日期"},
    )  # fmt: skip
    office.folder.write("changes.csv", f"旧,新,日期\n{old},{SW},2026-10-05\n")
    office.hand_in("weekly.csv", f"2026-W40,{SW},3", f"2026-W40,{old},4", f"2026-W41,{SW},9")
    office.take_in()
    assert office.fates() == [("weekly.csv", "current", 3, 0, 0)]
    accepted = load_accepted(office.engine)
    assert accepted.changes[["old_code", "new_code", "weight"]].values.tolist() == [[old, SW, 1]]
    stored = load_counts(office.engine, since="2026-W01", until="2026-W53")
    doubts = Doubts("changes", "")
    rows = unpack(followed_counts(stored, Successors(accepted.changes), doubts))
    rows = rows.astype({"area_code": str, "week": str})
    found = {(r.area_code, r.week): r.count for r in rows.itertuples(index=False)}
    assert found == {(SW, "2026-W40"): 7, (SW, "2026-W41"): 9}


def test_rooms_that_report_for_themselves(office: Office) -> None:
    office.folder.source(
        "rooms", "facilities", "rooms.csv", kind="counselling_room",
        columns={"name": "名称", "site_id": "编号", "lon": "经度", "lat": "纬度",
                 "closed_on": "停用"},
    )  # fmt: skip
    lon, lat = 113.85, 31.35
    office.folder.write(
        "rooms.csv", f"名称,编号,经度,纬度,停用\n柳溪室,R1,{lon},{lat},2026-09-01\n"
    )
    office.folder.sources[2]["columns"] = {"week": "周", "site": "编号", "count": "人次"}
    office.folder.write("weekly.csv", "周,编号,人次\n2026-W40,R1,12\n2026-W40,R9,3\n")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 12}
    assert office.fates() == [("weekly.csv", "current", 1, 0, 1)]
    assert "closed_but_reporting" in office.rules()
    office.folder.write("weekly.csv", "周,编号,人次\n2026-W40,R1,13\n")
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 13}, "the stored rooms will do"


def test_a_database_is_asked_like_a_file_is_read(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "department.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE w (week TEXT, area TEXT, n INTEGER)")
        connection.execute("INSERT INTO w VALUES ('2026-W40', ?, 3)", [SW])
        connection.commit()
    source = office.folder.sources[-1]
    del source["path"]
    query = 'SELECT week AS "周", area AS "代码", n AS "人次" FROM w'
    source |= {"url": f"sqlite:///{path}", "query": query}
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert office.take_in().results == (), "the same answer is the same file"
    assert not office.folder.settings().incoming.exists()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE w SET n = 4")
        connection.commit()
    office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 4}
    assert [fate[1] for fate in office.fates()] == ["replaced", "current"]


def test_rooms_come_as_points_of_a_map_file(office: Office) -> None:
    point = {"type": "Point", "coordinates": [113.85, 31.35]}
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"名称": "柳溪室"}, "geometry": point}],
    }
    office.folder.write("rooms.geojson", json.dumps(collection, ensure_ascii=False))
    office.folder.source(
        "rooms", "facilities", "rooms.geojson", kind="counselling_room", columns={"name": "名称"}
    )
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    (site,) = load_accepted(office.engine).sites.to_dict("records")
    assert (site["name"], site["village_code"], site["lon"]) == ("柳溪室", SW, 113.85)


def test_without_boundaries_nothing_changes_and_the_reason_is_kept(office: Office) -> None:
    office.hand_in("weekly.csv", f"2026-W40,{SW},3")
    office.take_in()
    raw = office.folder.settings().raw_folder
    (kept,) = raw.rglob("villages.geojson")
    kept.write_text("{", encoding="utf-8")  # the kept copy is damaged, too
    office.folder.write("villages.geojson", "{")
    office.hand_in("weekly.csv", f"2026-W40,{SW},9")
    with pytest.raises(IntakeError, match="nothing can be placed without them"):
        office.take_in()
    assert office.counts() == {(SW, "2026-W40"): 3}
    assert "unreadable_vector" in office.rules("villages")
