"""The whole proposal from an answer: sections in the order in which a meeting reads them."""

from __future__ import annotations

from dashboard.report.proposal import basis, choice, effects, opening
from dashboard.report.proposal.content import Proposal, Section, Table
from dashboard.report.proposal.told import Told
from dashboard.text import words
from geo.errors import InputError


def compose(told: Told) -> Proposal:
    """Everything that the document says.

    Raises
    ------
    InputError : the answer has no choice of sites to propose.
    """
    if told.meta["state"] == "infeasible" or told.meta["value"] is None:
        raise InputError(
            "there is nothing to propose: no choice of sites meets what is asked; "
            "the page of the scenario says why and what would do"
        )
    t = told.t
    question, now, sites = opening.question(told), opening.now(told), choice.sites(told)
    before = sum(isinstance(block, Table) for part in (question, now) for block in part.blocks)
    sections = [
        question,
        now,
        sites,
        choice.maps(told),
        choice.curve(told),
        effects.gains(told),
        effects.change(told),
        effects.rest(told),
        basis.robust(told),
        basis.assumptions(told),
        basis.limits(told),
        basis.method(told),
    ]
    there = [section for section in sections if section is not None]
    badges = [t("proposal.internal")]
    if told.snapshot.meta["locality"].get("demo"):
        badges.insert(0, t("common.badge.demo"))
    return Proposal(
        lang=told.catalog.lang,
        title=t("proposal.title", place=told.place, what=told.what),
        subtitle=t("proposal.subtitle", day=told.day),
        badges=badges,
        finding=list(opening.finding(told)),
        facts=opening.facts(told),
        asked=opening.asked(told, sites_table=before + 1),
        sections=[
            Section(t(f"proposal.number.n{number}", title=section.title), section.blocks)
            for number, section in enumerate(there, start=1)
        ],
        header=t("proposal.header", place=told.place),
        footer=t("proposal.footer", snapshot=told.snapshot.snapshot_id,
                 week=words.week_short(told.catalog, told.snapshot.week)),
        at=told.snapshot.published_at_utc,
    )  # fmt: skip
