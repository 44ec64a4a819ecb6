"""The areas that a department may count by: codes known to it, and names that mean one code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from etl.edge.export import SYNONYMS, open_export
from etl.persons import has_identity_number
from etl.settings import CONFIG_NAME, load_locality
from etl.sources.files import decide_encoding
from etl.sources.headers import plain
from etl.sources.settings import AreasSource, CodeEdit
from etl.sources.values import code_text
from geo.errors import ConfigError, InputError

_CODES = SYNONYMS["area"][: SYNONYMS["area"].index("code") + 1]
_NAMES = (
    "名称",
    "村社区名称",
    "社区名称",
    "村名",
    "区划名称",
    "name",
    *SYNONYMS["area"][len(_CODES) :],
)
# A code where nobody says which there are: 6 to 12 digits, a grid's number behind.
_CODE = re.compile(r"[0-9]{6}|[0-9]{9}|[0-9]{12}(?:-?[0-9A-Za-z]{1,6})?")
_MAPS = frozenset({".geojson", ".json"})


@dataclass(frozen=True)
class Areas:
    """Codes that are known, and codes by name where a name means only one.

    Attributes
    ----------
    codes : every known code; empty if nobody says, so that any text of a code's form is one.
    names : plain name → code; None where several areas are called so.
    """

    codes: frozenset[str]
    names: dict[str, str | None]

    def find(self, text: str) -> tuple[str | None, str]:
        """The code of an area as a department writes it, and why there is none."""
        code = code_text(text, CodeEdit())
        if not code:
            return None, "no_area"
        if code in self.codes:
            return code, ""
        if not self.codes:
            good = _CODE.fullmatch(code) is not None and not has_identity_number(code)
            return (code, "") if good else (None, "unknown_area")
        key = plain(text)
        if key in self.names:
            found = self.names[key]
            return (found, "") if found is not None else (None, "ambiguous_area")
        return None, "unknown_area"


def any_areas() -> Areas:
    """No list of areas: whatever has the form of a code."""
    return Areas(frozenset(), {})


def read_areas(path: Path) -> Areas:
    """Areas from a table with codes and names, a GeoJSON of boundaries, or a locality's folder.

    Raises
    ------
    InputError : no column of codes.
    ConfigError : a locality whose boundaries are in a form that a bare machine cannot read.
    """
    if path.is_dir() or path.name == CONFIG_NAME:
        return _of_locality(path if path.is_dir() else path.parent)
    if path.suffix.lower() in _MAPS:
        return _areas(_properties(path, _CODES, _NAMES))
    export = open_export(path, wanted=[*_CODES, *_NAMES])
    plain_names = [plain(name.rpartition("/")[2]) for name in export.names]
    code = next((plain_names.index(plain(n)) for n in _CODES if plain(n) in plain_names), None)
    if code is None:
        raise InputError(f"{path.name}：没有代码列；应有其一：{'、'.join(_CODES)}")
    name = next((plain_names.index(plain(n)) for n in _NAMES if plain(n) in plain_names), None)
    pairs = [(_at(row, code), _at(row, name)) for _, row in export.rows()]
    return _areas(pairs)


def _of_locality(folder: Path) -> Areas:
    settings = load_locality(folder)
    pairs: list[tuple[str, str]] = []
    for source in settings.config.sources:
        if not isinstance(source, AreasSource):
            continue
        path = settings.data / source.path
        if path.suffix.lower() not in _MAPS:
            raise ConfigError(f"{source.path}: wanted GeoJSON; give a table of codes with --areas")
        columns = source.columns
        own = _properties(path, (columns.code,), (columns.name or "",))
        pairs += [(code_text(code, source.code), name) for code, name in own]
    return _areas(pairs)


def _properties(
    path: Path, codes: tuple[str, ...], names: tuple[str, ...]
) -> list[tuple[str, str]]:
    try:
        content = path.read_bytes().decode(decide_encoding(path, "auto"))
        features = [feature["properties"] or {} for feature in json.loads(content)["features"]]
    except (ValueError, KeyError, TypeError) as exc:
        raise InputError(f"{path.name}: no GeoJSON of areas") from exc
    code = next((c for c in codes if any(c in own for own in features)), None)
    if code is None:
        raise InputError(f"{path.name}：没有代码属性；应有其一：{'、'.join(codes)}")
    name = next((n for n in names if any(n in own for own in features)), None)
    return [(_text(own.get(code)), _text(own.get(name)) if name else "") for own in features]


def _areas(pairs: Iterable[tuple[str, str]]) -> Areas:
    codes: set[str] = set()
    names: dict[str, str | None] = {}
    for text, name in pairs:
        code, key = code_text(text, CodeEdit()), plain(name)
        if not code:
            continue
        codes.add(code)
        if key:
            names[key] = code if names.get(key, code) == code else None
    if not codes:
        raise InputError("areas: no code was found")
    return Areas(frozenset(codes), names)


def _at(row: object, position: int | None) -> str:
    cells = row if isinstance(row, list) else []
    return cells[position] if position is not None and position < len(cells) else ""


def _text(value: object) -> str:
    return "" if value is None else str(value)
