"""The proposal on paper: an installed Chromium prints it, and nothing is asked of anybody."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from dashboard.report.proposal import proposal_bytes, write_proposal
from dashboard.report.proposal.compose import compose
from dashboard.report.proposal.html import proposal_html
from dashboard.report.proposal.told import Told
from dashboard.text import LANGUAGES, load, words
from etl.siting.answer import Answer
from etl.store.reader import Reader
from tests.support.browser import PageWatch
from tests.support.pdftext import pages_text
from tests.support.proposed import HOSTILE, made_answer

pytest_plugins = ("tests.support.dashboard_fixtures",)


@pytest.fixture(scope="module")
def answer(published_reader: Reader) -> Answer:
    return made_answer(published_reader, closed=True)


def squeezed(text: str) -> str:
    """Text without blanks, which lines that are broken on paper do not keep."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pdf_has_pages_of_text_in_its_language(
    lang: str, answer: Answer, published_reader: Reader, chromium_path: str
) -> None:
    pdf = proposal_bytes(answer, published_reader, "pdf", lang=lang, chromium=chromium_path)
    pages = [squeezed(page) for page in pages_text(pdf)]
    catalog = load(lang)
    proposal = compose(Told(answer, published_reader, catalog))
    assert len(pages) > 3
    whole = "".join(pages)
    for said in (proposal.title, *proposal.finding, HOSTILE, *proposal.asked.items):
        assert squeezed(said) in whole
    for section in proposal.sections:
        assert squeezed(section.title) in whole
    for number, page in enumerate(pages, start=1):
        last = (catalog.t("proposal.page_before"), number, catalog.t("proposal.page_between"),
                len(pages), catalog.t("proposal.page_after"))  # fmt: skip
        assert squeezed("".join(str(part) for part in last)) in page
        assert squeezed(proposal.header) in page
    assert words.percent(answer.meta["share_after"]) in pages[0]
    # A4 in points, and fonts that come along.
    sizes = re.findall(rb"/MediaBox \[0 0 (\S+) (\S+)\]", pdf)
    assert len(sizes) == len(pages)
    for wide, high in sizes:
        assert (float(wide), float(high)) == pytest.approx((595.3, 841.9), abs=1)
    assert b"/FontFile" in pdf or b"/Subtype /Type3" in pdf


def test_the_same_answer_gives_the_same_pdf(
    answer: Answer, published_reader: Reader, chromium_path: str
) -> None:
    first, second = (
        proposal_bytes(answer, published_reader, "pdf", chromium=chromium_path) for _ in range(2)
    )
    assert first == second
    assert b"D:20261116000500" in first


def test_the_document_brings_its_pictures(
    answer: Answer, published_reader: Reader, chromium_path: str, tmp_path: Path
) -> None:
    (path,) = write_proposal(
        answer, published_reader, tmp_path, name="建议", formats=["docx"], chromium=chromium_path
    )
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("word/media/")]
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in names]
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.width == 1920
        assert len(picture.convert("RGB").resize((200, 200)).getcolors(40_000) or []) > 20


def test_the_pages_ask_for_nothing_and_run_nothing(
    answer: Answer, published_reader: Reader, page_watch: PageWatch
) -> None:
    asked: list[str] = []
    page_watch.page.context.on("request", lambda request: asked.append(request.url))
    page_watch.page.set_content(
        proposal_html(compose(Told(answer, published_reader, load("zh-CN"))))
    )
    assert page_watch.page.locator("script").count() == 0
    assert page_watch.page.locator("h2").count() == 12
    assert asked == []
    page_watch.assert_quiet()
