"""Place names: script variants, words of kind, addresses, and what is never guessed."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.settings import registry
from etl.sources.gazetteer import Gazetteer
from etl.sources.names import fold
from geo.model import Level

AREAS = [
    ("county", "c", "试验县", None),
    ("town", "t1", "西镇", "c"),
    ("town", "t2", "东街道", "c"),
    ("town", "t3", "新市区", "c"),
    ("village", "v1", "柳溪村", "t1"),
    ("village", "v2", "玉峯村", "t1"),
    ("village", "v3", "三元社区", "t1"),
    ("village", "v4", "柳溪村", "t2"),
    ("village", "v5", "石湾居委会", "t2"),
    ("village", "v6", "臺前社区", "t2"),
    ("village", "v7", "舊[部]里", "t3"),
    ("village", "v8", "新柳村", "t3"),
    ("village", "v9", "七里", "t3"),
    ("village", "va", "松岭村", "t3"),
    ("village", "vb", "松岭社区", "t3"),
    ("grid", "g1", "g1", "v1"),
]
GAZETTEER = Gazetteer(pd.DataFrame(AREAS, columns=["level", "area_code", "name", "parent_code"]))


def code(**names: str) -> str | None:
    found = GAZETTEER.find(**names).area
    return None if found is None else found.code


@pytest.mark.parametrize(
    ("town", "village", "wanted"),
    [
        ("西镇", "柳溪村", "v1"),
        ("西镇", "柳溪", "v1"),
        ("西", "柳溪村委会", "v1"),
        ("试验县西镇", "柳溪村村民委员会", "v1"),
        ("某省某市试验县西镇人民政府", "西镇柳溪村", "v1"),
        ("东街道办事处", "柳溪村", "v4"),
        ("西镇", "玉峰村", "v2"),
        ("西鎮", "玉峯", "v2"),
        ("西镇", "３元社区", "v3"),
        ("西镇", "第三元社区", None),
        ("东街道", "石湾社区居民委员会", "v5"),
        ("东街道", "台前社区", "v6"),
        ("新市区", "旧廍里", "v7"),
        ("新市区", "舊廍", "v7"),
        ("新市区", "七里村", "v9"),
        ("", "玉峰村", "v2"),
        ("", "西镇柳溪村", "v1"),
        ("", "试验县东街道柳溪村", "v4"),
    ],
)
def test_names_of_town_and_village(town: str, village: str, wanted: str | None) -> None:
    found = GAZETTEER.find(town=town, village=village)
    if wanted is None:
        assert found.area is None or found.area.level is Level.TOWN
        assert found.unclear == village
    else:
        assert found.area is not None
        assert (found.area.code, found.unclear, found.candidates) == (wanted, "", ())


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("试验县西镇柳溪村12号", "v1"),
        ("某省某市试验县西镇玉峰村三组", "v2"),
        ("西镇3元社区人民路88号", "v3"),
        ("试验西镇石湾路8号", "t1"),
        ("试验县新市区中正路137号", "t3"),
        ("试验县（西镇）柳溪村委会二楼", "v1"),
        ("玉峰村", "v2"),
        # A road, a longer name, the middle of another name: not the village.
        ("西镇柳溪村路12号", "t1"),
        ("西镇老柳溪村", "t1"),
        ("新市区新柳村", "t3→v8"),
        ("西镇村", None),
        # In another county only town and village together count.
        ("别处县玉峰村", None),
        ("别处县西镇", None),
        ("别处县西镇玉峰村", "v2"),
        # Two villages of one name, two towns in one address.
        ("柳溪村5号", None),
        ("西镇与东街道交界", None),
        ("", None),
    ],
)
def test_addresses(address: str, wanted: str | None) -> None:
    assert code(address=address) == (wanted.rpartition("→")[2] if wanted else None)


def test_what_is_open_is_listed_and_not_guessed() -> None:
    found = GAZETTEER.find(village="柳溪村")
    assert found.area is None
    assert {area.code for area in found.candidates} == {"v1", "v4"}
    # The kind that the row gives decides; without it both stay open.
    assert code(town="新市区", village="松岭社区") == "vb"
    open_ = GAZETTEER.find(town="新市区", village="松岭")
    assert open_.area is not None
    assert open_.area.code == "t3"
    assert {area.code for area in open_.candidates} == {"va", "vb"}


def test_another_kind_is_proposed_and_not_used() -> None:
    found = GAZETTEER.find(town="西镇", village="柳溪社区")
    assert found.area is not None
    assert (found.area.code, found.proposal) == ("t1", "柳溪村")
    unknown = GAZETTEER.find(town="西乡", village="柳溪村")
    assert unknown.area is None
    assert unknown.proposal == "西镇"


def test_a_stand_in_fits_only_rare_characters() -> None:
    for name in ("旧田里", "旧街里", "新廍里"):
        found = GAZETTEER.find(town="新市区", village=name)
        assert found.area is not None
        assert found.area.level is Level.TOWN
    assert code(town="新市区", village="\u820a\U000fb56f\u91cc") == "v7"


def test_a_cell_without_a_name_of_its_own_is_not_found_by_its_code() -> None:
    assert GAZETTEER.named("g1", Level.GRID) == ()


def test_a_code_without_parent_stands_alone() -> None:
    areas = pd.DataFrame(
        {"level": ["village"], "area_code": ["v"], "name": ["柳溪村"], "parent_code": ["?"]}
    )
    found = Gazetteer(areas).find(village="柳溪")
    assert found.area is not None
    assert found.area.code == "v"


def test_variants_are_one_character_each_and_in_one_group() -> None:
    groups = registry("variants")["variants"]
    letters = "".join(groups)
    assert len(set(letters)) == len(letters)
    assert all(len(group) > 1 for group in groups)


@pytest.mark.parametrize(
    ("text", "wanted"), [("10", "十"), ("12", "十二"), ("20", "二十"), ("105", "一百零五"),
                         ("110", "一百一十"), ("1003", "一千零三"), ("0", "零")],
)  # fmt: skip
def test_numerals(text: str, wanted: str) -> None:
    assert fold(text + "组") == wanted + "组"


@given(st.text(max_size=40), st.text(max_size=12), st.text(max_size=12))
def test_any_text_ends_in_an_area_or_none(address: str, town: str, village: str) -> None:
    found = GAZETTEER.find(town=town, village=village, address=address)
    assert found.area is None or found.area.level in (Level.TOWN, Level.VILLAGE)


@given(
    st.sampled_from([area for area in AREAS if area[0] == "village"]),
    st.text("a1 号，", max_size=6),
)
def test_a_full_address_finds_its_village(area: tuple[str, str, str, str], tail: str) -> None:
    towns = {row[1]: row[2] for row in AREAS}
    if "[" in area[2]:
        return
    assert code(address=f"试验县{towns[area[3]]}{area[2]}{tail}") == area[1]


# ------------------------------------------------------------------ a real city


@pytest.fixture(scope="module")
def city(tainan_dir: Path) -> pd.DataFrame:
    towns = gpd.read_file(tainan_dir / "boundaries" / "tainan_towns_37.geojson")
    villages = gpd.read_file(tainan_dir / "boundaries" / "tainan_villages_2017.geojson")
    frames = [
        pd.DataFrame(
            {"level": "village", "area_code": villages["VILLCODE"], "name": villages["VILLNAME"],
             "parent_code": villages["TOWNCODE"]}
        ),
        pd.DataFrame(
            {"level": "town", "area_code": towns["TOWN_ID"], "name": towns["TOWNNAME"],
             "parent_code": "67000"}
        ),
        pd.DataFrame(
            {"level": ["county"], "area_code": ["67000"], "name": ["臺南市"], "parent_code": [None]}
        ),
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def persons(tainan_dir: Path) -> list[tuple[str, str, str]]:
    file = tainan_dir / "population" / "tainan_village_pop_2015_08.csv"
    table = pd.read_csv(file, dtype=str)
    codes = table["村里代碼"].str.replace("-", "")
    return list(zip(table["區域"], table["村里"], codes, strict=True))


def test_every_village_of_a_real_city_is_found_by_name(
    city: pd.DataFrame, tainan_dir: Path
) -> None:
    gazetteer, rows = Gazetteer(city), persons(tainan_dir)
    found = [gazetteer.find(town=town, village=village).area for town, village, _ in rows]
    assert [area.code if area else None for area in found] == [code for _, _, code in rows]
    # By name alone many villages share one: none is given to the wrong one.
    alone = [gazetteer.find(village=village).area for _, village, _ in rows]
    right = [area.code == code for area, (_, _, code) in zip(alone, rows, strict=True) if area]
    assert all(right)
    assert len(right) > 600


def test_a_village_that_is_gone_is_given_to_no_other(city: pd.DataFrame, tainan_dir: Path) -> None:
    for town, village, code in persons(tainan_dir):
        near = (city["parent_code"] == code[:8]) & (city["area_code"] != code)
        gazetteer = Gazetteer(city[near | (city["level"] != "village")])
        found = gazetteer.find(town=town, village=village).area
        assert found is not None
        assert found.code == code[:8]


def test_addresses_of_a_real_city_lead_to_their_district(
    city: pd.DataFrame, tainan_dir: Path
) -> None:
    file = tainan_dir / "facilities" / "counselling_clinics_tainan.csv"
    table = pd.read_csv(file, dtype=str)
    gazetteer = Gazetteer(city)
    districts = city.set_index("area_code")["name"]
    for address, district in zip(table["address"], table["addr_town"], strict=True):
        found = gazetteer.find(address=address).area
        assert found is not None
        assert districts[found.code[:8]] == district
