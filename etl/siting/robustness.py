"""Does the choice hold: under other thresholds, other demand, other borders, fewer candidates?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from etl.build.levels import Floats, Ints
from etl.siting.answer import as_table
from etl.siting.choosing import Choice, Watch, choose
from etl.siting.curve import LEAST_S
from etl.siting.posed import MEDIANS, Posed, PosedPart, tried_thresholds
from etl.siting.problem import Task, asked_task
from geo.maup import shifted_squares
from geo.siting import Objective
from geo.siting.stopwatch import Stopwatch

DEMAND_CHANGE, DRAWS = 0.1, 5
# Cells are joined in squares of so many by so many; the squares are laid anew by half a side.
SIDES = (2, 4)
SHIFTS = ((0.0, 0.0), (0.5, 0.5))
_GROUPS = ("minors", "elderly")
_EQUAL = 1e-9
# What is asked cannot be had there.
_NOTHING = {
    "share_same_sites": np.nan, "share_best": np.nan, "regret": np.nan, "kept": 0, "n_new": 0,
    "proven": False,
}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """One way in which things might be otherwise.

    Attributes
    ----------
    check : "threshold", "demand", "zoning" or "candidates".
    value : which; see `variants`.
    task : what would then be asked.
    """

    check: str
    value: str
    task: Task


def variants(posed: Posed) -> Iterator[Variant]:
    """All variants that are tried.

    `threshold`: minutes, of several parts with a slash between. `demand`: "draw:1" and on, every
    area's residents changed at random by up to a tenth; "elderly+10" and "elderly-10", a tenth more
    or less of a group. `zoning`: "village" and "squares:0" and on, the residents of a village or
    of a square all at the cell nearest to their middle. `candidates`: "complete", only
    candidates that lack nothing.
    """
    asked = asked_task(posed)
    for limits in zip(*(tried_thresholds(t) for t in asked.thresholds), strict=True):
        named = "/".join(f"{limit:g}" for limit in limits)
        yield Variant("threshold", named, replace(asked, thresholds=limits))
    rng = np.random.default_rng(posed.question.seed)
    for draw in range(DRAWS):
        weights = tuple(
            weight * rng.uniform(1 - DEMAND_CHANGE, 1 + DEMAND_CHANGE, len(weight))
            for weight in asked.weights
        )
        yield Variant("demand", f"draw:{draw + 1}", replace(asked, weights=weights))
    yield from _by_group(posed, asked)
    for name, weights in _zonings(posed):
        yield Variant("zoning", name, replace(asked, weights=weights))
    complete = set(posed.candidates.loc[posed.candidates["lacks"].fillna("") == "", "candidate_id"])
    whole = tuple(
        allowed & one.sites["site_id"].isin(complete).to_numpy()
        for one, allowed in zip(posed.parts, asked.allowed, strict=True)
    )
    fewer = sum(int(one.sum()) for one in whole)
    if 0 < fewer < sum(int(one.sum()) for one in asked.allowed):
        yield Variant("candidates", "complete", replace(asked, allowed=whole))


def try_variants(
    posed: Posed,
    choice: Choice,
    *,
    limit_s: float,
    on_share: Callable[[float], None],
    watch: Watch,
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Choose anew under each variant, and hold the answer's sites against that.

    `regret` is what the answer's sites fall short of the best there: of coverage a share of all
    residents, of a median or centre a share of the best value, of a set cover the share of the
    residents that they leave uncovered. `share_same_sites` is the share of the new sites that are
    also best there; the answer's own are preferred among equals. All are missing where what is
    asked cannot be had, or nothing was found in the time.

    Where the time is over, the rest has no row; `check` and `value` of each come with the table.
    One variant of every check comes before the second of any.
    """
    rows: dict[int, dict[str, object]] = {}
    left_out: dict[int, tuple[str, str]] = {}
    tried = list(variants(posed))
    clock = Stopwatch(limit_s)
    for done, at in enumerate(_in_turn(tried)):
        variant = tried[at]
        limit = max(clock.left_s / (len(tried) - done), LEAST_S)
        asked = variant.check == "threshold" and variant.task.thresholds == tuple(
            one.part.threshold_min for one in posed.parts
        )
        if clock.over:
            left_out[at] = (variant.check, variant.value)
            continue
        # The question itself has been answered.
        best = choice if asked else choose(posed, variant.task, time_limit_s=limit, watch=watch)
        if best.infeasible is None:
            ours = _value(posed, variant.task, choice, limit_s=limit)
            rows[at] = _row(posed, variant, best=best, choice=choice, ours=ours)
        else:
            rows[at] = {**_NOTHING, "check": variant.check, "value": variant.value}
        on_share((done + 1) / len(tried))
    table = as_table("robustness", pd.DataFrame([rows[at] for at in sorted(rows)]))
    return table, [left_out[at] for at in sorted(left_out)]


def _in_turn(tried: Sequence[Variant]) -> list[int]:
    """Places of the variants: the first of each check, then each second one, and so on."""
    seen: Counter[str] = Counter()
    turn = []
    for at, variant in enumerate(tried):
        turn.append((seen[variant.check], at))
        seen[variant.check] += 1
    return [at for _, at in sorted(turn)]


def _row(
    posed: Posed, variant: Variant, *, best: Choice, choice: Choice, ours: float
) -> dict[str, object]:
    task = variant.task
    own = [choice.new(posed, one.position) for one in posed.parts]
    total = sum(float(weight.sum()) for weight in task.weights)
    lowest = task.objective in MEDIANS
    slack = _EQUAL * max(1.0, abs(best.value))
    as_good = ours <= best.value + slack if lowest else ours >= best.value - slack
    if task.objective == Objective.SET_COVER:
        as_good = not np.isnan(ours) and ours <= best.value + slack
    may = all((new & ~allowed).sum() == 0 for new, allowed in zip(own, task.allowed, strict=True))
    if as_good and may:
        best = replace(best, open=choice.open)
    there = [best.new(posed, one.position) for one in posed.parts]
    kept = sum(int((new & also).sum()) for new, also in zip(own, there, strict=True))
    n_own = sum(int(new.sum()) for new in own)
    if task.objective == Objective.SET_COVER:
        regret = 1.0 - _covered_share(posed, task, choice)
    elif as_good:
        # Sums in another order differ in the last digit.
        regret = 0.0
    elif lowest:
        regret = ours / best.value - 1.0 if best.value > 0 else 0.0
    else:
        regret = (best.value - ours) / total if total > 0 else 0.0
    return {
        "check": variant.check,
        "value": variant.value,
        "share_same_sites": kept / n_own if n_own else 1.0,
        "share_best": _covered_share(posed, task, best),
        "regret": regret,
        "kept": kept,
        "n_new": sum(int(new.sum()) for new in there),
        "proven": best.proven,
    }


def _value(posed: Posed, task: Task, choice: Choice, *, limit_s: float) -> float:
    """What the answer's sites are worth there; NaN where they do not meet what is asked."""
    fixed = replace(
        task,
        kept=tuple(
            there & one.existing for there, one in zip(choice.open, posed.parts, strict=True)
        ),
        allowed=tuple(choice.new(posed, one.position) for one in posed.parts),
        p_new=tuple(int(choice.new(posed, one.position).sum()) for one in posed.parts),
        closures=False,
        one_per_town=False,
        least_share=None,
        worst_first=False,
        budget=False,
    )
    found = choose(posed, fixed, time_limit_s=limit_s)
    return float("nan") if found.infeasible is not None else found.value


def _covered_share(posed: Posed, task: Task, choice: Choice) -> float:
    total = sum(float(weight.sum()) for weight in task.weights)
    covered = 0.0
    for one, opened, limit, weight in zip(
        posed.parts, choice.open, task.thresholds, task.weights, strict=True
    ):
        reach = one.within(limit)
        inside = reach.covered(opened, n_cells=posed.n_cells).astype(np.float64)
        if choice.served is not None:
            kept = reach.covered(opened & one.existing, n_cells=posed.n_cells)
            inside = np.where(kept, 1.0, choice.served[one.position])
        covered += float(weight @ inside)
    return covered / total if total > 0 else float("nan")


def _by_group(posed: Posed, asked: Task) -> Iterator[Variant]:
    persons = posed.ground.persons
    for group in _GROUPS:
        if group not in persons.columns or all(one.part.group == group for one in posed.parts):
            continue
        own = np.nan_to_num(persons[group].to_numpy(dtype=np.float64))
        for sign, name in ((1, "+"), (-1, "-")):
            weights = []
            for one, weight in zip(posed.parts, asked.weights, strict=True):
                share = np.divide(own, one.persons, out=np.zeros(len(own)), where=one.persons > 0)
                weights.append(weight * (1 + sign * DEMAND_CHANGE * np.minimum(share, 1.0)))
            changed = f"{group}{name}{DEMAND_CHANGE * 100:g}"
            yield Variant("demand", changed, replace(asked, weights=tuple(weights)))


def _zonings(posed: Posed) -> Iterator[tuple[str, tuple[Floats, ...]]]:
    """Weights by part with the residents of a unit all at its middle, for several kinds of unit.

    Units so wide that residents are moved farther than the way that is asked about say nothing of
    the choice, and are left out.
    """
    cells = posed.ground.cells
    xy = cells[["x", "y"]].to_numpy(dtype=np.float64)
    units: list[tuple[str, Ints]] = []
    nearest_m = np.asarray(cKDTree(xy).query(xy, k=[2])[0]).ravel()
    step_m = float(np.median(nearest_m))
    if 0 < step_m < np.inf:
        for side in SIDES:
            for draw, shift in enumerate(SHIFTS, start=1):
                squares = shifted_squares(xy, size_m=side * step_m, shift=shift)
                units.append((f"cells{side**2}:{draw}", squares))
    number, known = pd.factorize(cells["village_code"])
    if len(known) > 1:
        units.append(("village", number.astype(np.int64)))
    for name, unit in units:
        if len(np.unique(unit)) == len(cells):
            continue
        gathered = [_gathered(xy, one.weight, unit) for one in posed.parts]
        moved = [moved_m for _, moved_m in gathered]
        if all(_fits(posed, one, far) for one, far in zip(posed.parts, moved, strict=True)):
            yield name, tuple(weight for weight, _ in gathered)


def _fits(posed: Posed, one: PosedPart, moved_m: float) -> bool:
    """Whether residents are moved less far than the way, as flown, that is asked about."""
    return moved_m <= posed.ground.travel.reach_m(one.part.threshold_min, one.part.mode)


def _gathered(xy: Floats, weight: Floats, zones: Ints) -> tuple[Floats, float]:
    """The weight of each zone, all at the cell nearest to its weighted middle; -1 is no zone.

    How far the weight is moved, on average [m], comes with it.
    """
    out = np.where(zones < 0, weight, 0.0)
    use = np.flatnonzero((zones >= 0) & (weight > 0))
    if not len(use):
        return out, 0.0
    _, zone = np.unique(zones[use], return_inverse=True)
    total = np.bincount(zone, weights=weight[use])
    middle = np.stack(
        [np.bincount(zone, weights=weight[use] * xy[use, i]) / total for i in (0, 1)], axis=1
    )
    away = np.linalg.norm(xy[use] - middle[zone], axis=1)
    order = np.lexsort((use, away, zone))
    # The first of each zone in this order is the cell nearest to its middle.
    place = use[order[np.unique(zone[order], return_index=True)[1]]]
    out[place] = total
    moved = np.linalg.norm(xy[use] - xy[place[zone]], axis=1)
    return out, float(np.average(moved, weights=weight[use]))
