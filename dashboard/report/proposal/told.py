"""An answer with the words for it: what every section of a proposal, and the workbook, asks for."""

from __future__ import annotations

import math
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from dashboard.report.proposal.territory import Territory
from dashboard.text import Catalog, words
from etl.siting.answer import Answer
from etl.store.reader import Reader, Snapshot

Row = dict[str, Any]


class Told:
    """One answer, in one language.

    Parameters
    ----------
    answer : what was found.
    reader : the store with the snapshot that the question was asked of.
    catalog : language of all text.
    """

    def __init__(self, answer: Answer, reader: Reader, catalog: Catalog) -> None:
        self.answer, self.catalog, self.t = answer, catalog, catalog.t
        self.meta = answer.meta
        self.question: Row = answer.meta["question"]
        self.parts: list[Row] = list(self.question["parts"])
        self.snapshot: Snapshot = reader.snapshot(str(self.meta["snapshot_id"]))
        self.territory = Territory(reader, self.snapshot)
        self.territory.check(len(answer.array("state")))

    def table(self, name: str, part: int | None = None) -> pd.DataFrame:
        """A table of the answer; of one part of the question where it has parts.

        Persons of an area whose number is withheld are taken out here, whatever the table holds.
        """
        frame = self.answer.tables[name]
        if "kind" in frame:
            # Each kind is asked for once.
            position = {kind["kind"]: number for number, kind in enumerate(self.parts)}
            frame = frame.assign(part=frame["kind"].map(position).fillna(0).astype("int64"))
        if part is not None and "part" in frame:
            frame = frame[frame["part"] == part]
        if name == "uncovered":
            frame = frame.assign(persons=frame["persons"].mask(frame["withheld"].astype(bool)))
        return frame

    def rows(self, name: str, part: int | None = None) -> list[Row]:
        """The same, row by row."""
        return records(self.table(name, part))

    # ------------------------------------------------------------ figures

    def number(self, key: str) -> float:
        """A number of the answer's meta; NaN where it is not known."""
        return number_of(self.meta.get(key))

    @property
    def n_new(self) -> int:
        """New sites of the answer."""
        return int(self.meta["n_new"])

    @cached_property
    def new_sites(self) -> pd.DataFrame:
        """New sites in the order in which they are best built."""
        sites = self.table("sites")
        return sites[sites["state"] == "new"].sort_values(["order", "site_id"])

    @cached_property
    def closed_sites(self) -> pd.DataFrame:
        """Sites of today that are given up."""
        sites = self.table("sites")
        return sites[sites["state"] == "closed"]

    # ------------------------------------------------------------ words

    @property
    def place(self) -> str:
        """Name of the locality."""
        return self.catalog.pick(self.snapshot.meta["locality"]["name"])

    @property
    def day(self) -> str:
        """Last day that the data covers."""
        told = date.fromisoformat(str(self.snapshot.meta["data_date"])[:10])
        return words.day(self.catalog, told)

    def _name(self, what: str, code: str) -> str:
        for entry in self.snapshot.meta[what]:
            if entry["code"] == code:
                return self.catalog.pick(entry["name"])
        return code

    def kind(self, code: str, *, inside: bool = True) -> str:
        """Name of a kind of site; inside a sentence by default."""
        name = self._name("kinds", code)
        return words.inside(self.catalog, name) if inside else name

    def group(self, code: str, *, inside: bool = True) -> str:
        """Name of a group of residents."""
        if inside and code == "total":
            return self.t("proposal.everyone")
        name = self._name("groups", code)
        return words.inside(self.catalog, name) if inside else name

    def reach(self, part: Row) -> str:
        """Within how many minutes, and how."""
        minutes = words.setting(float(part["threshold_min"]))
        return self.t(f"proposal.mode.{part['mode']}", minutes=minutes)

    def people(self, value: Any) -> str:
        """Persons with their unit, as they are read in a sentence."""
        return words.persons(self.catalog, number_of(value))

    @cached_property
    def what(self) -> str:
        """What is to be built: 5 counselling rooms, 3 school rooms."""
        sites = self.new_sites
        said = []
        for number, part in enumerate(self.parts):
            kind = self.kind(part["kind"])
            count = int((sites["part"] == number).sum())
            key = "proposal.what_one" if count == 1 else "proposal.what"
            said.append(self.t(key, n=count, kind=kind))
        return self.t("common.list.separator").join(said)

    @cached_property
    def names_of_sites(self) -> dict[str, str]:
        """Name by id, of candidates and sites."""
        pairs = [("candidates", "candidate_id"), ("sites", "site_id")]
        return {
            str(code): str(name)
            for table, key in pairs
            for code, name in zip(
                self.answer.tables[table][key], self.answer.tables[table]["name"], strict=True
            )
        }

    def named(self, codes: list[str]) -> str:
        """Names of sites, in one line."""
        return self.joined([self.names_of_sites.get(code, code) for code in codes])

    def joined(self, said: list[str]) -> str:
        """A list in one line."""
        return self.t("common.list.separator").join(said)

    def lacks(self, codes: Any) -> str:
        """What a place lacks against the standard; empty if nothing."""
        known = [code for code in text_of(codes).split("|") if code]
        return self.joined([self.t(f"proposal.lacks.{code}") for code in known])

    def where(self, row: Row) -> str:
        """Town and village of a site."""
        parts = [text_of(row["town_name"]), text_of(row["village_name"])]
        gap = "" if self.catalog.lang.startswith("zh") else ", "
        return gap.join(part for part in parts if part) or "–"

    def proof(self, proven: Any) -> str:
        """Whether a row was proven."""
        return self.t(f"proposal.curve.{'proven' if bool(proven) else 'unproven'}")


def records(frame: pd.DataFrame) -> list[Row]:
    """A frame row by row."""
    return [{str(key): one for key, one in row.items()} for row in frame.to_dict("records")]


def number_of(value: Any) -> float:
    """A number; NaN for what is missing."""
    return float("nan") if value is None else float(value)


def text_of(value: Any) -> str:
    """A text; empty for what is missing."""
    return value if isinstance(value, str) else ""


def amount(value: float) -> str:
    """A cost or another amount as somebody gave it."""
    if not math.isfinite(value):
        return "–"
    return words.number(value, digits=0 if value == round(value) else 2)


def points(difference: float) -> str:
    """Percentage points, to one digit: 2.0; what rounds to nothing is not nothing."""
    if not math.isfinite(difference):
        return "–"
    value = round(100 * abs(difference), 1)
    return "<0.1" if value == 0 and difference else f"{value:.1f}"
