"""The sentence behind a gap class: every combination, both languages, the layers' own figures."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import gap_reason, places
from dashboard.choices import read_choices
from dashboard.components import place, summary
from dashboard.text import load, words
from etl.store.reader import Cell, Reader, Snapshot
from geo.model import GapClass, Missing
from tests.support.dashboard_pages import words_of

pytest_plugins = ("tests.support.dashboard_fixtures",)

LANGUAGES = ("zh-CN", "en")
FORBIDDEN = ("高危", "落后", "最差", "问题地区", "worst", "high-risk", "bad", "nan", "{", "}")


def entry(code: str, zh: str, en: str, unit_zh: str = "%", unit_en: str = "%") -> dict[str, Any]:
    return {"code": code, "name": {"zh": zh, "en": en}, "unit": {"zh": unit_zh, "en": unit_en}}


META: dict[str, Any] = {
    "levels": [{"level": "grid"}, {"level": "village"}, {"level": "county"}],
    "layers": [
        entry("share.elderly", "60岁及以上占比", "Share of: Aged 60+"),
        entry("share.minors", "0–17岁占比", "Share of: Minors"),
        entry("density", "人口密度", "Population density", "人/平方公里", "persons per km²"),
    ],
    "access": {"default_catchment_m": 2000.0, "supply": "staff"},
    "need": {"standard": None, "full_service": 2.5},
}


def cell(value: float | None, state: Missing = Missing.OK) -> Cell:
    if value is None:
        return Cell(float("nan"), Missing.NO_DATA if state == Missing.OK else state, 0)
    return Cell(value, state, 0)


def cells(**values: Any) -> dict[str, Cell]:
    return {
        name.replace("__", "."): value if isinstance(value, Cell) else cell(value)
        for name, value in values.items()
    }


COUNTY = cells(need=0.48, access=2.5, share__elderly=0.22, share__minors=0.17, density=900.0)


def said(here: dict[str, Cell], lang: str, level: str = "grid", meta: Any = META) -> str:
    return gap_reason.gap_sentence(here, COUNTY, meta, load(lang), level=level)


def test_a_severe_gap_says_who_needs_and_who_gets() -> None:
    here = cells(gap=3.0, need=0.71, access=0.3, share__elderly=0.31, share__minors=0.1)
    assert said(here, "zh-CN") == (
        "严重缺口：需求较高（需求指数 0.71，全域 0.48；60岁及以上占比 31.0%，全域 22.0%），"
        "2 公里内每万人 0.30 名服务人员，为全域平均的 12%。"
    )
    assert said(here, "en") == (
        "Severe gap: high need (need index 0.71, overall 0.48; share of: Aged 60+ 31.0%, "
        "overall 22.0%); 0.30 staff per 10 000 residents within 2 km, 12% of the overall mean."
    )


def test_a_village_has_the_class_of_its_median_resident_and_says_so() -> None:
    here = cells(gap=2.0, need=0.5, access=0.0)
    assert said(here, "zh-CN", "village") == (
        "明显缺口（至少一半居民处于这一级或更重）："
        "需求取居民平均（需求指数 0.50，全域 0.48），2 公里内没有可及的服务。"
    )
    assert said(cells(gap=3.0), "zh-CN", "village") == "严重缺口（至少一半居民处于这一级）。"
    assert "一半以上居民处于这一级" in said(cells(gap=0.0, need=0.2), "zh-CN", "village")


def test_a_standard_is_named_with_its_figure() -> None:
    meta = {**META, "need": {"standard": 4.0, "full_service": 4.0}}
    here = cells(gap=1.0, need=0.5, access=2.0)
    assert "为本地标准（每万人 4 名服务人员）的 50%" in said(here, "zh-CN", meta=meta)
    assert "50% of the local standard of 4 staff per 10 000" in said(here, "en", meta=meta)
    older = {**META, "need": {}}
    assert said(here, "zh-CN", meta=older).endswith("2 公里内每万人 2 名服务人员。")


SOME = st.one_of(st.none(), st.floats(0, 1))
CASES = list(
    itertools.product(
        [*GapClass, None, Missing.NOT_APPLICABLE, Missing.SUPPRESSED],
        [0.1, 0.5, 0.9, None],
        [0.0, 0.004, 0.3, 7.0, None],
        ["grid", "village"],
    )
)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("elderly", [0.1, 0.4, None])
def test_every_combination_of_class_and_what_is_known_has_its_sentence(
    lang: str, elderly: float | None
) -> None:
    catalog = load(lang)
    for gap, need, access, level in CASES:
        stated = cell(None, gap) if isinstance(gap, Missing) else cell(gap)
        here = cells(gap=stated, need=need, access=access, share__elderly=elderly)
        sentence = said(here, lang, level)
        assert not any(word in sentence.lower() for word in FORBIDDEN), sentence
        assert sentence.endswith("。" if lang == "zh-CN" else "."), sentence
        if isinstance(gap, GapClass):
            assert sentence.startswith(catalog.t(f"common.gap.{gap.name.lower()}"))
            assert (words.figure(need) in sentence) if need is not None else True
            nothing = catalog.t("gap.reason.service_none", km="2")
            assert (nothing in sentence) == (access == 0)
        elif gap is None:
            lacking = "both" if need is None and access is None else (
                "need" if need is None else "access" if access is None else "gap"
            )  # fmt: skip
            assert sentence == catalog.t(f"gap.reason.unknown_{lacking}")
        else:
            key = "nobody" if gap == Missing.NOT_APPLICABLE else "withheld"
            assert sentence == catalog.t(f"gap.reason.{key}")


@given(
    st.sampled_from(list(GapClass)),
    st.tuples(st.floats(0, 1), st.floats(0.0001, 50)),
    st.tuples(SOME, SOME),
    st.sampled_from(LANGUAGES),
)
def test_every_figure_of_a_sentence_is_a_published_one(
    gap: GapClass,
    measured: tuple[float, float],
    ages: tuple[float | None, float | None],
    lang: str,
) -> None:
    (need, access), (elderly, minors) = measured, ages
    here = cells(gap=float(gap), need=need, access=access,
                 share__elderly=elderly, share__minors=minors)  # fmt: skip
    allowed = {words.figure(v) for v in (need, access, 0.48)}
    allowed |= {words.percent(v) for v in (elderly, minors, 0.22, 0.17) if v is not None}
    allowed |= {gap_reason.times(access / 2.5), "2", "10 000", "10", "000", "60", "60+"}
    allowed |= {"0–17", "0", "17"}
    allowed = {figure.replace(words.THIN_SPACE, "\u202f") for figure in allowed}
    for figure in re.findall(r"\d[\d.\u202f]*%?", said(here, lang)):
        assert figure.rstrip(".") in allowed, (figure, said(here, lang))


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_named_beside_need_speaks_for_it(need: float, elderly: float) -> None:
    sentence = said(cells(gap=1.0, need=need, access=1.0, share__elderly=elderly), "zh-CN")
    if "60岁及以上占比" in sentence:
        assert (elderly > 0.22) == ("较低" not in sentence)


def test_a_density_has_its_unit_and_is_not_broken_across_lines() -> None:
    here = cells(gap=2.0, need=0.6, access=1.0, density=12_345.0)
    assert "人口密度 12\u202f345 人/平方公里，全域 900 人/平方公里" in said(here, "zh-CN")


@given(st.floats(0, 1), st.floats(0, 1))
def test_above_cells_no_band_is_named_and_the_driver_follows_the_mean(
    need: float, elderly: float
) -> None:
    here = cells(gap=1.0, need=need, access=1.0, share__elderly=elderly)
    sentence = said(here, "zh-CN", "village")
    assert not any(band in sentence for band in ("需求较低", "需求中等", "需求较高"))
    if "60岁及以上占比" in sentence:
        assert (elderly > 0.22) == (need >= 0.48)


def test_the_county_is_not_compared_with_itself() -> None:
    here = COUNTY | cells(gap=1.0)
    sentence = gap_reason.gap_sentence(here, {}, META, load("zh-CN"), level="county")
    assert "全域 0" not in sentence


def row(worst: float | None, share: float | None, variants: float | None) -> dict[str, Any]:
    return {"worst": worst, "stays_worst": share, "variants": variants}


def test_how_often_a_place_stays_is_a_whole_number_of_trials() -> None:
    catalog = load("zh-CN")
    assert gap_reason.robust_sentence(row(1.0, 15 / 17, 17.0), catalog) == (
        "属缺口最大的十分之一居民；换划分和半径再算 17 次，15 次仍是。"
    )
    elsewhere = gap_reason.robust_sentence(row(0.0, 9 / 17, 17.0), catalog)
    assert elsewhere is not None
    assert "9 次属于" in elsewhere
    for quiet in (row(0.0, 8 / 17, 17.0), row(None, None, None), row(1.0, None, 0.0), None, {}):
        assert gap_reason.robust_sentence(quiet, catalog) is None


def test_a_ranking_says_its_trials_its_share_and_chance() -> None:
    table = pd.DataFrame(
        {"ranking": ["village", "village", "town", "village"],
         "share_stays": [0.9, 0.7, 0.1, None], "expected": [0.1, 0.14, 0.5, None]}
    )  # fmt: skip
    sentence = gap_reason.ranking_sentence(table, "village", load("zh-CN"))
    assert sentence is not None
    assert "再算 2 次" in sentence
    assert "80%" in sentence
    assert "12%" in sentence
    assert gap_reason.ranking_sentence(table, "grid", load("en")) is None
    assert gap_reason.ranking_sentence(None, "village", load("en")) is None


def test_the_group_that_lives_most_in_gaps_is_named_only_where_it_stands_out() -> None:
    meta = {
        "levels": [{"level": "grid", "n": 9}, {"level": "county", "n": 1}],
        "groups": [{"code": "elderly", "name": {"zh": "老年人", "en": "Elderly"}}],
    }
    rows = [("county", "total", 0.33), ("county", "elderly", 0.41), ("county", "minors", 0.2),
            ("town", "elderly", 0.9)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["level", "group", "share"])
    sentence = gap_reason.group_sentence(table, meta, load("zh-CN"))
    assert sentence == "老年人中有 41.0% 生活在缺口较大的网格，高于全体居民的 33.0%"
    assert "41.0%" in (gap_reason.group_sentence(table, meta, load("en")) or "")
    near = table.assign(share=[0.33, 0.34, 0.2, 0.9])
    assert gap_reason.group_sentence(near, meta, load("zh-CN")) is None
    assert gap_reason.group_sentence(table.iloc[1:], meta, load("zh-CN")) is None
    assert gap_reason.group_sentence(None, meta, load("zh-CN")) is None


# ---------------------------------------------------------------- on the page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_panel_gives_reason_score_parts_and_what_is_not_known(
    published_reader: Reader, snapshot: Snapshot, lang: str
) -> None:
    ranking = published_reader.table(snapshot.snapshot_id, "gap_ranking")
    code = ranking[(ranking["level"] == "village") & (ranking["gap"] == 3)]["area_code"].iloc[0]
    choices, catalog = read_choices(snapshot, {"area": code}), load(lang)
    profile = places.read_profile(
        published_reader, snapshot, places.find_place(published_reader, snapshot, code),
        choices.week,
    )  # fmt: skip
    drawn = place.place_panel(profile, snapshot, choices, catalog, chart=None, charted="")
    text = words_of(drawn)
    assert catalog.t("gap.robust.stays", stays=15, variants=17) in text
    assert words.figure(profile.value("shortage")) in text
    assert catalog.t("gap.shortage.rests_on", share="88.0%") in text
    minors = f"{catalog.t('gap.shortage.minors_share')} {catalog.t('gap.shortage.no_points')}"
    assert minors in text
    assert words.figure(profile.value("shortage.provider_ratio")) in text


def test_the_summary_ranks_by_shortage_and_says_how_it_holds(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    choices = read_choices(snapshot, {})
    text = words_of(summary.summary(published_reader, snapshot, choices, load("zh-CN")))
    assert "再算 3 次" in text
    assert "平均有 81% 仍在其中（随机排序约 12%）" in text
    ranking = published_reader.table(snapshot.snapshot_id, "gap_ranking")
    first = ranking[(ranking["level"] == "village") & (ranking["gap"] >= 2)].head(5)
    scores = [float(score) for score in re.findall(r"短缺分 (\d+\.?\d*)", text)]
    assert scores == pytest.approx(first["shortage"].tolist(), abs=0.06)
