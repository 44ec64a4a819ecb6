"""Weekly counts held against the residents and against the areas' own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from etl.history import doubt_history, doubt_population
from etl.reading import Job
from etl.settings import LocalityConfig
from etl.sources.settings import ObservationsSource


def hold_against(
    jobs: Sequence[Job], people: pd.DataFrame, areas: pd.DataFrame, *, config: LocalityConfig
) -> None:
    """Say which counts of some weekly files can hardly be, and refuse those that cannot.

    Parameters
    ----------
    jobs : files of one or several sources, those of a source in the order they were handed in.
    people : residents by area and group.
    areas : area_code, name.
    """
    names = dict(zip(areas["area_code"].tolist(), areas["name"].tolist(), strict=True))
    for source_id in dict.fromkeys(job.source.id for job in jobs):
        own = [job for job in jobs if job.source.id == source_id and job.mapped]
        frames = []
        for job in own:
            source, mapped = job.source, job.mapped
            if not isinstance(source, ObservationsSource) or mapped is None:
                continue
            frame = doubt_population(
                mapped.frame, people, source, job.doubts,
                intake=config.intake, measures=config.measures, names=names,
            )  # fmt: skip
            job.mapped = replace(mapped, frame=frame)
            frames.append(frame)
        if not frames:
            continue
        # Older files had their turn: only what came last is held against the past.
        *earlier, last = frames
        before = None
        if earlier:
            keys = dict.fromkeys(("level", "area_code", "week", "measure"), "category")
            before = pd.concat(earlier, ignore_index=True).astype(keys)
        source, doubts = own[-1].source, own[-1].doubts
        if isinstance(source, ObservationsSource):
            doubt_history(
                last, source, config.intake, config.measures, doubts, before=before, names=names
            )
