"""docs/localities.md says every setting there is, and no other; the template loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from etl import alerting, model, policies, sections, settings, standards
from etl.findings import rules
from etl.notices import settings as notices
from etl.settings import load_locality
from etl.sources import settings as sources
from etl.template import write_template
from geo.errors import ConfigError

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "localities.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "`[locality]`": settings.Locality,
    "`[codes]`": settings.Codes,
    "`[travel]`": settings.Travel,
    "`[travel.road_kmh]`": sections.RoadSpeeds,
    "`[access]`": settings.Access,
    "`[need]`": settings.Need,
    "`[need.<part>]`": sections.Points,
    "`[referral]`": settings.Referral,
    "`[[referral.steps]]`": sections.ReferralStep,
    "`[disclosure]`": settings.Disclosure,
    "`[warnings]`": settings.Warnings,
    "Sizes by tier": alerting.SizeByTier,
    "`[response]`": standards.Response,
    "`[response.<tier>]`": standards.TierStandard,
    "`[[response.offices]]`": standards.Office,
    "`[publish]`": settings.Publish,
    "`[forecast]`": settings.Forecast,
    "`[siting]`": settings.Siting,
    "`[intake]`": settings.Intake,
    "`[schedule]`": settings.Schedule,
    "`[mail]`": notices.Mail,
    "`[[notices]]`": notices.Subscription,
    "Top level": settings.LocalityConfig,
    "`[[groups]]`": settings.GroupSettings,
    "`[[measures]]`": settings.MeasureSettings,
    "`[[kinds]]`": settings.KindSettings,
    "`[[indicators]]`": policies.IndicatorSettings,
    "Targets of an indicator": policies.TargetStep,
    "Number of areas": policies.AreasQuantity,
    "Number of sites": policies.SitesQuantity,
    "Amounts of sites": policies.AmountQuantity,
    "Persons": policies.PersonsQuantity,
    "Newest figure": policies.LatestQuantity,
    "Sum of weeks": policies.SumQuantity,
    "Every source": sources.SourceBase,
    "`code`": sources.CodeEdit,
    '`role = "areas"`: boundaries': sources.AreasSource,
    "Columns of boundaries": sources.AreaColumns,
    '`role = "population"`: persons by area': sources.PopulationSource,
    "Columns of population": sources.PopulationColumns,
    '`role = "facilities"`: sites': sources.FacilitiesSource,
    "Columns of facilities": sources.FacilityColumns,
    '`role = "observations"`: weekly counts': sources.ObservationsSource,
    "Columns of weekly counts": sources.ObservationColumns,
    "`[[sources.no_data]]`": sources.NoData,
    '`role = "changes"`: areas that merged or split': sources.ChangesSource,
    "Columns of changes": sources.ChangeColumns,
    '`role = "context"`: rivers and roads': sources.ContextSource,
    "What the environment may say": settings.Overrides,
}
# Not written in a file: the base, texts in two languages, and what a command resolves.
UNWRITTEN = {model.Model, model.Text, settings.Settings}


def documented(heading: str) -> dict[str, str]:
    """Settings of one section, with their defaults as written."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert section is not None, f"no section {heading}"
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .+ \|$", section.group(1), re.MULTILINE)
    return dict(rows)


def written(model: type[BaseModel]) -> dict[str, object]:
    """Settings of a model under the names a file uses, with their defaults."""
    fields = model.model_fields
    if model is settings.Overrides:
        return {f"XINTU_{name.upper()}": field.default for name, field in fields.items()}
    base: set[str] = set()
    if issubclass(model, sources.SourceBase) and model is not sources.SourceBase:
        base = {*sources.SourceBase.model_fields, "role"}
    return {
        field.alias or name: "–" if field.is_required() else field.default
        for name, field in fields.items()
        if name not in base
    }


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_setting_is_documented_and_no_other(heading: str) -> None:
    expected = set(written(SECTIONS[heading]))
    if SECTIONS[heading] is sources.SourceBase:
        expected.add("role")
    assert set(documented(heading)) == expected


@pytest.mark.parametrize("heading", SECTIONS)
def test_defaults_are_the_documented_ones(heading: str) -> None:
    told = documented(heading)
    for name, default in written(SECTIONS[heading]).items():
        if default == "–":
            assert told[name] == "–", name
        elif isinstance(default, bool):
            assert told[name] == f"`{str(default).lower()}`", name
        elif isinstance(default, int | float):
            assert float(told[name].strip("`")) == default, name
        elif isinstance(default, str) and default:
            assert told[name] == f"`{default}`", name


def test_no_model_of_the_configuration_is_left_out() -> None:
    models = {
        model
        for module in (settings, sections, alerting, policies, sources, standards, notices)
        for model in vars(module).values()
        if isinstance(model, type)
        and issubclass(model, BaseModel)
        and model.__module__ == module.__name__
    }
    assert models - UNWRITTEN - set(SECTIONS.values()) == set()


def test_template_loads_as_it_is_and_with_every_comment_taken_off(tmp_path: Path) -> None:
    path = write_template(tmp_path / "new")
    config = load_locality(path.parent).config
    assert {source.role for source in config.sources} == {
        "areas", "population", "facilities", "observations",
    }  # fmt: skip
    text = path.read_text(encoding="utf-8")
    # What is commented out must be right too: settings are `# key = …` and `# [table]`.
    commented = re.compile(r"^# (?=[a-z_]+ = |\[)", re.MULTILINE)
    path.write_text(commented.sub("", text), encoding="utf-8")
    config = load_locality(path.parent).config
    assert len(config.sources) == 5
    assert any(group.code == "over_65" for group in config.groups)
    assert config.locality.notice is not None


def test_template_never_overwrites(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="there already"):
        write_template(tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_template_speaks_of_every_role_and_links_the_documentation() -> None:
    text = (ROOT / "etl" / "template.toml").read_text(encoding="utf-8")
    assert "docs/localities.md" in text
    assert tomllib.loads(text)["sources"]


def test_rules_are_in_the_registry_once() -> None:
    raw = tomllib.loads((ROOT / "etl" / "registry" / "rules.toml").read_text(encoding="utf-8"))
    assert [entry["code"] for entry in raw["rules"]] == list(rules())
