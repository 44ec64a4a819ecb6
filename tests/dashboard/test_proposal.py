"""The proposal of an answer: document, workbook, GeoPackage, and what they must not say."""

from __future__ import annotations

import dataclasses
import io
import math
import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from docx import Document
from docx.oxml.ns import qn
from flask.testing import FlaskClient
from PIL import Image

from dashboard.app import create_app
from dashboard.report.proposal import basis, proposal_bytes, write_proposal
from dashboard.report.proposal.compose import compose
from dashboard.report.proposal.content import Points, Proposal, Table, Text
from dashboard.report.proposal.docx import proposal_docx
from dashboard.report.proposal.drawing import Rect, Sheet, around
from dashboard.report.proposal.effects import measured
from dashboard.report.proposal.geopackage import proposal_geopackage
from dashboard.report.proposal.html import proposal_html
from dashboard.report.proposal.opening import gap_words
from dashboard.report.proposal.territory import Territory
from dashboard.report.proposal.told import Told
from dashboard.report.proposal.workbook import proposal_workbook
from dashboard.text import LANGUAGES, load, words
from etl.siting.answer import Answer
from etl.store.reader import Reader, Snapshot
from geo.errors import InputError, NotPublishedError, RenderError
from tests.support import planner as planners
from tests.support.proposed import HOSTILE, made_answer

pytest_plugins = ("tests.support.dashboard_fixtures",)

# Persons of areas that are withheld; no such number is anywhere in the fixture's store.
SECRET = 987_654_321.0


@pytest.fixture(scope="module")
def answer(published_reader: Reader) -> Answer:
    return made_answer(published_reader, closed=True)


@pytest.fixture(scope="module", params=LANGUAGES)
def told(request: pytest.FixtureRequest, answer: Answer, published_reader: Reader) -> Told:
    return Told(answer, published_reader, load(request.param))


@pytest.fixture(scope="module")
def proposal(told: Told) -> Proposal:
    return compose(told)


def changed(
    answer: Answer, *, tables: dict[str, pd.DataFrame] | None = None, **meta: Any
) -> Answer:
    return dataclasses.replace(
        answer, meta={**answer.meta, **meta}, tables={**answer.tables, **(tables or {})}
    )


def texts(proposal: Proposal) -> list[str]:
    """Every text of the document, but those in pictures."""
    found = [proposal.title, proposal.subtitle, *proposal.finding, *proposal.asked.items]
    found += [text for fact in proposal.facts for text in (fact.label, fact.value, fact.detail)]
    for section in proposal.sections:
        found.append(section.title)
        for block in section.blocks:
            if isinstance(block, Text):
                found.append(block.text)
            elif isinstance(block, Points):
                found += block.items
            elif isinstance(block, Table):
                found += [block.title, block.note, *(column.title for column in block.columns)]
                found += [value for row in block.rows for value in row]
            else:
                found += [block.title, block.alt, block.note]
    return found


def table(proposal: Proposal, head: str) -> Table:
    """The table that has a column of this name."""
    return next(
        block
        for section in proposal.sections
        for block in section.blocks
        if isinstance(block, Table) and head in {column.title for column in block.columns}
    )


def column(found: Table, head: str) -> list[str]:
    position = [one.title for one in found.columns].index(head)
    return [row[position] for row in found.rows]


def pictures(proposal: Proposal) -> list[bytes]:
    """A stand-in for each figure, so that no browser is needed."""
    png = io.BytesIO()
    Image.new("RGB", (64, 40), "white").save(png, "PNG")
    return [png.getvalue()] * len(proposal.figures())


# ------------------------------------------------------------ what it says


def test_the_finding_is_the_answers(proposal: Proposal, told: Told, answer: Answer) -> None:
    first = proposal.finding[0]
    for key in ("share_before", "share_after"):
        assert words.percent(answer.meta[key]) in first
    for key in ("covered_before", "covered_after"):
        assert words.persons(told.catalog, answer.meta[key]) in first
    assert told.t("proposal.finding.proven") in proposal.finding


def test_optimal_is_said_only_where_it_is_proven(answer: Answer, published_reader: Reader) -> None:
    for lang in LANGUAGES:
        catalog = load(lang)
        unsure = changed(answer, proven=False, gap=0.00361)
        said = texts(compose(Told(unsure, published_reader, catalog)))
        assert catalog.t("proposal.finding.gap", gap="0.37%") in said
        assert catalog.t("proposal.finding.proven") not in said
        assert catalog.t("proposal.limit.proof") not in said
        unknown = changed(answer, proven=False, gap=None, bound=None)
        said = texts(compose(Told(unknown, published_reader, catalog)))
        assert catalog.t("proposal.finding.no_bound") in said


@pytest.mark.parametrize(("gap", "said"), [(0.0037, "0.37%"), (0.00361, "0.37%"), (1e-7, "0.01%")])
def test_a_gap_is_never_said_smaller_than_it_is(gap: float, said: str) -> None:
    assert gap_words(gap) == said


@pytest.mark.parametrize(("method", "said"), [
    ("exact", "求解方法：精确求解"), ("heuristic", "求解方法：启发式搜索"),
    ("exact+heuristic", "求解方法：先启发式搜索、缩小范围，再精确求解"),
])  # fmt: skip
def test_the_method_is_the_answers(
    answer: Answer, published_reader: Reader, method: str, said: str
) -> None:
    told = Told(changed(answer, method=method), published_reader, load("zh-CN"))
    assert any(line.startswith(said) for line in basis.methods(told))


def test_the_standard_is_that_of_the_answer(answer: Answer, published_reader: Reader) -> None:
    standard = {"town_area_m2": 60.0, "village_area_m2": 25.5}
    for given, said in ((standard, True), (None, False)):
        told = Told(changed(answer, standard=given), published_reader, load("zh-CN"))
        note = table(compose(told), "尚缺条件").note
        assert ("乡镇级不小于 60 平方米，村级不小于 25.5 平方米" in note) == said
        assert ("平方米" in note) == said


def test_sites_stand_in_their_order_with_their_figures(
    proposal: Proposal, told: Told, answer: Answer
) -> None:
    t = told.t
    found = table(proposal, t("proposal.sites.lacks"))
    new = answer.tables["sites"].query("state == 'new'").sort_values("order")
    assert column(found, t("proposal.sites.order")) == [f"{n:.0f}" for n in new["order"]]
    assert column(found, t("proposal.sites.name")) == new["name"].tolist()
    for head, key in (("gain", "gain_persons"), ("within", "persons_within"),
                      ("alone", "alone_persons")):  # fmt: skip
        said = column(found, t(f"proposal.sites.{head}"))
        assert said == [words.number(value) for value in new[key]]
    lacks = column(found, t("proposal.sites.lacks"))
    for codes, said in zip(new["lacks"], lacks, strict=True):
        assert all(t(f"proposal.lacks.{code}") in said for code in codes.split("|") if code)
    assert (new["lacks"] != "").any()


def test_towns_add_up_to_the_whole(proposal: Proposal, told: Told, answer: Answer) -> None:
    t = told.t
    found = table(proposal, t("proposal.gains.town"))
    towns = answer.tables["towns"]
    assert found.total
    assert column(found, t("proposal.gains.newly"))[-1] == words.number(towns["newly"].sum())
    assert column(found, t("proposal.gains.after"))[-1] == words.percent(answer.meta["share_after"])
    named = dict(zip(column(found, t("proposal.gains.town")),
                     column(found, t("proposal.gains.after")), strict=True))  # fmt: skip
    for row in towns.to_dict("records"):
        assert named[row["name"]] == words.percent(row["share_after"])


def test_gap_classes_move_by_the_answers_areas(
    proposal: Proposal, told: Told, answer: Answer
) -> None:
    found = table(proposal, told.t("proposal.change.gaps_from"))
    brackets = [re.search("[(（]([^)）]+)[)）]$", value) for row in found.rows for value in row[1:]]
    counted = [int(inside[1].replace(words.THIN_SPACE, "")) for inside in brackets if inside]
    assert sum(counted) == answer.tables["gaps"]["areas"].sum()


def test_every_reason_to_stay_uncovered_is_told(
    proposal: Proposal, told: Told, answer: Answer
) -> None:
    t = told.t
    areas = answer.tables["uncovered"]
    causes = table(proposal, t("proposal.rest.withheld_areas"))
    counts = dict(zip(column(causes, t("proposal.rest.why")),
                      column(causes, t("proposal.rest.areas")), strict=True))  # fmt: skip
    expected = areas.groupby("why").size()
    assert counts == {t(f"proposal.why.{why}"): words.number(n) for why, n in expected.items()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_full_sites_are_a_reason_everywhere(
    answer: Answer, published_reader: Reader, lang: str
) -> None:
    left = answer.tables["uncovered"].copy()
    left["why"] = "full"
    told = Told(changed(answer, tables={"uncovered": left}), published_reader, load(lang))
    said = told.t("proposal.why.full")
    found = table(compose(told), told.t("proposal.rest.why"))
    assert column(found, told.t("proposal.rest.why")) == [said]
    sheet = openpyxl.load_workbook(io.BytesIO(proposal_workbook(told)))[
        told.t("proposal.sheet.uncovered")
    ]
    at = [cell.value for cell in sheet[1]].index(told.t("proposal.column.why"))
    assert {row[at] for row in sheet.iter_rows(min_row=2, values_only=True)} == {said}
    assert set(layer(proposal_geopackage(told), "uncovered")["label"]) == {said}


def test_targets_stand_in_the_workbook_in_their_unit(told: Told, answer: Answer) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(proposal_workbook(told)))[
        told.t("proposal.sheet.targets")
    ]
    heads = [cell.value for cell in sheet[1]]
    now, unit = (
        heads.index(told.t(f"proposal.column.{name}")) for name in ("value_before", "unit")
    )
    frame = answer.tables["targets"]
    assert (frame["unit"] == "share").any()
    for cells, row in zip(sheet.iter_rows(min_row=2), frame.to_dict("records"), strict=True):
        assert cells[now].value == pytest.approx(row["value_before"])
        share = row["unit"] == "share"
        assert cells[now].number_format == ("0.0%" if share else "General")
        assert row["unit"] not in str(cells[unit].value)


def test_the_curve_marks_knee_and_choice(proposal: Proposal, told: Told, answer: Answer) -> None:
    svg = proposal.figures()[-1].svg
    curve = answer.tables["curve"].set_index("n_new")["share"]
    for key, count in (("knee", answer.meta["knee"]), ("chosen", answer.meta["n_new"])):
        said = told.t(f"proposal.curve.{key}", n=count, share=words.percent(curve[count]))
        assert said in svg


def test_maps_number_the_new_sites_and_name_every_state(
    proposal: Proposal, told: Told, answer: Answer
) -> None:
    svg = proposal.figures()[0].svg
    for order in range(1, answer.meta["n_new"] + 1):
        assert f">{order}</text>" in svg
    for state in ("covered", "newly", "uncovered"):
        assert told.t(f"proposal.map.state_{state}") in svg
    for name in answer.tables["towns"]["name"]:
        assert svg.count(f">{name}</text>") == 2
    assert told.t("proposal.map.north") in svg
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_names_on_a_map_do_not_overlap() -> None:
    sheet, room = Sheet(100, 100), Rect(0, 0, 100, 100)
    spots = [sheet.place(around(50, 50, step=6, rings=6), 30, 11, room) for _ in range(12)]
    boxes = [Rect(x - 15, y - 5.5, 30, 11) for x, y in filter(None, spots)]
    assert len(boxes) > 3
    assert not any(a.hits(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(room.holds(box) for box in boxes)
    crowded = Sheet(100, 100, taken=[room])
    assert crowded.place([(50, 50)], 30, 11, room) is None


def test_nothing_is_proposed_where_nothing_can_be(answer: Answer, published_reader: Reader) -> None:
    none = changed(answer, state="infeasible", value=None)
    with pytest.raises(InputError, match="nothing to propose"):
        proposal_bytes(none, published_reader, "xlsx")


def test_an_answer_of_other_areas_is_refused(answer: Answer, published_reader: Reader) -> None:
    cells = {**answer.cells, "state": answer.cells["state"][:-1]}
    with pytest.raises(NotPublishedError, match=r"299 areas.*has 300"):
        Told(dataclasses.replace(answer, cells=cells), published_reader, load("zh-CN"))


def test_a_locality_without_a_grid_is_drawn_by_villages(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    levels = [entry for entry in snapshot.meta["levels"] if entry["level"] != "grid"]
    coarse = dataclasses.replace(snapshot, meta={**snapshot.meta, "levels": levels})
    territory = Territory(published_reader, coarse)
    villages = published_reader.areas(snapshot.snapshot_id, "village")
    assert territory.cells.frame["area_code"].tolist() == villages["area_code"].tolist()
    village, town = territory.town_of_cell
    assert village.tolist() == villages["area_code"].tolist()
    assert town.tolist() == villages["parent_code"].tolist()
    without = dataclasses.replace(coarse, meta={**snapshot.meta, "levels": levels[1:]})
    assert len(Territory(published_reader, without).villages.shapes) == 0
    territory.check(20)
    with pytest.raises(NotPublishedError, match="300 areas"):
        territory.check(300)


def test_tables_that_were_not_worked_out_leave_no_hole(
    answer: Answer, published_reader: Reader
) -> None:
    names = ("curve", "robustness", "gaps", "targets", "uncovered", "groups")
    empty = {name: answer.tables[name].iloc[:0] for name in names}
    for lang in LANGUAGES:
        catalog = load(lang)
        proposal = compose(
            Told(changed(answer, tables=empty, knee=None), published_reader, catalog)
        )
        said = texts(proposal)
        for key in ("robust.none", "change.gaps_none", "change.targets_none"):
            assert catalog.t(f"proposal.{key}") in said
        titles = [section.title for section in proposal.sections]
        assert len(titles) == 11
        for number, title in enumerate(titles, start=1):
            assert title.startswith(catalog.t(f"proposal.number.n{number}", title=""))


def test_a_check_without_a_result_is_told_as_such(answer: Answer, published_reader: Reader) -> None:
    checks = answer.tables["robustness"].astype({"kept": "int64"}).copy()
    checks.loc[0, ["share_best", "regret", "share_same_sites"]] = np.nan
    checks.loc[0, "kept"] = 0
    for lang in LANGUAGES:
        catalog = load(lang)
        told = Told(changed(answer, tables={"robustness": checks}), published_reader, catalog)
        proposal = compose(told)
        found = table(proposal, catalog.t("proposal.robust.kept"))
        assert column(found, catalog.t("proposal.robust.kept"))[0] == "–"
        assert column(found, catalog.t("proposal.robust.proof"))[0] == catalog.t(
            "proposal.robust.no_result"
        )
        least = int(checks["kept"][1:].min())
        said = catalog.t("proposal.robust.same", kept=least, n=told.n_new)
        assert any(said in text for text in texts(proposal))


def test_a_check_that_keeps_no_site_is_told_as_such(
    answer: Answer, published_reader: Reader
) -> None:
    checks = answer.tables["robustness"].copy()
    checks.loc[checks["share_best"].notna().idxmax(), "kept"] = 0
    for lang in LANGUAGES:
        catalog = load(lang)
        told = Told(changed(answer, tables={"robustness": checks}), published_reader, catalog)
        said = catalog.t("proposal.robust.same_none", n=told.n_new)
        assert any(said in text for text in texts(compose(told)))


@pytest.mark.parametrize(("alone", "key"), [(1.0, "all"), (0.5, "only")])
def test_persons_who_have_no_other_site_are_counted_once(
    answer: Answer, published_reader: Reader, alone: float, key: str
) -> None:
    sites = answer.tables["sites"].copy()
    sites["alone_persons"] = (sites["gain_persons"] * alone).round()
    for lang in LANGUAGES:
        catalog = load(lang)
        proposal = compose(
            Told(changed(answer, tables={"sites": sites}), published_reader, catalog)
        )
        first = sites.query("state == 'new' and gain_persons >= 1").iloc[0]
        clause = catalog.t(
            f"proposal.sites.reason_{key}", alone=words.number(first["alone_persons"])
        )
        reason = next(text for text in texts(proposal) if clause in text)
        assert words.number(first["gain_persons"]) in reason


def test_each_check_of_robustness_is_told_in_words(proposal: Proposal, told: Told) -> None:
    t = told.t
    found = table(proposal, t("proposal.robust.kept"))
    conditions = column(found, t("proposal.robust.value"))
    assert t("proposal.robust.minutes", value="10") in conditions
    assert t("proposal.robust.draw", n=1) in conditions
    assert t("proposal.robust.more", group=told.group("elderly", inside=False)) in conditions
    assert t("proposal.robust.complete") in conditions
    assert column(found, t("proposal.robust.kept"))[0] == "3/5"
    assert column(found, t("proposal.robust.regret"))[:2] == ["2.0", "0.0"]
    checks = told.joined([t("proposal.robust.threshold"), t("proposal.robust.zoning")])
    shaky = t("proposal.robust.shaky", checks=checks)
    assert any(shaky in text for text in texts(proposal))


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.5, "share", "50.0%"),
        (1.234, "per_100000", "每 10 万人 1.23"),
        (math.nan, "share", "–"),
    ],
)
def test_indicators_are_told_in_their_unit(
    answer: Answer, published_reader: Reader, value: float, unit: str, said: str
) -> None:
    told = Told(answer, published_reader, load("zh-CN"))
    assert measured(told, value, unit) == said


# ------------------------------------------------------------ what it must not say


def test_withheld_persons_are_nowhere(answer: Answer, published_reader: Reader) -> None:
    areas = answer.tables["uncovered"]
    assert areas["withheld"].any()
    leaky = areas.assign(persons=areas["persons"].mask(areas["withheld"], SECRET))
    held = changed(answer, tables={"uncovered": leaky})
    digits = str(int(SECRET))
    for lang in LANGUAGES:
        told = Told(held, published_reader, load(lang))
        proposal = compose(told)
        assert digits not in proposal_html(proposal).replace(words.THIN_SPACE, "")
        document = zipfile.ZipFile(io.BytesIO(proposal_docx(proposal, pictures(proposal))))
        body = document.read("word/document.xml").decode().replace(words.THIN_SPACE, "")
        assert digits not in body
        book = openpyxl.load_workbook(io.BytesIO(proposal_workbook(told)))
        values = {
            cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        }
        assert SECRET not in values
        assert told.t("proposal.rest.withheld") in values
    assert digits.encode() not in proposal_geopackage(told)
    rows = layer(proposal_geopackage(told), "uncovered")
    assert rows.loc[rows["withheld"].astype(bool), "persons"].isna().all()
    assert rows.loc[~rows["withheld"].astype(bool), "persons"].notna().all()


def test_a_hostile_name_stays_a_name(proposal: Proposal, told: Told) -> None:
    html = proposal_html(proposal)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    book = openpyxl.load_workbook(io.BytesIO(proposal_workbook(told)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    hostile = [cell for cell in cells if cell.value == HOSTILE]
    assert hostile
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert all(cell.quotePrefix for cell in hostile)
    document = Document(io.BytesIO(proposal_docx(proposal, pictures(proposal))))
    assert any(cell.text == HOSTILE for one in document.tables for cell in one.columns[1].cells)


def test_the_pages_ask_for_nothing(proposal: Proposal) -> None:
    html = proposal_html(proposal)
    assert not re.search(r"(src|href)=|url\((?!#)|@import|<link|<iframe", html)


# ------------------------------------------------------------ files


@pytest.fixture(scope="module")
def document(proposal: Proposal) -> Any:
    return Document(io.BytesIO(proposal_docx(proposal, pictures(proposal))))


def test_the_document_has_real_headings_and_styles(document: Any, proposal: Proposal) -> None:
    styled = [(one.style.name, one.text) for one in document.paragraphs]
    assert ("Title", proposal.title) in styled
    assert [text for style, text in styled if style == "Heading 1"] == [
        section.title for section in proposal.sections
    ]
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    fields = section.footer._element.findall(f".//{qn('w:fldSimple')}")
    assert [field.get(qn("w:instr")).strip() for field in fields] == ["PAGE", "NUMPAGES"]
    for name in ("Normal", "Heading 1", "Body Text", "Proposal cell"):
        fonts = document.styles[name].element.find(f".//{qn('w:rFonts')}")
        assert fonts.get(qn("w:eastAsia")) in {"FangSong", "SimHei"}
        assert not [key for key in fonts.attrib if "heme" in key]


def test_heads_of_tables_repeat_and_pictures_are_described(
    document: Any, proposal: Proposal
) -> None:
    tables = [block for section in proposal.sections for block in section.blocks
              if isinstance(block, Table)]  # fmt: skip
    found = document.tables[1:]  # the first holds the figures in large type
    assert len(found) == len(tables)
    for one, told in zip(found, tables, strict=True):
        assert one.rows[0]._tr.find(f".//{qn('w:tblHeader')}") is not None
        shown = [[cell.text for cell in row.cells] for row in one.rows]
        assert shown == [[column.title for column in told.columns], *map(list, told.rows)]
    alts = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert alts == [figure.alt for figure in proposal.figures()]


def test_the_workbook_holds_every_table(told: Told, answer: Answer) -> None:
    book = openpyxl.load_workbook(io.BytesIO(proposal_workbook(told)))
    t = told.t
    for name, frame in answer.tables.items():
        sheet = book[t(f"proposal.sheet.{name}")]
        assert sheet.max_row == len(frame) + 1
        assert sheet.freeze_panes == "A2"
        heads = [cell.value for cell in sheet[1]]
        assert len(set(heads)) == len(heads)
    sheet = book[t("proposal.sheet.curve")]
    heads = [cell.value for cell in sheet[1]]
    at = heads.index(t("proposal.column.share"))
    shares = [row[at] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert shares == pytest.approx(answer.tables["curve"]["share"].tolist())
    asked = [row[1] for row in book[t("proposal.sheet.question")].iter_rows(values_only=True)]
    assert t("proposal.question.separation_said", m="500") in asked


def layer(content: bytes, name: str) -> pd.DataFrame:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "proposal.gpkg"
        path.write_bytes(content)
        return pyogrio.read_dataframe(path, layer=name)


def test_the_geopackage_has_the_answers_layers(told: Told, answer: Answer) -> None:
    content = proposal_geopackage(told)
    cells = layer(content, "cells")
    assert cells.crs.to_epsg() == 4326
    assert cells.geometry.is_valid.all()
    counts = cells["state"].value_counts()
    states = pd.Series(answer.cells["state"]).value_counts()
    assert counts["newly"] == states[2]
    assert counts["uncovered"] == states[3]
    close = np.isclose(cells["minutes_after"], answer.cells["minutes_after"], atol=0.051)
    assert close.all()
    towns = layer(content, "towns").set_index("town_code")["newly"]
    assert towns.to_dict() == answer.tables["towns"].set_index("town_code")["newly"].to_dict()
    sites = layer(content, "sites")
    assert sites.loc[sites["state"] == "new", "build_order"].sum() == 15
    assert len(layer(content, "candidates")) == len(answer.tables["candidates"])
    assert len(layer(content, "uncovered")) == len(answer.tables["uncovered"])


def test_the_geopackage_brings_its_styles(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "proposal.gpkg"
    path.write_bytes(proposal_geopackage(told))
    with closing(sqlite3.connect(path)) as db:
        styles = dict(db.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
    assert {"cells", "sites", "uncovered"} <= set(styles)
    assert told.t("proposal.map.state_newly") in styles["cells"]


def test_the_same_answer_gives_the_same_bytes(answer: Answer, published_reader: Reader) -> None:
    first, second = (Told(answer, published_reader, load("zh-CN")) for _ in range(2))
    assert proposal_workbook(first) == proposal_workbook(second)
    assert proposal_geopackage(first) == proposal_geopackage(second)
    one, two = compose(first), compose(second)
    assert proposal_docx(one, pictures(one)) == proposal_docx(two, pictures(two))


def test_without_a_browser_workbook_and_geopackage_are_made(
    answer: Answer, published_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XINTU_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(RenderError, match="no Chromium or Chrome"):
        write_proposal(answer, published_reader, tmp_path / "out", name="a")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.gpkg", "a.xlsx"]


# ------------------------------------------------------------ downloads


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, str, str]:
    """A client, the id of a scenario with an answer, and of one without."""
    desk = planners.planner(tmp_path_factory.mktemp("desk"))
    reader = desk.reader if hasattr(desk, "reader") else Reader(desk._settings.store_url)
    done = planners.put_answer(desk, made_answer(reader), name="方案/一")
    waiting = desk.ask(planners.QUESTION, name="方案二", now=planners.NOW)
    return create_app(reader, planner=desk).server.test_client(), done, waiting


def test_files_can_be_downloaded(served: tuple[FlaskClient, str, str]) -> None:
    client, done, _ = served
    answer = client.get(f"/siting/{done}/proposal.xlsx?lang=en")
    assert answer.status_code == 200
    assert "_" in answer.headers["Content-Disposition"]
    assert "%2F" not in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert load("en").t("proposal.sheet.sites") in book.sheetnames
    answer = client.get(f"/siting/{done}/proposal.gpkg")
    assert answer.data.startswith(b"SQLite format 3")
    assert answer.mimetype == "application/geopackage+sqlite3"


def test_what_cannot_be_downloaded_is_said(
    served: tuple[FlaskClient, str, str], monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    asked, done, waiting = served
    t = load("zh-CN").t
    unknown = asked.get("/siting/nothing/proposal.xlsx")
    assert (unknown.status_code, unknown.text.strip()) == (404, t("proposal.refused.unknown"))
    early = asked.get(f"/siting/{waiting}/proposal.xlsx")
    assert (early.status_code, early.text.strip()) == (404, t("proposal.refused.no_answer"))
    monkeypatch.setenv("XINTU_CHROMIUM", "/nowhere")
    paper = asked.get(f"/siting/{done}/proposal.pdf")
    assert (paper.status_code, paper.text.strip()) == (503, t("proposal.refused.browser"))
    nobody = client.get("/siting/nothing/proposal.xlsx")
    assert (nobody.status_code, nobody.text.strip()) == (404, t("proposal.refused.no_planner"))


def test_numbers_are_finite_or_dashes(proposal: Proposal) -> None:
    assert not [text for text in texts(proposal) if re.search(r"\bnan\b|\bNone\b|inf\b", text)]
