"""What an address asks for, checked against what is published."""

from __future__ import annotations

import pytest

from dashboard.address import Address
from dashboard.choices import AUTO, Choices, LayerBook, read_choices
from etl.store.reader import Reader, Snapshot

pytest_plugins = ("tests.support.dashboard_fixtures",)


def test_an_empty_address_opens_with_the_gap(snapshot: Snapshot) -> None:
    choices = read_choices(snapshot, {})
    assert (choices.layer, choices.level, choices.area) == ("gap", AUTO, "")
    assert choices.week == snapshot.week
    assert choices.sites == ("guidance_centre", "counselling_room")


def test_an_address_reproduces_a_screen(snapshot: Snapshot) -> None:
    given = {
        "layer": "tier",
        "level": "village",
        "area": "990101101001",
        "week": "2026-W40",
        "measure": "hotline_calls",
        "sites": "school,hospital",
    }
    choices = read_choices(snapshot, given)
    assert choices.to_store() == {
        **given,
        "snapshot": snapshot.snapshot_id,
        "area_level": "",
        "sites": ["school", "hospital"],
    }
    assert Choices.from_store(choices.to_store()) == choices


@pytest.mark.parametrize(
    "given",
    [
        {"layer": "nonsense"},
        {"layer": "population"},
        {"week": "2020-W01"},
        {"week": "<script>"},
        {"level": "galaxy"},
        {"sites": "none"},
    ],
)
def test_what_is_not_published_falls_back(snapshot: Snapshot, given: dict[str, str]) -> None:
    choices = read_choices(snapshot, given)
    assert choices.layer == "gap"
    assert choices.week == snapshot.week
    assert choices.level == AUTO
    assert (choices.sites == ()) == ("sites" in given)


def test_a_level_that_a_layer_lacks_gives_its_nearest(snapshot: Snapshot) -> None:
    book = LayerBook(snapshot)
    assert book.level_for("gap", "grid") == "grid"
    assert book.level_for("tier", "grid") == "village"
    assert book.level_for("tier", AUTO) == AUTO


def test_layers_that_stand_only_in_words_are_not_offered(snapshot: Snapshot) -> None:
    offered = LayerBook(snapshot).layers
    assert "population" not in offered
    assert not [code for code in offered if code.startswith("count.")]


def test_unknown_languages_and_themes_are_left_out() -> None:
    address = Address.read("/data/", "?lang=xx&theme=neon&week=2026-W46")
    assert address == Address("/data", "zh-CN", None, {"week": "2026-W46"})


def test_the_address_wins_over_what_is_remembered() -> None:
    kept = {"xintu-lang": "en", "xintu-theme": "dark"}
    assert Address.read("/", "", remembered=kept).lang == "en"
    address = Address.read("/", "?lang=zh-CN&theme=light", remembered=kept)
    assert (address.lang, address.theme) == ("zh-CN", "light")


def test_no_count_stands_in_the_browser_store(snapshot: Snapshot, published_reader: Reader) -> None:
    store = read_choices(snapshot, {}).to_store()
    assert set(store) == {
        "snapshot", "level", "area", "area_level", "layer", "week", "measure", "sites",
    }  # fmt: skip
