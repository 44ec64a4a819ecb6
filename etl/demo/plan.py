"""The plan of the fictional city: its places, their names, and what is planted for the product.

Every name here is invented; none was found among the towns and villages of the national list of
area codes. Positions are kilometres east and north of the apex of the river's central bend.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

CITY_ZH = "云汐市"
# GB/T 2260 assigns no codes under 99; 81 upwards marks a county-level city.
COUNTY6 = "990181"
COUNTY_CODE = COUNTY6 + "000000"
# CGCS2000, 3-degree Gauss–Krüger zone of 114° E, metres.
CRS = "EPSG:4547"
CENTRE_LON, CENTRE_LAT = 113.84, 31.46
POPULATION = 683_427
RIVER = "云汐江"
RESERVOIR = "岚镜水库"
STREAMS = ("霁溪", "漪溪", "沁溪")


class Land(IntEnum):
    """Kinds of settlement, each with its own people."""

    OLD_TOWN = 0
    NEW_ESTATE = 1
    DEV_ZONE = 2
    SEAT = 3
    PLAIN = 4
    HILL = 5


@dataclass(frozen=True)
class TownPlan:
    """One town of the plan.

    Parameters
    ----------
    part : town part of the area code: 001–099 street, 100–199 town, 200–399 township.
    name : official name.
    x_km, y_km : its centre.
    villages : how many villages and communities of 180.
    land : what its centre is like.
    peak : persons per km² at the centre.
    spread_km : standard deviation of the settlement around the centre.
    reach : how far the town extends: above 1 it wins area from its neighbours.
    grain_deg : the direction along which its settlement stretches, counter-clockwise from east.
    """

    part: str
    name: str
    x_km: float
    y_km: float
    villages: int
    land: Land
    peak: float
    spread_km: float
    reach: float = 1.0
    grain_deg: float = 0.0

    @property
    def code(self) -> str:
        return COUNTY6 + self.part + "000"

    @property
    def urban(self) -> bool:
        return self.part < "100"

    @property
    def short(self) -> str:
        """The name without 街道, 镇 or 乡."""
        return self.name.removesuffix("街道").removesuffix("镇").removesuffix("乡")


TOWNS: tuple[TownPlan, ...] = (
    TownPlan("001", "汀澜街道", 0.2, 1.5, 21, Land.OLD_TOWN, 17_500, 1.05, 0.62, 20),
    TownPlan("002", "钟鹭街道", 2.4, 2.1, 18, Land.OLD_TOWN, 12_500, 1.05, 0.75, 60),
    TownPlan("003", "朝汐街道", -1.2, -2.7, 20, Land.NEW_ESTATE, 9_800, 1.45, 0.66, -25),
    TownPlan("004", "新霁街道", 6.6, 3.2, 14, Land.DEV_ZONE, 6_400, 1.35, 0.85, 15),
    TownPlan("101", "柳溆镇", -4.6, -9.8, 17, Land.SEAT, 5_600, 0.85, 1.05, 80),
    TownPlan("102", "棠埠镇", 10.6, -4.9, 16, Land.SEAT, 6_200, 0.90, 1.05, -30),
    TownPlan("103", "麦澜镇", 4.2, -12.0, 15, Land.SEAT, 4_400, 0.75, 1.05, 10),
    TownPlan("104", "岚渡镇", -9.4, 1.6, 14, Land.SEAT, 4_800, 0.75, 1.0, -10),
    TownPlan("105", "鹤栈镇", 13.6, 7.4, 15, Land.SEAT, 4_600, 0.80, 1.05, 45),
    TownPlan("201", "云崖乡", -14.6, -5.4, 10, Land.SEAT, 2_100, 0.55, 1.1, 30),
    TownPlan("202", "松霭乡", -13.2, 9.4, 9, Land.SEAT, 1_900, 0.50, 1.15, 70),
    TownPlan("203", "石霁乡", 1.8, 11.6, 11, Land.SEAT, 2_400, 0.60, 1.15, 100),
)
VILLAGES = sum(town.villages for town in TOWNS)

# Two-character stems that name no village, town or county of the national list.
URBAN_STEMS = [
    "凫井", "凫台", "墨湾", "岚井", "岚苑", "晓坊", "晓巷", "杏洲", "枣亭", "枫里", "柘洲",
    "柚亭", "柚巷", "柿桥", "栈园", "栈浦", "栎埠", "栎苑", "桂渡", "桐洲", "桑渡", "梧园",
    "梧埠", "梧里", "棉台", "棉浦", "棠苑", "椴台", "椴巷", "楸井", "楸里", "榆亭", "榆洲",
    "榆里", "榉巷", "榉里", "槠湾", "槿浦", "樟亭", "橘桥", "檀渡", "汐埠", "沁台", "沁坊",
    "渚台", "渚桥", "澄坊", "澄浦", "澜园", "澜埠", "琴湾", "砚坊", "禾坊", "禾浦", "禾苑",
    "稻洲", "稻苑", "笙台", "笙坊", "笙浦", "箬亭", "箬巷", "粟里", "素亭", "素苑", "素里",
    "翠井", "翠桥", "芷巷", "芷洲", "苎巷", "苎里", "苔洲", "茗台", "茗坊", "茶巷", "荻亭",
    "荻埠", "萍浦", "葭亭", "蒲坊", "蕨桥", "蘅埠", "蘅浦", "谷坊", "雁亭", "雁浦", "霭桥",
    "鸢台", "鸢洲", "鸥井", "鹭湾", "麦井", "麦湾", "栈湾", "渚湾", "柚渡", "澜渡",
]  # fmt: skip
PLAIN_STEMS = [
    "凫堰", "墨坝", "岚洲", "岚浦", "岫圩", "岫塘", "晓圩", "晓港", "晴田", "晴畈", "杉浦",
    "杉渡", "杏圩", "杏畈", "枣埠", "枣塘", "枫圩", "枫堰", "枫陂", "柘埠", "柘湾", "柘陂",
    "柚桥", "柚港", "柿塘", "栈陂", "栎洲", "桐渡", "桐湾", "梧圩", "梧洲", "梨畈", "梨荡",
    "椴坝", "椴桥", "椴港", "楝堰", "楝桥", "榆渡", "榉桥", "榉浦", "槿坝", "槿洲", "檀田",
    "汀圩", "汀陂", "汐洲", "沁浦", "沁田", "渚埠", "渚洲", "溆桥", "漪坝", "漪洲", "漪浦",
    "澄堰", "澄渡", "澜圩", "琴港", "琴田", "砚坝", "砚浦", "砚渡", "禾桥", "稻坝", "竹堰",
    "笙田", "笙畈", "筠坝", "筠田", "筠陂", "箬畈", "粟埠", "粟湾", "翠堰", "翠港", "芷埠",
    "苎浦", "苎渡", "苎湾", "苔坝", "苔港", "茗埠", "茶渡", "荻渡", "菱渡", "萍埠", "葭湾",
    "葭畈", "蓼埠", "蓼田", "蕨圩", "蕨渡", "蕨港", "藕桥", "藕浦", "虹塘", "霁洲", "霞坝",
    "霞堰", "霭坝", "霭洲", "鸢圩", "鸢港", "鸥圩", "鸥洲", "鹤埠", "鹤港", "麦埠", "麦堰",
    "麦塘", "棠荡",
]  # fmt: skip
HILL_STEMS = [
    "凫坞", "凫坪", "岚垅", "岚岩", "岫坞", "晴冲", "松垅", "柘寨", "柿岩", "栈崖", "栎寨",
    "栎崖", "桂坞", "桂坡", "梧垅", "梨崖", "棉垅", "棠坳", "棠岩", "椴坪", "楝岗", "榆垅",
    "榆岗", "榉坪", "槠坪", "槠岭", "槿坪", "槿岗", "樟垅", "汀峪", "汐垅", "溆寨", "溆岭",
    "澄寨", "禾冲", "禾岭", "稻坡", "稻峪", "筠坡", "素岩", "翠冲", "芷坡", "芷岗", "苎岩",
    "苎岭", "苔冲", "苔岩", "菱坡", "萍泉", "葭崖", "葭泉", "蓼峪", "蕨冲", "蕨泉", "藕冲",
    "蘅坡", "蘅峪", "锦冲", "锦寨", "雁峪", "霁坡", "霞岗", "鸥坳", "鹭坞",
]  # fmt: skip
