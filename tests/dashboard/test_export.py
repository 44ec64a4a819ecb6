"""The workbook of the resource map holds what is published, and says what is not."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from flask.testing import FlaskClient

from dashboard.export import MIME, resource_workbook
from dashboard.text import LANGUAGES, load
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import GapClass, Missing
from tests.support.dashboard_pages import NOW

pytest_plugins = ("tests.support.dashboard_fixtures",)


def opened(reader: Reader, snapshot: Snapshot, lang: str = "zh-CN") -> Any:
    content = resource_workbook(reader, snapshot, week=snapshot.week, catalog=load(lang))
    return openpyxl.load_workbook(io.BytesIO(content))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_figure_of_every_level_stands_in_its_cell(
    published_reader: Reader, snapshot: Snapshot, lang: str
) -> None:
    catalog, book = load(lang), opened(published_reader, snapshot, lang)
    said = {
        state: catalog.t(f"common.state.{state.name.lower()}", k=snapshot.meta["k"])
        for state in (Missing.NO_DATA, Missing.SUPPRESSED, Missing.NOT_APPLICABLE)
    }
    seen = set()
    for entry in snapshot.meta["levels"]:
        level = entry["level"]
        page = book[catalog.t(f"map.level.{level}")]
        layers = [layer for layer in snapshot.meta["layers"] if level in layer["levels"]]
        rows = list(page.iter_rows(min_row=2, values_only=True))
        areas = published_reader.areas(snapshot.snapshot_id, level)
        assert [row[0] for row in rows] == areas["area_code"].tolist()
        assert page.max_column == 4 + len(layers)
        for column, layer in enumerate(layers, start=4):
            week = snapshot.week if layer["weekly"] else ""
            found = published_reader.layer(snapshot.snapshot_id, level, layer["code"], week)
            for row, value, state in zip(rows, found.values, found.states, strict=True):
                seen.add(Missing(int(state)))
                if state in said:
                    assert row[column] == said[Missing(int(state))]
                elif layer["palette"] == "gap" and not layer["breaks"]:
                    name = GapClass(int(value)).name.lower()
                    assert row[column] == catalog.t(f"common.gap.{name}")
                elif layer["palette"] != "tier":
                    assert row[column] == pytest.approx(value, abs=5e-4)
    assert {Missing.OK, Missing.NO_DATA, Missing.SUPPRESSED} <= seen


def test_sites_and_definitions_are_with_it(published_reader: Reader, snapshot: Snapshot) -> None:
    book = opened(published_reader, snapshot)
    sites = published_reader.sites(snapshot.snapshot_id)
    listed = list(book["服务点"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in listed] == sites["site_id"].tolist()
    defined = [row[1] for row in book["口径"].iter_rows(min_row=2, values_only=True)]
    assert defined == [layer["name"]["zh"] for layer in snapshot.meta["layers"]]
    cover = "\n".join(str(row[1]) for row in book["说明"].iter_rows(values_only=True))
    assert snapshot.snapshot_id in cover


def test_a_level_with_too_many_figures_is_left_out_and_said(
    published_reader: Reader, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    finest = snapshot.meta["levels"][0]
    figures = finest["n"] * sum(
        finest["level"] in layer["levels"] for layer in snapshot.meta["layers"]
    )
    monkeypatch.setattr("dashboard.export.MAX_FIGURES", figures - 1)
    book, word = opened(published_reader, snapshot), load("zh-CN").t(f"map.level.{finest['level']}")
    assert word not in book.sheetnames
    assert word in [row[0] for row in book["说明"].iter_rows(values_only=True)]


def test_an_unknown_week_is_refused(published_reader: Reader, snapshot: Snapshot) -> None:
    with pytest.raises(NotPublishedError, match="no week '1999-W01'"):
        resource_workbook(published_reader, snapshot, week="1999-W01", catalog=load("zh-CN"))


def test_the_route_hands_it_out(client: FlaskClient, snapshot: Snapshot) -> None:
    answer = client.get(f"/published/{snapshot.snapshot_id}/{snapshot.week}.xlsx?lang=en")
    assert (answer.status_code, answer.mimetype) == (200, MIME)
    assert ".xlsx" in answer.headers["Content-Disposition"]
    # No formula anywhere: a name from a file stays a text.
    with ZipFile(io.BytesIO(answer.data)) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())
    assert client.get(f"/published/{snapshot.snapshot_id}/1999-W01.xlsx").status_code == 404
    assert client.get(f"/published/nothing/{snapshot.week}.xlsx").status_code == 404


def test_live_warnings_and_shares_in_time_have_sheets_of_their_own(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    content = resource_workbook(
        published_reader, snapshot, week=snapshot.week, catalog=load("zh-CN"), now_utc=NOW
    )
    book = openpyxl.load_workbook(io.BytesIO(content))
    rows = list(book["在办预警"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == ["红色", "橙色", "黄色", "蓝色"]
    assert rows[1][10] == "待签收"
    assert str(rows[1][13]).startswith("逾期")
    assert rows[0][5] == "云上村本周矛盾纠纷事件86起，往常约13起，已连续2周偏高。"
    shares = {row[1]: row[4] for row in book["按时响应"].iter_rows(min_row=2, values_only=True)}
    assert shares["红色"] == 1
    assert shares["蓝色"] == "尚无到期"


def test_an_earlier_week_has_no_live_warnings(published_reader: Reader, snapshot: Snapshot) -> None:
    earlier = snapshot.meta["weeks"][-2]
    content = resource_workbook(published_reader, snapshot, week=earlier, catalog=load("zh-CN"))
    assert "在办预警" not in openpyxl.load_workbook(io.BytesIO(content)).sheetnames
