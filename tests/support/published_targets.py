"""A scorecard for the published store: an indicator of every standing, by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from etl.build.targets import AREA_COLUMNS, MISSING_COLUMNS
from geo.model import Missing

NAN = math.nan


def _target(code: str, zh: str, en: str, progress: str, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "indicator": code, "name_zh": zh, "name_en": en, "level": "town", "per": NAN,
        "direction": "at_least", "numerator": 11.0, "denominator": 20.0, "value": 0.55,
        "low": NAN, "high": NAN, "state": int(Missing.OK), "progress": progress, "target": 0.8,
        "due": "2027-12-31", "steps": [{"target": 0.8, "due": "2027-12-31"}], "missing": 5.0,
        "distance": 0.25, "unreported": 0.0, "figure_week": "", "outlook": "no_pace", "pace": NAN,
        "pace_low": NAN, "pace_high": NAN, "pace_points": 1, "forecast": None,
        "forecast_early": None, "forecast_late": None, "definition": "0", "pack_zh": "试验方案",
        "pack_en": "Test plan", "numerator_words_zh": "有的", "numerator_words_en": "with",
        "denominator_words_zh": "全部", "denominator_words_en": "all", "unit_zh": "个",
        "unit_en": "areas", "source_zh": "某县方案", "source_en": "Some plan", "note_zh": "",
        "note_en": "",
    }  # fmt: skip
    assert set(changes) <= set(usual)
    return {**usual, **changes}


def target_tables(towns: pd.DataFrame, villages: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The four published tables.

    Parameters
    ----------
    towns, villages : area_code, name, parent_code.
    """
    gone = {"value": NAN, "numerator": NAN, "denominator": NAN, "missing": NAN, "distance": NAN}
    targets = [
        _target("rooms_village", "村（社区）心理咨询室建成率", "Villages with a counselling room",
                "on_track", level="village", outlook="reached", forecast="2027-03-14", pace=0.02,
                forecast_early="2027-01-10", forecast_late="2027-07-04", pace_points=53,
                steps=[{"target": 0.5, "due": "2025-12-31"}, {"target": 0.8, "due": "2027-12-31"}]),
        _target("schools_service", "中小学有心理辅导室的比例", "Schools with a counselling room",
                "behind", due="2025-12-31", value=0.4, numerator=2.0, denominator=5.0, missing=2.0,
                unit_zh="处", unit_en="sites", unreported=1.0),
        _target("smi_managed", "严重精神障碍患者规范管理率", "Severe disorders under management",
                "met", value=0.91, numerator=91.0, denominator=100.0, missing=0.0, distance=0.0,
                outlook="met", figure_week="2026-W44", due=None),
        _target("core_facts", "居民核心知识知晓率", "Residents who know the core facts", "short",
                level="county", low=0.51, high=0.59, missing=NAN),
        _target("literacy", "心理健康素养水平", "Mental-health literacy", "no_data",
                level="county", state=int(Missing.NO_DATA), **gone),
        _target("schizophrenia_treated", "精神分裂症治疗率", "Schizophrenia treated", "withheld",
                state=int(Missing.SUPPRESSED), **gone),
        _target("psychiatric_clinics", "精神专科医院设心理门诊的比例", "Psychiatric clinics",
                "not_applicable", state=int(Missing.NOT_APPLICABLE), **gone),
        _target("eldercare_beds", "每千名老年人养老床位数", "Eldercare beds per 1 000 elderly",
                "no_target", per=1000.0, value=20.15, target=NAN, due=None, steps=[], missing=NAN),
    ]  # fmt: skip
    areas = [
        _area("schools_service", "town", area, share, state)
        for area, share, state in zip(
            towns.to_dict("records"), (0.25, 1.0, NAN, NAN),
            (Missing.OK, Missing.OK, Missing.NO_DATA, Missing.NOT_APPLICABLE), strict=True,
        )
    ] + [
        _area("rooms_village", "village", area, float(i % 2), Missing.OK)
        for i, area in enumerate(villages.to_dict("records"))
    ]  # fmt: skip
    names = dict(zip(towns["area_code"], towns["name"], strict=True))
    missing = [
        ("rooms_village", "village", area["area_code"], area["name"], area["parent_code"],
         names[area["parent_code"]], None, "planned" if i == 0 else "none", 4000.0 - i)
        for i, area in enumerate(villages.to_dict("records")) if i % 2 == 0
    ]  # fmt: skip
    town = towns.iloc[0]
    village = villages[villages["parent_code"] == town["area_code"]].iloc[0]
    missing += [
        ("schools_service", "village", village["area_code"], name, town["area_code"],
         town["name"], f"school-{reason}", reason, NAN)
        for name, reason in (("=1+1小学", "none"), ("<b>第二</b>小学", "unreported"))
    ]  # fmt: skip
    trend = [("rooms_village", f"2026-W{week}", 0.3 + 0.01 * week / 2, "opened")
             for week in range(20, 45)]  # fmt: skip
    trend += [("rooms_village", "2026-W45", 0.54, "published"),
              ("rooms_village", "2026-W46", 0.55, "now"),
              ("smi_managed", "2026-W46", 0.91, "now")]  # fmt: skip
    return {
        "targets": pd.DataFrame(targets),
        "target_areas": pd.DataFrame(areas, columns=list(AREA_COLUMNS)),
        "target_missing": pd.DataFrame(missing, columns=list(MISSING_COLUMNS)),
        "target_trend": pd.DataFrame(trend, columns=["indicator", "week", "value", "basis"]),
    }


def _area(
    indicator: str, level: str, area: dict[Any, Any], share: float, state: Missing
) -> dict[str, Any]:
    return {
        "indicator": indicator, "level": level, "area_code": area["area_code"],
        "name": area["name"], "parent_code": area["parent_code"], "parent_name": "",
        "numerator": 4 * share, "denominator": NAN if math.isnan(share) else 4.0, "value": share,
        "state": int(state), "missing": 4 - 4 * share, "met": share == 1, "figure_week": "",
    }  # fmt: skip
