"""The page of measurements keeps what was not measured again."""

from __future__ import annotations

from tests.bench.__main__ import PAGE, PARTS
from tests.bench.page import COLUMNS, HEAD, renew, section

ROW = {"work": "w", "ours": "1 s", "peer": "p 5 s", "ratio": "5×", "unit": "s"}


def test_a_section_is_a_table_with_its_date_and_notes() -> None:
    text = section("Title", [ROW], measured="Measured now.", notes="\nWhy.\n")
    assert text.split("\n\n") == [
        "## Title",
        "Measured now.",
        f"| {' | '.join(COLUMNS)} |\n|{' --- |' * 5}\n| w | 1 s | p 5 s | 5× |  |",
        "Why.",
    ]


def test_parts_stand_in_their_order_and_others_stay_as_they_were() -> None:
    old = renew("", ["a", "b"], {"b": section("b", [ROW], measured="old b")})
    page = renew(old, ["a", "b"], {"a": section("a", [ROW], measured="new a")})
    assert page.startswith(HEAD)
    assert page.index("## a") < page.index("new a") < page.index("## b") < page.index("old b")
    again = renew(page, ["a", "b"], {"a": section("a", [ROW], measured="newer a")})
    assert again == page.replace("new a", "newer a")


def test_a_section_of_no_part_is_dropped() -> None:
    old = renew("", ["gone"], {"gone": section("gone", [ROW], measured="m")})
    assert renew(old, ["a"], {}) == HEAD + "\n"


def test_the_page_holds_sections_of_known_parts_only() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renew(page, list(PARTS.values()), {}) == page
