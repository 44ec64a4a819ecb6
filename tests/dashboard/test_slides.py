"""The slides: real titles, native tables, Chinese typefaces, and the same bytes each time."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.oxml.ns import qn

from dashboard import expected
from dashboard.report.capture import Picture, is_blank
from dashboard.report.deck import CELL_MARGIN, fit
from dashboard.report.slides import slides
from dashboard.text import LANGUAGES, load, words
from etl.store.reader import Reader, Snapshot

pytest_plugins = ("tests.support.dashboard_fixtures",)

MAPS = ("cover", "warnings", "coverage", "access", "gap")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    folder = tmp_path_factory.mktemp("pictures")
    made = []
    for number, name in enumerate(MAPS):
        image = Image.new("RGB", (896, 816), "#F6F7F9")
        ImageDraw.Draw(image).ellipse((100, 100, 500 + 20 * number, 700), fill="#24797F")
        image.save(folder / f"{name}.png")
        made.append(Picture(name, folder / f"{name}.png", 896, 816))
    return made


@pytest.fixture(scope="module")
def deck(
    published_reader: Reader,
    snapshot: Snapshot,
    pictures: list[Picture],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    path = tmp_path_factory.mktemp("deck") / "a.pptx"
    return Presentation(str(slides(published_reader, snapshot, pictures, path)))


def words_of(slide: Any) -> str:
    found = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(found)


def table_of(slide: Any) -> list[list[str]]:
    (table,) = [shape.table for shape in slide.shapes if shape.has_table]
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_it_is_wide_and_every_slide_has_a_title(deck: Any) -> None:
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, abs=0.001)
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert titles[0] == "社会心理服务周报"
    assert titles[1].replace("\u00a0", " ").startswith("柳溪镇 3 个村（社区）")
    assert all(titles)
    assert len(set(titles)) == len(titles) == 9


def test_the_scorecard_stands_on_a_slide_of_its_own(deck: Any) -> None:
    rows = table_of(deck.slides[5])
    assert deck.slides[5].shapes.title.text == "8 项指标，1 项达标，1 项落后"
    assert rows[0][:2] == ["指标", "进度"]
    assert rows[1][:5] == ["中小学有心理辅导室的比例", "落后", "40.0%", "80%", "2025年12月31日前"]
    assert ["按当前进度，2027年3月达标"] in [row[5:] for row in rows]
    assert ["心理健康素养水平", "无数据", "–"] in [row[:3] for row in rows]


def test_days_stay_on_one_line_in_the_widest_of_the_usual_type(deck: Any) -> None:
    (table,) = [shape.table for shape in deck.slides[5].shapes if shape.has_table]
    days = [row.cells[4].text for row in table.rows if "年" in row.cells[4].text]
    assert days
    for day in days:
        # LibreOffice sets digits in DejaVu Sans, 0.64 em, and parts them from Chinese by 0.25 em.
        digits = [one.isdigit() for one in day]
        parted = sum(a != b for a, b in itertools.pairwise(digits))
        wide = 0.64 * sum(digits) + len(day) - sum(digits) + 0.25 * parted
        assert wide * 11 / 72 + 2 * CELL_MARGIN < table.columns[4].width.inches


def test_every_slide_says_where_it_comes_from(deck: Any, snapshot: Snapshot) -> None:
    for number, slide in enumerate(deck.slides):
        said = words_of(slide)
        assert "演示数据" in said
        assert "内部工作提示" in said
        if number:
            assert snapshot.snapshot_id in said
            assert "2026年11月15日" in said
    assert "审图号" in words_of(deck.slides[2])


def test_chinese_runs_name_an_east_asian_typeface(deck: Any) -> None:
    runs = [run for slide in deck.slides for run in slide._element.iter(qn("a:rPr"))]
    assert len(runs) > 100
    for run in runs:
        assert run.get("lang") == "zh-CN"
        assert run.find(qn("a:ea")).get("typeface") == "Microsoft YaHei"
        # The schema wants them in this order; PowerPoint repairs a file that has another.
        names = [child.tag for child in run]
        assert names.index(qn("a:latin")) + 1 == names.index(qn("a:ea"))


def test_tables_are_native_and_hold_the_published_rows(
    deck: Any, published_reader: Reader, snapshot: Snapshot
) -> None:
    coverage = table_of(deck.slides[2])
    assert [row[0] for row in coverage[1:]] == ["柳溪镇", "城关街道", "南河镇", "云岭乡"]
    access = table_of(deck.slides[3])
    assert access[0] == ["乡镇（街道）", "1 公里", "2 公里", "3 公里"]
    gaps = table_of(deck.slides[4])
    ranked = published_reader.table(snapshot.snapshot_id, "gap_ranking")
    serious = ranked[(ranked["level"] == "village") & (ranked["gap"] >= 2)]
    assert [row[0] for row in gaps[1:]] == serious["name"].tolist()
    assert gaps[0][5] == "短缺分"
    assert [row[5] for row in gaps[1:]] == [words.figure(score) for score in serious["shortage"]]
    said = " ".join(s.text_frame.text for s in deck.slides[4].shapes if s.has_text_frame)
    assert "再算 3 次，缺口最大的十分之一居民平均 81% 仍在其中" in said
    warned = table_of(deck.slides[6])
    assert [row[0] for row in warned[1:]] == ["红色", "橙色", "黄色", "蓝色"]
    assert [row[-1] for row in warned] == [
        "响应", "响应中", "待签收 · 逾期 2 天", "已签收 · 剩余 4 天", "待签收 · 剩余 7 天",
    ]  # fmt: skip
    assert warned[1][3:5] == ["86", "13"]
    assert len(table_of(deck.slides[7])) == 5


def test_tiers_have_a_shape_and_a_character(deck: Any) -> None:
    marks = [
        (shape.auto_shape_type.name, shape.text_frame.text)
        for shape in deck.slides[6].shapes
        if shape.shape_type is not None
        and shape.shape_type.name == "AUTO_SHAPE"
        and shape.text_frame.text
    ]
    assert marks == [
        ("OCTAGON", "红"),
        ("ISOSCELES_TRIANGLE", "橙"),
        ("DIAMOND", "黄"),
        ("OVAL", "蓝"),
    ]


def test_nothing_leaves_the_slide(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= deck.slide_width + 9525
            assert shape.top + shape.height <= deck.slide_height + 9525


def test_pictures_are_described_and_not_distorted(deck: Any) -> None:
    found = [shape for slide in deck.slides for shape in slide.shapes if hasattr(shape, "image")]
    assert len(found) == 5
    for shape in found:
        assert shape._element.nvPicPr.cNvPr.get("descr")
        assert shape.width / shape.height == pytest.approx(896 / 816, rel=0.001)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_snapshot_gives_the_same_bytes(
    published_reader: Reader,
    snapshot: Snapshot,
    pictures: list[Picture],
    tmp_path: Path,
    lang: str,
) -> None:
    first = slides(published_reader, snapshot, pictures, tmp_path / "1.pptx", lang=lang)
    second = slides(published_reader, snapshot, pictures, tmp_path / "2.pptx", lang=lang)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    core = Presentation(str(first)).core_properties
    assert core.created == snapshot.published_at_utc.replace(tzinfo=None, microsecond=0)


def test_english_slides_hold_no_chinese_but_names(
    published_reader: Reader, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Names of places and departments, and what a locality writes of itself, stay as they came."""
    path = slides(published_reader, snapshot, [], tmp_path / "en.pptx", lang="en")
    titles = [slide.shapes.title.text for slide in Presentation(str(path)).slides]
    assert titles[0] == "Social psychological services: weekly report"
    assert not any("一" <= character <= "鿿" for character in "".join(titles[4:]))


def test_without_pictures_there_are_tables_alone(
    published_reader: Reader, snapshot: Snapshot, tmp_path: Path
) -> None:
    path = slides(published_reader, snapshot, [], tmp_path / "bare.pptx")
    found = Presentation(str(path))
    assert len(found.slides) == 9
    assert not [1 for slide in found.slides for shape in slide.shapes if hasattr(shape, "image")]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("柳溪镇", 1.0, "柳溪镇"), ("社会心理服务指导中心", 1.0, "社会心理服…"), ("", 0.1, "")],
)
def test_cell_text_stays_on_one_line(text: str, width: float, expected: str) -> None:
    assert fit(text, width, size=11) == expected


def test_a_blank_picture_is_known(tmp_path: Path, pictures: list[Picture]) -> None:
    path = tmp_path / "blank.png"
    image = Image.new("RGB", (800, 600), "#0C1420")
    ImageDraw.Draw(image).text((10, 10), "only a title", fill="#FFFFFF")
    image.save(path)
    assert is_blank(path.read_bytes())
    assert not is_blank(pictures[0].path.read_bytes())


def test_the_slide_of_warnings_says_what_is_expected(deck: Any) -> None:
    said = "\n".join(words_of(slide) for slide in deck.slides)
    assert "全域矛盾纠纷事件未来 8 周预计每周约 131–524 起（八成把握）" in said


def test_without_a_forecast_the_slide_says_nothing_of_the_weeks_to_come(
    published_reader: Reader, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "read_expected", lambda *_, **__: None)
    told = expected.outlook(published_reader, snapshot, "subtitle", load("zh-CN"))
    assert told == "subtitle"
