"""Proposed mappings, held against those that people wrote."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboard.cli import app
from etl.demo import write_demo
from etl.findings import UnusableFileError
from etl.ingest import ingest
from etl.settings import Settings, load_locality
from etl.sources.proposal.block import append_source, as_toml
from etl.sources.proposal.mapping import propose
from geo.errors import ConfigError, FaultsError
from tests.support.locality import NOW

TAINAN = Path(__file__).parents[1] / "data" / "localities" / "tainan"
# What decides which figure goes where. A datum, and what an absent row means, no value shows.
DECISIVE = (
    "role", "level", "shape", "week", "areas_by", "measure", "columns", "measures", "code",
    "theme", "rank", "kind", "categories", "road_class", "one_way",
)  # fmt: skip
USUAL = {("week",): "iso", ("shape",): "long", ("areas_by",): "code"}
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The fictional city, small."""
    folder = tmp_path_factory.mktemp("city")
    write_demo(folder, seed=2026, cells=300, weeks=30, end_week="2026-W45")
    return load_locality(folder)


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    # A column under a merged header may be written with its upper part or without.
    elif path[0] == "columns":
        yield path, str(value).rpartition("/")[2]
    else:
        yield path, value


def decisive(source: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    found = {path: v for path, v in leaves(source) if path[0] in DECISIVE}
    return {**USUAL, **found} if source["role"] == "observations" else found


def agreement(settings: Settings) -> tuple[int, int, list[str]]:
    """Settings that are proposed as they were written, of how many, and which are not."""
    right = total = 0
    wrong = []
    for source in settings.config.sources:
        wanted = decisive(source.model_dump(exclude_unset=True, mode="json"))
        proposal = propose(settings.data / source.path, settings.config)
        (block,) = tomllib.loads(as_toml(proposal))["sources"]
        came = decisive(block)
        total += len(wanted)
        for path, value in wanted.items():
            if came.get(path) == value:
                right += 1
            else:
                wrong.append(f"{source.id}: {'.'.join(path)}: {came.get(path)} not {value}")
    return right, total, wrong


def test_city_is_proposed_as_it_is_written(city: Settings) -> None:
    right, total, wrong = agreement(city)
    assert total > 200
    assert right == total, wrong


def test_tainan_is_proposed_nearly_as_it_is_written(tainan_dir: Path) -> None:
    right, total, wrong = agreement(load_locality(TAINAN, data=tainan_dir))
    # That a clinic's kind shows in its name, no header says.
    assert wrong == ["clinics: columns.kind: None not org_name"]
    assert right == total - 1 > 40


def test_unsure_choices_say_so(city: Settings) -> None:
    source = next(s for s in city.config.sources if s.id == "schools")
    proposal = propose(city.data / source.path, city.config)
    (datum,) = [c for c in proposal.choices if c.ours == "datum"]
    assert datum.confidence < 0.5
    assert proposal.confidence == datum.confidence
    assert "# 40%" in next(line for line in as_toml(proposal).splitlines() if "datum" in line)
    rooms = next(s for s in city.config.sources if s.id == "rooms")
    assert propose(city.data / rooms.path, city.config).settings["datum"] == "GCJ02"  # 高德


@pytest.mark.parametrize(
    "text",
    [
        "姓名,身份证号,周次\n某某,11010519491231002X,2026-W40\n",
        "周次,村社区代码,来电量,备注\n2026-W40,990181001001,3,11010519491231002X\n",
    ],
)
def test_file_about_persons_is_refused_without_a_value(
    city: Settings, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "周报.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnusableFileError) as caught:
        propose(path, city.config)
    assert caught.value.rule in {"personal_data", "mapping_unknown"}
    done = RUNNER.invoke(app, ["map", str(path), "--to", str(city.folder), "--yes"])
    assert done.exit_code == 2
    assert "11010519491231002X" not in done.output
    assert "某某" not in done.output


def test_file_that_shows_nothing_is_said(city: Settings, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("甲,乙\n一,二\n", encoding="utf-8")
    with pytest.raises(UnusableFileError) as caught:
        propose(path, city.config)
    assert (caught.value.rule, caught.value.came) == ("mapping_unknown", "甲、乙")


# ------------------------------------------------------------------ writing


def locality(city: Settings, tmp_path: Path) -> Path:
    """A folder with the city's configuration but without its helpline's weekly source."""
    text = (city.folder / "xintu.toml").read_text(encoding="utf-8")
    start = text.index('[[sources]]\nid = "hotline"')
    end = text.index("[[sources]]", start + 1)
    (tmp_path / "xintu.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    for part in city.folder.iterdir():
        if part.is_dir():
            (tmp_path / part.name).symlink_to(part)
    return tmp_path


def test_agreed_mapping_is_appended_and_reads_the_same_figures(
    city: Settings, tmp_path: Path
) -> None:
    folder = locality(city, tmp_path)
    before = (folder / "xintu.toml").read_bytes()
    source = next(s for s in city.config.sources if s.id == "hotline")
    file = str(folder / source.path)
    done = RUNNER.invoke(app, ["map", file, "--to", str(folder)], input="n\n")
    assert done.exit_code == 0
    assert (folder / "xintu.toml").read_bytes() == before
    done = RUNNER.invoke(app, ["map", file, "--to", str(folder)], input="y\n")
    assert done.exit_code == 0, done.output
    after = (folder / "xintu.toml").read_bytes()
    assert after.startswith(before)
    assert [p.name for p in folder.glob(".xintu-map*")] == []
    own = load_locality(folder)
    written = own.config.sources[-1]
    figures = [
        next(r for r in ingest(settings, now=NOW).results if r.source_id == name).frame
        for settings, name in ((city, "hotline"), (own, written.id))
    ]
    key = ["area_code", "week", "measure"]
    left, right = (
        f.astype(dict.fromkeys(key, str)).sort_values(key).fillna({"count": -1}) for f in figures
    )
    assert len(left) > 100
    assert left[[*key, "count"]].values.tolist() == right[[*key, "count"]].values.tolist()


def test_nothing_is_written_that_would_not_load(city: Settings, tmp_path: Path) -> None:
    folder = locality(city, tmp_path)
    before = (folder / "xintu.toml").read_bytes()
    for toml, error in (
        ('[[sources]]\nid = "Bad Id"\nrole = "areas"\n', FaultsError),
        ("[[sources]\n", ConfigError),
    ):
        with pytest.raises(error):
            append_source(folder, toml)
        assert (folder / "xintu.toml").read_bytes() == before
    assert sorted(p.name for p in folder.iterdir() if not p.is_symlink()) == ["xintu.toml"]


def test_line_ends_and_quotes_are_kept(city: Settings, tmp_path: Path) -> None:
    folder = locality(city, tmp_path)
    raw = (folder / "xintu.toml").read_bytes().replace(b"\n", b"\r\n").rstrip()
    (folder / "xintu.toml").write_bytes(raw)
    path = tmp_path / "weekly.csv"
    path.write_text(
        '周次,村社区代码,"来电量(""次""\\)"\n2026-W40,990181001001,3\n', encoding="utf-8"
    )
    append_source(folder, as_toml(propose(path, city.config)))
    after = (folder / "xintu.toml").read_bytes()
    assert after.startswith(raw)
    assert after.count(b"\n") == after.count(b"\r\n")
    counts = load_locality(folder).config.sources[-1].columns.counts  # type: ignore[union-attr]
    assert counts == {"hotline_calls": '来电量("次"\\)'}
