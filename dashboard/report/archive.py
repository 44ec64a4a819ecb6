"""Office files are zips; those of the same content shall be the same, to the byte."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

# What a zip can say at the earliest; a date of the content stands in the core properties.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
CORE = "docProps/core.xml"
_DATES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def settled(raw: bytes, *, at: datetime | None = None) -> bytes:
    """The same archive without the time and the machine of its making.

    Parameters
    ----------
    at : aware; date of the core properties, where the library that wrote them took the clock's.
    """
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(out, "w", compression=zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            fresh = zipfile.ZipInfo(entry.filename, ZIP_EPOCH)
            fresh.compress_type = zipfile.ZIP_DEFLATED
            fresh.create_system = 0
            content = old.read(entry)
            if at is not None and entry.filename == CORE:
                stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = _DATES.sub(rb"\g<1>" + stamp, content)
            new.writestr(fresh, content)
    return out.getvalue()
