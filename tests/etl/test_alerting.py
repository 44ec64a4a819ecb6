"""`[warnings]`: policies of the product and of a locality, keys laid over them, what is refused."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest

from etl.alerting import Warnings, load_warnings, warning_policies
from etl.settings import load_locality
from etl.template import write_template
from geo.errors import FaultsError
from geo.model import Colours, GapClass, Tier, TierPolicy
from geo.tier_policy import policy_faults

PRODUCT = resources.files("etl").joinpath("registry", "warning_policies")


def load(folder: Path, text: str) -> Warnings:
    """Settings of a new locality whose `[warnings]` says `text`."""
    path = write_template(folder / "here")
    path.write_text(path.read_text(encoding="utf-8") + f"\n[warnings]\n{text}\n", encoding="utf-8")
    return load_locality(path.parent).config.warnings


def test_policies_of_the_product_are_sound_and_named_in_both_languages(tmp_path: Path) -> None:
    assert warning_policies() == ("calm", "default", "sensitive", "three_colours")
    for name in warning_policies():
        raw = tomllib.loads(PRODUCT.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        assert set(raw["name"]) == set(raw["about"]) == {"zh", "en"}
        found, text, faults = load_warnings({"policy": name}, folder=tmp_path)
        assert (faults, text) == ([], "")
        assert policy_faults(Warnings.model_validate(found).tier_policy()) == []


def test_the_default_file_is_the_default_of_the_model_and_of_geo() -> None:
    raw = tomllib.loads(PRODUCT.joinpath("default.toml").read_text(encoding="utf-8"))
    keys = {key: value for key, value in raw.items() if key not in {"name", "about"}}
    assert Warnings.model_validate(keys) == Warnings()
    assert Warnings().tier_policy() == TierPolicy()
    # A policy says all that a tier hangs on, and nothing of the detector.
    tiers = {"blue", "yellow", "orange", "red", "least_count", "least_excess"}
    rules = set(TierPolicy.__dataclass_fields__) - {"scores", "min_counts", "min_excess"}
    assert set(keys) == tiers | rules | {"min_count"}


def test_sensitive_warns_no_later_and_calm_no_earlier() -> None:
    by_name = {
        name: Warnings.model_validate(load_warnings({"policy": name}, folder=Path())[0])
        for name in warning_policies()
    }
    sensitive, calm = by_name["sensitive"].tier_policy(), by_name["calm"].tier_policy()
    for low, middle, high in (
        (sensitive.scores, TierPolicy().scores, calm.scores),
        (sensitive.min_counts, TierPolicy().min_counts, calm.min_counts),
        (sensitive.min_excess, TierPolicy().min_excess, calm.min_excess),
    ):
        assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    assert by_name["three_colours"].tier_policy().colours == Colours.THREE


def test_keys_of_the_locality_are_laid_over_the_policy(tmp_path: Path) -> None:
    found = load(tmp_path, 'policy = "calm"\nhold_weeks = 1\nleast_excess = { red = 20 }')
    assert (found.blue, found.hold_weeks) == (3.09, 1)
    assert found.least_excess.numbers() == (4, 5, 8, 20)
    policy = load(
        tmp_path / "b", 'min_count = 12\nupstream_from = "none"\nupstream_to = "none"'
    ).tier_policy()
    assert policy.min_counts == (12, 12, 12, 12)
    assert (policy.upstream_from, policy.gap_from) == (Tier.NONE, GapClass.SEVERE)


def test_old_keys_still_say_what_they_said(tmp_path: Path) -> None:
    found = load(
        tmp_path, 'method = "C1"\nmin_count = 6\nblue = 2.0\nyellow = 3.0\norange = 4.5\nred = 6.5'
    )
    assert (found.method, found.min_count) == ("C1", 6)
    assert found.tier_policy().scores == (2.0, 3.0, 4.5, 6.5)


def test_a_file_of_the_locality(tmp_path: Path) -> None:
    path = write_template(tmp_path / "here")
    own = path.parent / "预警方案.toml"
    own.write_text('name = { zh = "本市", en = "Ours" }\nred = 6.0\n', encoding="utf-8")
    text = path.read_text(encoding="utf-8") + '\n[warnings]\npolicy = "预警方案.toml"\n'
    path.write_text(text, encoding="utf-8")
    before = load_locality(path.parent)
    assert before.config.warnings.red == 6.0
    assert before.config.warnings.blue == Warnings().blue
    own.write_text("red = 7.0\n", encoding="utf-8")
    after = load_locality(path.parent)
    assert after.config.warnings.red == 7.0
    assert after.config_sha256 != before.config_sha256


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rde = 4", "warnings.rde: 4; wanted Extra inputs are not permitted"),
        ("blue = 4", "warnings.yellow: 3.09; wanted a score above that of blue = 4"),
        ('blue = "low"', "warnings.blue: 'low'; wanted Input should be a valid number"),
        ('policy = "loud"', "warnings.policy: 'loud'; wanted one of calm, default, sensitive"),
        ('policy = "mine.toml"', "warnings.policy: 'mine.toml': No such file or directory"),
        ("policy = 3", "warnings.policy: 3; wanted one of calm"),
        ('colours = "two"', "warnings.colours: 'two'; wanted Input should be 'four' or 'three'"),
        ('upstream_from = "none"', "warnings.upstream_to: yellow, with upstream_from = none"),
        ('upstream_to = "red"', "warnings.upstream_to: red; wanted at most upstream_from"),
        ("persistence_weeks = 1", "warnings.persistence_weeks: 1; wanted 2 or more, or 0"),
        ("least_excess = { red = 1 }", "warnings.least_excess.red: 1; wanted at least that of"),
        ("least_excess = { purple = 1 }", "warnings.least_excess.purple: 1; wanted Extra"),
        ("min_count = 1", "warnings.min_count: 1; wanted Input should be greater than or equal"),
        ("min_count = 9\nleast_count = 3", "warnings.least_count: 3; wanted Input should be a"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FaultsError) as caught:
        load(tmp_path, text)
    assert told in str(caught.value)
    assert "xintu.toml" in str(caught.value)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rde = 4", "mine.toml: rde: 4; wanted Extra inputs are not permitted"),
        ("blue = 4", "mine.toml: yellow: 3.09; wanted a score above that of blue = 4"),
        ('policy = "calm"', "mine.toml: policy: 'calm'; wanted the keys themselves"),
        ('name = "本市"', "mine.toml: name: '本市'; wanted { zh = …, en = … }"),
        ("blue = ", "mine.toml: Invalid value"),
        ("hold_weeks = -1", "mine.toml: hold_weeks: -1; wanted 0 to 26"),
    ],
)
def test_what_is_refused_in_a_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FaultsError) as caught:
        load(tmp_path, 'policy = "mine.toml"')
    assert told in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes("# 方案\nred = 6.0\n".encode("gb18030"))
    _, _, faults = load_warnings({"policy": "mine.toml"}, folder=tmp_path)
    assert str(faults[0]) == "mine.toml: not UTF-8 at byte 2; wanted UTF-8"


def test_warnings_that_are_no_table(tmp_path: Path) -> None:
    assert [str(f) for f in load_warnings(3, folder=tmp_path)[2]] == ["warnings: 3; wanted a table"]


def test_who_is_told_and_remarks_change_no_snapshot(tmp_path: Path) -> None:
    config = write_template(tmp_path / "here")
    before = load_locality(config.parent).config_sha256
    text = config.read_text(encoding="utf-8")
    told = """
# 一条备注
[mail]
host = "mail.local"
sender = "office@mail.local"
[[notices]]
id = "office"
title = { zh = "办公室", en = "Office" }
via = "mail"
to = ["office@mail.local"]
"""
    config.write_text(text + told, encoding="utf-8")
    assert load_locality(config.parent).config.notices
    assert load_locality(config.parent).config_sha256 == before
    config.write_text(text + "\n[publish]\nweeks = 20\n", encoding="utf-8")
    assert load_locality(config.parent).config_sha256 != before
