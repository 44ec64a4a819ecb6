"""Facilities that are likely one, and closed ones that are at work."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from etl.findings import Doubts
from etl.sources.geography import Geography
from etl.sources.overlaps import Share, alike, doubt_sites
from tests.support.locality import CENTRES, SW, Folder

METRE = 1 / 111_000  # degrees of latitude


@pytest.fixture(scope="module")
def geography(tmp_path_factory: pytest.TempPathFactory) -> Geography:
    folder = Folder.with_areas(tmp_path_factory.mktemp("areas"))
    return Geography(folder.ingest().areas, "EPSG:4547")


def share(names: list[str], *, metres: float = 50, file: str = "a.csv", **columns: object) -> Share:
    lon, lat = CENTRES[SW]
    frame = pd.DataFrame(
        {
            "name": names,
            "kind": "school",
            "lon": lon,
            "lat": lat + np.arange(len(names)) * metres * METRE,
            "quality": "exact",
            "status": "open",
            "staff": np.nan,
            "hours": None,
            "source_row": np.arange(2, 2 + len(names)),
        }
    )
    for name, value in columns.items():
        frame[name] = value
    return Share(frame, Doubts(file, file))


def said(geography: Geography, *shares: Share, near_m: float = 200) -> list[tuple[str, str, int]]:
    doubt_sites(shares, ["名称"] * len(shares), geography, near_m=near_m)
    return [(f.file, f.rule, f.row or 0) for one in shares for f in one.doubts.findings]


def test_like_names_near_each_other_are_told_once_and_kept(geography: Geography) -> None:
    own = share(["雁浦社区心理咨询室", "雁浦社区心里咨询室", "柳溪小学"])
    assert said(geography, own) == [("a.csv", "likely_duplicate_site", 3)]
    (finding,) = own.doubts.findings
    assert "雁浦社区心理咨询室 (#2)" in finding.action.zh
    assert "50 米" in finding.action.zh
    assert len(own.frame) == 3


def test_between_files_the_other_file_is_named(geography: Geography) -> None:
    one, two = share(["城关实验小学"]), share(["城关实验小学校"], file="b.csv")
    assert said(geography, one, two) == [("b.csv", "likely_duplicate_site", 2)]
    assert "a.csv #2" in two.doubts.findings[0].action.zh


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": ["school", "hospital"]},
        {"quality": "village"},
        {"lon": [113.85, 113.86]},
    ],
)
def test_another_kind_a_rough_place_or_a_distance_is_no_doubt(
    geography: Geography, columns: dict[str, object]
) -> None:
    assert said(geography, share(["城关实验小学", "城关实验小学校"], **columns)) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("城关第一小学", "城关第二小学"),
        ("城东小学", "城西小学"),
        ("雁浦村卫生室", "雁涌村卫生室"),
        ("实验小学", "实验小学分校"),
        ("县人民医院", "县中医医院"),
        ("雁浦小学", "雁浦小学附属幼儿园"),
        ("阳光心园1号", "阳光心园2号"),
    ],
)
def test_what_is_told_apart_is_not_alike(one: str, two: str) -> None:
    assert not alike(one, two)
    assert not alike(two, one)


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"status": "closed", "staff": 2.0}, 1),
        ({"status": "closed", "hours": "9:00-17:00"}, 1),
        ({"status": "closed", "staff": 0.0, "hours": "9:00-17:00"}, 0),
        ({"status": "closed"}, 0),
        ({"status": "open", "staff": 2.0, "hours": "9:00"}, 0),
        ({"status": "planned", "staff": 2.0}, 0),
    ],
)
def test_closed_with_staff(geography: Geography, columns: dict[str, object], wanted: int) -> None:
    found = said(geography, share(["柳溪小学"], **columns))
    assert [rule for _, rule, _ in found] == ["closed_but_active"] * wanted


def test_nothing_is_said_of_nothing(geography: Geography) -> None:
    assert said(geography) == []
    assert said(geography, Share(pd.DataFrame(), Doubts("a", "a.csv"))) == []


def test_two_thousand_sites_of_a_dense_city_are_quick(geography: Geography) -> None:
    names = [f"柳溪{'甲乙丙丁'[i % 4]}{i}号小学" for i in range(2000)]
    own = share(names, metres=2)
    assert said(geography, own) == []
