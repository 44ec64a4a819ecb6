"""Sentences of warnings, in Chinese and English, for several combinations of facts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.build.reasons import LANGUAGES, Facts, Figure, episode_reason, tier_name, warning_reason
from etl.sections import MeasureSettings
from etl.settings import registry
from geo.detect.episodes import PHASES
from geo.detect.tiers import Raise, legend_tiers
from geo.detect.watch import Look
from geo.model import Colours, Level, Missing, Tier

NAN = float("nan")
MEASURES = {
    entry["code"]: MeasureSettings.model_validate(entry)
    for entry in registry("measures")["measures"]
}
WITHHELD, NO_DATA = Figure(NAN, Missing.SUPPRESSED), Figure(NAN, Missing.NO_DATA)
FACTS = Facts(
    name="柳溪镇",
    level=Level.TOWN,
    measure=MEASURES["dv_reports"],
    tier=Tier.YELLOW,
    base=Tier.YELLOW,
    count=Figure(18.0),
    expected=7.2,
    method="farrington",
)
WORDS = tomllib.loads(
    resources.files("etl").joinpath("registry", "warnings.toml").read_text(encoding="utf-8")
)


def test_the_figure_the_usual_and_what_is_asked() -> None:
    told = warning_reason(FACTS)
    assert told.zh == "柳溪镇家暴求助本周18起，往年同期约7起；需要加强服务。"
    assert told.en == (
        "Domestic-violence reports in 柳溪镇: 18 this week, about 7 at this time in earlier years; "
        "more service is needed here."
    )


def test_everything_that_speaks_for_it() -> None:
    told = warning_reason(
        replace(
            FACTS,
            base=Tier.BLUE,
            raised_by=("persistence", "spread", "gap"),
            weeks_high=3,
            neighbours_high=4,
            far=True,
            earlier=(Figure(6.0), Figure(9.0), WITHHELD, Figure(16.0)),
        )
    )
    assert told.zh == (
        "柳溪镇家暴求助本周18起，往年同期约7起，已连续3周偏多，周边4个乡镇（街道）也偏多，离最近的咨询室较远，"
        "等级由蓝色升为黄色；需要加强服务。前4周的数依次为6、9、不公布、16。"
    )
    assert told.en == (
        "Domestic-violence reports in 柳溪镇: 18 this week, about 7 at this time in earlier years, "
        "high for 3 weeks in a row, 4 neighbouring towns high as well, the nearest counselling "
        "room is far, raised from blue to yellow; more service is needed here. "
        "The 4 weeks before: 6, 9, withheld, 16."
    )


def test_blue_asks_to_watch_and_an_unfinished_week_says_so() -> None:
    told = warning_reason(
        replace(
            FACTS,
            name="杏花村",
            level=Level.VILLAGE,
            tier=Tier.BLUE,
            base=Tier.BLUE,
            method="ears",
            expected=0.3,
            look="neighbours",
            reach=2,
            provisional=True,
        )
    )
    assert told.zh == (
        "杏花村家暴求助本周18起，此前几周平均不到1起，与周边1个村（社区）合起来明显偏多；请继续关注。"
        "本周数可能还没有报齐。"
    )
    assert told.en == (
        "Domestic-violence reports in 杏花村: 18 this week, fewer than 1 in a usual week before "
        "that, clearly high together with 1 neighbouring village; keep watching. "
        "This week may not be fully reported yet."
    )


def test_a_gap_without_a_far_room_and_an_alert_from_above() -> None:
    told = warning_reason(
        replace(
            FACTS,
            measure=MEASURES["hotline_calls"],
            tier=Tier.ORANGE,
            raised_by=("upstream", "gap"),
            upstream=Tier.RED,
            look="own_weeks",
        )
    )
    assert told.zh == (
        "柳溪镇热线来电本周18次，往年同期约7次，近几周合起来明显偏多，上级已发红色预警，当地心理服务缺口较大，"
        "等级由黄色升为橙色；需要加强服务。"
    )
    assert "services here fall well short of the need, raised from yellow to orange" in told.en


def test_a_held_warning_says_that_it_fell_and_nothing_else() -> None:
    told = warning_reason(
        replace(FACTS, held=True, count=WITHHELD, weeks_high=2, look="neighbours", reach=5,
                earlier=(WITHHELD,) * 4)
    )  # fmt: skip
    assert told.zh == (
        "柳溪镇家暴求助本周数不公布；本周有所回落，黄色提示再保留观察。前4周的数均不公布。"
    )
    assert told.en == (
        "Domestic-violence reports in 柳溪镇: this week's number is withheld; lower this week, "
        "the yellow notice stays for now. The numbers of the 4 weeks before are withheld."
    )


def test_weeks_without_data_are_no_zeros() -> None:
    told = warning_reason(replace(FACTS, earlier=(NO_DATA, Figure(0.0))))
    assert told.zh.endswith("前2周的数依次为无数据、0。")
    assert told.en.endswith("The 2 weeks before: no data, 0.")
    assert warning_reason(replace(FACTS, earlier=(NO_DATA,))).en.endswith(
        "No data for the 1 week before."
    )
    assert warning_reason(replace(FACTS, earlier=(NO_DATA,))).zh.endswith("前1周均无数据。")


def test_neighbours_that_nobody_counted() -> None:
    told = warning_reason(replace(FACTS, base=Tier.BLUE, raised_by=("spread",)))
    assert "周边不少乡镇（街道）也偏多" in told.zh
    assert "many neighbouring towns high as well" in told.en


def test_three_colours_speak_of_green() -> None:
    told = warning_reason(
        replace(
            FACTS,
            base=Tier.NONE,
            raised_by=("gap",),
            colours=Colours.THREE,
            upstream=Tier.ORANGE,
        )
    )
    assert "等级由绿色升为黄色" in told.zh
    assert "raised from green to yellow" in told.en


@pytest.mark.parametrize("colours", Colours)
def test_every_tier_that_can_be_shown_has_a_name(colours: Colours) -> None:
    for lang in LANGUAGES:
        names = [getattr(tier_name(tier, colours), lang) for tier in legend_tiers(colours)]
        assert len(set(names)) == len(names)
    with_words = set(WORDS["tiers"][colours.value])
    assert with_words == {tier.name.lower() for tier in legend_tiers(colours)}
    assert tier_name(Tier.NO_DATA, colours).zh == "无数据"


def test_every_look_rule_and_phase_has_words() -> None:
    looks = {look.name.lower() for look in Look} - {"own_week"}
    assert set(WORDS["look"]) == looks
    assert {rule.name.lower() for rule in Raise if rule.name} <= set(WORDS["rule"])
    assert set(PHASES) <= set(WORDS["phase"])
    assert set(WORDS["levels"]) == {level.value for level in Level}


@pytest.mark.parametrize(
    ("phase", "zh", "en"),
    [
        ("new", "这项提示为本周新出现。", "This notice is new this week."),
        ("growing", "这项提示已持续3周，涉及2个区域，有所加重或扩大。",
         "This notice has stood for 3 weeks, over 2 areas, and grows."),
        ("moving", "这项提示已持续3周，涉及2个区域，位置有所移动。",
         "This notice has stood for 3 weeks, over 2 areas, and moves."),
        ("fading", "这项提示已持续3周，正在回落。", "This notice has stood for 3 weeks and fades."),
    ],
)  # fmt: skip
def test_how_a_warning_goes_on(phase: str, zh: str, en: str) -> None:
    place = warning_reason(FACTS)
    told = episode_reason(
        place,
        name="柳溪镇",
        measure=FACTS.measure,
        tier=Tier.YELLOW,
        phase=phase,
        weeks=3,
        n_areas=2,
    )
    assert told.zh == place.zh + zh
    assert told.en == f"{place.en} {en}"


def test_a_warning_that_rests_or_is_over() -> None:
    def told(tier: Tier, phase: str) -> Any:
        return episode_reason(
            None, name="柳溪镇", measure=FACTS.measure, tier=tier, phase=phase, weeks=1, n_areas=1
        )

    assert (
        told(Tier.NONE, "ended").zh == "柳溪镇家暴求助本周没有偏多。这项提示共持续1周，现已结束。"
    )
    assert told(Tier.NO_DATA, "fading").zh == (
        "柳溪镇家暴求助本周无数据。这项提示已持续1周，暂予保留。"
    )
    assert told(Tier.NONE, "ended").en == (
        "Domestic-violence reports in 柳溪镇: not high this week. "
        "This notice stood for 1 week and is over."
    )
    assert told(Tier.BLUE, "ended").zh == "这项提示已并入附近更早的一项。"


def phrases(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    if set(node) == set(LANGUAGES):
        yield path, node
        return
    for key, value in node.items():
        yield from phrases(value, f"{path}.{key}")


@pytest.mark.parametrize(("path", "phrase"), list(phrases(WORDS)))
def test_phrases_are_whole_and_blame_nobody(path: str, phrase: dict[str, str]) -> None:
    fields = {lang: set(re.findall(r"{(\w+)}", phrase[lang])) for lang in LANGUAGES}
    # English names the thing that is counted by its measure, Chinese by its unit.
    assert fields["en"] == fields["zh"] - {"unit"}, path
    assert not re.search(r"[,;:.()]", phrase["zh"]), "full-width punctuation in Chinese"
    assert not re.search("高危|人员|嫌疑|落后|失职|责任|超标", phrase["zh"])
    assert not re.search("blame|fault|risky|suspect|dangerous", phrase["en"], re.IGNORECASE)


figures = st.one_of(
    st.integers(0, 999).map(lambda n: Figure(float(n))), st.just(WITHHELD), st.just(NO_DATA)
)


@given(
    st.builds(
        Facts,
        name=st.just("杏花村"),
        level=st.sampled_from(list(Level)),
        measure=st.sampled_from([m for m in MEASURES.values() if m.warn]),
        tier=st.sampled_from([Tier.BLUE, Tier.YELLOW, Tier.ORANGE, Tier.RED]),
        base=st.sampled_from([Tier.NONE, Tier.BLUE, Tier.YELLOW, Tier.RED]),
        count=figures,
        expected=st.one_of(st.just(NAN), st.floats(0, 500)),
        method=st.sampled_from(["none", "ears", "farrington"]),
        look=st.sampled_from([look.name.lower() for look in Look]),
        reach=st.integers(0, 9),
        raised_by=st.lists(
            st.sampled_from(["persistence", "spread", "upstream", "gap"]), unique=True
        ),
        held=st.booleans(),
        provisional=st.booleans(),
        weeks_high=st.integers(0, 60),
        neighbours_high=st.one_of(st.none(), st.integers(0, 9)),
        upstream=st.sampled_from(list(Tier)),
        far=st.booleans(),
        earlier=st.lists(figures, max_size=4),
    ).filter(lambda facts: facts.base != Tier.NONE or not facts.raised_by)
)
def test_sentences_are_whole_whatever_the_facts(facts: Facts) -> None:
    told = warning_reason(facts)
    for text, stop in ((told.zh, "。"), (told.en, ".")):
        assert text.endswith(stop)
        assert not re.search(r"nan|[{}|]|  |[，,；;]{2}", text), text
    assert not re.search(r"[,;]", told.zh)
    numbers = {int(n) for n in re.findall(r"\d+", told.zh)}
    published = {int(f.value) for f in (facts.count, *facts.earlier) if f.key == "known"}
    others = {1, facts.reach - 1, facts.weeks_high, facts.neighbours_high, len(facts.earlier)}
    expected = {round(facts.expected)} if facts.expected == facts.expected else set()
    assert numbers <= published | others | expected
