"""The proposal of an answer: a document for a meeting, a workbook, a GeoPackage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from dashboard.report.proposal.compose import compose
from dashboard.report.proposal.docx import proposal_docx
from dashboard.report.proposal.drawing import WIDTH
from dashboard.report.proposal.geopackage import proposal_geopackage
from dashboard.report.proposal.html import proposal_pdf
from dashboard.report.proposal.printing import draw_png
from dashboard.report.proposal.told import Told
from dashboard.report.proposal.workbook import proposal_workbook
from dashboard.text import DEFAULT_LANGUAGE, load
from etl.siting.answer import Answer
from etl.store.reader import Reader

Format = Literal["xlsx", "gpkg", "docx", "pdf"]
# Those that need no browser first: where there is none, they are made all the same.
FORMATS: tuple[Format, ...] = get_args(Format)

__all__ = ["FORMATS", "Format", "proposal_bytes", "write_proposal"]


def write_proposal(
    answer: Answer,
    reader: Reader,
    folder: Path,
    *,
    lang: str = DEFAULT_LANGUAGE,
    name: str,
    formats: Sequence[Format] = FORMATS,
    chromium: str | Path | None = None,
) -> list[Path]:
    """Write the proposal of an answer as files; those that are there already are replaced.

    Parameters
    ----------
    answer : what was found, of a snapshot that `reader` has.
    folder : made where it is not there.
    lang : language of all text.
    name : of the files, without ending.
    formats : which of them, written in this order.
    chromium : browser for the document's pages and pictures; `XINTU_CHROMIUM` or the first in
        PATH by default.

    Raises
    ------
    InputError : the answer has no choice of sites to propose.
    NotPublishedError : the snapshot is not there, or is not of the answer's areas.
    RenderError : no browser, or it fails; workbook and GeoPackage need none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for form in formats:
        path = folder / f"{name}.{form}"
        path.write_bytes(proposal_bytes(answer, reader, form, lang=lang, chromium=chromium))
        paths.append(path)
    return paths


def proposal_bytes(
    answer: Answer,
    reader: Reader,
    form: Format,
    *,
    lang: str = DEFAULT_LANGUAGE,
    chromium: str | Path | None = None,
) -> bytes:
    """One file of the proposal; see `write_proposal`."""
    told = Told(answer, reader, load(lang))
    proposal = compose(told)
    if form == "xlsx":
        return proposal_workbook(told)
    if form == "gpkg":
        return proposal_geopackage(told)
    if form == "pdf":
        return proposal_pdf(proposal, chromium=chromium)
    svgs = [figure.svg for figure in proposal.figures()]
    return proposal_docx(proposal, draw_png(svgs, width_px=round(WIDTH), chromium=chromium))
