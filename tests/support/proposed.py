"""An answer to "where should new rooms go?" over any published snapshot, worked out the plain way.

Straight lines and a greedy choice: nothing here is the product's own reckoning. The figures agree
with each other, which is what a document about them needs, and some areas' persons are withheld.
"""

# Tables are easier to read in one piece than cut to the rules of the product.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.siting.answer import Answer, as_table
from etl.siting.reach import as_runs
from etl.store.reader import Reader, Snapshot
from geo.model import Missing

KIND = "counselling_room"
Numbers = npt.NDArray[np.float64]
SOURCES = ("venue", "school", "primary_care", "suitable")
# What a spreadsheet would calculate, what HTML would run, and what would break a sentence's fields.
HOSTILE = '=HYPERLINK("http://example.invalid","x") <script>alert(1)</script> {kind} & 党群服务中心'
GUESS = 7.0


def made_answer(
    reader: Reader,
    *,
    p_new: int = 5,
    limit_min: float = 15.0,
    proven: bool = True,
    closed: bool = False,
) -> Answer:
    """An answer of a small made-up city, or of any published snapshot."""
    return _Maker(reader, p_new, limit_min).answer(proven=proven, closed=closed)


class _Maker:
    def __init__(self, reader: Reader, p_new: int, limit_min: float) -> None:
        self.reader, self.p_new, self.limit_min = reader, p_new, limit_min
        self.snapshot: Snapshot = reader.current()
        self.id = self.snapshot.snapshot_id
        self.areas = {level: reader.areas(self.id, level) for level in ("grid", "village", "town")}
        grid = self.areas["grid"]
        self.names = {
            code: name
            for frame in self.areas.values()
            for code, name in zip(frame["area_code"], frame["name"], strict=True)
        }
        village = self.areas["village"]
        up = dict(zip(village["area_code"], village["parent_code"], strict=True))
        self.village_of = grid["parent_code"].astype(str)
        self.town_of = self.village_of.map(up)
        people = reader.layer(self.id, "grid", "population")
        self.withheld = people.states == Missing.SUPPRESSED
        # The store of the tests withholds nobody of all residents; every thirteenth area here is.
        self.withheld = self.withheld | ((np.arange(len(grid)) % 13 == 5) & (people.values > 0))
        self.persons = np.where(self.withheld, GUESS, np.nan_to_num(people.values))
        self.unknown = people.states == Missing.NO_DATA
        sites = reader.sites(self.id)
        open_now = (sites["kind"] == KIND) & (sites["status"] == "open") & sites["lon"].notna()
        self.existing = sites[open_now].reset_index(drop=True)
        self.candidates = self._candidates()

    def _candidates(self) -> pd.DataFrame:
        grid = self.areas["grid"].iloc[:: max(len(self.areas["grid"]) // 60, 1)]
        rows: list[dict[str, Any]] = []
        for i, (at, row) in enumerate(grid.iterrows()):
            village, source = self.village_of[at], SOURCES[i % 4]
            name = f"{self.names[village]}{('党群服务中心', '小学', '卫生室', '适宜位置')[i % 4]}"
            rows.append(
                {
                    "candidate_id": f"{'care' if source == 'primary_care' else 'cell' if source == 'suitable' else source}:{i:03d}",
                    "source": source, "kind": KIND, "name": name, "lon": row["lon"], "lat": row["lat"],
                    "x": row["lon"], "y": row["lat"],
                    "town_code": self.town_of[at], "town_name": self.names[self.town_of[at]],
                    "village_code": village, "village_name": self.names[village],
                    "area_m2": np.nan if i % 4 == 3 else 28.0 + 7 * (i % 9),
                    "floor": "" if i % 3 == 2 else str(1 + i % 3), "owner": "" if i % 4 == 3 else "街道办",
                    "hours": "" if i % 2 else "周一至周五 9:00-17:00",
                    "lacks": ("", "hours_unknown", "area_small|upper_floor", "area_unknown|hours_unknown|floor_unknown|place_inexact")[i % 4],
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def _minutes(self, lon: Numbers, lat: Numbers) -> Numbers:
        """Cells × points [min]: straight line × 1.3 at 4.8 km/h."""
        grid = self.areas["grid"]
        east = (
            (grid["lon"].to_numpy()[:, None] - lon)
            * 111.32
            * np.cos(np.radians(grid["lat"].mean()))
        )
        north = (grid["lat"].to_numpy()[:, None] - lat) * 110.85
        return np.asarray(np.hypot(east, north) * 1.3 / 4.8 * 60)

    def answer(self, *, proven: bool, closed: bool) -> Answer:
        now = self._minutes(self.existing["lon"].to_numpy(), self.existing["lat"].to_numpy())
        new = self._minutes(self.candidates["lon"].to_numpy(), self.candidates["lat"].to_numpy())
        kept = np.ones(len(self.existing), dtype=bool)
        if closed:
            kept[-1] = False
        before = now.min(axis=1)
        base = now[:, kept].min(axis=1)
        covered = base <= self.limit_min
        chosen: list[int] = []
        curve = [float(self.persons[covered].sum())]
        for _ in range(self.p_new + 2):
            gains = ((new <= self.limit_min) & ~covered[:, None]).T @ self.persons
            gains[chosen] = -1
            best = int(gains.argmax())
            chosen.append(best)
            covered = covered | (new[:, best] <= self.limit_min)
            curve.append(float(self.persons[covered].sum()))
        chosen = chosen[: self.p_new]
        after = np.fmin(base, new[:, chosen].min(axis=1))
        self.before, self.after = before, after
        self.was, self.has = before <= self.limit_min, after <= self.limit_min
        state = np.select(
            [self.unknown, self.persons == 0, self.was & self.has, self.has, self.was],
            [5, 0, 1, 2, 4], default=3,
        ).astype(np.uint8)  # fmt: skip
        total = float(self.persons.sum())
        sites = self._sites(kept, chosen, np.diff(curve), new, now)
        knee = max(1, self.p_new - 2)
        rows, cols = np.nonzero((new <= 2 * self.limit_min).T)
        start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=new.shape[1]))])
        tables = {
            "sites": sites,
            "curve": pd.DataFrame(
                {
                    "n_new": np.arange(len(curve)), "persons": curve, "share": np.array(curve) / total,
                    "gain": np.concatenate([[0.0], np.diff(curve)]), "bound": curve,
                    "proven": [True] * (len(curve) - 1) + [False], "knee": np.arange(len(curve)) == knee,
                }
            ),
            "towns": self._towns(sites),
            "groups": self._groups(),
            "gaps": self._gaps(),
            "targets": pd.DataFrame(
                {
                    "code": ["room_coverage", "town_rooms"],
                    "name_zh": ["心理咨询室覆盖居民比例", "有心理咨询室的乡镇（街道）"],
                    "name_en": ["Residents covered by a counselling room", "Towns with a counselling room"],
                    "value_before": [self._sum(self.was) / total, 0.75], "value_after": [self._sum(self.has) / total, 1.0],
                    "required": [0.8, 1.0], "unit": ["share", "share"], "met_before": [False, False],
                    "met_after": [False, True],
                }
            ),
            "uncovered": self._uncovered(state),
            "candidates": self.candidates.assign(
                chosen=np.isin(np.arange(new.shape[1]), chosen),
                persons_within=(new <= self.limit_min).T @ self.persons,
                gain_now=((new <= self.limit_min) & ~self.has[:, None]).T @ self.persons,
                nearest_open_min=12.5, part=0, cost=12.0,
                forbidden=self.candidates["candidate_id"] == "venue:000",
            ),
            "robustness": pd.DataFrame(
                {
                    "check": ["threshold", "threshold", "demand", "demand", "zoning", "zoning", "candidates"],
                    "value": ["10", "20", "draw:1", "elderly+10", "village", "squares:1", "complete"],
                    "share_same_sites": [0.6, 0.8, 1.0, 1.0, 0.6, 0.8, 0.8],
                    "share_best": [0.33, 0.55, 0.42, 0.42, 0.43, 0.42, 0.42],
                    "regret": [0.0204, 0.0, 0.0, 0.0, 0.03, 0.0, 0.01],
                    "kept": [3, 4, 5, 5, 3, 4, 4], "n_new": self.p_new,
                    "proven": [True, True, True, True, True, False, True],
                }
            ),
        }  # fmt: skip
        towns = tables["towns"].dropna(subset="share_before")
        meta = {
            "snapshot_id": self.id, "week": self.snapshot.week, "question": self._question(), "state": "found",
            "objective": "max_coverage", "value": self._sum(self.has), "bound": self._sum(self.has) * (1 if proven else 1.0037),
            "gap": 0.0 if proven else 0.0037, "proven": proven, "seconds": 0.42, "method": "exact", "cancelled": False,
            "infeasible": None, "n_candidates": len(self.candidates), "n_existing": len(self.existing), "n_new": self.p_new,
            "persons": total, "covered_before": self._sum(self.was), "covered_after": self._sum(self.has),
            "share_before": self._sum(self.was) / total, "share_after": self._sum(self.has) / total,
            "mean_min_before": float(np.average(before, weights=self.persons)),
            "mean_min_after": float(np.average(after, weights=self.persons)),
            "worst_town_before": _lowest(towns, "share_before"), "worst_town_after": _lowest(towns, "share_after"), "same_travel": True, "left_out": [0],
            "knee": knee, "travel": {"method": self.snapshot.meta["travel"]["method"]},
            "code_version": self.snapshot.code_version, "ground_sha256": "0" * 64,
        }  # fmt: skip
        cells = {
            "minutes_before": before.astype(np.float32), "minutes_after": after.astype(np.float32), "state": state,
            **as_runs(start.astype(np.int64), cols), "base_min": base.astype(np.float32),
        }  # fmt: skip
        typed = {name: as_table(name, frame) for name, frame in tables.items()}
        return Answer(meta=meta, tables=typed, cells=cells)

    def _sum(self, where: npt.NDArray[np.bool_]) -> float:
        return float(self.persons[where].sum())

    def _question(self) -> dict[str, Any]:
        part = {
            "kind": KIND, "mode": "foot", "threshold_min": self.limit_min, "group": "total", "p_new": self.p_new,
            "sources": ["venue", "school", "primary_care", "suitable"], "cost_new": 12.0, "capacity_new": None, "towns": [],
        }  # fmt: skip
        return {
            "parts": [part], "objective": "max_coverage", "budget": 130.0, "locked": [], "forbidden": ["venue:000"],
            "closable": [], "max_closures": None, "extra": [], "min_separation_m": 500.0, "one_per_town": False,
            "min_town_share": None, "worst_first": False, "weigh_by": "residents", "time_limit_s": 60.0, "seed": 1,
        }  # fmt: skip

    def _sites(
        self, kept: Any, chosen: list[int], gains: Numbers, new: Numbers, now: Numbers
    ) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        reach = np.column_stack([now[:, kept] <= self.limit_min, new[:, chosen] <= self.limit_min])
        alone = reach & (reach.sum(axis=1) == 1)[:, None]
        for i, row in enumerate(self.existing.to_dict("records")):
            at = int(kept[:i].sum())
            rows.append(
                {
                    "site_id": row["site_id"], "name": row["name"], "source": "existing", "state": "kept" if kept[i] else "closed",
                    "order": np.nan, "kind": KIND, "lon": row["lon"], "lat": row["lat"], "town_code": row["town_code"],
                    "town_name": self.names.get(row["town_code"], ""), "village_name": self.names.get(row["village_code"], ""),
                    "area_m2": row["area_m2"], "floor": "", "owner": "", "hours": row["hours"], "lacks": "", "gain_persons": np.nan,
                    "persons_within": self._sum(now[:, i] <= self.limit_min),
                    "alone_persons": self._sum(alone[:, at]) if kept[i] else 0.0,
                    "n_towns_served": self.town_of[now[:, i] <= self.limit_min].nunique(), "cost": 0.0,
                }
            )  # fmt: skip
        for order, c in enumerate(chosen):
            row = self.candidates.iloc[c].to_dict()
            rows.append(
                {
                    **{key: row[key] for key in ("name", "source", "kind", "lon", "lat", "town_code", "town_name", "village_name",
                                                 "area_m2", "floor", "owner", "hours", "lacks")},
                    "site_id": row["candidate_id"], "state": "new", "order": float(order + 1), "gain_persons": gains[order],
                    "persons_within": self._sum(new[:, c] <= self.limit_min),
                    "alone_persons": self._sum(alone[:, int(kept.sum()) + order]),
                    "n_towns_served": self.town_of[new[:, c] <= self.limit_min].nunique(), "cost": 12.0,
                }
            )  # fmt: skip
        frame = pd.DataFrame(rows).assign(part=0)
        frame.loc[frame["order"] == 2, "name"] = HOSTILE
        return frame

    def _towns(self, sites: pd.DataFrame) -> pd.DataFrame:
        rows = []
        for code, name in zip(
            self.areas["town"]["area_code"], self.areas["town"]["name"], strict=True
        ):
            inside = (self.town_of == code).to_numpy()
            persons, was, has = (self._sum(inside & part) for part in (True, self.was, self.has))
            here = sites[sites["town_code"] == code]
            rows.append(
                {
                    "town_code": code, "name": name, "persons": persons, "covered_before": was, "covered_after": has,
                    "newly": self._sum(inside & self.has & ~self.was), "lost": self._sum(inside & self.was & ~self.has),
                    "estimated": bool((self.withheld & inside).any()), "share_before": was / persons if persons else np.nan,
                    "share_after": has / persons if persons else np.nan,
                    "sites_before": int((here["source"] == "existing").sum()),
                    "sites_after": int((here["state"] != "closed").sum()),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def _groups(self) -> pd.DataFrame:
        rows = []
        for group, part in (("total", 1.0), ("minors", 0.17), ("elderly", 0.22)):
            persons, was, has = (
                part * float(v)
                for v in (self.persons.sum(), self._sum(self.was), self._sum(self.has))
            )
            rows.append(
                {
                    "part": 0, "group": group, "persons": persons, "covered_before": was, "covered_after": has,
                    "newly": part * self._sum(self.has & ~self.was), "lost": part * self._sum(self.was & ~self.has),
                    "estimated": True, "share_before": was / persons, "share_after": has / persons,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def _gaps(self) -> pd.DataFrame:
        gap = self.reader.layer(self.id, "grid", "gap").values
        later = np.where(self.has & ~self.was, np.maximum(gap - 1, 0), gap)
        frame = pd.DataFrame({"gap_before": gap, "gap_after": later, "persons": self.persons})
        grouped = frame.groupby(["gap_before", "gap_after"], dropna=False)["persons"].agg(
            ["size", "sum"]
        )
        return grouped.reset_index().rename(columns={"size": "areas", "sum": "persons"})

    def _uncovered(self, state: npt.NDArray[np.uint8]) -> pd.DataFrame:
        out = np.flatnonzero((state == 3) | (state == 4))
        grid = self.areas["grid"].iloc[out]
        reasons = np.array(["not_chosen", "no_candidate", "forbidden", "no_road", "unknown"])
        frame = pd.DataFrame(
            {
                "area_code": grid["area_code"].to_numpy(), "name": grid["name"].to_numpy(),
                "village_name": self.village_of.iloc[out].map(self.names).to_numpy(),
                "town_name": self.town_of.iloc[out].map(self.names).to_numpy(),
                "persons": np.where(self.withheld[out], np.nan, self.persons[out]), "withheld": self.withheld[out], "part": 0,
                "nearest_min": self.after[out], "why": reasons[np.minimum(np.arange(len(out)) % 9, 4)],
            }
        )  # fmt: skip
        return frame.sort_values("persons", ascending=False, na_position="last").reset_index(
            drop=True
        )


def _lowest(towns: pd.DataFrame, share: str) -> dict[str, Any]:
    row = towns.loc[towns[share].idxmin()]
    return {"town_code": row["town_code"], "name": row["name"], "share": float(row[share])}
