"""What a page shows of doubts: where and why, never a count that is withheld."""

from __future__ import annotations

import pandas as pd

from etl.build.intake import BAD_COUNTS, TELL_COUNTS, public_findings
from etl.findings import rules

FIELDS = {
    "finding_id": 1, "source_id": "weekly", "delivery_id": 1, "file": "周报.csv", "sheet": None,
    "row": 7, "column": "人次", "severity": "warning", "came": "7", "wanted_zh": "平时每周约 3",
    "wanted_en": "about 3", "action_zh": "核对 3", "action_en": "check 3",
    "proposal": "4", "count": 1,
}  # fmt: skip
SOURCES = pd.DataFrame({"source_id": ["weekly", "rooms"], "role": ["observations", "facilities"]})


def test_every_rule_about_counts_is_one_of_the_catalogue() -> None:
    assert set(rules()) >= TELL_COUNTS | BAD_COUNTS


def test_a_rule_whose_words_hold_a_figure_of_an_area_is_known() -> None:
    # Whoever adds a rule about weekly counts with such a word has to decide here.
    words = ("{usual}", "{sum}", "{persons}", "{ratio}")
    telling = {
        code
        for code, rule in rules().items()
        if any(word in rule.wanted.zh + rule.action.zh for word in words)
    }
    # One is a sum over all areas and weeks, the other one of shares.
    assert telling - TELL_COUNTS == {"no_data_range", "weights_not_one"}


def test_counts_are_not_shown() -> None:
    findings = pd.DataFrame([{**FIELDS, "rule": rule} for rule in sorted(TELL_COUNTS | BAD_COUNTS)])
    shown = public_findings(findings, SOURCES)
    assert shown["came"].isna().all()
    assert "proposal" not in shown.columns
    told = shown[shown["rule"].isin(TELL_COUNTS)]
    assert not told[["wanted_zh", "wanted_en", "action_zh", "action_en"]].apply(
        lambda column: column.str.contains(r"\d").any()
    ).any()  # fmt: skip
    assert shown["row"].tolist() == [7] * len(shown)


def test_what_is_no_count_of_people_stays() -> None:
    findings = pd.DataFrame(
        [
            {**FIELDS, "rule": "unknown_area", "came": "990101009999"},
            {**FIELDS, "source_id": "rooms", "rule": "not_a_number", "came": "若干"},
        ]
    )
    assert public_findings(findings, SOURCES)["came"].tolist() == ["990101009999", "若干"]
