"""A small OpenStreetMap extract, written byte by byte: GDAL reads such files and writes none."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

Way = tuple[Sequence[tuple[float, float]], Mapping[str, str]]


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(out)


def _signed(value: int) -> bytes:
    return _varint(value * 2 if value >= 0 else -value * 2 - 1)


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _blob(kind: bytes, raw: bytes) -> bytes:
    body = _field(2, len(raw)) + _field(3, zlib.compress(raw))
    head = _field(1, kind) + _field(3, len(body))
    return struct.pack(">I", len(head)) + head + body


def extract(ways: Sequence[Way]) -> bytes:
    """Ways with their points (longitude, latitude) and tags; equal points are one node."""
    texts: list[str] = [""]
    for _, tags in ways:
        texts += [text for pair in tags.items() for text in pair]
    texts = list(dict.fromkeys(texts))
    nodes = {at: n for n, at in enumerate(dict.fromkeys(p for xy, _ in ways for p in xy), start=1)}
    group = b""
    for (lon, lat), number in nodes.items():
        place = b"".join(
            _varint(n << 3) + _signed(v)
            for n, v in ((1, number), (8, round(lat * 1e7)), (9, round(lon * 1e7)))
        )
        group += _field(1, place)
    lines = b""
    for number, (xy, tags) in enumerate(ways, start=1):
        refs, before = b"", 0
        for point in xy:
            refs += _signed(nodes[point] - before)
            before = nodes[point]
        way = _field(1, number)
        way += _field(2, b"".join(_varint(texts.index(key)) for key in tags))
        way += _field(3, b"".join(_varint(texts.index(value)) for value in tags.values()))
        lines += _field(3, way + _field(8, refs))
    table = b"".join(_field(1, text.encode()) for text in texts)
    header = _field(4, b"OsmSchema-V0.6")
    blocks = [_field(1, table) + _field(2, part) for part in (group, lines)]
    return _blob(b"OSMHeader", header) + b"".join(_blob(b"OSMData", block) for block in blocks)
