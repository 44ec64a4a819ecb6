"""The weekly pack: pictures of the pages, slides, and a list of what was made of which snapshot.

A week's folder appears whole or not at all: everything is made beside it and moved at the end.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from dashboard.desk import Desk
from dashboard.lateness import local_day
from dashboard.planner import Planner
from dashboard.report.capture import Picture, Shot, capture
from dashboard.report.slides import slides
from dashboard.teller import tell
from dashboard.text import DEFAULT_LANGUAGE, Catalog, load
from etl.progress import OnProgress
from etl.settings import Settings
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError, RenderError

MANIFEST = "manifest.json"
# A slide's map stands in 5.6 by 5.1 inches, the cover's in 7.2 by 7.5.
_SLIDE, _COVER = (896, 816), (972, 1012)
_MAPS = (("warnings", "tier"), ("coverage", "covered.counselling_room"), ("access", "access"),
         ("gap", "gap"))  # fmt: skip
# For WeChat: 1080 by 1440.
_PHONE = (540, 720)


@dataclass(frozen=True)
class ReportResult:
    """What was made.

    Attributes
    ----------
    paths : the files, slides first, the manifest last.
    warnings : what a person should know: pictures that were late, complaints of pages.
    """

    paths: tuple[Path, ...]
    warnings: tuple[str, ...]


class _Quiet(WSGIRequestHandler):
    """Answers without a line in the log for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; errors are still said."""


class _Pinned(Reader):
    """A reader for which one snapshot is the current one, so that an earlier week can be drawn."""

    def __init__(self, reader: Reader, snapshot: Snapshot) -> None:
        # It stands for a reader that is open already; there is nothing to open again.
        self.__dict__.update(reader.__dict__)
        self._pinned = snapshot

    def current(self) -> Snapshot:
        """The snapshot that was asked for."""
        return self._pinned


def make_report(
    source: Settings | Reader | str,
    out_dir: Path,
    *,
    week: str | None = None,
    lang: str = DEFAULT_LANGUAGE,
    url: str | None = None,
    chromium: str | Path | None = None,
    on_progress: OnProgress = lambda _label, _done, _total: None,
    now: datetime | None = None,
) -> ReportResult:
    """Make the pack of a week in `out_dir/<week>/`; one that is there already is replaced.

    Parameters
    ----------
    source : a locality's settings, an open reader, or the URL of a store.
    out_dir : folder of all packs.
    week : ISO week such as `2026-W46`; the newest published one by default.
    lang : language of pictures, slides and file names.
    url : a running server that shows the same snapshot; one is started by default.
    chromium : browser; `XINTU_CHROMIUM` or the first in PATH by default.
    on_progress : told what is being made, how many are done, and of how many.
    now : when it is made; by it the sources of the current week are late or not. Those of an
        earlier week are judged at its publication, so that its pack can be drawn again.

    Raises
    ------
    NotPublishedError : the week was not published.
    RenderError : no browser, a page that fails, a blank picture.
    """
    reader = _reader(source)
    snapshot = _snapshot_of(reader, week)
    catalog = load(lang)
    out_dir.mkdir(parents=True, exist_ok=True)
    fresh = Path(mkdtemp(prefix=f".{snapshot.week}-", dir=out_dir))
    try:
        pinned = _Pinned(reader, snapshot)
        is_current = snapshot.snapshot_id == reader.current().snapshot_id
        judged_at = (now or datetime.now(UTC)) if is_current else snapshot.published_at_utc
        with served(pinned, url, now=judged_at) as base_url:
            shots = _shots(snapshot, catalog)
            pictures = _take(
                base_url,
                fresh,
                shots,
                snapshot=snapshot,
                catalog=catalog,
                chromium=chromium,
                on_progress=on_progress,
            )
        today = local_day(judged_at, snapshot)
        made = _write(pinned, snapshot, fresh, pictures, catalog, today=today, now_utc=judged_at)
        on_progress(made[0].name, len(shots) + 1, len(shots) + 1)
        final = out_dir / snapshot.week
        _replace(final, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    warnings = [
        f"{picture.path.name}: {said}" for picture in pictures for said in picture.complaints
    ]
    return ReportResult(tuple(final / path.name for path in made), tuple(warnings))


def _reader(source: Settings | Reader | str) -> Reader:
    if isinstance(source, Reader):
        return source
    return Reader(source if isinstance(source, str) else source.store_url)


def _snapshot_of(reader: Reader, week: str | None) -> Snapshot:
    if week is None:
        return reader.current()
    rows = reader.snapshots()
    same = rows[rows["week"] == week]
    if same.empty:
        weeks = ", ".join(dict.fromkeys(rows["week"])) or "none"
        raise NotPublishedError(
            f"week {week} was not published; published: {weeks}; "
            f"`xintu run --week {week}` builds it from what was handed in"
        )
    return reader.snapshot(str(same.iloc[0]["snapshot_id"]))


@contextmanager
def served(
    reader: Reader,
    url: str | None = None,
    *,
    now: datetime | None = None,
    desk: Desk | None = None,
    planner: Planner | None = None,
) -> Iterator[str]:
    """Address of a server; a running one, or one of our own, in which it is `now`."""
    if url is not None:
        yield url
        return
    # Only here, since the pages are not needed to know what a report is.
    from dashboard.app import create_app  # noqa: PLC0415

    app = create_app(reader, now=lambda: now or datetime.now(UTC), desk=desk, planner=planner)
    server = make_server("127.0.0.1", 0, app.server, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _shots(snapshot: Snapshot, catalog: Catalog) -> list[Shot]:
    t = catalog.t
    layers = {layer["code"] for layer in snapshot.meta["layers"]}
    still = {"pause": "1"}

    def map_of(name: str, layer: str, size: tuple[int, int]) -> Shot:
        choices = {**still, "bare": "1", "layers": layer}
        return Shot(name, "/wall", choices, size, 2.0)

    maps = [map_of(name, layer, _SLIDE) for name, layer in _MAPS if layer in layers]
    covers = [layer for _, layer in _MAPS if layer in layers][:1]
    return [
        Shot(t("report.shot.wall"), "/wall", still, theme="dark"),
        Shot(t("report.shot.phone"), "/wall", still, _PHONE, 2.0),
        Shot(t("report.shot.map"), "/"),
        Shot(t("report.shot.data"), "/data"),
        *maps,
        *(map_of("cover", layer, _COVER) for layer in covers),
    ]


def _take(
    base_url: str,
    folder: Path,
    shots: Sequence[Shot],
    *,
    snapshot: Snapshot,
    catalog: Catalog,
    chromium: str | Path | None,
    on_progress: OnProgress,
) -> list[Picture]:
    names = [shot.name for shot in shots]
    return capture(
        base_url,
        folder,
        shots=shots,
        chromium=chromium,
        lang=catalog.lang,
        # The pages believe that it is the hour of publication: the same pack can be drawn again.
        at=snapshot.published_at_utc,
        late_mark=catalog.t("report.pack.late"),
        progress=lambda name: on_progress(name, names.index(name), len(names) + 1),
    )


def _write(
    reader: Reader,
    snapshot: Snapshot,
    folder: Path,
    pictures: Sequence[Picture],
    catalog: Catalog,
    *,
    today: date,
    now_utc: datetime,
) -> list[Path]:
    """Slides, pictures under their final names, manifest."""
    story = tell(reader, snapshot, catalog)
    year, _, number = snapshot.week.partition("-W")
    stem = catalog.t(
        "report.pack.file", locality=_safe(story.locality), year=year, week=int(number)
    )
    deck = slides(
        reader,
        snapshot,
        pictures,
        folder / f"{stem}.pptx",
        lang=catalog.lang,
        today=today,
        now_utc=now_utc,
    )
    files = [deck]
    for picture in pictures:
        key = f"report.shot.{picture.name}"
        name = catalog.t(key) if catalog.has(key) else picture.name
        if picture.name == "cover":
            picture.path.unlink()  # the warnings' map again, in another shape
            continue
        files.append(picture.path.rename(folder / f"{stem}_{name}.png"))
    manifest = folder / MANIFEST
    manifest.write_text(_manifest(snapshot, story.locality, files, pictures, catalog), "utf-8")
    return [*files, manifest]


def _manifest(
    snapshot: Snapshot,
    locality: str,
    files: Sequence[Path],
    pictures: Sequence[Picture],
    catalog: Catalog,
) -> str:
    late = [picture.name for picture in pictures if picture.late]
    content: dict[str, Any] = {
        "snapshot_id": snapshot.snapshot_id,
        "week": snapshot.week,
        "locality": locality,
        "lang": catalog.lang,
        "published_at_utc": snapshot.published_at_utc.isoformat(),
        "code_version": snapshot.code_version,
        "late": late,
        "files": [
            {
                "name": file.name,
                "bytes": file.stat().st_size,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in files
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _replace(final: Path, fresh: Path) -> None:
    """Put the fresh folder in place of an older one."""
    fresh.chmod(0o755)  # mkdtemp's are closed to everybody else
    if not final.exists():
        fresh.rename(final)
        return
    old = Path(mkdtemp(prefix=".old-", dir=final.parent)) / "pack"
    try:
        final.rename(old)
        fresh.rename(final)
    except OSError as exc:
        if old.exists() and not final.exists():
            old.rename(final)
        raise RenderError(f"{final} could not be replaced: {exc}; is a file in it open?") from exc
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _safe(name: str) -> str:
    """A name as part of a file name on every system."""
    return "".join("_" if character in '\\/:*?"<>| ' else character for character in name)
