"""A mapping proposed for a file from its headers and its values, for a person to agree to.

Each choice has a confidence and a reason. Nothing here decides: what is proposed is shown, and only
what somebody agreed to is written to `xintu.toml`.
"""

from __future__ import annotations

import csv
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import pandas as pd
import shapely

from etl.findings import Doubts, UnusableFileError, listed
from etl.inspection import inspect_path
from etl.persons import redact
from etl.settings import CONFIG_NAME, LocalityConfig, load_locality, registry
from etl.sources import headers, values
from etl.sources.files import decide_encoding, table_format
from etl.sources.headers import MOST_ROWS, SEARCHED_ROWS, flatten
from etl.sources.settings import CodeEdit, ContextSource
from etl.sources.tabular import longest_line
from etl.sources.vector import map_format, read_features
from etl.sources.workbook import open_book

# Rows whose values are looked at.
_SAMPLE = 2_000
_EXAMPLES = 3
_CERTAIN, _LIKELY, _FROM_VALUES = 0.95, 0.75, 0.6
# So large a part of the values must fit; the rest may be titles, totals and slips.
_MOST = 0.8
_ATTRIBUTES = (
    "site_id", "kind", "status", "staff", "rooms", "area_m2", "beds", "places", "pupils", "hours",
    "opened_on", "closed_on", "quality",
)  # fmt: skip
_DATUM_WORDS = {"GCJ02": ("高德", "腾讯", "gcj"), "BD09": ("百度", "bd09", "bd-09")}
# Characters of headers that the two scripts write differently.
_SIMPLIFIED = str.maketrans(
    "碼區滿歲過經緯數類別點稱機構員開時間週統計編號醫學養殘疾獨兒婦產諮詢務級狀態備註鄉鎮裡總",
    "码区满岁过经纬数类别点称机构员开时间周统计编号医学养残疾独儿妇产咨询务级状态备注乡镇里总",
)
_AREA_NAME = re.compile(r".+[村里社区乡镇道區区]")


# The same few words are compared with every header.
plain = lru_cache(maxsize=65_536)(headers.plain)


@dataclass(frozen=True)
class Choice:
    """One setting of the mapping: what is ours, what stands in the file, and why.

    Attributes
    ----------
    ours : name of the setting, as `columns.week`.
    theirs : column or value.
    confidence : 0 to 1.
    examples : values of the column, nothing personal in them.
    """

    ours: str
    theirs: str
    confidence: float
    why: str
    examples: tuple[str, ...] = ()


@dataclass
class Proposal:
    """A source as it would stand in `xintu.toml`."""

    source_id: str
    path: str
    role: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    columns: dict[str, object] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """That of its weakest choice."""
        return min((choice.confidence for choice in self.choices), default=0.0)


@dataclass
class _Column:
    """A column of the file and what its values look like."""

    name: str
    texts: list[str]
    position: int

    @property
    def lower(self) -> str:
        return self.name.rpartition("/")[2]

    def share(self, test: Callable[[str], bool]) -> float:
        """Part of the filled values that pass a test."""
        filled = [text for text in self.texts if text.strip()]
        return sum(1 for t in filled if test(t)) / len(filled) if filled else 0.0


@dataclass
class _File:
    """What was read of the file."""

    path: Path
    columns: list[_Column]
    sheet: str | None = None
    header_rows: int = 1
    shapes: frozenset[int] = frozenset()

    def by_name(self, name: str) -> _Column:
        return next(column for column in self.columns if column.name == name)


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    return registry("headers")


def propose(path: Path, config: LocalityConfig, *, name: str | None = None) -> Proposal:
    """Propose how a file is mapped.

    Parameters
    ----------
    config : the locality: its code patterns, measures, groups and the sources it has.
    name : the path to write, if another than the file's name.

    Returns
    -------
    The proposal; `confidence` says how sure its weakest part is.

    Raises
    ------
    UnusableFileError : the file cannot be read, holds persons, or shows no mapping at all.
    """
    file = _read(path)
    proposal = Proposal(_source_id(path, config), name or path.name)
    named = _named(file, config)
    role = _role(file, named, config, proposal)
    # Institutions have names and telephones; everything else about persons refuses the file.
    personal = inspect_path(path, facilities=role == "facilities")
    if personal:
        raise UnusableFileError(
            "personal_data",
            column=listed(column.column for column in personal),
            columns=listed(str(column) for column in personal),
        )
    proposal.role = role
    if file.sheet is not None:
        proposal.settings["sheet"] = file.sheet
    if role == "areas":
        _areas(file, named, config, proposal)
    elif role == "context":
        _context(file, named, proposal)
    elif role == "facilities":
        _facilities(file, named, proposal)
    elif role == "population":
        _population(file, named, config, proposal)
    else:
        _observations(file, named, config, proposal)
    return proposal


# ------------------------------------------------------------------ reading


def _read(path: Path) -> _File:
    """Columns of the file under the header that names most of what is known."""
    kind = map_format(path)
    if kind is not None:
        source = ContextSource(id="x", role="context", path=path.name, theme="road")
        features = read_features(path, source, [], Doubts("x", path.name), datum="WGS84")
        columns = _columns(features.table.cells)
        shapes = frozenset(int(k) for k in shapely.get_type_id(features.geometry) if k >= 0)
        return _File(path, columns, shapes=shapes)
    if table_format(path) == "text":
        candidates: list[tuple[str | None, list[list[str]]]] = [(None, _head_of_text(path))]
    else:
        book = open_book(path, xls=table_format(path) == "xls", sheet=None)
        candidates = [(sheet.name, sheet.rows[:_SAMPLE]) for sheet in book.sheets if sheet.rows]
        several = len(book.names) > 1
        if not several:
            candidates = [(None, rows) for _, rows in candidates]
    best: tuple[float, _File] | None = None
    for sheet, rows in candidates:
        for start in range(min(SEARCHED_ROWS, len(rows) - 1)):
            for n_rows in range(1, MOST_ROWS + 1):
                names = flatten(rows[start : start + n_rows])
                body = rows[start + n_rows : _SAMPLE]
                if not body or (n_rows > 1 and not all(any(r) for r in rows[start:][:n_rows])):
                    break
                score = _header_score(names, rows[start : start + n_rows], body)
                if best is None or score > best[0] + 1e-9:
                    columns = [
                        _Column(text, [r[i] if i < len(r) else "" for r in body], i)
                        for i, text in enumerate(names)
                        if text
                    ]
                    best = score, _File(path, columns, sheet, n_rows)
    if best is None or best[0] <= 0:
        raise UnusableFileError("empty_file", came="0 rows")
    return best[1]


def _head_of_text(path: Path) -> list[list[str]]:
    """The first rows as they are; the delimiter is the one that makes the widest even table."""
    longest_line(path)
    best: list[list[str]] = []
    with path.open(encoding=decide_encoding(path, "auto"), newline="") as file:
        lines = [line for line, _ in zip(file, range(_SAMPLE), strict=False)]
    for delimiter in ",\t;|":
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        if rows and (not best or len(rows[len(rows) // 2]) > len(best[len(best) // 2])):
            best = rows
    return best


def _header_score(
    names: Sequence[str], header: Sequence[Sequence[str]], body: Sequence[Sequence[str]]
) -> float:
    """How much a row looks like a header: known names, all words, none of them in the body."""
    known = sum(_best(name)[0] for name in names if name)
    filled = sum(bool(name) for name in names)
    width = max(len(row) for row in body[:20])
    numeric = sum(_is_number(text) for row in header for text in row if text.strip())
    return known + 0.3 * filled / max(1, width) - 2.0 * numeric - 0.4 * (len(header) - 1)


def _columns(cells: pd.DataFrame) -> list[_Column]:
    head = cells.head(_SAMPLE)
    return [
        _Column(str(name), head[name].astype(str).tolist(), i)
        for i, name in enumerate(cells.columns)
    ]


# ------------------------------------------------------------------ what columns mean


@lru_cache(maxsize=65_536)
def _best(name: str) -> tuple[float, str]:
    """The best known meaning of a header anywhere in the registry, and how sure."""
    return max(
        (_match(name, words), f"{kind}.{code}")
        for kind in ("columns", "groups", "measures")
        for code, words in _words()[kind].items()
    )


def _match(name: str, words: Sequence[str]) -> float:
    """How well a header fits one of several words: whole, at its end or beginning, or not."""
    own = _bare(name.rpartition("/")[2])
    best = 0.0
    for word in words:
        key = _bare(word)
        if own == key or plain(name) == plain(word):
            return _CERTAIN
        # The longer the part that fits, the surer; one character says nothing.
        if len(key) > 1 and (own.endswith(key) or own.startswith(key)):
            best = max(best, _LIKELY * min(1.0, 0.5 + len(key) / (2 * len(own))))
    return best


@lru_cache(maxsize=65_536)
def _bare(name: str) -> str:
    """A header without what stands in brackets, in simplified characters."""
    simple = plain(name).translate(_SIMPLIFIED)
    return re.sub(r"\(.*?\)", "", simple) or simple


def _word_in(words: Mapping[str, Sequence[str]], text: str) -> str | None:
    """Whose word stands in a text; the longest word counts."""
    found = [(len(w), code) for code, own in words.items() for w in own if _bare(w) in _bare(text)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", values.half_width(text)) is not None


def _named(file: _File, config: LocalityConfig) -> dict[str, tuple[str, float]]:
    """Meaning → column and confidence, each column given to the meaning it fits best."""
    pairs = []
    for column in file.columns:
        for kind in ("columns", "groups", "measures"):
            for code, words in _words()[kind].items():
                fit = _match(column.name, words)
                if fit:
                    pairs.append((fit * _plausible(code, column, config), code, column))
    pairs.sort(key=lambda pair: (-pair[0], pair[2].position))
    named: dict[str, tuple[str, float]] = {}
    taken: set[str] = set()
    for fit, code, column in pairs:
        if fit > 0.3 and code not in named and column.name not in taken:
            named[code] = column.name, fit
            taken.add(column.name)
    _from_values(file, named, taken, config)
    return named


def _plausible(code: str, column: _Column, config: LocalityConfig) -> float:
    """How well the values of a column agree with a meaning: 1 if they say nothing against it."""
    fit: float | None = None
    if code in {"code", "parent"}:
        fit = _code_edit(column, config)[1]
    elif code == "week":
        fit = max(column.share(_is_iso_week), column.share(_is_date))
    elif code in {"lon", "lat"}:
        fit = column.share(lambda t: _within(t, (-180, 180) if code == "lon" else (-90, 90)))
    elif code in _words()["measures"] or code in _words()["groups"] or code == "count":
        fit = column.share(_is_amount)
    elif code in {"name", "kind", "hours", "address"}:
        fit = 1.0 - column.share(_is_number)
    if fit is None or not any(text.strip() for text in column.texts):
        return 1.0
    return 1.0 if fit >= _MOST else fit * 0.5


def _from_values(
    file: _File, named: dict[str, tuple[str, float]], taken: set[str], config: LocalityConfig
) -> None:
    """Meanings that no header gave, where values leave no doubt."""
    for column in file.columns:
        if column.name in taken:
            continue
        # Without a header's word only what writes "W" or 周 is a week: 2015-08 is a month.
        if "week" not in named and column.share(_says_week) >= _MOST:
            named["week"] = column.name, _FROM_VALUES
        elif "code" not in named and _code_edit(column, config)[1] >= _MOST:
            named["code"] = column.name, _FROM_VALUES
        else:
            continue
        taken.add(column.name)


def _is_iso_week(text: str) -> bool:
    return re.fullmatch(r"\d{4}[-年]?(w|第)?\d{1,2}周?", plain(text)) is not None and len(text) < 12


def _says_week(text: str) -> bool:
    return _is_iso_week(text) and re.search(r"w|周", plain(text)) is not None


def _is_date(text: str) -> bool:
    return values.a_date(text) is not None


def _is_amount(text: str) -> bool:
    return _is_number(text) or values.half_width(text).casefold() in {"", "-", "/", "nan"}


def _within(text: str, bounds: tuple[float, float]) -> bool:
    return _is_number(text) and bounds[0] <= float(text.replace(",", "")) <= bounds[1]


# ------------------------------------------------------------------ codes and levels


def _level_shares(column: _Column, config: LocalityConfig, edit: CodeEdit) -> dict[str, float]:
    codes = Counter(values.code_text(text, edit) for text in column.texts if text.strip())
    total = sum(codes.values())
    return {
        level: sum(n for code, n in codes.items() if re.fullmatch(pattern, code)) / total
        for level, pattern in config.codes.model_dump().items()
    } if total else {}  # fmt: skip


def _code_edit(column: _Column, config: LocalityConfig) -> tuple[CodeEdit, float]:
    """The edit under which most values are codes: none, or without their dashes."""
    best = CodeEdit(), max(_level_shares(column, config, CodeEdit()).values(), default=0.0)
    if best[1] < _MOST and any("-" in text for text in column.texts[:50]):
        edit = CodeEdit(remove="-")
        share = max(_level_shares(column, config, edit).values(), default=0.0)
        if share > best[1]:
            return edit, share
    return best


def _level(
    file: _File, column: _Column | None, config: LocalityConfig, names: Sequence[str] = ()
) -> tuple[str, float, str]:
    """Level of the areas, how sure, and why."""
    words = _words()["levels"]
    if column is not None:
        shares = _level_shares(column, config, _code_edit(column, config)[0])
        fitting = [level for level, share in shares.items() if share >= _MOST]
        if len(fitting) == 1:
            return fitting[0], _CERTAIN, f"codes match [codes] {fitting[0]}"
        if len(fitting) > 1 and not any(_match(column.name, words[level]) for level in fitting):
            # Codes of a town are those of a village that end in zeros.
            county = config.locality.code
            if all(values.code_text(t, CodeEdit()) == county for t in column.texts if t.strip()):
                return "county", _LIKELY, "the locality's own code"
    for text in (column.name if column else "", *names[:5], file.path.stem):
        for level in ("grid", "village", "town", "county"):
            if any(plain(word) in plain(text) for word in words[level]):
                return level, _LIKELY, f"“{text}”"
    return "village", 0.3, "no sign of a level"


# ------------------------------------------------------------------ roles


def _role(
    file: _File,
    named: Mapping[str, tuple[str, float]],
    config: LocalityConfig,
    proposal: Proposal,
) -> str:
    role, sure, why = _role_of(file, named, config)
    proposal.choices.append(Choice("role", role, sure, why))
    return role


def _role_of(
    file: _File, named: Mapping[str, tuple[str, float]], config: LocalityConfig
) -> tuple[str, float, str]:
    groups = [group.code for group in config.groups if group.code in named]
    measures = [measure.code for measure in config.measures if measure.code in named]
    if file.shapes:
        return _role_of_map(file, named)
    if "week" in named and ("code" in named or measures):
        return "observations", _CERTAIN, "a week and areas"
    if "name" in named and ("lon" in named or any(name in named for name in _ATTRIBUTES)):
        return "facilities", _CERTAIN, "names with places or attributes"
    if "week" in named and len(_area_columns(file, named)) >= 2:
        return "observations", _CERTAIN, "a week, and a column an area"
    if groups and "code" in named:
        return "population", _CERTAIN, f"groups: {listed(groups)}"
    seen = listed(column.name for column in file.columns)
    raise UnusableFileError("mapping_unknown", came=seen)


def _role_of_map(file: _File, named: Mapping[str, tuple[str, float]]) -> tuple[str, float, str]:
    if _theme(file.path) is not None and ("code" not in named or "rank" in named):
        return "context", _LIKELY, f"“{file.path.stem}”"
    if file.shapes & {3, 6}:
        return "areas", _CERTAIN, "polygons"
    if file.shapes <= {0, 4}:
        return "facilities", _LIKELY, "points"
    return "context", _LIKELY, "lines"


def _theme(path: Path) -> str | None:
    return _word_in(_words()["themes"], path.stem)


def _column(
    proposal: Proposal, file: _File, ours: str, named: Mapping[str, tuple[str, float]], key: str
) -> str | None:
    """Take a column into the mapping and say why."""
    if key not in named:
        return None
    name, sure = named[key]
    why = "header" if sure >= _LIKELY else "header and values" if sure > 0.6 else "values"
    shown = dict.fromkeys(redact(t) for t in file.by_name(name).texts if t.strip())
    examples = tuple(list(shown)[:_EXAMPLES])
    proposal.choices.append(Choice(f"columns.{ours}", name, round(sure, 2), why, examples))
    return name


def _set(proposal: Proposal, ours: str, value: object, sure: float, why: str) -> None:
    proposal.settings[ours] = value
    proposal.choices.append(Choice(ours, str(value), round(sure, 2), why))


def _coded(
    proposal: Proposal,
    file: _File,
    named: Mapping[str, tuple[str, float]],
    config: LocalityConfig,
    *,
    ours: str,
) -> None:
    """The column of area codes, its level, and how its codes are edited."""
    name = _column(proposal, file, ours, named, "code")
    column = file.by_name(name) if name else None
    if name:
        proposal.columns[ours] = name
    level, sure, why = _level(file, column, config)
    _set(proposal, "level", level, sure, why)
    if column is not None:
        edit, share = _code_edit(column, config)
        if edit.remove:
            proposal.tables["code"] = {"remove": edit.remove}
            proposal.choices.append(Choice("code.remove", edit.remove, round(share, 2), "values"))


def _areas(
    file: _File, named: dict[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    # Of several columns of codes the finest is the area's own.
    coded = [c for c in file.columns if _code_edit(c, config)[1] >= _MOST]
    if coded:
        finest = max(
            coded, key=lambda c: (len(set(c.texts)), _match(c.name, _words()["columns"]["code"]))
        )
        named["code"] = finest.name, max(_FROM_VALUES, named.get("code", ("", 0.0))[1])
        parents = [
            c for c in coded if c is not finest and _match(c.name, _words()["columns"]["parent"])
        ]
        if parents:
            named["parent"] = parents[0].name, _LIKELY
        else:
            named.pop("parent", None)
    _coded(proposal, file, named, config, ours="code")
    # Names of the areas themselves differ most; those of the level above repeat.
    titled = [c for c in file.columns if _match(c.name, _words()["columns"]["name"]) >= _CERTAIN]
    if titled:
        own = max(titled, key=lambda c: len(set(c.texts)))
        named["name"] = own.name, _CERTAIN
    for ours in ("name", "parent"):
        if name := _column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    if "parent" in proposal.columns:
        _set(proposal, "parents", "column", _LIKELY, "a column with codes of the level above")


def _context(file: _File, named: Mapping[str, tuple[str, float]], proposal: Proposal) -> None:
    theme = _theme(file.path) or "road"
    _set(proposal, "theme", theme, _LIKELY if _theme(file.path) else 0.3, "file name")
    if rank := _column(proposal, file, "rank", named, "rank"):
        proposal.settings["rank"] = rank


def _facilities(file: _File, named: Mapping[str, tuple[str, float]], proposal: Proposal) -> None:
    for ours in ("site_id", "name", "kind", "lon", "lat"):
        if name := _column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    if name := _column(proposal, file, "area_code", named, "code"):
        proposal.columns["area_code"] = name
    for ours in (*_ATTRIBUTES[2:],):
        if name := _column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    named_so = " ".join(column.name for column in file.columns)
    for datum, words in _DATUM_WORDS.items():
        if any(word in plain(named_so + file.path.stem) for word in words):
            _set(proposal, "datum", datum, _LIKELY, "header names the map it was taken from")
            break
    else:
        if "lon" in proposal.columns:
            # No value shows a datum; whoever made the file knows it.
            _set(proposal, "datum", "CGCS2000", 0.4, "not to be seen; ask whoever took them")
    _kinds(file, proposal)
    if "status" in proposal.columns:
        found = _valued(file, str(proposal.columns["status"]), _words()["statuses"])
        proposal.tables["statuses"] = found


def _kinds(file: _File, proposal: Proposal) -> None:
    words = _words()["kinds"]
    column = proposal.columns.get("kind")
    found = _valued(file, str(column), words) if column else {}
    by_file = _word_in(words, file.path.stem)
    usual = Counter(found.values()).most_common(1)
    if by_file:
        _set(proposal, "kind", by_file, _LIKELY, f"“{file.path.stem}”")
    elif usual:
        _set(proposal, "kind", usual[0][0], _FROM_VALUES, "most of its rows")
    else:
        _set(proposal, "kind", "service_org", 0.2, "no sign of a kind")
    if len(set(found.values()) | {str(proposal.settings["kind"])}) > 1:
        proposal.tables["kinds"] = found
    elif column:
        del proposal.columns["kind"]
        proposal.choices = [c for c in proposal.choices if c.ours != "columns.kind"]


def _valued(file: _File, column: str, words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Value of a column → what it means, for those that hold a known word."""
    found = {}
    for text in dict.fromkeys(t.strip() for t in file.by_name(column).texts):
        if text and (code := _word_in(words, text)):
            found[redact(text)] = code
    return found


def _population(
    file: _File, named: Mapping[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    _coded(proposal, file, named, config, ours="code")
    groups = {}
    for group in config.groups:
        if name := _column(proposal, file, f"groups.{group.code}", named, group.code):
            groups[group.code] = name
    proposal.tables["columns.groups"] = groups


def _observations(
    file: _File, named: dict[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    week = _column(proposal, file, "week", named, "week")
    if week is None:
        raise UnusableFileError("mapping_unknown", came=listed(c.name for c in file.columns))
    proposal.columns["week"] = week
    style, sure, why = _week_style(file.by_name(week))
    _set(proposal, "week", style, sure, why)
    across = _area_columns(file, named)
    if "code" not in named and across:
        _wide(file, across, config, proposal)
        return
    _coded(proposal, file, named, config, ours="area")
    counts = {}
    for measure in config.measures:
        if name := _column(proposal, file, f"counts.{measure.code}", named, measure.code):
            counts[measure.code] = name
    if counts:
        proposal.tables["columns.counts"] = counts
        return
    count = _column(proposal, file, "count", named, "count")
    if count is None:
        raise UnusableFileError("mapping_unknown", came=listed(c.name for c in file.columns))
    proposal.columns["count"] = count
    known = {measure.code for measure in config.measures}
    if "measure" in named or "kind" in named:
        key = "measure" if "measure" in named else "kind"
        found = _valued(file, named[key][0], _words()["measures"])
        if found and set(found.values()) <= known:
            proposal.columns["measure"] = _column(proposal, file, "measure", named, key)
            proposal.tables["measures"] = found
            return
    _one_measure(file, config, proposal)


def _wide(
    file: _File, across: Sequence[_Column], config: LocalityConfig, proposal: Proposal
) -> None:
    _set(proposal, "shape", "wide", _CERTAIN, f"{len(across)} columns that are areas")
    patterns = config.codes.model_dump().values()
    by_code = all(any(re.fullmatch(p, c.lower) for p in patterns) for c in across)
    _set(proposal, "areas_by", "code" if by_code else "name", _CERTAIN, "headers")
    level, sure, why = _level(file, None, config, names=[column.lower for column in across])
    _set(proposal, "level", level, sure, why)
    _one_measure(file, config, proposal)


def _one_measure(file: _File, config: LocalityConfig, proposal: Proposal) -> None:
    """The measure of a file that holds one, by the file's name."""
    for measure in config.measures:
        words = _words()["measures"].get(measure.code, [measure.name.zh])
        if any(len(plain(w)) > 1 and plain(w) in plain(file.path.stem) for w in words):
            _set(proposal, "measure", measure.code, _LIKELY, f"“{file.path.stem}”")
            return
    _set(proposal, "measure", config.measures[0].code, 0.1, "no sign of a measure: choose one")


def _area_columns(file: _File, named: Mapping[str, tuple[str, float]]) -> list[_Column]:
    """Columns of figures whose header is an area's name or code."""
    taken = {name for key, (name, _) in named.items() if key == "week"}
    others = [c for c in file.columns if c.name not in taken]
    areas = [
        c for c in others if _AREA_NAME.fullmatch(c.lower) or re.fullmatch(r"[\w-]{6,}", c.lower)
    ]
    areas = [c for c in areas if c.share(_is_amount) >= _MOST]
    return areas if len(areas) >= max(2, _MOST * len(others)) else []


def _week_style(column: _Column) -> tuple[str, float, str]:
    if column.share(_is_iso_week) >= _MOST:
        return "iso", _CERTAIN, "values such as 2026-W40"
    days = [day for text in column.texts if (day := values.a_date(text)) is not None]
    weekdays = Counter(day.weekday() for day in days)
    if days and weekdays[0] >= 0.95 * len(days):
        return "monday", _CERTAIN, "every date is a Monday"
    if days and weekdays[6] >= 0.95 * len(days):
        return "sunday", _CERTAIN, "every date is a Sunday"
    return "date", _LIKELY if days else 0.2, "dates on several days of the week"


# ------------------------------------------------------------------ writing


def _source_id(path: Path, config: LocalityConfig) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-") or "source"
    taken = {source.id for source in config.sources}
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return name


def as_toml(proposal: Proposal) -> str:
    """The proposal as a `[[sources]]` block, with a remark where it is not sure."""
    doubts = {c.ours: c for c in proposal.choices if c.confidence < _LIKELY}

    def line(key: str, ours: str, value: object) -> str:
        remark = f"  # {doubts[ours].confidence:.0%}: {doubts[ours].why}" if ours in doubts else ""
        return f"{key} = {_quoted(str(value))}{remark}"

    lines = ["[[sources]]", f"id = {_quoted(proposal.source_id)}"]
    lines.append(line("role", "role", proposal.role))
    lines.append(f"path = {_quoted(proposal.path)}")
    lines += [line(key, key, value) for key, value in proposal.settings.items()]
    if proposal.columns or any(name.startswith("columns.") for name in proposal.tables):
        lines.append("[sources.columns]")
        lines += [line(k, f"columns.{k}", v) for k, v in proposal.columns.items()]
    for name, table in proposal.tables.items():
        lines.append(f"[sources.{name}]")
        lines += [line(_quoted(k), f"{name}.{k}", v) for k, v in table.items()]
    return "\n".join(lines) + "\n"


def append_source(folder: Path, toml: str) -> None:
    """Add a source at the end of `xintu.toml`; what stands there stays byte for byte.

    Raises
    ------
    ConfigError, FaultsError : the file would not be valid with it; then nothing is written.
    """
    path = folder / CONFIG_NAME
    load_locality(folder)  # says what is wrong with it as it is
    old = path.read_bytes()
    newline = "\r\n" if b"\r\n" in old else "\n"
    gap = b"" if old.endswith(b"\n") else newline.encode()
    added = (newline + toml.replace("\n", newline)).encode("utf-8")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".xintu-map-") as name:
        trial = Path(name) / CONFIG_NAME
        with trial.open("wb") as file:
            file.write(old + gap + added)
            file.flush()
            os.fsync(file.fileno())
        trial.chmod(path.stat().st_mode & 0o777)
        load_locality(trial.parent)
        trial.replace(path)


def _quoted(text: str) -> str:
    """A TOML string: every character that would end it or is not printed is escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m.group()):04x}", escaped)
    return f'"{escaped}"'
