"""What is answered to a question of sites: kept and read again, and its figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from etl.sections import Siting
from etl.siting.answer import COLUMNS, Answer, CellState, as_table, empty_tables
from etl.siting.answering import STEPS, answer_question
from etl.siting.faults import QuestionError
from etl.siting.ground import Ground
from etl.siting.question import Question
from etl.siting.reach import as_runs, cells_of
from etl.siting.zones import Zones
from geo.errors import InputError
from tests.support.siting import CRS, FULL_SERVICE, small_answer, small_ground, small_question

# Straight line x 1.3 at 4.8 km/h.
MIN_PER_M = 1.3 / 80.0


def _kept() -> Answer:
    tables = empty_tables()
    tables["gaps"] = as_table(
        "gaps",
        pd.DataFrame(
            {"gap_before": [3.0, np.nan], "gap_after": [1.0, np.nan], "areas": 2, "persons": 9.5}
        ),
    )
    tables["targets"] = as_table(
        "targets",
        pd.DataFrame(
            {
                "code": ["rooms_village", "beds"], "name_zh": ["村室", None], "name_en": "rooms",
                "value_before": 0.5, "value_after": 0.75, "required": [0.8, np.nan], "unit": "",
                "met_before": False, "met_after": [False, True],
            }
        ),
    )  # fmt: skip
    cells = {
        "state": np.array([0, 2, 5], dtype=np.uint8),
        "minutes_after": np.array([np.nan, 3.5, 20.25], dtype=np.float32),
        **as_runs(np.array([0, 2, 2, 5]), np.array([0, 2, 0, 1, 2])),
    }
    return Answer({"week": "2026-W47", "gap": float("inf"), "share_after": 0.5}, tables, cells)


def test_an_answer_is_read_as_it_was_kept() -> None:
    kept = _kept()
    data = kept.to_bytes()
    read = Answer.from_bytes(data)
    # What is not finite is no JSON: it is not known.
    assert read.meta == {"week": "2026-W47", "gap": None, "share_after": 0.5}
    assert list(read.tables) == list(COLUMNS)
    for name, frame in kept.tables.items():
        pd.testing.assert_frame_equal(read.tables[name], frame)
    assert list(read.cells) == list(kept.cells)
    for name, values in kept.cells.items():
        assert read.cells[name].dtype == values.dtype
        np.testing.assert_array_equal(read.cells[name], values)
    assert kept.to_bytes() == data


@pytest.mark.parametrize("spoilt", [b"", b"PK\x03\x04 no archive", None])
def test_what_is_no_answer_is_refused(spoilt: bytes | None) -> None:
    data = _kept().to_bytes()
    with pytest.raises(InputError, match="no answer can be read from these"):
        Answer.from_bytes(data[: len(data) // 2] if spoilt is None else spoilt)


def test_an_answer_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.siting.answer.FORMAT", 7)
    data = _kept().to_bytes()
    monkeypatch.undo()
    with pytest.raises(InputError, match="the answer has format 7; wanted 2: ask again"):
        Answer.from_bytes(data)


def test_answers_that_kept_every_pair_are_read_still(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = _kept()
    pairs = {"pair_start": np.array([0, 2, 2, 5]), "pair_cell": np.array([0, 2, 0, 1, 2]),
             "pair_min": np.zeros(5)}  # fmt: skip
    monkeypatch.setattr("etl.siting.answer.FORMAT", 1)
    data = Answer(kept.meta, kept.tables, {"state": kept.cells["state"], **pairs}).to_bytes()
    monkeypatch.undo()
    read = Answer.from_bytes(data).cells
    assert [cells_of(read, site).tolist() for site in range(3)] == [[0, 2], [], [0, 1, 2]]
    assert set(read) == {"state", "reach_start", "reach_cell", "reach_length"}


@given(st.lists(st.sets(st.integers(0, 40)), max_size=6))
def test_runs_hold_the_cells_of_each_site(reach: list[set[int]]) -> None:
    start = np.concatenate([[0], np.cumsum([len(one) for one in reach])]).astype(np.int64)
    cell = np.array([at for one in reach for at in sorted(one)], dtype=np.int32)
    runs = as_runs(start, cell)
    found = [cells_of(runs, site).tolist() for site in range(len(reach))]
    assert found == [sorted(one) for one in reach]
    assert runs["reach_start"][-1] == len(runs["reach_cell"]) <= len(cell)
    assert runs["reach_length"].sum() == len(cell)


# ---------------------------------------------------------------- an independent reference


class Plain:
    """Minutes and sums in plain loops, from the ground's frames alone."""

    def __init__(self, ground: Ground, group: str = "total", threshold_min: float = 15.0) -> None:
        self.cells = ground.cells.to_dict("records")
        told = ground.persons[group].to_dict()
        self.persons = {c: 0.0 if math.isnan(told[c]) else told[c] for c in told}
        self.sites = {
            row["site_id"]: row for row in ground.sites.to_dict("records") if row["x"] == row["x"]
        }
        self.threshold_min = threshold_min

    def minutes(self, cell: dict[str, Any], site_id: str) -> float:
        site = self.sites[site_id.rsplit(":", maxsplit=1)[-1]]
        return math.hypot(cell["x"] - site["x"], cell["y"] - site["y"]) * MIN_PER_M

    def covered(self, sites: Any) -> set[str]:
        return {
            cell["area_code"]
            for cell in self.cells
            if any(self.minutes(cell, site) <= self.threshold_min for site in sites)
        }

    def total(self, codes: Any) -> float:
        return sum(self.persons[code] for code in codes)

    def best(self, kept: list[str], candidates: list[str], n: int) -> float:
        reach = {site: self.covered([site]) for site in [*kept, *candidates]}
        base = set().union(*(reach[site] for site in kept))
        return max(
            self.total(base.union(*(reach[site] for site in chosen)))
            for chosen in itertools.combinations(candidates, n)
        )


KEPT = ["coun-01", "coun-02"]


def _candidates(answer: Answer) -> list[str]:
    return list(answer.tables["candidates"]["candidate_id"])


def _new(answer: Answer) -> list[str]:
    sites = answer.tables["sites"]
    return list(sites.loc[sites["state"] == "new", "site_id"])


def _ask(ground: Ground | None = None, **changes: Any) -> Answer:
    part = changes.pop("part", {})
    question = small_question()
    asked = question.model_dump(mode="json")
    asked["parts"][0] |= part
    return answer_question(ground or small_ground(), Question.model_validate({**asked, **changes}))


@pytest.fixture(scope="module")
def answer() -> Answer:
    return small_answer()


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain(small_ground())


# ---------------------------------------------------------------- the choice and its figures


def test_the_choice_is_the_best_of_all_choices(answer: Answer, plain: Plain) -> None:
    best = plain.best(KEPT, _candidates(answer), 4)
    assert len(_new(answer)) == 4
    assert plain.total(plain.covered([*KEPT, *_new(answer)])) == best
    assert answer.meta["value"] == answer.meta["covered_after"] == best
    assert (answer.meta["state"], answer.meta["proven"], answer.meta["gap"]) == ("found", True, 0)


def test_the_standard_of_places_is_the_one_in_force(answer: Answer) -> None:
    assert answer.meta["standard"] == {"town_area_m2": 50.0, "village_area_m2": 20.0}
    own = replace(small_ground(), standard=Siting(town_area_m2=60, village_area_m2=25.5))
    assert _ask(own).meta["standard"] == {"town_area_m2": 60.0, "village_area_m2": 25.5}


def test_every_figure_is_that_of_plain_sums(answer: Answer, plain: Plain) -> None:
    new = _new(answer)
    before, after = plain.covered(KEPT), plain.covered([*KEPT, *new])
    everybody = [cell["area_code"] for cell in plain.cells]
    meta = answer.meta
    assert meta["persons"] == plain.total(everybody)
    assert meta["covered_before"] == plain.total(before)
    assert meta["share_before"] == pytest.approx(plain.total(before) / plain.total(everybody))
    assert meta["share_after"] == pytest.approx(plain.total(after) / plain.total(everybody))
    for name, open_sites in (("before", KEPT), ("after", [*KEPT, *new])):
        walked = sum(
            plain.persons[cell["area_code"]] * min(plain.minutes(cell, s) for s in open_sites)
            for cell in plain.cells
        )
        assert meta[f"mean_min_{name}"] == pytest.approx(walked / plain.total(everybody))
    for row in answer.tables["towns"].to_dict("records"):
        own = {c["area_code"] for c in plain.cells if c["town_code"] == row["town_code"]}
        assert row["persons"] == plain.total(own)
        assert row["covered_before"] == plain.total(own & before)
        assert row["covered_after"] == plain.total(own & after)
        assert row["newly"] == plain.total((own & after) - before)
        assert row["lost"] == 0
        in_town = [s for s in plain.sites.values() if s["town_code"] == row["town_code"]]
        rooms = [s for s in in_town if s["kind"] == "counselling_room"]
        added = [s for s in in_town if s["site_id"] in {code.split(":")[1] for code in new}]
        assert (row["sites_before"], row["sites_after"]) == (len(rooms), len(rooms) + len(added))
    shares = answer.tables["towns"].set_index("name")["share_after"]
    assert meta["worst_town_after"]["share"] == shares.min()
    assert meta["worst_town_after"]["name"] == shares.idxmin()
    for row in answer.tables["groups"].to_dict("records"):
        own = Plain(small_ground(), row["group"])
        assert row["covered_after"] == pytest.approx(own.total(after))
        assert row["newly"] == pytest.approx(own.total(after - before))


def test_each_site_says_what_it_adds(answer: Answer, plain: Plain) -> None:
    sites = answer.tables["sites"]
    new = sites[sites["state"] == "new"]
    covered = plain.covered(KEPT)
    left = list(new["site_id"])
    for row in new.to_dict("records"):
        adds = {site: plain.total(plain.covered([site]) - covered) for site in left}
        assert row["gain_persons"] == adds[row["site_id"]] == max(adds.values())
        covered |= plain.covered([row["site_id"]])
        left.remove(row["site_id"])
    assert list(new["order"]) == [1, 2, 3, 4]
    gained = answer.meta["covered_after"] - answer.meta["covered_before"]
    assert new["gain_persons"].sum() == pytest.approx(gained)
    for row in sites.to_dict("records"):
        others = [code for code in sites["site_id"] if code != row["site_id"]]
        own = plain.covered([row["site_id"]])
        assert row["persons_within"] == plain.total(own)
        assert row["alone_persons"] == plain.total(own - plain.covered(others))
        towns = {c["town_code"] for c in plain.cells
                 if c["area_code"] in own and plain.persons[c["area_code"]] > 0}  # fmt: skip
        assert row["n_towns_served"] == len(towns)


def test_candidates_say_what_they_would_add(answer: Answer, plain: Plain) -> None:
    new = _new(answer)
    covered = plain.covered([*KEPT, *new])
    for row in answer.tables["candidates"].to_dict("records"):
        code = row["candidate_id"]
        assert row["chosen"] == (code in new)
        assert row["gain_now"] == plain.total(plain.covered([code]) - covered)
        here = plain.sites[code.split(":")[1]]
        nearest = min(plain.minutes(here, s) for s in [*KEPT, *new] if s != code)
        assert row["nearest_open_min"] == pytest.approx(nearest)


def test_cells_say_how_they_fare(answer: Answer, plain: Plain) -> None:
    new = _new(answer)
    before, after = plain.covered(KEPT), plain.covered([*KEPT, *new])
    unknown = small_ground().persons["total"].isna()
    wanted = []
    for cell in plain.cells:
        code = cell["area_code"]
        if unknown[code]:
            wanted.append(CellState.UNKNOWN)
        elif plain.persons[code] == 0:
            wanted.append(CellState.EMPTY)
        elif code in before:
            wanted.append(CellState.COVERED)
        else:
            wanted.append(CellState.NEWLY if code in after else CellState.UNCOVERED)
    assert answer.cells["state"].tolist() == wanted
    for name, open_sites in (("before", KEPT), ("after", [*KEPT, *new])):
        minutes = [min(plain.minutes(cell, s) for s in open_sites) for cell in plain.cells]
        np.testing.assert_allclose(answer.cells[f"minutes_{name}"], minutes, rtol=1e-6)


def test_who_stays_uncovered_and_why(answer: Answer, plain: Plain) -> None:
    after = plain.covered([*KEPT, *_new(answer)])
    some = plain.covered(_candidates(answer))
    table = answer.tables["uncovered"]
    unknown = small_ground().persons["total"].isna()
    left = {c["area_code"] for c in plain.cells} - after
    assert set(table["area_code"]) == {c for c in left if plain.persons[c] > 0 or unknown[c]} | {
        c for c in unknown.index if unknown[c]
    }
    for row in table.to_dict("records"):
        code = row["area_code"]
        if unknown[code]:
            assert row["why"] == "unknown"
            assert math.isnan(row["persons"])
        else:
            assert row["why"] == ("not_chosen" if code in some else "no_candidate")
            assert row["persons"] == plain.persons[code]
    known = table["persons"].dropna()
    assert known.is_monotonic_decreasing


def test_a_forbidden_site_is_told_as_the_cause(plain: Plain) -> None:
    best = _new(small_answer())[0]
    found = _ask(forbidden=[best])
    assert best not in _new(found)
    others = [code for code in _candidates(found) if code != best]
    assert found.meta["covered_after"] == plain.best(KEPT, others, 4)
    only = plain.covered([best]) - plain.covered([*KEPT, *others])
    told = found.tables["uncovered"].set_index("area_code")["why"]
    lived_in = {code for code in only if plain.persons[code] > 0}
    assert lived_in
    assert set(told[told == "forbidden"].index) == lived_in
    candidates = found.tables["candidates"].set_index("candidate_id")
    assert list(candidates.index[candidates["forbidden"]]) == [best]


def test_what_a_zone_excludes_is_built_only_where_it_is_locked(plain: Plain) -> None:
    best = _new(small_answer())[0]
    spot = plain.sites[best.split(":")[1]]
    around = gpd.GeoSeries([shapely.Point(spot["x"], spot["y"]).buffer(50)], crs=CRS)
    ground = small_ground(zones=Zones(None, around))
    found = _ask(ground)
    assert best not in _new(found)
    others = [code for code in _candidates(found) if code != best]
    assert found.meta["covered_after"] == plain.best(KEPT, others, 4)
    listed = found.tables["candidates"].set_index("candidate_id")["lacks"]
    assert listed.index[listed.str.contains("excluded")].tolist() == [best]
    locked = _ask(ground, locked=[best])
    assert locked.meta["covered_after"] == small_answer().meta["covered_after"]
    told = locked.tables["sites"].set_index("site_id").loc[best]
    assert told["state"] == "new"
    assert "excluded" in told["lacks"].split("|")
    assert found.meta["ground_sha256"] != small_answer().meta["ground_sha256"]


# ---------------------------------------------------------------- the curve


def test_the_curve_is_the_most_that_so_many_sites_can_cover(answer: Answer, plain: Plain) -> None:
    curve = answer.tables["curve"]
    candidates = _candidates(answer)
    wanted = [plain.best(KEPT, candidates, n) for n in range(len(curve))]
    assert curve["n_new"].tolist() == list(range(8))
    assert curve["persons"].tolist() == wanted
    assert curve["proven"].all()
    assert curve["gain"].iloc[1:].tolist() == np.diff(wanted).tolist()
    assert math.isnan(curve["gain"].iloc[0])
    assert curve.loc[curve["knee"], "n_new"].tolist() == [answer.meta["knee"]] == [3]


def test_the_curve_stays_flat_once_all_in_reach_are_covered(plain: Plain) -> None:
    found = _ask(part={"p_new": 14})
    curve = found.tables["curve"]
    assert curve["n_new"].tolist() == list(range(16))
    all_in_reach = plain.total(plain.covered([*KEPT, *_candidates(found)]))
    assert curve["persons"].iloc[-1] == all_in_reach
    assert curve["proven"].all()
    assert curve["persons"].is_monotonic_increasing


def _curve_by_hand(
    plain: Plain, candidates: list[str], n: int, meets: Callable[[tuple[str, ...]], bool]
) -> float | None:
    """The most that at most n new sites cover of all choices that meet the rules."""
    reach = {site: plain.covered([site]) for site in [*KEPT, *candidates]}
    base = set().union(*(reach[site] for site in KEPT))
    found = [
        plain.total(base.union(*(reach[site] for site in chosen)))
        for size in range(1, n + 1)
        for chosen in itertools.combinations(candidates, size)
        if meets(chosen)
    ]
    return max(found, default=None)


def _lowest_share(plain: Plain, chosen: tuple[str, ...]) -> float:
    covered = plain.covered([*KEPT, *chosen])
    sums: dict[str, list[float]] = {}
    for cell in plain.cells:
        own = sums.setdefault(cell["town_code"], [0.0, 0.0])
        own[0] += plain.persons[cell["area_code"]]
        own[1] += plain.persons[cell["area_code"]] * (cell["area_code"] in covered)
    return min(inside / persons for persons, inside in sums.values())


def _towns_with_a_site(plain: Plain, chosen: tuple[str, ...]) -> set[str]:
    return {plain.sites[code.split(":")[-1]]["town_code"] for code in [*KEPT, *chosen]}


RULES: dict[str, tuple[dict[str, Any], Callable[[Plain, tuple[str, ...]], bool]]] = {
    "a site in each town": (
        {"one_per_town": True}, lambda plain, chosen: len(_towns_with_a_site(plain, chosen)) == 3,
    ),
    "a least share of each town": (
        {"min_town_share": 0.3}, lambda plain, chosen: _lowest_share(plain, chosen) >= 0.3,
    ),
    "a budget": (
        {"budget": 240_000.0}, lambda _plain, chosen: 80_000.0 * len(chosen) <= 240_000.0,
    ),
    "a locked site": (
        {"locked": ["venue:host-11"]}, lambda _plain, chosen: "venue:host-11" in chosen,
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_curve_keeps_to_the_rules_that_are_asked(plain: Plain, rule: str) -> None:
    asked, meets = RULES[rule]
    found = _ask(part={"p_new": 3}, **asked)
    curve = found.tables["curve"].set_index("n_new")
    candidates = _candidates(found)
    for n in range(1, 5):
        wanted = _curve_by_hand(plain, candidates, n, lambda one: meets(plain, one))
        if wanted is None or (rule == "a budget" and n > 3):
            assert n not in curve.index
        else:
            assert curve.loc[n, "persons"] == pytest.approx(wanted)
            assert curve.loc[n, "proven"]
    assert curve["persons"].is_monotonic_increasing
    assert (curve["bound"] >= curve["persons"]).all()
    assert curve.loc[3, "persons"] == pytest.approx(found.meta["covered_after"])
    assert found.meta["curve"]["same"] is True
    assert found.meta["curve"]["paid"] == (3 if rule == "a budget" else None)


def test_worst_first_becomes_a_floor_of_the_curve(plain: Plain) -> None:
    found = _ask(part={"p_new": 3}, worst_first=True)
    floor = found.tables["towns"]["share_after"].min()
    assert found.meta["curve"]["floor"] == pytest.approx(floor)
    curve = found.tables["curve"].set_index("n_new")["persons"]
    candidates = _candidates(found)
    for n in range(1, 5):
        wanted = _curve_by_hand(
            plain, candidates, n, lambda one: _lowest_share(plain, one) >= floor - 1e-9
        )
        assert (n in curve.index) == (wanted is not None)
        if wanted is not None:
            assert curve[n] == pytest.approx(wanted)
    assert curve[3] == pytest.approx(found.meta["covered_after"])


def test_a_long_curve_is_solved_at_some_of_its_points() -> None:
    extra = [
        {"id": f"p{i}", "name": f"点{i}", "lon": 113.8025 + 0.005 * (i % 12),
         "lat": 31.3025 + 0.005 * (i // 12)}
        for i in range(60)
    ]  # fmt: skip
    found = _ask(part={"p_new": 40, "sources": ["extra"]}, extra=extra)
    curve = found.tables["curve"]
    assert len(curve) <= 26
    assert curve["n_new"].is_monotonic_increasing
    assert found.meta["n_new"] in set(curve["n_new"])
    assert curve["persons"].is_monotonic_increasing


# ---------------------------------------------------------------- gap classes and targets


def _slow_classes(ground: Ground, sites: list[tuple[float, float, float]]) -> dict[str, float]:
    """2SFCA within 2 km of way, and the class of the gap, in plain loops."""
    cells = ground.cells.to_dict("records")
    persons = ground.persons["total"].fillna(0.0).to_dict()

    def near(cell: dict[str, Any], site: tuple[float, float, float]) -> bool:
        return math.hypot(cell["x"] - site[0], cell["y"] - site[1]) * 1.3 <= 2000.0

    ratios = []
    for site in sites:
        demand = sum(persons[c["area_code"]] for c in cells if near(c, site))
        ratios.append(site[2] / demand if demand else 0.0)
    classes = {}
    for cell in cells:
        code = cell["area_code"]
        if not persons[code] > 0:
            continue
        per_person = sum(r for r, site in zip(ratios, sites, strict=True) if near(cell, site))
        service = min(1.0, per_person * 10_000 / FULL_SERVICE)
        row = int(ground.need[code] >= 1 / 3) + int(ground.need[code] >= 2 / 3)
        column = int(service >= 0.25) + int(service >= 0.75)
        classes[code] = float(((1, 1, 0), (2, 1, 0), (3, 2, 0))[row][column])
    return classes


def test_gap_classes_change_by_the_new_sites_alone(answer: Answer) -> None:
    ground = small_ground()
    sites = ground.sites.set_index("site_id")
    today = [(sites.x[code], sites.y[code], 2.0) for code in KEPT]
    new = [code.split(":")[1] for code in _new(answer)]
    before = _slow_classes(ground, today)
    after = _slow_classes(ground, [*today, *((sites.x[c], sites.y[c], 2.0) for c in new)])
    persons = ground.persons["total"]
    wanted: dict[tuple[float, float], list[float]] = {}
    for code, was in before.items():
        entry = wanted.setdefault((was, after[code]), [0, 0.0])
        entry[0] += 1
        entry[1] += persons[code]
    table = answer.tables["gaps"]
    told = {(r["gap_before"], r["gap_after"]): [r["areas"], r["persons"]]
            for r in table.to_dict("records")}  # fmt: skip
    assert told == wanted
    assert (table["gap_after"] < table["gap_before"]).any()
    assert answer.meta["assumed"] == {
        "supply": [{"kind": "counselling_room", "unit": "staff", "value": 2.0, "basis": "median"}],
        "full_service": FULL_SERVICE,
        "differs": 0,
    }


def test_the_targets_that_new_sites_change(answer: Answer) -> None:
    ground = small_ground()
    sites = ground.sites.set_index("site_id")["village_code"]
    villages = {sites[code] for code in KEPT}
    more = villages | {sites[code.split(":")[1]] for code in _new(answer)}
    row = answer.tables["targets"].iloc[0]
    assert row["code"] == "rooms_village"
    assert row["value_before"] == pytest.approx(len(villages) / 6)
    assert row["value_after"] == pytest.approx(len(more) / 6)
    assert (row["required"], row["unit"]) == (0.8, "share")
    assert (row["met_before"], row["met_after"]) == (False, len(more) / 6 >= 0.8)


# ---------------------------------------------------------------- a limit of time


class Few:
    """A stopwatch that is over once it has been looked at so often."""

    def __init__(self, looks: int) -> None:
        self.looks, self.left_s = looks, 5.0

    @property
    def over(self) -> bool:
        """Whether that was often enough."""
        self.looks -= 1
        return self.looks < 0


def test_what_no_time_is_left_for_is_named_and_has_no_row(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.siting.curve.Stopwatch", lambda _: Few(0))
    monkeypatch.setattr("etl.siting.robustness.Stopwatch", lambda _: Few(3))
    found = answer_question(small_ground(), small_question())
    whole, cut = (set(one.tables["curve"]["n_new"]) for one in (answer, found))
    assert {0, found.meta["n_new"]} <= cut < whole
    assert whole - cut == set(found.meta["untried"]["curve"])
    assert answer.meta["untried"] == {"curve": [], "robustness": []}
    every = answer.tables["robustness"][["check", "value"]].to_numpy().tolist()
    tried = found.tables["robustness"][["check", "value"]].to_numpy().tolist()
    assert len({check for check, _ in tried}) == len(tried) == 3  # one of each check first
    assert [one for one in every if one not in tried] == found.meta["untried"]["robustness"]
    assert found.meta["covered_after"] == answer.meta["covered_after"]


# ---------------------------------------------------------------- robustness


def _row(answer: Answer, check: str, value: str) -> pd.Series:
    table = answer.tables["robustness"]
    return table[(table["check"] == check) & (table["value"] == value)].iloc[0]


@pytest.mark.parametrize("minutes", [10.0, 20.0])
def test_under_another_threshold_the_best_is_found_anew(answer: Answer, minutes: float) -> None:
    other = Plain(small_ground(), threshold_min=minutes)
    best = other.best(KEPT, _candidates(answer), 4)
    ours = other.total(other.covered([*KEPT, *_new(answer)]))
    row = _row(answer, "threshold", f"{minutes:g}")
    everybody = other.total(other.persons)
    assert row["share_best"] == pytest.approx(best / everybody)
    assert row["regret"] == pytest.approx((best - ours) / everybody)
    assert row["share_same_sites"] == row["kept"] / 4
    assert row["proven"]


def test_the_asked_question_is_among_the_variants_and_holds(answer: Answer) -> None:
    row = _row(answer, "threshold", "15")
    assert (row["share_same_sites"], row["regret"], row["kept"], row["n_new"]) == (1, 0, 4, 4)
    assert row["share_best"] == pytest.approx(answer.meta["share_after"])
    table = answer.tables["robustness"]
    assert set(table["check"]) == {"threshold", "demand", "zoning"}
    assert table["regret"].between(0, 1).all()
    assert (table["kept"] <= 4).all()
    assert (table.loc[table["regret"] > 0, "kept"] < 4).all()


def test_a_group_that_grows_changes_the_demand_by_its_own_number(answer: Answer) -> None:
    grown = Plain(small_ground())
    more = Plain(small_ground(), "elderly").persons
    grown.persons = {code: many + 0.1 * more[code] for code, many in grown.persons.items()}
    best = grown.best(KEPT, _candidates(answer), 4)
    row = _row(answer, "demand", "elderly+10")
    assert row["share_best"] == pytest.approx(best / grown.total(grown.persons))


def _step_m(plain: Plain) -> float:
    """Median way from a cell to the next one."""
    xy = [(cell["x"], cell["y"]) for cell in plain.cells]
    return float(np.median([min(math.dist(one, o) for o in xy if o != one) for one in xy]))


def _units(plain: Plain, zoning: str) -> dict[Any, list[dict[str, Any]]]:
    side_m, shift = 2 * _step_m(plain), {"1": 0.0, "2": 0.5}.get(zoning[-1], 0.0)
    units: dict[Any, list[dict[str, Any]]] = {}
    for cell in plain.cells:
        square = tuple(math.floor(cell[axis] / side_m - shift) for axis in ("x", "y"))
        units.setdefault(cell["village_code"] if zoning == "village" else square, []).append(cell)
    return units


@pytest.mark.parametrize("zoning", ["village", "cells4:1", "cells4:2"])
def test_with_residents_counted_by_coarser_units(answer: Answer, zoning: str) -> None:
    plain = Plain(small_ground())
    gathered = dict.fromkeys(plain.persons, 0.0)
    for cells in _units(plain, zoning).values():
        if not any(plain.persons[c["area_code"]] for c in cells):
            continue
        many = [plain.persons[c["area_code"]] for c in cells]
        x, y = (
            sum(m * c[axis] for m, c in zip(many, cells, strict=True)) / sum(many)
            for axis in ("x", "y")
        )
        lived_in = [c for c, m in zip(cells, many, strict=True) if m > 0]
        middle = min(lived_in, key=lambda c: math.hypot(c["x"] - x, c["y"] - y))
        gathered[middle["area_code"]] = sum(many)
    plain.persons = gathered
    best = plain.best(KEPT, _candidates(answer), 4)
    ours = plain.total(plain.covered([*KEPT, *_new(answer)]))
    row = _row(answer, "zoning", zoning)
    assert row["share_best"] == pytest.approx(best / plain.total(gathered))
    assert row["regret"] == pytest.approx((best - ours) / plain.total(gathered))


def test_units_wider_than_the_way_are_not_tried(answer: Answer) -> None:
    def tried(found: Answer) -> set[str]:
        return set(found.tables["robustness"].query("check == 'zoning'")["value"])

    assert tried(answer) >= {"village", "cells4:1", "cells4:2"}
    # Two minutes on foot are 123 m as flown, and one cell is 475 m from the next.
    assert tried(_ask(part={"threshold_min": 2.0})) == set()


def test_complete_candidates_alone(plain: Plain) -> None:
    ground = small_ground()
    whole = ground.sites["site_id"].isin(["host-03", "host-06", "host-09", "host-01", "host-05"])
    sites = ground.sites.assign(
        quality="exact", area_m2=ground.sites["area_m2"].where(~whole, 60.0),
        hours=ground.sites["hours"].where(~whole, "周一至周五 8:30-17:30"),
        floor=ground.sites["floor"].where(~whole, "1楼"),
    )  # fmt: skip
    found = _ask(small_ground(sites=sites))
    candidates = found.tables["candidates"]
    complete = list(candidates.loc[candidates["lacks"] == "", "candidate_id"])
    assert len(complete) == 5
    row = _row(found, "candidates", "complete")
    best = plain.best(KEPT, complete, 4)
    assert row["share_best"] == pytest.approx(best / plain.total(plain.persons))
    assert (row["regret"], row["n_new"]) == (0, 4)


# ---------------------------------------------------------------- other questions


def test_sites_that_may_be_closed_make_room_elsewhere(plain: Plain) -> None:
    found = _ask(closable=["coun-01"])
    candidates = _candidates(found)
    kept_both = plain.best(KEPT, candidates, 4)
    moved = plain.best(["coun-02"], candidates, 5)
    meta = found.meta
    assert meta["covered_after"] == max(kept_both, moved) == moved
    assert (meta["n_new"], meta["n_closed"], meta["closable"]) == (5, 1, ["coun-01"])
    sites = found.tables["sites"].set_index("site_id")
    assert sites.loc["coun-01", "state"] == "closed"
    before, after = plain.covered(KEPT), plain.covered(["coun-02", *_new(found)])
    towns = found.tables["towns"]
    assert towns["lost"].sum() == plain.total(before - after) > 0
    assert towns["newly"].sum() == plain.total(after - before)
    assert meta["covered_before"] + towns["newly"].sum() - towns["lost"].sum() == moved
    lost = {c for c in before - after if plain.persons[c] > 0}
    cells = np.array([cell["area_code"] for cell in plain.cells])
    assert set(cells[found.cells["state"] == CellState.LOST]) == lost
    assert set(found.tables["uncovered"]["area_code"]) >= lost


@pytest.mark.parametrize("closures", [1, 2])
def test_fewer_sites_than_today_close_where_least_is_lost(plain: Plain, closures: int) -> None:
    found = _ask(part={"p_new": -1}, closable=KEPT, max_closures=closures)
    meta = found.meta
    staying = max(plain.total(plain.covered([one])) for one in KEPT)
    moved = plain.best([], _candidates(found), 1)
    wanted = staying if closures == 1 else max(staying, moved)
    assert meta["covered_after"] == wanted
    assert meta["n_closed"] - meta["n_new"] == 1
    assert (meta["n_new"] == 0) or closures == 2
    assert found.tables["curve"]["n_new"].tolist()[0] == 0
    assert found.tables["curve"]["persons"].is_monotonic_increasing


def test_no_more_can_be_closed_than_is_closable() -> None:
    for changes in ({}, {"closable": KEPT, "max_closures": 1}, {"closable": ["coun-01"]}):
        with pytest.raises(QuestionError, match="2 fewer are asked for"):
            small_question(parts=[{"mode": "foot", "threshold_min": 15.0, "p_new": -2}], **changes)


def test_room_for_so_many_only() -> None:
    found = _ask(part={"capacity_new": 2000.0})
    meta = found.meta
    assert meta["covered_after"] == pytest.approx(meta["covered_before"] + 4 * 2000.0)
    gains = found.tables["sites"]["gain_persons"].dropna()
    np.testing.assert_allclose(gains, 2000.0)
    assert found.tables["towns"]["newly"].sum() == pytest.approx(8000.0)
    np.testing.assert_allclose(found.tables["curve"]["gain"].dropna(), 2000.0)
    left = found.tables["uncovered"]
    assert (left["why"] == "full").any()
    assert left["persons"].sum() == pytest.approx(meta["persons"] - meta["covered_after"])


def test_a_budget_instead_of_a_number(plain: Plain) -> None:
    found = _ask(part={"p_new": None}, budget=170_000.0)
    assert len(_new(found)) == 2
    assert found.meta["covered_after"] == plain.best(KEPT, _candidates(found), 2)
    assert found.tables["sites"]["cost"].sum() == 160_000.0


def test_two_kinds_for_two_groups() -> None:
    room = {"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "p_new": 3,
            "sources": ["venue"]}  # fmt: skip
    other = {"kind": "service_org", "mode": "foot", "threshold_min": 20.0, "p_new": 1,
             "sources": ["school", "primary_care"], "group": "minors"}  # fmt: skip
    found = _ask(parts=[room, other])
    ids = _candidates(found)
    adults, minors = Plain(small_ground()), Plain(small_ground(), "minors", 20.0)
    best = adults.best(KEPT, [c for c in ids if c.startswith("venue")], 3)
    best += minors.best([], [c for c in ids if not c.startswith("venue")], 1)
    assert found.meta["covered_after"] == best
    assert found.meta["persons"] == adults.total(adults.persons) + minors.total(minors.persons)
    assert found.tables["groups"]["part"].tolist() == [0, 0, 0, 1, 1, 1]
    own = found.tables["groups"].set_index(["part", "group"])["covered_after"]
    assert own[0, "total"] + own[1, "minors"] == best
    assert set(found.tables["sites"].query("state == 'new'")["kind"]) == {
        "counselling_room", "service_org"
    }  # fmt: skip
    gained = found.tables["sites"]["gain_persons"].sum()
    assert gained == best - found.meta["covered_before"]
    assert found.cells["state.1"].shape == found.cells["state"].shape
    assert _row(found, "threshold", "15/20")["regret"] == 0


@pytest.mark.parametrize("objective", ["p_median", "p_center"])
def test_the_way_to_the_nearest_site(objective: str) -> None:
    plain = Plain(small_ground())
    found = _ask(objective=objective, part={"p_new": 2})
    kept = [[plain.minutes(cell, site) for site in KEPT] for cell in plain.cells]
    many = np.array([plain.persons[cell["area_code"]] for cell in plain.cells])
    ways = {c: np.array([plain.minutes(cell, c) for cell in plain.cells])
            for c in _candidates(found)}  # fmt: skip
    base = np.array(kept).min(axis=1)

    def worth(pair: tuple[str, str]) -> float:
        nearest = np.minimum(base, np.minimum(ways[pair[0]], ways[pair[1]]))
        return float(nearest @ many) if objective == "p_median" else float(nearest[many > 0].max())

    best = min(worth(pair) for pair in itertools.combinations(ways, 2))
    assert found.meta["value"] == pytest.approx(best)
    assert worth(tuple(_new(found))) == pytest.approx(best)
    curve = found.tables["curve"]
    assert curve["persons"].iloc[2] >= found.meta["covered_after"]


def test_what_cannot_be_had_is_explained() -> None:
    found = _ask(objective="set_cover", part={"p_new": None})
    meta = found.meta
    assert meta["state"] == "infeasible"
    assert meta["infeasible"]["cause"] == "unreached_demand"
    assert meta["infeasible"]["said"].startswith("No candidate reaches")
    assert (meta["value"], meta["n_new"]) == (None, 0)
    assert found.tables["curve"].empty
    assert found.tables["robustness"].empty
    assert (found.tables["sites"]["state"] == "kept").all()
    assert len(found.tables["candidates"]) == 15
    assert meta["covered_after"] == meta["covered_before"]
    assert Answer.from_bytes(found.to_bytes()).meta == meta


def test_no_new_sites_change_nothing() -> None:
    found = _ask(part={"p_new": 0})
    assert found.meta["covered_after"] == found.meta["covered_before"]
    table = found.tables["gaps"]
    assert (table["gap_before"] == table["gap_after"]).all()
    assert found.tables["targets"].empty
    assert not (found.cells["state"] == CellState.NEWLY).any()


def test_a_question_that_the_ground_cannot_answer_is_refused() -> None:
    with pytest.raises(QuestionError, match="at most 15 new sites"):
        _ask(part={"p_new": 99})


# ---------------------------------------------------------------- progress, cancelling, privacy


def test_it_tells_how_far_it_has_come() -> None:
    told: list[tuple[str, float]] = []
    bounds: list[tuple[float, float]] = []
    found = answer_question(
        small_ground(), small_question(), on_progress=lambda *step: told.append(step),
        on_bound=lambda *best: bounds.append(best),
    )  # fmt: skip
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert list(dict.fromkeys(step for step, _ in told)) == list(STEPS)
    assert bounds[-1] == (found.meta["value"], found.meta["bound"])


def test_the_same_question_gives_the_same_answer(answer: Answer) -> None:
    again = answer_question(small_ground(), small_question())
    assert {**again.meta, "seconds": 0} == {**answer.meta, "seconds": 0}
    for name, table in answer.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    for name, values in answer.cells.items():
        np.testing.assert_array_equal(values, again.cells[name])


def test_cancelled_before_anything_is_known() -> None:
    found = answer_question(small_ground(), small_question(), cancelled=lambda: True)
    assert (found.meta["state"], found.meta["cancelled"]) == ("cancelled", True)
    assert all(table.empty for table in found.tables.values())
    assert Answer.from_bytes(found.to_bytes()).meta == found.meta


def test_cancelled_once_the_sites_are_chosen(answer: Answer) -> None:
    steps: list[str] = []
    found = answer_question(
        small_ground(), small_question(), on_progress=lambda step, _: steps.append(step),
        cancelled=lambda: "curve" in steps,
    )  # fmt: skip
    assert found.meta["state"] == "cancelled"
    assert found.meta["covered_after"] == answer.meta["covered_after"]
    pd.testing.assert_frame_equal(found.tables["sites"], answer.tables["sites"])
    assert found.tables["robustness"].empty


def test_what_is_withheld_of_a_single_area_is_told_nowhere() -> None:
    ground = small_ground()
    # One elderly person's cell is all that the last venue reaches, and its number is withheld.
    persons, withheld = ground.persons.copy(), ground.withheld.copy()
    reach = Plain(ground).covered(["host-11"])
    persons.loc[sorted(reach), "elderly"] = 0.0
    alone = sorted(reach)[2]
    persons.loc[alone, "elderly"], withheld.loc[alone, "elderly"] = 5.0, True
    found = _ask(
        small_ground(persons=persons, withheld=withheld), part={"group": "elderly"},
        locked=["venue:host-11"],
    )  # fmt: skip
    site = found.tables["sites"].set_index("site_id").loc["venue:host-11"]
    candidate = found.tables["candidates"].set_index("candidate_id").loc["venue:host-11"]
    figures = [site[name] for name in ("gain_persons", "persons_within", "alone_persons")]
    assert np.isnan([*figures, candidate["persons_within"], candidate["gain_now"]]).all()
    # In the sum over its town it stands as the guess that it is.
    assert found.tables["towns"].set_index("name").loc["东镇", "estimated"]
    left = found.tables["uncovered"].set_index("area_code")
    hidden = withheld.loc[left.index, "elderly"].to_numpy()
    assert left["withheld"].tolist() == hidden.tolist()
    assert hidden.any()
    assert left.loc[hidden, "persons"].isna().all()
    assert left.loc[~hidden & (left["why"] != "unknown"), "persons"].notna().all()
