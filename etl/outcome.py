"""What became of one file: where each of its rows ended, and what counts of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from etl.findings import Finding
from etl.ledger import empty_quarantine
from etl.reading import Fate, Job


@dataclass(frozen=True)
class DeliveryResult:
    """What became of one file.

    Attributes
    ----------
    fate : current; replaced by a later file of the same name; failed, of which nothing is kept;
        absent, where a source has no file at all.
    rows_read : accepted + superseded + quarantined + set_aside, always; blank and header rows are
        not rows.
    frame : canonical rows that count.
    population : persons by area from a boundary file's own columns.
    quarantine : row, raw (JSON of the mapped columns), rules.
    delivery_id : None where the store does not know the file yet.
    """

    source_id: str
    role: str
    file: str
    location: str
    path: Path
    sha256: str
    bytes: int
    fate: Fate
    delivery_id: int | None
    returned_for: int | None
    encoding: str | None
    sheet: str | None
    rows_read: int
    accepted: int
    superseded: int
    quarantined: int
    set_aside: int
    frame: pd.DataFrame
    population: pd.DataFrame | None
    findings: tuple[Finding, ...]
    quarantine: pd.DataFrame
    newest_week: str | None

    @property
    def failed(self) -> bool:
        """Whether the file could not be used at all; the findings say why."""
        return self.fate in {"failed", "absent"}


def outcome(job: Job) -> DeliveryResult:
    """Where every row of a file ended."""
    mapped, arrival = job.mapped, job.arrival
    accepted = quarantined = set_aside = superseded = 0
    quarantine = empty_quarantine()
    if mapped is not None:
        accepted, quarantined, set_aside = mapped.accepted, mapped.quarantined, mapped.set_aside
        if job.fate == "replaced":
            accepted, quarantined, superseded = 0, 0, accepted + quarantined
        else:
            superseded = len(job.lost & set(mapped.ledger.rows[mapped.ledger.accepted].tolist()))
            accepted -= superseded
            quarantine = mapped.ledger.quarantine()
            released = quarantine["row"].isin(job.released)
            quarantine = quarantine[~released].reset_index(drop=True)
            quarantined -= int(released.sum())
            superseded += int(released.sum())
    counts = job.fate == "current" and mapped is not None
    return DeliveryResult(
        source_id=arrival.source_id,
        role=job.source.role,
        file=arrival.name,
        location=arrival.location,
        path=arrival.path,
        sha256=arrival.print.sha256,
        bytes=arrival.print.size,
        fate=job.fate,
        delivery_id=arrival.delivery_id,
        returned_for=arrival.returned_for,
        encoding=job.encoding,
        sheet=job.sheet,
        rows_read=accepted + superseded + quarantined + set_aside,
        accepted=accepted,
        superseded=superseded,
        quarantined=quarantined,
        set_aside=set_aside,
        frame=mapped.frame if mapped is not None and counts else pd.DataFrame(),
        population=job.population if counts else None,
        findings=tuple(f for f in job.doubts.findings if f.row not in job.released),
        quarantine=quarantine,
        newest_week=mapped.newest_week if mapped is not None else None,
    )
