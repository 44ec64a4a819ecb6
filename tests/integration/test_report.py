"""The weekly pack from a published store to a folder of files, through a real browser."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pptx import Presentation

from dashboard.report import capture as captures
from dashboard.report.capture import Shot, capture
from dashboard.report.chromium import VARIABLE, find
from dashboard.report.pack import MANIFEST, ReportResult, make_report
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError, RenderError

pytest_plugins = ("tests.support.dashboard_fixtures",)

STEM = "清和县_心图周报_2026年第46周"


@pytest.fixture(scope="module")
def pack(
    published_reader: Reader, chromium_path: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, ReportResult]:
    folder = tmp_path_factory.mktemp("reports")
    return folder, make_report(published_reader, folder, chromium=chromium_path)


@pytest.mark.slow
def test_the_pack_is_whole(pack: tuple[Path, ReportResult], snapshot: Snapshot) -> None:
    folder, result = pack
    assert [path.name for path in folder.iterdir()] == [snapshot.week]
    assert {path.name for path in result.paths} == {
        f"{STEM}.pptx",
        *(
            f"{STEM}_{name}.png"
            for name in (
                "大屏",
                "手机图片",
                "地图页",
                "数据页",
                "预警图",
                "覆盖图",
                "可及图",
                "缺口图",
            )
        ),
        MANIFEST,
    }
    assert sorted(result.paths) == sorted((folder / snapshot.week).iterdir())
    assert not [line for line in result.warnings if "not ready" in line]


@pytest.mark.slow
def test_the_manifest_vouches_for_every_file(
    pack: tuple[Path, ReportResult], snapshot: Snapshot
) -> None:
    folder, result = pack
    manifest = json.loads((folder / snapshot.week / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["snapshot_id"] == snapshot.snapshot_id
    assert manifest["week"] == snapshot.week
    listed = {entry["name"]: entry["sha256"] for entry in manifest["files"]}
    made = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in result.paths
        if path.name != MANIFEST
    }
    assert listed == made


@pytest.mark.slow
def test_pictures_have_their_sizes_and_maps_are_in_the_slides(
    pack: tuple[Path, ReportResult],
) -> None:
    _, result = pack
    sizes = {path.stem.rpartition("_")[2]: path for path in result.paths if path.suffix == ".png"}
    with Image.open(sizes["大屏"]) as wall, Image.open(sizes["手机图片"]) as phone:
        assert wall.size == (1920, 1080)
        assert phone.size == (1080, 1440)
    deck = Presentation(str(result.paths[0]))
    placed = [shape for slide in deck.slides for shape in slide.shapes if hasattr(shape, "image")]
    assert len(placed) == 5


def test_a_week_that_was_not_published_leaves_nothing(
    published_reader: Reader, tmp_path: Path
) -> None:
    with pytest.raises(NotPublishedError, match="published: 2026-W46"):
        make_report(published_reader, tmp_path / "out", week="2026-W01")
    assert not (tmp_path / "out").exists()


def test_a_pack_that_fails_leaves_the_one_before(
    published_reader: Reader, chromium_path: str, tmp_path: Path
) -> None:
    before = tmp_path / "2026-W46"
    before.mkdir()
    (before / "last.txt").write_text("as it was", encoding="utf-8")
    with pytest.raises(RenderError, match="ERR_CONNECTION_REFUSED"):
        make_report(published_reader, tmp_path, url="http://127.0.0.1:1024", chromium=chromium_path)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-W46"]
    assert (before / "last.txt").read_text(encoding="utf-8") == "as it was"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not list(tmp_path.glob("*.png"))


def test_a_page_that_is_not_there_is_an_error(
    dashboard_address: str, chromium_path: str, folder: Path
) -> None:
    with pytest.raises(RenderError, match="shows an error"):
        capture(dashboard_address, folder, shots=[Shot("gone", "/gone")], chromium=chromium_path)


def test_a_blank_picture_is_an_error(
    dashboard_address: str, chromium_path: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "is_blank", lambda _png: True)
    with pytest.raises(RenderError, match="is blank"):
        capture(dashboard_address, folder, shots=[Shot("data", "/data")], chromium=chromium_path)


def test_a_late_page_is_marked_and_taken(
    dashboard_address: str, chromium_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "READY", "() => false")
    (picture,) = capture(
        dashboard_address,
        tmp_path,
        shots=[Shot("data", "/data")],
        chromium=chromium_path,
        limit_s=8,
    )
    assert picture.late
    assert "not ready within 8 s" in picture.complaints
    with Image.open(picture.path) as image:
        assert image.convert("RGB").getpixel((4, 4)) == (138, 90, 0)


def test_no_browser_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(RenderError, match=VARIABLE):
        find()
    with pytest.raises(RenderError, match="does not answer"):
        find("/nowhere/chromium")
