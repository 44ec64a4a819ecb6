"""Institutions beside the counselling network: schools, care, venues, offices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from etl.demo.facilities import LONG, OFFICE, Register
from etl.demo.plan import CITY_ZH, TOWNS, TownPlan

_NUMERALS = "一二三四五六七八"


class SchoolPlan(NamedTuple):
    """How many schools of a stage, how far they follow the children, and their pupils."""

    stage: str
    number: int
    power: float
    low: int
    high: int


SCHOOLS = (
    SchoolPlan("小学", 58, 0.9, 90, 1900),
    SchoolPlan("初中", 22, 1.1, 260, 1700),
    SchoolPlan("高中", 6, 1.3, 1200, 3200),
    SchoolPlan("学前", 22, 1.0, 60, 420),
    SchoolPlan("特教", 1, 1.5, 96, 120),
    SchoolPlan("高校", 1, 1.5, 6200, 6900),
)
# Type, name, town, beds, staff of the psychology clinic (0: none).
HOSPITALS = (
    ("精神专科医院", f"{CITY_ZH}精神卫生中心", "003", 320, 26),
    ("综合医院", f"{CITY_ZH}人民医院", "001", 1100, 6),
    ("综合医院", f"{CITY_ZH}第二人民医院", "002", 620, 3),
    ("综合医院", f"{CITY_ZH}江南医院", "003", 480, 2),
    ("综合医院", f"{CITY_ZH}新霁医院", "004", 360, 0),
    ("妇幼保健院", f"{CITY_ZH}妇幼保健院", "002", 260, 3),
    ("中医医院", f"{CITY_ZH}中医医院", "001", 420, 2),
    ("中医医院", "棠埠中西医结合医院", "102", 150, 0),
    ("综合医院", "鹤栈中心医院", "105", 180, 1),
)
# The one township that does not run community rehabilitation.
WITHOUT_REHAB = "202"
# Type, how many, least and most square metres.
VENUES = (
    ("党群服务中心", 130, 90, 620),
    ("妇女儿童之家", 22, 30, 160),
    ("老年活动中心", 22, 60, 300),
    ("便民服务中心", 18, 70, 380),
)
# Type, ending of the name, how many, least and most beds.
ELDERCARE = (
    ("养老机构", "颐养院", 18, 40, 220),
    ("日间照料中心", "日间照料中心", 30, 8, 30),
    ("居家养老服务中心", "居家养老服务中心", 24, 0, 12),
)


def enter_institutions(reg: Register) -> None:
    """All sites that are not of the counselling network itself."""
    _schools(reg)
    _hospitals(reg)
    _primary_care(reg)
    _eldercare(reg)
    _venues(reg)
    _offices(reg)


def _school_name(reg: Register, stage: str, number: int, village: int) -> str:
    town = TOWNS[int(reg.zones.town_of_village[village])]
    if stage == "初中":
        if town.urban:
            return f"{town.short}{_NUMERALS[number % len(_NUMERALS)]}中"
        return f"{town.short}初级中学{reg.stem(village)}校区"
    return {
        "小学": f"{reg.stem(village)}小学",
        "高中": f"{CITY_ZH}第{_NUMERALS[number % len(_NUMERALS)]}高级中学",
        "学前": f"{reg.stem(village)}中心幼儿园",
        "特教": f"{CITY_ZH}特殊教育学校",
        "高校": "云汐职业技术学院",
    }[stage]


def _schools(reg: Register) -> None:
    minors = reg.by_village("minors")
    for plan in SCHOOLS:
        for number, village in enumerate(reg.pick_villages(plan.number, minors**plan.power + 1)):
            cell, at = reg.in_village(village, 0.8)
            urban = TOWNS[int(reg.zones.town_of_village[village])].urban
            size = float(np.clip(minors[village] / max(minors.max(), 1), 0.02, 1))
            pupils = int(plan.low + (plan.high - plan.low) * size**0.6 * reg.rng.uniform(0.7, 1.0))
            chance = 0.82 if urban else 0.52
            chance = {"学前": 0.35 * chance, "小学": chance, "初中": chance}.get(plan.stage, 1.0)
            has_room = reg.rng.random() < chance
            staff = float(reg.rng.choice([0.5, 1, 1, 2]))
            if plan.stage == "高校":
                staff = 2.0
            reg.add(
                "school", plan.stage, _school_name(reg, plan.stage, number, village),
                cell=cell, at=at, pupils=pupils, rooms=int(has_room),
                staff=staff if has_room else 0.0,
                area_m2=reg.whole(18, 90) if has_room else None,
            )  # fmt: skip


def _largest(reg: Register, town: TownPlan, count: int) -> list[int]:
    """The most populous villages of a town."""
    villages = np.flatnonzero(reg.zones.town_of_village == TOWNS.index(town))
    order = np.argsort(-reg.persons[villages], kind="stable")
    return [int(village) for village in villages[order[:count]]]


def _hospitals(reg: Register) -> None:
    towns = {town.part: town for town in TOWNS}
    for kind_type, name, part, beds, staff in HOSPITALS:
        cell, at = reg.in_village(int(reg.rng.choice(_largest(reg, towns[part], 4))))
        reg.add(
            "hospital", kind_type, name, cell=cell, at=at, beds=beds, staff=staff,
            rooms=int(staff > 0), hours=LONG,
        )  # fmt: skip


def _primary_care(reg: Register) -> None:
    for town in TOWNS:
        top = _largest(reg, town, 3)
        names = [f"{town.name}卫生院"]
        if town.urban:
            names = [f"{town.short}社区卫生服务中心", f"{town.short}第二社区卫生服务中心"]
        for name, village in zip(names, top, strict=False):
            cell, at = reg.in_village(village)
            reg.add(
                "primary_care", "社区卫生服务中心" if town.urban else "乡镇卫生院", name,
                cell=cell, at=at, staff=reg.whole(1, 3), beds=reg.whole(12, 90), hours=LONG,
            )  # fmt: skip
        if town.part != WITHOUT_REHAB:
            cell, at = reg.in_village(top[-1])
            reg.add(
                "community_rehab", "阳光心园", f"{town.short}阳光心园", cell=cell, at=at,
                places=reg.whole(12, 46), staff=reg.whole(1, 5), area_m2=reg.whole(60, 320),
                hours=OFFICE,
            )  # fmt: skip


def _eldercare(reg: Register) -> None:
    elderly = reg.by_village("elderly")
    for kind_type, ending, count, low, high in ELDERCARE:
        for village in reg.pick_villages(count, elderly**0.8 + 1):
            cell, at = reg.in_village(village)
            beds = reg.whole(low, high)
            reg.add(
                "eldercare", kind_type, f"{reg.stem(village)}{ending}", cell=cell, at=at,
                beds=beds, staff=max(1, round(beds / 9)), area_m2=reg.whole(80, 260) + beds * 14,
                opened_on=reg.day_between(2014, reg.today.year),
            )  # fmt: skip


def _venues(reg: Register) -> None:
    for kind_type, count, low, high in VENUES:
        chosen = reg.pick_villages(count, reg.persons**0.35)
        if kind_type == VENUES[0][0]:
            # Candidates for new rooms stand in every gap.
            chosen = sorted({*chosen, *reg.gaps.all_villages})
        for village in chosen:
            cell, at = reg.in_village(village)
            reg.add(
                "host_venue", kind_type, f"{reg.zones.village_names[village]}{kind_type}",
                cell=cell, at=at, area_m2=reg.whole(low, high), rooms=reg.whole(1, 8),
                hours=OFFICE, opened_on=reg.day_between(2015, reg.today.year),
            )  # fmt: skip


def _offices(reg: Register) -> None:
    for number, (town, seat) in enumerate(zip(TOWNS, reg.seats.tolist(), strict=True)):
        plans = [("司法所", "司法所", 1)]
        if number < 9:
            plans.append(("社区戒毒(康复)办", "社区戒毒康复工作站", int(reg.rng.random() < 0.5)))
        if number < 6:
            plans.append(("信访接待场所", "群众来访接待室", 1))
        for kind_type, ending, rooms in plans:
            reg.add_at(
                "special_site", kind_type, f"{town.short}{ending}", seat,
                staff=reg.whole(1, 3), rooms=rooms,
            )  # fmt: skip
    single = {
        "救助管理站": "救助管理站",
        "社区矫正场所": "社区矫正中心",
        "信访接待场所": "人民来访接待中心",
    }
    for kind_type, ending in single.items():
        reg.add_at(
            "special_site", kind_type, f"{CITY_ZH}{ending}", int(reg.seats[0]), staff=2, rooms=1
        )
