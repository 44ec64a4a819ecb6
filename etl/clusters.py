"""Which sources stand or fall together: what must be read again when one of them has news."""

from __future__ import annotations

from etl.sources.settings import AreasSource, FacilitiesSource, ObservationsSource, Source


def is_dated(source: Source) -> bool:
    """Whether what a source says depends on the day."""
    if isinstance(source, FacilitiesSource):
        return bool(source.columns.opened_on or source.columns.closed_on)
    if isinstance(source, AreasSource):
        return bool(source.columns.valid_from or source.columns.valid_to)
    return False


def clusters(sources: list[ObservationsSource]) -> list[list[Source]]:
    """Sources of weekly counts that may say the same, by their levels and measures."""
    clusters: list[tuple[set[tuple[str, str]], list[Source]]] = []
    for source in sources:
        measures = {source.measure} if source.measure else set(source.measures.values())
        # Without a list of measures the file may name any; "" then meets every other.
        measures |= set(source.columns.counts) or (set() if measures else {""})
        mine = {(str(source.level), str(measure)) for measure in measures}
        touching = [c for c in clusters if _meet(c[0], mine)]
        clusters = [c for c in clusters if not _meet(c[0], mine)]
        subjects = mine.union(*(c[0] for c in touching))
        clusters.append((subjects, [*(s for c in touching for s in c[1]), source]))
    return [members for _, members in clusters]


def _meet(some: set[tuple[str, str]], others: set[tuple[str, str]]) -> bool:
    open_levels = {level for level, measure in some | others if not measure}
    levels = {level for level, _ in some} & {level for level, _ in others}
    return bool(some & others) or bool(open_levels & levels)
