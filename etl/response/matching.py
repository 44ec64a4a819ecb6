"""Which warning a signal of this week goes on with: one live warning a place and theme.

Pure: no store, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from etl.response.life import LIVE, Life
from etl.response.places import Places, Relation
from geo.errors import ShapeError
from geo.model import Tier

ENDED_PHASE = "ended"
_NEEDED = ("episode_id", "measure", "level", "area_code", "name", "tier", "areas", "phase")


@dataclass(frozen=True)
class Signal:
    """An episode as the newest week has it."""

    episode_id: str
    measure: str
    level: str
    area_code: str
    name: str
    tier: int
    areas: frozenset[str]
    reason_zh: str = ""
    reason_en: str = ""


@dataclass(frozen=True)
class Match:
    """A signal with the warnings that it goes on with.

    Attributes
    ----------
    life : the warning that carries on; None where there is none.
    absorbed : others that become part of it.
    split_from : a warning that went on with another signal, though this one is near it, too.
    """

    signal: Signal
    life: Life | None = None
    absorbed: tuple[Life, ...] = ()
    split_from: Life | None = None


def signals_of(episodes: pd.DataFrame, places: Places) -> tuple[list[Signal], list[Signal]]:
    """Live episodes of a frame: those with a tier, and those that nobody knows the tier of now.

    Those of one measure that overlap are taken for one. What is unknown is not gone.

    Parameters
    ----------
    episodes : published table `episodes`: `episode_id`, `measure`, `level`, `area_code`, `name`,
        `tier`, `areas` (codes joined by "|"), `phase`, and where they are there `reason_zh` and
        `reason_en`.

    Raises
    ------
    ShapeError : a column is missing.
    """
    if missing := [name for name in _NEEDED if name not in episodes.columns]:
        raise ShapeError(f"episodes: no column {', '.join(missing)}")
    live = [
        Signal(
            episode_id=str(row["episode_id"]),
            measure=str(row["measure"]),
            level=str(row["level"]),
            area_code=str(row["area_code"]),
            name=str(row["name"]),
            tier=int(row["tier"]),
            areas=frozenset(str(row["areas"]).split("|")) | {str(row["area_code"])},
            reason_zh=str(row.get("reason_zh") or ""),
            reason_en=str(row.get("reason_en") or ""),
        )
        for row in episodes.to_dict("records")
        if row["phase"] != ENDED_PHASE
    ]
    unknown = [one for one in live if one.tier == Tier.NO_DATA]
    found = [one for one in live if one.tier >= Tier.BLUE]
    # The highest leads: its place and its sentence stand for what is joined to it.
    found.sort(key=lambda one: (-one.tier, one.episode_id))
    apart: list[Signal] = []
    for signal in found:
        one = signal
        while (same := next((o for o in apart if _overlap(o, one, places)), None)) is not None:
            apart.remove(same)
            lead = min(same, one, key=lambda each: (-each.tier, each.episode_id))
            one = replace(lead, areas=same.areas | one.areas)
        apart.append(one)
    return sorted(apart, key=lambda one: (one.measure, -one.tier, one.episode_id)), unknown


def is_of(life: Life, signal: Signal) -> bool:
    """Whether a signal is that of a warning, by the episode or by an area."""
    same = life.episode_id == signal.episode_id or bool(life.areas & signal.areas)
    return same and life.measure == signal.measure


def _overlap(one: Signal, other: Signal, places: Places) -> bool:
    if one.measure != other.measure:
        return False
    return bool(one.areas & other.areas) or places.nested(one.areas, other.areas)


def match(
    signals: Sequence[Signal], lives: Iterable[Life], places: Places
) -> tuple[list[Match], list[Life]]:
    """Match the signals of a week to the live warnings.

    Each warning goes on with the signal nearest to it: the same episode, then one that shares an
    area, one within the other. Of several warnings that one signal goes on with, that which is
    farthest on its way carries on, and absorbs the others. A signal that none goes on with is taken
    for one that has moved there from beside it, if a warning's own is gone.

    Returns
    -------
    One match a signal, in their order; and the warnings whose signal is gone.
    """
    claims: dict[int, list[Life]] = {}
    gone: list[Life] = []
    near: dict[int, Life] = {}
    for life in sorted(lives, key=lambda one: one.warning_id):
        ranked = [
            (life.episode_id == signal.episode_id, relation, signal.tier, -position)
            for position, signal in enumerate(signals)
            if signal.measure == life.measure
            and (relation := _relation(life, signal, places)) > Relation.APART
        ]
        met = [one for one in ranked if one[1] > Relation.TOUCHING]
        if not met:
            gone.append(life)
            continue
        chosen = -max(met)[-1]
        claims.setdefault(chosen, []).append(life)
        for _, _, _, place in met:
            if -place != chosen:
                near.setdefault(-place, life)
    _move(claims, near, gone, signals, places)
    found = []
    for position, signal in enumerate(signals):
        own = sorted(claims.get(position, []), key=_progress)
        carried = own[0] if own else None
        split = near.get(position) if carried is None else None
        found.append(Match(signal, carried, tuple(own[1:]), split))
    return found, gone


def _move(
    claims: dict[int, list[Life]],
    near: Mapping[int, Life],
    gone: list[Life],
    signals: Sequence[Signal],
    places: Places,
) -> None:
    """Let warnings whose signal is gone go on with a new one beside them, one each."""
    for life in sorted(gone, key=_progress):
        for position, signal in enumerate(signals):
            free = position not in claims and position not in near
            if (
                free
                and signal.measure == life.measure
                and places.relation(life.areas, signal.areas) == Relation.TOUCHING
            ):
                claims[position] = [life]
                gone.remove(life)
                break


def _relation(life: Life, signal: Signal, places: Places) -> Relation:
    if life.episode_id == signal.episode_id:
        return Relation.SHARED
    return places.relation(life.areas, signal.areas)


def _progress(life: Life) -> tuple[int, int, str, str]:
    """Sorts the warning farthest on its way first."""
    return -LIVE.index(life.state), -life.tier, life.opened_at.isoformat(), life.warning_id
