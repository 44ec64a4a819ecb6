"""Service sites: the register they are entered in, and the counselling network itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from etl.demo.gaps import GapPlan, seat_cells
from etl.demo.mesh import Mesh
from etl.demo.people import People
from etl.demo.plan import CITY_ZH, TOWNS, Land
from etl.demo.terrain import Floats, Terrain
from etl.demo.zones import Zones

SITE_COLUMNS = (
    "site_id", "kind", "type", "name", "x", "y", "village", "town", "status", "staff", "rooms",
    "area_m2", "beds", "places", "pupils", "hours", "floor", "owner", "opened_on", "closed_on",
)  # fmt: skip
OFFICE, LONG, AFTERNOONS = (
    "周一至周五 9:00-17:00",
    "周一至周日 9:00-21:00",
    "周二、周四 14:00-17:00",
)
ROOM_HOURS = (
    OFFICE,
    "周一至周五 8:30-11:30 14:00-17:00",
    AFTERNOONS,
    "周六 9:00-12:00",
    "预约开放",
)
ORG_NAMES = [
    "霁心",
    "澄语",
    "同舟",
    "汐语",
    "暖枫",
    "听雁",
    "向禾",
    "知渚",
    "栖棠",
    "和苇",
    "明砚",
    "晴川里",
    "渡鹭",
    "筠心",
]
# Rooms of villages, in a city of 180 of them.
VILLAGE_ROOMS = 106


@dataclass
class Register:
    """Collects sites; everything random comes from one generator.

    Parameters
    ----------
    mesh, zones, people, terrain : the city.
    gaps : where no open counselling room may stand.
    today : the day on which the registers are handed in.
    rng : generator.
    """

    mesh: Mesh
    zones: Zones
    people: People
    terrain: Terrain
    gaps: GapPlan
    today: date
    rng: np.random.Generator
    rows: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.water = self.terrain.water().buffer(8)
        shapely.prepare(self.water)
        self.tree = cKDTree(self.mesh.centres)
        self.seats = seat_cells(self.mesh, self.zones, self.people)
        self.persons = self.by_village("total")

    def by_village(self, group: str) -> Floats:
        """Persons of a group in each village."""
        persons = np.bincount(
            self.zones.village_of_cell,
            weights=self.people.by_group[group],
            minlength=self.zones.villages,
        )
        return persons.astype(np.float64)

    def point_in(self, cell: int) -> Floats:
        """A dry point in a cell, near its middle."""
        centre, reach = self.mesh.centres[cell], 0.24 * np.sqrt(self.mesh.area_m2[cell])
        if shapely.distance(self.terrain.outline.exterior, shapely.Point(centre)) < 3 * reach:
            reach /= 3  # the border as drawn runs now inside, now outside of the straight one
        for _ in range(12):
            point = centre + self.rng.uniform(-1, 1, 2) * reach
            dry = not shapely.contains_xy(self.water, point[0], point[1])
            if dry and self.tree.query(point)[1] == cell:
                return np.asarray(point)
        return np.asarray(centre)

    def in_village(self, village: int, pull: float = 1.3) -> tuple[int, Floats]:
        """A cell of a village, rather where many live, and a point in it."""
        cells = np.flatnonzero(self.zones.village_of_cell == village)
        weight = (self.people.total[cells] + 0.5) ** pull
        cell = int(self.rng.choice(cells, p=weight / weight.sum()))
        return cell, self.point_in(cell)

    def day_between(self, first: int, last: int) -> date:
        """A working day between the starts of two years, not after today."""
        day = date(first, 1, 4) + timedelta(days=int(self.rng.integers(0, 365 * (last - first))))
        day = min(day, self.today - timedelta(days=30))
        return day - timedelta(days=max(0, day.weekday() - 4))

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to below `high`."""
        return int(self.rng.integers(low, high))

    def add(
        self, kind: str, kind_type: str, name: str, *, cell: int, at: Floats, **facts: object
    ) -> None:
        """Enter a site; attributes that are not given stay empty."""
        village = int(self.zones.village_of_cell[cell])
        row: dict[str, object] = dict.fromkeys(SITE_COLUMNS)
        row |= {"kind": kind, "type": kind_type, "name": name, "status": "open"}
        row |= {"x": float(at[0]), "y": float(at[1]), "village": village}
        row |= {"town": int(self.zones.town_of_village[village])}
        self.rows.append(row | facts)

    def add_at(self, kind: str, kind_type: str, name: str, cell: int, **facts: object) -> None:
        """Enter a site somewhere in a cell."""
        self.add(kind, kind_type, name, cell=cell, at=self.point_in(cell), **facts)

    def stem(self, village: int) -> str:
        """The village's name without 村 or 社区."""
        return str(self.zones.village_names[village]).removesuffix("社区").removesuffix("村")

    def pick_villages(self, count: int, weight: Floats) -> list[int]:
        """Different villages in order, drawn by weight."""
        chosen = self.rng.choice(
            len(weight), min(count, len(weight)), replace=False, p=weight / weight.sum()
        )
        return sorted(int(village) for village in chosen)

    def table(self) -> pd.DataFrame:
        """All sites with their ids."""
        sites = pd.DataFrame(self.rows, columns=list(SITE_COLUMNS))
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(sites["kind"]), start=1)}
        running = sites.groupby("kind").cumcount() + 1
        sites["site_id"] = [
            f"YX{kinds[kind]:02d}{number:04d}"
            for kind, number in zip(sites["kind"], running, strict=True)
        ]
        return sites


def enter_network(reg: Register) -> None:
    """The centre, a station a town, rooms of villages, licensed organisations, the helpline.

    No open room and no organisation stands within walking reach of a gap.
    """
    seat = int(reg.seats[0])
    reg.add_at(
        "guidance_centre", "市级中心", f"{CITY_ZH}社会心理服务指导中心", seat,
        staff=14, rooms=9, area_m2=860, hours=LONG, opened_on=date(2020, 9, 1),
    )  # fmt: skip
    for town, cell in zip(TOWNS, reg.seats, strict=True):
        reg.add_at(
            "counselling_room", "乡镇街道站", f"{town.short}社会心理服务站", int(cell),
            staff=reg.whole(3, 7) if town.urban else reg.whole(2, 4), rooms=reg.whole(2, 5),
            area_m2=reg.whole(52, 150), hours=OFFICE, opened_on=reg.day_between(2020, 2023),
        )  # fmt: skip
    _village_rooms(reg, round(VILLAGE_ROOMS * reg.zones.villages / 180))
    _organisations(reg)
    reg.add_at(
        "minors_centre", "未成年人辅导中心", f"{CITY_ZH}未成年人心理健康成长辅导中心",
        int(np.argmax(reg.people.total * reg.people.land[:, Land.OLD_TOWN])),
        staff=9, rooms=6, area_m2=540, hours=LONG, opened_on=date(2021, 6, 1),
    )  # fmt: skip
    reg.add_at(
        "hotline", "心理援助热线", f"{CITY_ZH}心理援助热线", seat,
        staff=18, places=4, hours="24小时",
    )  # fmt: skip


def _village_rooms(reg: Register, wanted: int) -> None:
    share = np.array([0.84 if t.urban else 0.62 if t.part < "200" else 0.5 for t in TOWNS])
    chance = share[reg.zones.town_of_village] * (0.6 + 0.5 * reg.rng.random(reg.zones.villages))
    placed = 0
    for village in np.argsort(-chance, kind="stable").tolist():
        if placed >= wanted:
            break
        if village in reg.gaps.all_villages:
            continue
        for _ in range(6):
            cell, at = reg.in_village(village, 1.6)
            if reg.gaps.clear(at[None])[0]:
                draw = reg.rng.random()
                status = "planned" if draw < 0.09 else "closed" if draw < 0.15 else "open"
                _room(reg, village, cell, at=at, status=status)
                placed += 1
                break
    # A gap is known to some: a room is planned in the first, and one was closed in the third.
    for cluster, status in ((0, "planned"), (2, "closed")):
        if cluster < len(reg.gaps.villages):
            village = reg.gaps.villages[cluster][0]
            cell, at = reg.in_village(village)
            _room(reg, village, cell, at=at, status=status)


def _room(reg: Register, village: int, cell: int, *, at: Floats, status: str) -> None:
    opened, closed = reg.day_between(2020, reg.today.year), None
    if status == "planned":
        opened = reg.today + timedelta(days=reg.whole(40, 300))
    elif status == "closed":
        closed = reg.today - timedelta(days=reg.whole(60, 500))
        opened = min(opened, closed - timedelta(days=300))
    elif village % 5 == 0:
        # The network is still growing: one room in five was opened in the last year.
        opened = reg.today - timedelta(days=28 + 7 * (village * 7 % 46))
    staff = [1, 1, 2, 2, 3] if reg.zones.village_urban[village] else [1, 1, 2]
    reg.add(
        "counselling_room", "村(社区)室", f"{reg.zones.village_names[village]}心理咨询室",
        cell=cell, at=at, status=status,
        staff=0 if status == "closed" else int(reg.rng.choice(staff)),
        rooms=int(reg.rng.choice([1, 1, 2])), area_m2=reg.whole(16, 62),
        hours=str(reg.rng.choice(ROOM_HOURS)), opened_on=opened, closed_on=closed,
    )  # fmt: skip


def _organisations(reg: Register) -> None:
    urban = np.array([town.urban for town in TOWNS])[reg.zones.town_of_village]
    weight = np.where(urban, reg.persons**0.7, 0.0)
    for name in ORG_NAMES:
        for _ in range(40):
            village = int(reg.rng.choice(len(weight), p=weight / weight.sum()))
            cell, at = reg.in_village(village)
            if reg.gaps.clear(at[None])[0]:
                break
        else:
            cell, at = int(reg.seats[0]), reg.point_in(int(reg.seats[0]))
        reg.add(
            "service_org", "社会心理服务机构", f"{CITY_ZH}{name}社会心理服务中心", cell=cell, at=at,
            staff=reg.whole(2, 13), rooms=reg.whole(2, 7), area_m2=reg.whole(80, 420), hours=LONG,
            opened_on=reg.day_between(2016, reg.today.year),
        )  # fmt: skip
