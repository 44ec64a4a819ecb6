"""The palette can be read: on its grounds, in grey, and with each colour-vision deficiency."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from dashboard.tokens import TOKENS_CSS, TokenError, Tokens, parse_tokens, tokens
from tests.support import colours

TIERS = ("blue", "yellow", "orange", "red")
RAMPS = ("access", "gap", "sequential", "diverging")
# A fill of neighbours on a map is told apart side by side from about 5 (CIEDE2000); 7 leaves room
# for a bad projector. Tiers stand alone and also carry a shape and a word.
CLASSES_APART = 7.0
TIERS_APART = 8.0


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Tokens:
    return tokens(request.param)


# Sharma, Wu & Dalal 2005, "The CIEDE2000 Color-Difference Formula", table 1, five of its pairs.
@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_difference_agrees_with_its_paper(
    one: tuple[float, ...], other: tuple[float, ...], wanted: float
) -> None:
    assert colours.ciede2000(np.array(one), np.array(other)) == pytest.approx(wanted, abs=1e-4)


def test_ink_is_legible(theme: Tokens) -> None:
    for ground in ("ground", "panel"):
        assert colours.contrast(theme["ink"], theme[ground]) >= 7
        assert colours.contrast(theme["ink-2"], theme[ground]) >= 4.5
        assert colours.contrast(theme["accent"], theme[ground]) >= 4.5


@pytest.mark.parametrize("tier", TIERS)
def test_tier_stands_out_from_its_grounds(theme: Tokens, tier: str) -> None:
    for ground in ("ground", "panel"):
        fill = colours.contrast(theme[f"tier-{tier}"], theme[ground])
        edge = colours.contrast(theme[f"tier-{tier}-edge"], theme[ground])
        assert edge >= 3
        # Yellow on white cannot; its edge carries it.
        assert fill >= 3 or (tier == "yellow" and theme.theme == "light")


@pytest.mark.parametrize("tier", TIERS)
def test_word_in_a_tier_mark_is_legible(theme: Tokens, tier: str) -> None:
    assert colours.contrast(theme[f"tier-{tier}-ink"], theme[f"tier-{tier}"]) >= 4.5


@pytest.mark.parametrize("seen_with", colours.DEFICIENCIES)
def test_tiers_are_told_apart(theme: Tokens, seen_with: str) -> None:
    eye = colours.DEFICIENCIES[seen_with]
    for one, other in combinations(("none", *TIERS), 2):
        apart = colours.difference(theme[f"tier-{one}"], theme[f"tier-{other}"], seen_with=eye)
        assert apart >= TIERS_APART, (one, other)


@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("seen_with", colours.DEFICIENCIES)
def test_neighbouring_classes_are_told_apart(theme: Tokens, ramp: str, seen_with: str) -> None:
    eye = colours.DEFICIENCIES[seen_with]
    for one, other in pairwise(theme.ramp(ramp)):
        assert colours.difference(one, other, seen_with=eye) >= CLASSES_APART, (one, other)


@pytest.mark.parametrize("ramp", ["access", "gap", "sequential"])
def test_more_is_further_from_the_ground(theme: Tokens, ramp: str) -> None:
    """Steadily so: the order survives a grey print."""
    contrasts = [colours.contrast(colour, theme["map-ground"]) for colour in theme.ramp(ramp)]
    assert contrasts == sorted(contrasts)
    assert contrasts[-1] >= 4.5


@pytest.mark.parametrize("ramp", ["access", "gap", "sequential"])
def test_neighbouring_classes_are_told_apart_in_grey(theme: Tokens, ramp: str) -> None:
    for one, other in pairwise(theme.ramp(ramp)):
        assert colours.difference(one, other, seen_with=colours.GREY) >= CLASSES_APART - 1


@pytest.mark.parametrize("ramp", ["access", "gap", "sequential"])
def test_no_class_looks_like_ground_or_zero(theme: Tokens, ramp: str) -> None:
    for ground in ("map-ground", "zero-ground"):
        assert colours.difference(theme.ramp(ramp)[0], theme[ground]) >= 5


def test_patterns_are_seen_on_their_grounds(theme: Tokens) -> None:
    for ground, mark in (
        ("no-data-ground", "no-data-line"),
        ("suppressed-ground", "suppressed-dot"),
    ):
        assert colours.contrast(theme[ground], theme[mark]) >= 1.7


def test_labels_are_legible_on_their_halo(theme: Tokens) -> None:
    halo = theme["ground"]  # the halo is the ground, nearly opaque
    assert colours.contrast(theme["map-label"], halo) >= 7
    assert colours.contrast(theme["map-label-2"], halo) >= 4.5


def test_dark_defines_no_token_that_light_does_not() -> None:
    found = parse_tokens(TOKENS_CSS.read_text(encoding="utf-8"))
    assert found["dark"].keys() <= found["light"].keys()


def test_a_token_nobody_defined_says_so() -> None:
    with pytest.raises(TokenError, match="--nothing"):
        tokens()["nothing"]
    with pytest.raises(TokenError, match="rainbow"):
        tokens().ramp("rainbow")


def test_fonts_come_in_order() -> None:
    assert tokens().fonts[0] == "Noto Sans SC"
    assert tokens().fonts[-1] == "sans-serif"
