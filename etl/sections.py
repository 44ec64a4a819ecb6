"""The sections of `xintu.toml`: each a model that forbids unknown keys and checks its own sense."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from etl.model import Model, Text
from geo.errors import UnitError
from geo.model import CAR_KMH, Kind, Polarity, RoadClass
from geo.shortage import PointTable


class Locality(Model):
    """Who and where the locality is."""

    code: str = Field(description="area code of the county or city")
    name: Text
    crs: str = Field(description="metric CRS for distances, as EPSG:n")
    timezone: str = "Asia/Shanghai"
    demo: bool = Field(default=False, description="every screen says 演示数据")
    notice: Text | None = Field(default=None, description="stated on every picture")
    boundary_source: str = ""
    map_approval: str = Field(default="", description="审图号 that came with the boundaries")


class Codes(Model):
    """Regular expression that a whole area code of each level must match."""

    county: str = r"\d{12}"
    town: str = r"\d{12}"
    village: str = r"\d{12}"
    grid: str = r"\d{12}-?\w+"

    @field_validator("*")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return pattern


class GroupSettings(Model):
    """A population group."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text


class MeasureSettings(Model):
    """A weekly count; see `geo.model.Measure`."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text
    unit: Text = Text(zh="人次", en="visits")
    polarity: Polarity = Polarity.NEUTRAL
    warn: bool = False
    group: str = "total"
    stock: bool = False
    upstream: Literal["", "blue", "yellow", "orange", "red"] = Field(
        default="", description="counts alerts of this tier that came from above"
    )
    sum_of: tuple[str, ...] = Field(
        default=(), description="measures that add up to this one, area by area and week by week"
    )


class KindSettings(Model):
    """How a facility kind is named and reached."""

    code: Kind
    name: Text
    mode: Literal["foot", "car"] = "foot"
    threshold_min: float = Field(gt=0, description="covered within so many minutes, inclusive")
    on_map: bool = True


class RoadSpeeds(Model):
    """Usual driving speed on each class of road [km/h]."""

    motorway: float = Field(default=CAR_KMH[RoadClass.MOTORWAY], gt=0)
    trunk: float = Field(default=CAR_KMH[RoadClass.TRUNK], gt=0)
    primary: float = Field(default=CAR_KMH[RoadClass.PRIMARY], gt=0)
    secondary: float = Field(default=CAR_KMH[RoadClass.SECONDARY], gt=0)
    tertiary: float = Field(default=CAR_KMH[RoadClass.TERTIARY], gt=0)
    local: float = Field(default=CAR_KMH[RoadClass.LOCAL], gt=0)
    track: float = Field(default=CAR_KMH[RoadClass.TRACK], gt=0)


class Travel(Model):
    """Over roads where the locality has brought roads with classes, else straight line × detour."""

    network: Literal["auto", "off"] = Field(
        default="auto", description="auto: roads are used when they are usable"
    )
    detour: float = Field(default=1.3, ge=1)
    foot_kmh: float = Field(default=4.8, gt=0)
    car_kmh: float = Field(default=30.0, gt=0, description="where there is no road network")
    road_kmh: RoadSpeeds = RoadSpeeds()
    snap_m: float = Field(default=2000.0, gt=0, description="longest walk to a road, as flown")
    free_m: float = Field(
        default=300.0, gt=0, description="longest walk across country where a road is nearer"
    )
    min_piece_m: float = Field(default=1000.0, ge=0, description="shorter pieces are left out")
    barrier_rank: int = Field(default=2, ge=0, le=3, description="water of this rank or above")
    min_reached_share: float = Field(
        default=0.9, gt=0, le=1, description="of residents; below it the roads are not usable"
    )


Unit = Literal["staff", "rooms", "places"]


class Access(Model):
    """Access to service: which kinds supply, in which unit, how far, by which method."""

    kinds: tuple[Kind, ...] = (
        Kind.COUNSELLING_ROOM,
        Kind.GUIDANCE_CENTRE,
        Kind.SERVICE_ORG,
        Kind.MINORS_CENTRE,
    )
    supply: Unit = "staff"
    supply_by_kind: dict[Kind, Unit] = Field(
        default_factory=dict, description="another unit of supply for some kinds"
    )
    hours: bool = Field(default=False, description="weigh supply by opening hours")
    full_week_hours: float = Field(default=40.0, gt=0, le=168)
    catchments_m: tuple[float, float, float] = (1000.0, 2000.0, 3000.0)
    default_catchment_m: float = 2000.0
    group: str = "total"
    method: Literal["2sfca", "e2sfca", "3sfca", "gaussian", "gravity", "raam"] = "2sfca"
    steps: tuple[tuple[float, float], ...] = Field(
        default=(), description="[part of the catchment, weight] of e2sfca and 3sfca"
    )
    gravity_exponent: float = Field(default=1.5, gt=0)
    gravity_least_m: float = Field(default=200.0, gt=0)
    raam_tau_min: float = Field(default=60.0, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Access:
        if list(self.catchments_m) != sorted(set(self.catchments_m)) or self.catchments_m[0] <= 0:
            raise ValueError("catchments_m must be three positive distances in rising order")
        if self.default_catchment_m not in self.catchments_m:
            raise ValueError("default_catchment_m must be one of catchments_m")
        if others := sorted(set(self.supply_by_kind) - set(self.kinds)):
            raise ValueError(f"supply_by_kind: not among kinds: {', '.join(others)}")
        parts, weights = [part for part, _ in self.steps], [weight for _, weight in self.steps]
        if parts != sorted({part for part in parts if 0 < part <= 1}):
            raise ValueError("steps: parts of the catchment must rise from above 0 to at most 1")
        if weights != sorted((weight for weight in weights if weight >= 0), reverse=True):
            raise ValueError("steps: weights must be 0 or more and must not rise")
        return self


class Points(Model):
    """Points of one part of the shortage score, by cut-points; see `geo.shortage.PointTable`."""

    bounds: tuple[float, ...] = Field(description="cut-points, rising, inclusive below")
    points: tuple[float, ...] = Field(description="one more than bounds, never falling")

    @model_validator(mode="after")
    def _rises(self) -> Points:
        try:
            self.table()
        except UnitError as exc:
            raise ValueError(str(exc)) from exc
        return self

    def table(self) -> PointTable:
        """The same as `geo` wants it."""
        return PointTable(self.bounds, self.points)


class Need(Model):
    """What full service is, and the points of the shortage score.

    The most points of the parts follow HRSA's score for shortage areas of mental health: 7 for
    staff, 5 for travel, 3 and 3 for age, and 7 for strain in place of poverty (5), alcohol (1) and
    substance use (1). Cut-points of staff are the ratios named in 42 CFR Part 5, Appendix C.
    """

    kind: Kind = Field(default=Kind.COUNSELLING_ROOM, description="travel is to the nearest one")
    standard: float | None = Field(
        default=None, gt=0, description="supply per 10 000 residents that is full service"
    )
    provider_ratio: Points = Points(
        bounds=(3000, 4500, 6000, 9000, 15000, 20000, 30000), points=(0, 1, 2, 3, 4, 5, 6, 7)
    )
    travel_min: Points = Points(bounds=(20, 30, 40, 50, 60), points=(0, 1, 2, 3, 4, 5))
    minors_share: Points = Points(bounds=(0.15, 0.25, 0.35), points=(0, 1, 2, 3))
    elderly_share: Points = Points(bounds=(0.10, 0.20, 0.30), points=(0, 1, 2, 3))
    strain: Points = Points(
        bounds=(0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0), points=(0, 1, 2, 3, 4, 5, 6, 7)
    )

    def tables(self) -> dict[str, PointTable]:
        """Points of every part, in the order in which they are shown."""
        return {
            "provider_ratio": self.provider_ratio.table(),
            "travel_min": self.travel_min.table(),
            "minors_share": self.minors_share.table(),
            "elderly_share": self.elderly_share.table(),
            "strain": self.strain.table(),
        }


class ReferralStep(Model):
    """One step of the referral chain: which sites it ends at, and how far they may be."""

    code: str = Field(pattern=r"[a-z][a-z0-9_]*")
    name: Text = Field(description="short name, said in the chain of a place")
    kinds: tuple[Kind, ...] = Field(min_length=1)
    names: str = Field(default="", description="regular expression found in the site's name")
    staffed: bool = Field(default=False, description="not where the staff is said to be 0")
    mode: Literal["foot", "car"] = "car"
    threshold_min: float = Field(gt=0, description="can be taken within so many minutes, inclusive")

    @field_validator("names")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return pattern


_PSYCHIATRIC = "精神|脑科|安定医院|康宁医院|心理医院"


class Referral(Model):
    """The referral chain, from the front of the service to its end."""

    steps: tuple[ReferralStep, ...] = Field(
        default=(
            ReferralStep(
                code="room",
                name=Text(zh="咨询室", en="room"),
                kinds=(Kind.COUNSELLING_ROOM,),
                mode="foot",
                threshold_min=15,
            ),
            ReferralStep(
                code="station",
                name=Text(zh="乡镇站", en="town station"),
                kinds=(Kind.COUNSELLING_ROOM, Kind.PRIMARY_CARE),
                names="(服务|指导|镇|乡|街道)站|卫生院|社区卫生服务中心",
                threshold_min=30,
            ),
            ReferralStep(
                code="hospital",
                name=Text(zh="医院心理门诊", en="hospital clinic"),
                kinds=(Kind.HOSPITAL,),
                names=f"^(?!.*({_PSYCHIATRIC}))",
                staffed=True,
                threshold_min=60,
            ),
            ReferralStep(
                code="psychiatric",
                name=Text(zh="精神专科", en="psychiatric hospital"),
                kinds=(Kind.HOSPITAL,),
                names=_PSYCHIATRIC,
                threshold_min=60,
            ),
        ),
        min_length=1,
        max_length=4,
        description="one to four steps",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Referral:
        codes = [step.code for step in self.steps]
        if len(codes) != len(set(codes)) or "broken" in codes:
            raise ValueError("steps: each needs a code of its own, and not 'broken'")
        return self


class Siting(Model):
    """What is asked of a place for a new counselling room: one county's standard.

    Of the words found in a place's name the last one says whose it is; a village's without any.
    """

    town_area_m2: float = Field(default=50.0, ge=0)
    village_area_m2: float = Field(default=20.0, ge=0)
    town_words: tuple[str, ...] = ("镇", "乡", "街道", "办事处", "卫生院", "社区卫生服务中心")
    village_words: tuple[str, ...] = ("村", "社区", "居委", "小区")


class Disclosure(Model):
    """Small counts are withheld before publication."""

    k: int = Field(default=10, ge=5, description="counts from 1 to k-1 are withheld")
    min_denominator: float = Field(default=100, ge=1)


class Forecast(Model):
    """What is expected in the weeks to come, and from how many weeks it is judged."""

    history_weeks: int = Field(default=156, ge=46, description="weeks it is made and judged from")
    horizon: int = Field(default=8, ge=1, le=26, description="weeks to come")


class Intake(Model):
    """Where departments put files beside the configured paths, and what looks doubtful."""

    drop: str = Field(default="收件箱", description="drop folder, under the data folder")
    returns: str = Field(default="退回", description="where workbooks with refused rows go")
    jump_factor: float = Field(
        default=5.0, gt=1, description="times the area's own usual count that is called a jump"
    )
    jump_min: float = Field(default=20, ge=1, description="no jump below this difference")
    zero_weeks: int = Field(
        default=8, ge=2, description="zeros in a row after usual figures that are doubted"
    )
    near_m: float = Field(
        default=200.0, gt=0, description="nearer, two sites of like names may be one"
    )


class Schedule(Model):
    """When the clock works, in the locality's own time."""

    drop_minutes: int = Field(default=10, ge=1, le=720, description="look at the drop folder")
    notify_minutes: int = Field(default=5, ge=1, le=720, description="send notices that are due")
    build: str = Field(default="02:30", pattern=r"([01]\d|2[0-3]):[0-5]\d")
    publish: str = Field(default="07:00", pattern=r"([01]\d|2[0-3]):[0-5]\d")
    publish_day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "mon"
    grace_hours: float = Field(default=12.0, gt=0, description="how late a run may still start")
    retries: int = Field(default=3, ge=0, description="after a failure, each after twice the wait")
    retry_minutes: float = Field(default=5.0, gt=0, description="wait before the first retry")


class Publish(Model):
    """What a snapshot holds."""

    weeks: int = Field(default=26, ge=1, description="weeks on the slider, newest last")
    min_reported_share: float = Field(
        default=0.8, gt=0, le=1, description="below it a rolled-up count is no data"
    )
