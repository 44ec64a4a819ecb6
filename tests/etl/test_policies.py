"""Policy packs: the six that ship, what a locality lays over them, and every fault at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from etl.policies import (
    AmountQuantity,
    AreasQuantity,
    IndicatorSettings,
    Known,
    LatestQuantity,
    Policy,
    load_policy,
    pack_names,
)
from etl.settings import CONFIG_NAME, categories, load_locality, registry
from geo.errors import Fault, FaultsError
from geo.model import Kind, Level

KNOWN = Known(
    measures={e["code"]: bool(e.get("stock")) for e in registry("measures")["measures"]},
    groups=frozenset(e["code"] for e in registry("groups")["groups"]),
    categories=categories(),
    weeks=26,
)
# The table of the field's plans, as found; None is a step without a year.
PACKS: dict[str, dict[str, list[tuple[float, int | None]]]] = {
    "wuzhong": {
        "rooms_county": [(1, None)], "rooms_town": [(1, None)], "rooms_village": [(1, None)],
        "schools_service": [(0.9, None)], "towns_rehab": [(1, None)], "home_rehab": [(1, None)],
        "home_counselled": [(0.5, None)], "smi_managed": [(0.9, None)],
        "smi_treated": [(0.8, None)], "schizophrenia_treated": [(0.8, None)],
        "special_counselled": [(0.6, None)], "family_doctor": [(0.85, None)],
        "core_facts": [(0.6, None)], "literacy": [(0.2, None)],
    },
    "wuhan": {
        "rooms_village": [(0.5, 2020), (0.8, 2021)], "schools_service": [(0.7, 2020), (0.9, 2021)],
        "university_ratio": [(1, None)], "employers_service": [(0.5, 2020), (0.8, 2021)],
        "psychiatric_clinics": [(1, None)], "general_clinics": [(0.2, 2020), (0.4, 2021)],
        "home_rehab": [(0.6, None)], "home_counselled": [(0.5, None)], "core_facts": [(0.5, None)],
    },
    "qingpu_liantang": {
        "rooms_village": [(0.6, 2020), (1, None)], "home_rehab": [(0.7, None)],
        "home_counselled": [(0.7, None)], "smi_managed": [(0.95, None)],
        "smi_treated": [(0.85, None)], "schizophrenia_treated": [(0.85, None)],
        "core_facts": [(0.65, None)],
    },
    "helinger": {
        "rooms_village": [(0.8, None)], "schools_service": [(1, None)],
        "university_ratio": [(1, None)], "employers_large": [(1, None)],
        "home_rehab": [(0.6, None)], "home_counselled": [(0.5, None)], "smi_managed": [(0.8, None)],
        "smi_treated": [(0.8, None)], "schizophrenia_treated": [(0.8, None)],
        "special_counselled": [(0.6, None)], "core_facts": [(0.5, None)],
    },
    "changchun_etdz": {
        "rooms_village": [(0.8, None)], "schools_service": [(1, None)],
        "university_ratio": [(1, None)], "psychiatric_clinics": [(1, None)],
        "general_clinics": [(1, None)], "home_rehab": [(0.6, None)],
        "home_counselled": [(0.5, None)], "smi_managed": [(0.8, None)],
        "smi_treated": [(0.8, None)], "schizophrenia_treated": [(0.8, None)],
        "core_facts": [(0.5, None)],
    },
    "national_pilot": {
        "rooms_village": [(1, None)], "schools_service": [(1, None)],
        "university_service": [(1, None)], "psychiatric_clinics": [(1, None)],
        "general_clinics": [(0.4, None)],
    },
}  # fmt: skip


def load(
    chosen: str | None, own: list[Any] | None = None, folder: Path = Path()
) -> tuple[Policy, list[Fault]]:
    return load_policy(chosen, own or [], folder=folder, config_file=CONFIG_NAME, known=KNOWN)


def one(policy: Policy, code: str) -> IndicatorSettings:
    (found,) = [indicator for indicator in policy.indicators if indicator.code == code]
    return found


def test_the_six_packs_ship() -> None:
    assert set(pack_names()) == set(PACKS)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_says_what_the_plans_table_says(name: str) -> None:
    policy, faults = load(name)
    assert faults == []
    said = {
        indicator.code: [
            (step.target, step.due.year if step.due else None) for step in indicator.targets
        ]
        for indicator in policy.indicators
    }
    assert said == PACKS[name]


@pytest.mark.parametrize("name", PACKS)
def test_every_indicator_names_its_source_and_says_when_no_date_was_found(name: str) -> None:
    for indicator in load(name)[0].indicators:
        assert indicator.source.zh
        assert indicator.source.en
        undated = any(step.due is None for step in indicator.targets)
        assert ("未见期限" in indicator.source.zh) == undated
        assert ("no due date found" in indicator.source.en) == undated
        for step in indicator.targets:
            assert step.due is None or (step.due.month, step.due.day) == (12, 31)


def test_what_was_found_elsewhere_is_there_to_be_added_by_its_code() -> None:
    policy, faults = load(
        "wuzhong", [{"code": c} for c in ("case_management", "eldercare_beds", "eldercare_carers")]
    )
    assert faults == []
    assert [step.target for step in one(policy, "case_management").targets] == [0.9]
    assert "古浪" in one(policy, "case_management").source.zh
    # Only found, never aimed at.
    assert one(policy, "eldercare_beds").targets == ()
    assert [step.target for step in one(policy, "eldercare_carers").targets] == [25]


def test_a_locality_replaces_drops_and_adds_by_code() -> None:
    own: list[dict[str, Any]] = [
        {"code": "rooms_village", "targets": [{"target": 0.7, "due": date(2027, 12, 31)}]},
        {"code": "literacy", "active": False},
        {
            "code": "hotlines", "level": "county", "name": {"zh": "热线", "en": "Hotline"},
            "numerator": {"amount": "staff", "kinds": ["hotline"]},
            "denominator": {"persons": "total"}, "per": 10000, "targets": [{"target": 0.5}],
        },
    ]  # fmt: skip
    policy, faults = load("wuzhong", own)
    assert faults == []
    codes = [indicator.code for indicator in policy.indicators]
    assert "literacy" not in codes
    assert codes[-1] == "hotlines"
    assert one(policy, "rooms_village").targets[0].due == date(2027, 12, 31)
    # What it does not say stays as the pack has it.
    assert one(policy, "rooms_village").numerator == AreasQuantity(
        areas=Level.VILLAGE, kinds=(Kind.COUNSELLING_ROOM,)
    )
    assert policy.name is not None
    assert "吴中" in policy.name.zh


def test_wuzhong_counts_those_in_need() -> None:
    policy, _ = load("wuzhong")
    assert one(policy, "home_rehab").denominator == LatestQuantity(latest="rehab_in_need")
    assert one(load("wuhan")[0], "home_rehab").denominator == LatestQuantity(latest="home_patients")


def test_without_a_pack_a_locality_may_have_its_own_or_none(tmp_path: Path) -> None:
    assert load(None) == (Policy(), [])
    policy, faults = load(None, [{"code": "rooms_village", "targets": [{"target": 0.6}]}])
    assert faults == []
    assert [indicator.code for indicator in policy.indicators] == ["rooms_village"]


def test_a_pack_of_its_own_is_a_file_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(
        'name = { zh = "本县", en = "Ours" }\nsource = { zh = "本县方案", en = "Our plan" }\n'
        '[[indicators]]\ncode = "smi_managed"\ntargets = [{ target = 0.85 }]\n',
        encoding="utf-8",
    )
    policy, faults = load("ours.toml", folder=tmp_path)
    assert faults == []
    assert policy.name is not None
    assert policy.name.en == "Ours"
    assert policy.indicators[0].source.zh == "本县方案"
    assert policy.text.startswith("name")


def test_every_fault_is_told_at_once_with_file_and_key() -> None:
    good: dict[str, Any] = {
        "name": {"zh": "甲", "en": "A"}, "level": "town", "targets": [{"target": 0.5}],
        "numerator": {"latest": "smi_treated"}, "denominator": {"latest": "smi_registered"},
    }  # fmt: skip
    town = {"areas": "town"}
    own: list[dict[str, Any]] = [
        {**good, "code": "a", "numerator": {"latest": "nonsense"}},
        {**good, "code": "b", "numerator": {"sites": ["castle"]}},
        {**good, "code": "c", "denominator": {"persons": "giants"}},
        {**good, "code": "d", "targets": [{"target": 80}]},
        {k: v for k, v in {**good, "code": "e"}.items() if k != "denominator"},
        {**good, "code": "f", "start": date(2022, 1, 1),
         "targets": [{"target": 0.5, "due": date(2021, 1, 1)}]},
        {**good, "code": "g", "numerator": {"sum": "smi_treated", "weeks": 4}},
        {**good, "code": "h", "numerator": {"sum": "consult_visits", "weeks": 52}},
        {**good, "code": "i", "numerator": {"latest": "smi_treated", "persons": "total"}},
        {**good, "code": "j", "numerator": {"sites": ["school"], "categories": ["general"]}},
        {**good, "code": "k", "numerator": {**town, "has": ["rooms"]}},
        {**good, "code": "l", "numerator": {"areas": "village"}, "denominator": town},
        {**good, "code": "m", "numerator": {"areas": "county"}, "denominator": {"areas": "county"}},
        {**good, "code": "n", "targets": [{"target": 0.5}, {"target": 0.8}]},
        {**good, "code": "o", "targets": [{"target": 0.8, "due": date(2026, 1, 1)},
                                          {"target": 0.5, "due": date(2027, 1, 1)}]},
        {**good, "code": "a"},
        {**good, "code": "p", "misspelt": 1},
        {"name": "without a code"},
    ]  # fmt: skip
    policy, faults = load("nowhere", own)
    said = "\n".join(str(fault) for fault in faults)
    for wanted in (
        "policy_pack: 'nowhere'; wanted one of changchun_etdz",
        "xintu.toml: indicators.16.code: a again",
        "xintu.toml: indicators.b.numerator.sites.0: 'castle'",
        "xintu.toml: indicators.c.denominator: unknown group 'giants'",
        "80 is outside 0..1",
        "xintu.toml: indicators.e.denominator",
        "due 2021-01-01 lies before start 2022-01-01",
        "sum of 'smi_treated'",
        "weeks = 52; wanted at most publish.weeks = 26",
        "exactly one of areas, sites, amount, persons, latest, sum",
        "unknown category 'general'; wanted one of preschool, primary",
        "`categories` and `has` speak of sites",
        "`areas` must be of one level",
        "level: town is finer than the areas that are counted",
        "only the last step may be without `due`",
        "a later step must not ask for less",
        "indicators.p.misspelt",
        "xintu.toml: indicators.18.code",
    ):
        assert wanted in said, wanted
    assert [indicator.code for indicator in policy.indicators] == ["a"]


def test_an_unknown_measure_is_a_fault() -> None:
    own = [{"code": "smi_treated", "numerator": {"latest": "nonsense"}}]
    _, faults = load(None, own)
    (said,) = map(str, faults)
    assert said.startswith(
        "xintu.toml: indicators.smi_treated.numerator: unknown measure 'nonsense'; wanted a code"
    )


def test_a_file_tells_its_own_faults_together_with_those_of_the_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "ours.toml").write_text(
        '[[indicators]]\ncode = "smi_managed"\ntargets = [{ target = 3 }]\nmore = 1\n', "utf-8"
    )
    (tmp_path / CONFIG_NAME).write_text(
        'policy_pack = "ours.toml"\nmisspelt = 1\n[locality]\ncode = "1"\ncrs = "EPSG:4547"\n'
        'name = { zh = "县", en = "C" }\n[[sources]]\nid = "a"\nrole = "areas"\nlevel = "town"\n'
        'path = "a.geojson"\ncolumns = { code = "c" }\n',
        "utf-8",
    )
    with pytest.raises(FaultsError) as caught:
        load_locality(tmp_path)
    said = str(caught.value)
    assert "misspelt" in said
    assert "ours.toml: name" in said
    assert "ours.toml: indicators.smi_managed.more" in said


def test_a_ratio_may_exceed_one() -> None:
    policy, faults = load("wuhan")
    assert faults == []
    ratio = one(policy, "university_ratio")
    assert ratio.per == 4000
    assert isinstance(ratio.numerator, AmountQuantity)


def test_names_do_not_repeat_within_a_pack() -> None:
    for name in PACKS:
        names = [indicator.name.zh for indicator in load(name)[0].indicators]
        assert len(set(names)) == len(names)


def test_a_real_city_has_one_figure_of_its_own_and_no_pack() -> None:
    folder = Path(__file__).parents[1] / "data" / "localities" / "tainan"
    settings = load_locality(folder)
    assert settings.policy_name is None
    assert [indicator.code for indicator in settings.config.indicators] == ["towns_counselling"]
    assert settings.config.indicators[0].targets == ()
