"""The text of a PDF as a reader would copy it: by each font's own table from codes to characters.

Only what Chromium writes is understood: plain objects, Flate, fonts with `ToUnicode`.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"^(\d+) 0 obj\b(.*?)^endobj", re.DOTALL | re.MULTILINE)
_TOKENS = re.compile(
    rb"/ActualText\s*<([0-9A-Fa-f]+)>|\b(EMC)\b|/(\S+) [\d.]+ Tf|/(\S+) Do|<([0-9A-Fa-f]+)>"
)


@dataclass(frozen=True)
class Font:
    """Characters by code, and how many bytes a code has."""

    characters: dict[int, str]
    width: int

    def read(self, raw: bytes) -> str:
        codes = (raw[at : at + self.width] for at in range(0, len(raw), self.width))
        return "".join(self.characters.get(int.from_bytes(code), "\ufffd") for code in codes)


def pages_text(pdf: bytes) -> list[str]:
    """Text of each page, without the gaps that a reader would see."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    return [_content(objects, page) for page in pages]


def _content(objects: dict[int, bytes], holder: bytes) -> str:
    resources = _resources(objects, holder)
    fonts = {name: _font(objects, objects[int(at)]) for name, at in _named(resources, b"Font")}
    forms = dict(_named(resources, b"XObject"))
    contents = re.search(rb"/Contents (\d+) 0 R", holder)
    stream = _stream(objects[int(contents[1])]) if contents else _stream(holder)
    said, font = "", Font({}, 1)
    meant = False  # Within text that says itself what it means, as readers copy it.
    for actual, end, name, form, text in _TOKENS.findall(stream):
        if actual:
            said, meant = said + _utf16(actual.decode()).removeprefix("\ufeff"), True
        elif end:
            meant = False
        elif name:
            font = fonts.get(name, font)
        elif text and not meant:
            said += font.read(bytes.fromhex(text.decode()))
        elif form in forms and b"/Form" in objects[int(forms[form])]:
            said += _content(objects, objects[int(forms[form])])
    return said


def _resources(objects: dict[int, bytes], holder: bytes) -> bytes:
    found = re.search(rb"/Resources (\d+) 0 R", holder)
    return objects[int(found[1])] if found else holder


def _named(resources: bytes, kind: bytes) -> list[tuple[bytes, bytes]]:
    inside = re.search(rb"/" + kind + rb"\s*<<(.*?)>>", resources, re.DOTALL)
    return re.findall(rb"/(\S+) (\d+) 0 R", inside[1]) if inside else []


def _font(objects: dict[int, bytes], body: bytes) -> Font:
    table = re.search(rb"/ToUnicode (\d+) 0 R", body)
    if table is None:
        return Font({}, 1)
    cmap = _stream(objects[int(table[1])]).decode("latin-1")
    space = re.search(r"begincodespacerange\s*<([0-9A-Fa-f]+)>", cmap)
    characters: dict[int, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for code, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            characters[int(code, 16)] = _utf16(text)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        triples = re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block)
        for first, last, text in triples:
            for step in range(int(last, 16) - int(first, 16) + 1):
                characters[int(first, 16) + step] = chr(ord(_utf16(text)) + step)
    return Font(characters, len(space[1]) // 2 if space else 1)


def _utf16(text: str) -> str:
    return bytes.fromhex(text).decode("utf-16-be")


def _stream(body: bytes) -> bytes:
    found = re.search(rb"/Length (\d+).*?stream\r?\n", body, re.DOTALL)
    if found is None:
        return b""
    raw = body[found.end() : found.end() + int(found[1])]
    return zlib.decompress(raw) if b"/FlateDecode" in body else raw
