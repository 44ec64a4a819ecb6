"""What `xintu.toml` may say of a source: its file, its columns, what its cells mean."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from etl.model import Model, Text
from geo.model import Kind, Level, PlaceQuality, RoadClass, SiteStatus


class CodeEdit(Model):
    """How a department's code becomes ours: applied in the order of the fields."""

    remove: str = Field(default="", description="every one of these characters is taken out")
    prefix: str = ""
    suffix: str = ""
    replace: dict[str, str] = Field(default_factory=dict, description="whole codes, old to new")


class SourceBase(Model):
    """What every source says of its file."""

    id: str = Field(pattern=r"[a-z0-9][a-z0-9_-]*")
    path: str = Field(default="", description="relative to the data folder; may hold * and ?")
    url: str | None = Field(default=None, description="database to ask instead of a file")
    query: str | None = Field(default=None, description="SQL, with `url`")
    title: Text | None = None
    department: str = ""
    encoding: str = Field(default="auto", description="auto: strict UTF-8, then GB18030")
    sheet: str | None = None
    layer: str | None = None
    header_row: int | Literal["auto"] = Field(
        default="auto", description="first header row, counted from 1"
    )
    header_rows: Literal["auto", 1, 2, 3] = Field(
        default="auto", description="merged headers over so many rows"
    )
    delimiter: str | None = None
    code: CodeEdit = CodeEdit()
    max_age_days: int | None = Field(default=None, description="older is shown as stale")

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if bool(self.path) == (self.url is not None):
            raise ValueError("give `path`, or `url` with `query`")
        if (self.url is None) != (self.query is None):
            raise ValueError("give `url` and `query` together")
        return self

    @property
    def file(self) -> str:
        """What its file is called where no single one is meant."""
        return self.path or f"{self.id}.csv"


# A file of one of these brings its places with it.
MAP_SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".shz", ".zip", ".kml", ".kmz", ".pbf")
Datum = Literal["WGS84", "CGCS2000", "GCJ02", "BD09"]


class AreaColumns(Model):
    """Columns of a boundary file."""

    code: str
    name: str | None = None
    parent: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None


class AreasSource(SourceBase):
    """Boundaries of one level; `parents` says how the level above is found."""

    role: Literal["areas"]
    level: Level
    datum: Datum = "WGS84"
    columns: AreaColumns
    parents: Literal["column", "prefix", "spatial"] = "spatial"
    population: dict[str, str] = Field(default_factory=dict, description="group → column")
    empty: Literal["zero", "no_data"] = Field(
        default="no_data", description="what an empty cell of `population` means"
    )


class PopulationColumns(Model):
    """Columns of a population file."""

    code: str
    groups: dict[str, str] = Field(description="group → column")


class PopulationSource(SourceBase):
    """Persons by area and group."""

    role: Literal["population"]
    level: Level
    columns: PopulationColumns
    as_of: date | None = None
    empty: Literal["zero", "no_data"] = "no_data"


class FacilityColumns(Model):
    """Columns of a facility file; what a department does not keep stays out."""

    name: str
    lon: str | None = None
    lat: str | None = None
    site_id: str | None = None
    area_code: str | None = None
    address: str | None = None
    town: str | None = None
    village: str | None = None
    kind: str | None = None
    category: str | None = None
    status: str | None = None
    staff: str | None = None
    rooms: str | None = None
    area_m2: str | None = None
    beds: str | None = None
    places: str | None = None
    pupils: str | None = None
    hours: str | None = None
    floor: str | None = None
    owner: str | None = None
    opened_on: str | None = None
    closed_on: str | None = None
    quality: str | None = None


class FacilitiesSource(SourceBase):
    """Service sites; `kind` fixed, or by column through `kinds` (whole value, then contained)."""

    role: Literal["facilities"]
    datum: Datum = "WGS84"
    columns: FacilityColumns
    kind: Kind | None = Field(default=None, description="of rows that `kinds` does not name")
    kinds: dict[str, Kind] = Field(default_factory=dict)
    categories: dict[str, str] = Field(
        default_factory=dict, description="text → category, where a target asks for some of a kind"
    )
    statuses: dict[str, SiteStatus] = Field(default_factory=dict)
    qualities: dict[str, PlaceQuality] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kind_known(self) -> FacilitiesSource:
        if self.kind is None and not (self.columns.kind and self.kinds):
            raise ValueError("give `kind`, or `columns.kind` with `kinds`")
        if (self.columns.lon is None) != (self.columns.lat is None):
            raise ValueError("give both `columns.lon` and `columns.lat`, or neither")
        if (self.columns.category is None) != (not self.categories):
            raise ValueError("give `columns.category` and `categories` together")
        columns = self.columns
        others = columns.model_dump(exclude={"owner"}).values()
        if columns.owner is not None and columns.owner in others:
            raise ValueError("`columns.owner` must be a column of its own")
        ways = (columns.lon, columns.area_code, columns.address, columns.town, columns.village)
        is_map = self.path.lower().endswith(MAP_SUFFIXES)
        if not any(ways) and not is_map:
            raise ValueError("give coordinates, `area_code`, `address`, `town` or `village`")
        return self


class NoData(Model):
    """Weeks whose figures the department never had, whatever the file holds."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")
    reason: Text
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _forward(self) -> NoData:
        if self.end < self.start:
            raise ValueError("`to` must not lie before `from`")
        return self


class ObservationColumns(Model):
    """Columns of a weekly file; a wide file has one column an area."""

    week: str
    area: str | None = None
    site: str | None = None
    measure: str | None = None
    count: str | None = None
    counts: dict[str, str] = Field(default_factory=dict, description="measure → column")


class ObservationsSource(SourceBase):
    """Weekly counts by area, long or wide."""

    role: Literal["observations"]
    level: Level
    shape: Literal["long", "wide"] = "long"
    columns: ObservationColumns
    measure: str | None = None
    measures: dict[str, str] = Field(default_factory=dict, description="value in the file → code")
    areas_by: Literal["code", "name"] = "code"
    week: Literal["monday", "sunday", "date", "iso"] = Field(
        default="iso",
        description="monday/sunday: the date a week starts on; date: any day of an ISO week",
    )
    absent: Literal["zero", "no_data"] = Field(
        default="no_data", description="what an area and week without a row means"
    )
    covers_from: date | None = Field(
        default=None, description="first week that `absent` speaks for; the file's first otherwise"
    )
    covers_to: date | None = Field(
        default=None, description="last week that `absent` speaks for; the file's last otherwise"
    )
    no_data: tuple[NoData, ...] = ()

    @model_validator(mode="after")
    def _measure_known(self) -> ObservationsSource:
        given = [self.measure is not None, self.columns.measure is not None]
        given.append(bool(self.columns.counts))
        if sum(given) != 1:
            raise ValueError("give exactly one of `measure`, `columns.measure`, `columns.counts`")
        if self.shape == "long":
            if (self.columns.area is None) == (self.columns.site is None):
                raise ValueError("a long file needs `columns.area`, or `columns.site`")
            if not self.columns.counts and self.columns.count is None:
                raise ValueError("a long file needs `columns.count` or `columns.counts`")
        elif self.measure is None:
            raise ValueError("a wide file needs `measure`")
        return self

    @model_validator(mode="after")
    def _covers_forward(self) -> ObservationsSource:
        if self.covers_from and self.covers_to and self.covers_to < self.covers_from:
            raise ValueError("`covers_to` must not lie before `covers_from`")
        return self


class ContextSource(SourceBase):
    """What lies under the data: roads with classes are travelled on, zones say where to build."""

    role: Literal["context"]
    theme: Literal["water", "road", "suitable", "excluded"]
    datum: Datum = "WGS84"
    rank: str | None = Field(default=None, description="column with 1 (main, best) to 3")
    name: str | None = Field(default=None, description="column with the name")
    road_class: str | None = Field(default=None, description="column with the class of a road")
    classes: dict[str, RoadClass] = Field(default_factory=dict, description="word → class")
    one_way: str | None = Field(default=None, description="column with the direction")
    directions: dict[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
    speed_kmh: str | None = Field(default=None, description="column with the driving speed")
    passes: str | None = Field(default=None, description="column that marks bridges and tunnels")
    crossings: Literal["join", "pass"] = Field(
        default="join", description="whether roads that cross without a shared vertex meet"
    )

    @model_validator(mode="before")
    @classmethod
    def _as_osm_has_it(cls, given: Any) -> Any:
        """An extract of OpenStreetMap says everything under names of its own."""
        if not isinstance(given, dict) or not str(given.get("path", "")).lower().endswith(".pbf"):
            return given
        usual: dict[str, str] = {"name": "name"}
        if given.get("theme") == "road":
            usual |= {"road_class": "highway", "one_way": "oneway", "crossings": "pass"}
        return usual | given

    @property
    def columns_wanted(self) -> list[str]:
        """Columns that are mapped."""
        given = (self.rank, self.name, self.road_class, self.one_way, self.speed_kmh, self.passes)
        return [name for name in given if name is not None]


class ChangeColumns(Model):
    """Columns of a file of merged and split areas: one row an old area and its successor."""

    old: str
    new: str
    since: str
    weight: str | None = None


class ChangesSource(SourceBase):
    """Areas that merged or split: how the figures of former areas follow."""

    role: Literal["changes"]
    level: Level
    columns: ChangeColumns


Source = Annotated[
    AreasSource
    | PopulationSource
    | FacilitiesSource
    | ObservationsSource
    | ContextSource
    | ChangesSource,
    Field(discriminator="role"),
]
