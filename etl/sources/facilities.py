"""Facility files → canonical sites: kind, place, status, attributes, and each site once."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from etl import proposals
from etl.findings import BoolArray, Doubts, listed
from etl.headings import is_name
from etl.ledger import Ledger
from etl.persons import Texts, signs
from etl.sources import values
from etl.sources.floors import lowest_floor
from etl.sources.geography import FloatArray, Geography, Place
from etl.sources.headers import plain
from etl.sources.hours import hours_a_week
from etl.sources.mapping import Body, Mapped, open_body
from etl.sources.places import Spots, place_sites
from etl.sources.settings import FacilitiesSource
from etl.sources.tabular import Table
from etl.sources.values import Amount
from geo.model import Kind, Level, SiteStatus

ATTRIBUTES = ("staff", "rooms", "area_m2", "beds", "places", "pupils")
DATES = ("opened_on", "closed_on")
_TEXTS = (
    "site_id", "kind", "category", "name", "datum", "area_code", "town_code", "village_code",
    "grid_code", "status", "hours", "floor", "owner", *DATES, "quality",
)  # fmt: skip
SITE_COLUMNS = (
    "site_id", "kind", "category", "name", "lon", "lat", "x_original", "y_original", "datum",
    "area_code", "town_code", "village_code", "grid_code", "status", *ATTRIBUTES, "hours", "floor",
    "owner", *DATES, "quality", "source_row",
)  # fmt: skip
_FINEST_FIRST = (Level.GRID, Level.VILLAGE, Level.TOWN)
_HIDDEN = "●●●"
# What stands beside a name: (个人), 先生, 私房.
_REMARK = re.compile(r"\s|\(.*?\)|(个人|本人|先生|女士|私人|私房|所有|自有|家)+$")
# Nearer than this, two sites of one name and kind are one.
SAME_SITE_M = 200.0


def map_facilities(
    table: Table,
    source: FacilitiesSource,
    geography: Geography,
    doubts: Doubts,
    *,
    today: date,
    known: pd.DataFrame | None = None,
) -> Mapped:
    """Canonical sites of a source; sites outside the locality or repeated wait in quarantine.

    Parameters
    ----------
    known : canonical sites of other files, for addresses that name one of them.

    Returns
    -------
    Mapped, its frame with the columns of `SITE_COLUMNS`, one row a site, sorted by `site_id`.
    """
    columns = source.columns
    figures = [getattr(columns, name) for name in ATTRIBUTES if getattr(columns, name)]
    body = open_body(table, doubts, key=columns.name, figures=figures)
    ledger, name_column = body.ledger, body.found[columns.name]
    owners = _owners(body, source, geography)
    names = [values.half_width(str(text)) for text in body.column(columns.name)]
    unnamed = np.array([not name for name in names], dtype=np.bool_)
    ledger.reject("missing_value", unnamed, column=name_column)
    kinds = _kinds(body, source)
    attributes = {name: _attribute(body, source, name) for name in ATTRIBUTES}
    dates = {name: _dates(body, source, name) for name in DATES}
    statuses = _statuses(body, source, dates, today)
    # A hotline is counted in the tables and has no place on the map.
    placeless = np.array([kind == Kind.HOTLINE for kind in kinds], dtype=np.bool_)
    spots = place_sites(body, source, geography, placeless=placeless, known=known)
    codes = {level: geography.codes_at(spots.xy, level) for level in _FINEST_FIRST}
    frame = pd.DataFrame(
        {
            "site_id": _site_ids(body, source, names, spots),
            "kind": kinds,
            "category": _categories(body, source),
            "name": names,
            "lon": spots.lon,
            "lat": spots.lat,
            "x_original": spots.x,
            "y_original": spots.y,
            "datum": source.datum,
            "area_code": _finest(list(codes.values()), spots.named),
            **{f"{level}_code": found for level, found in codes.items()},
            "status": statuses,
            **attributes,
            "hours": _hours(body, source),
            "floor": _floors(body, source),
            "owner": owners,
            **dates,
            "quality": spots.quality,
            "source_row": ledger.rows,
        }
    )
    _reject_repeated(ledger, frame, spots.xy, column=name_column)
    kept = frame.loc[ledger.accepted, list(SITE_COLUMNS)].astype(dict.fromkeys(_TEXTS, "str"))
    return Mapped(kept.sort_values("site_id", ignore_index=True), ledger, body.set_aside)


def repeated_sites(
    sites: pd.DataFrame, xy: FloatArray, accepted: BoolArray
) -> tuple[BoolArray, list[int]]:
    """Rows that repeat an earlier one: same kind, same name, within `SAME_SITE_M`.

    Parameters
    ----------
    sites : kind, name.
    xy : float64 [m], shape (n, 2); a site without a place is everywhere.
    accepted : rows to compare.

    Returns
    -------
    A mask of the repeated rows, and for each of them the position of the first.
    """
    twice: BoolArray = np.zeros(len(sites), dtype=np.bool_)
    others: list[int] = []
    first: dict[tuple[str, str], list[int]] = {}
    keys = list(zip(sites["kind"].astype(str), sites["name"].map(same_name), strict=True))
    for i in np.flatnonzero(accepted).tolist():
        same = first.setdefault(keys[i], [])
        for other in same:
            away_m = float(np.hypot(*(xy[i] - xy[other])))
            if not away_m > SAME_SITE_M:
                twice[i] = True
                others.append(other)
                break
        else:
            same.append(i)
    return twice, others


def same_name(name: str) -> str:
    """A name for comparison: half-width, without blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LN")


def _finest(codes: Sequence[list[str | None]], named: list[Place | None]) -> list[str | None]:
    """Code of the finest area around each site, else of the one it names."""
    return [
        next((code for code in found if code), None if place is None else place.code)
        for place, *found in zip(named, *codes, strict=True)
    ]


def _kinds(body: Body, source: FacilitiesSource) -> list[str]:
    """Kind of each row: whole value, then contained, then the source's own."""
    default = "" if source.kind is None else str(source.kind)
    wanted = source.columns.kind
    if wanted is None:
        return [default] * len(body.cells)
    whole = {plain(text): str(kind) for text, kind in source.kinds.items()}
    whole |= {str(kind): str(kind) for kind in Kind}

    def kind_of(text: str) -> str:
        key = plain(text)
        if key in whole:
            return whole[key]
        return next((kind for part, kind in whole.items() if part in key), default)

    column, name = body.column(wanted), body.found[wanted]
    kinds = values.recoded(column, [kind_of(str(text)) for text in column.cat.categories])
    unknown = values.is_blank(kinds)
    blank = unknown & values.is_blank(column)
    body.ledger.reject("missing_value", blank, column=name)
    body.ledger.reject(
        "unknown_kind",
        unknown & ~blank,
        column=name,
        proposal=proposals.name(list(source.kinds)),
        known=listed(source.kinds),
    )
    return [str(kind) for kind in kinds]


def _categories(body: Body, source: FacilitiesSource) -> list[str | None]:
    """Category of each row: whole value, then contained; None where the file says none we know."""
    wanted = source.columns.category
    if wanted is None:
        return [None] * len(body.cells)
    known = {plain(text): category for text, category in source.categories.items()}

    def category_of(text: str) -> str | None:
        key = plain(text)
        found = (category for part, category in known.items() if part in key)
        return known.get(key) or next(found, None)

    return [category_of(str(text)) for text in body.column(wanted)]


def _statuses(
    body: Body, source: FacilitiesSource, dates: dict[str, list[str | None]], today: date
) -> list[str]:
    """Status of each row: as the file says, else by its dates, else open."""
    by_date = [
        _status_on(today.isoformat(), opened, closed)
        for opened, closed in zip(dates["opened_on"], dates["closed_on"], strict=True)
    ]
    wanted = source.columns.status
    if wanted is None:
        return by_date
    column = body.column(wanted)
    known = {plain(text): str(status) for text, status in source.statuses.items()}
    known |= {str(status): str(status) for status in SiteStatus}
    said = [known.get(plain(str(text)), "") for text in column]
    unknown = np.array([not text for text in said], dtype=np.bool_) & ~values.is_blank(column)
    name, registered = body.found[wanted], listed(source.statuses or known)
    propose = proposals.name(list(source.statuses))
    body.ledger.reject("unknown_status", unknown, column=name, proposal=propose, known=registered)
    return [text or status for text, status in zip(said, by_date, strict=True)]


def _status_on(day: str, opened: str | None, closed: str | None) -> str:
    if closed is not None and closed <= day:
        return str(SiteStatus.CLOSED)
    if opened is not None and opened > day:
        return str(SiteStatus.PLANNED)
    return str(SiteStatus.OPEN)


def _attribute(body: Body, source: FacilitiesSource, name: str) -> FloatArray:
    wanted = getattr(source.columns, name)
    if wanted is None:
        return np.full(len(body.cells), np.nan)
    amounts = values.amounts(body.column(wanted), integer=False)
    body.ledger.note("bad_attribute", amounts.faults > Amount.BLANK, column=body.found[wanted])
    return amounts.values


def _dates(body: Body, source: FacilitiesSource, name: str) -> list[str | None]:
    wanted = getattr(source.columns, name)
    if wanted is None:
        return [None] * len(body.cells)
    column = body.column(wanted)
    days = [values.a_date(str(text)) for text in column]
    bad = np.array([day is None for day in days], dtype=np.bool_) & ~values.is_blank(column)
    body.ledger.note("bad_date", bad, column=body.found[wanted])
    return [None if day is None else day.isoformat() for day in days]


def _hours(body: Body, source: FacilitiesSource) -> list[str | None]:
    wanted = source.columns.hours
    if wanted is None:
        return [None] * len(body.cells)
    column = body.column(wanted)
    texts = [values.half_width(str(text)) for text in column]
    unread = np.array([hours_a_week(text) is None for text in texts], dtype=np.bool_)
    body.ledger.note("bad_hours", unread, column=body.found[wanted])
    return [text or None for text in texts]


def _floors(body: Body, source: FacilitiesSource) -> list[str | None]:
    wanted = source.columns.floor
    if wanted is None:
        return [None] * len(body.cells)
    column = body.column(wanted)
    texts = [values.half_width(str(text)) for text in column]
    unread = np.array([lowest_floor(text) is None for text in texts], dtype=np.bool_)
    body.ledger.note("bad_floor", unread & ~values.is_blank(column), column=body.found[wanted])
    return [text or None for text in texts]


def _owners(body: Body, source: FacilitiesSource, geography: Geography) -> list[str | None]:
    """Institutions that own the sites; whatever may be a person is taken out before it is kept."""
    wanted = source.columns.owner
    if wanted is None:
        return [None] * len(body.cells)
    name, column = body.found[wanted], body.column(wanted)
    texts = [str(text) for text in column.cat.categories]
    suspect = {text for text in texts if _is_person(text, geography)}
    person: BoolArray = np.array([str(text) in suspect for text in column], dtype=np.bool_)
    if person.any():
        kept = [_HIDDEN if text in suspect else text for text in texts]
        # The cell itself: neither a finding nor the quarantine may repeat it.
        body.cells[name] = column = values.recoded(column, kept)
        body.ledger.note("owner_is_person", person, column=name)
    found = [values.half_width(str(text)) for text in column]
    return [None if not text or gone else text for text, gone in zip(found, person, strict=True)]


def _is_person(text: str, geography: Geography) -> bool:
    """Whether an owner's name may be a person's; names of the locality's own areas are not."""
    plain = _REMARK.sub("", values.half_width(text))
    return not geography.is_name(plain) and (is_name(plain) or bool(signs(Texts.of([text]))))


def _site_ids(body: Body, source: FacilitiesSource, names: list[str], spots: Spots) -> list[str]:
    """The file's own id, else a hash of what the site is; both under the source's name."""
    wanted = source.columns.site_id
    given = [""] * len(names)
    if wanted is not None:
        given = [re.sub(r"\s+", "", values.half_width(str(text))) for text in body.column(wanted)]
    hashed = [
        hashlib.blake2b(f"{source.id}|{name}|{x:.7f}|{y:.7f}".encode(), digest_size=6).hexdigest()
        for name, x, y in zip(names, spots.x, spots.y, strict=True)
    ]
    return [f"{source.id}-{own or other}" for own, other in zip(given, hashed, strict=True)]


def _reject_repeated(ledger: Ledger, sites: pd.DataFrame, xy: FloatArray, *, column: str) -> None:
    """Reject a site that stands in the file before, by name and place or by id."""
    twice, others = repeated_sites(sites, xy, ledger.accepted)
    before = [f"#{ledger.rows[i]}" for i in others]
    metres = f"{SAME_SITE_M:g}"
    ledger.reject("duplicate_site", twice, column=column, metres=metres, other=before)
    good = np.flatnonzero(ledger.accepted)
    seen: dict[str, int] = {}
    doubled: BoolArray = np.zeros(len(sites), dtype=np.bool_)
    earlier = []
    for i, site_id in zip(good.tolist(), sites["site_id"].iloc[good], strict=True):
        if site_id in seen:
            doubled[i] = True
            earlier.append(str(ledger.rows[seen[site_id]]))
        seen.setdefault(site_id, i)
    ledger.reject("duplicate_site_id", doubled, column=column, other=earlier)
