"""Indicators that new sites change: what an answer says, against what the pipeline publishes once
the site is in the register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.pipeline import run
from etl.policies import IndicatorSettings, registry_toml
from etl.settings import Settings
from etl.siting.answer import Answer
from etl.siting.answering import answer_question
from etl.siting.ground import read_ground
from etl.siting.question import read_question
from etl.store.engine import open_engine
from etl.store.reader import Reader
from tests.support.locality import NOW, VILLAGES, Folder

HEAD = "编号,名称,类别,分类,经度,纬度,面积,人员,房间,床位\n"
SITES = {
    "R1": "R1,松岭村咨询室,心理咨询室,村室,113.86,31.46,60,2,1,",
    "R2": "R2,东镇服务站,心理咨询室,镇站,113.96,31.44,80,4,2,",
    "V1": "V1,桥头村党群服务中心,场地,,113.95,31.34,35,,,",
    "V2": "V2,西镇文化站,场地,,113.84,31.35,70,,,",
    "S1": "S1,一小,学校,小学,113.86,31.44,,0,0,",
    "S2": "S2,二中,学校,中学,113.96,31.35,,1,0,",
    "S3": "S3,三中,学校,中学,113.95,31.33,,0,0,",
    "H1": "H1,一院,医院,精神专科,113.95,31.43,,0,,50",
    "E1": "E1,敬老院,养老,,113.85,31.35,,5,,40",
    "C1": "C1,西镇卫生院,卫生院,,113.85,31.34,90,,,",
}
KINDS = {"心理咨询室": "counselling_room", "场地": "host_venue", "学校": "school",
         "医院": "hospital", "养老": "eldercare", "卫生院": "primary_care"}  # fmt: skip
CATEGORIES = {"村室": "village_room", "镇站": "town_station", "小学": "primary",
              "中学": "secondary", "精神专科": "psychiatric"}  # fmt: skip
COLUMNS = {"site_id": "编号", "name": "名称", "kind": "类别", "category": "分类", "lon": "经度",
           "lat": "纬度", "area_m2": "面积", "staff": "人员", "rooms": "房间",
           "beds": "床位"}  # fmt: skip
CODES = ("rooms_village", "rooms_town", "schools_service", "psychiatric_clinics", "eldercare_beds",
         "eldercare_carers", "towns_rehab")  # fmt: skip


@dataclass
class Office:
    """A locality whose register of sites can be handed in again."""

    folder: Folder
    n: int = 0

    @property
    def settings(self) -> Settings:
        known = {entry["code"]: entry for entry in registry_toml("indicators.toml")["indicators"]}
        own = tuple(
            IndicatorSettings.model_validate(
                {"targets": [{"target": 0.8 if known[code].get("per") is None else 30}]}
                | known[code]
            )
            for code in CODES
        )
        found = self.folder.settings()
        config = found.config.model_copy(update={"indicators": own})
        return found.model_copy(update={"config": config})

    def publish(self, **changes: str) -> pd.DataFrame:
        """Hand in the register with other rows; the table of indicators that is then published."""
        rows = {**SITES, **changes}
        self.folder.write("sites.csv", HEAD + "\n".join(rows.values()) + "\n")
        self.n += 1
        found = run(self.settings, now=NOW + timedelta(hours=self.n))
        reader = Reader(self.folder.store_url)
        table = reader.table(found.snapshot_id, "targets").set_index("indicator")
        reader.close()
        return table

    def ask(self, site: str, **part: Any) -> Answer:
        """One new site at a place."""
        asked = {"mode": "foot", "threshold_min": 15.0, "p_new": 1,
                 "sources": ["venue", "school", "primary_care"], **part}  # fmt: skip
        engine = open_engine(self.folder.store_url)
        ground = read_ground(engine, self.settings)
        engine.dispose()
        question = read_question({"parts": [asked], "locked": [site], "time_limit_s": 5.0})
        return answer_question(ground, question)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    folder = Folder.with_areas(tmp_path)
    folder.store_url = f"sqlite:///{tmp_path / 'xintu.db'}"
    if request.param == "postgresql":
        folder.store_url = request.getfixturevalue("postgres_url")
    people = [f"{code},{2000 + 100 * i},{300 + i}" for i, code in enumerate(VILLAGES)]
    folder.write("people.csv", "\n".join(["代码,人口,老年人", *people]) + "\n")
    groups = {"code": "代码", "groups": {"total": "人口", "elderly": "老年人"}}
    folder.source("people", "population", "people.csv", level="village", columns=groups)
    folder.source("sites", "facilities", "sites.csv", kinds=KINDS, categories=CATEGORIES,
                  columns=COLUMNS)  # fmt: skip
    return Office(folder)


def assert_foretold(answer: Answer, before: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    """Every indicator that changed is told, with the values of both; the codes come back."""
    told = answer.tables["targets"].set_index("code")
    changed = {
        str(code)
        for code in before.index
        if not np.array_equal(
            before.loc[code, ["numerator", "denominator"]].to_numpy(dtype=np.float64),
            after.loc[code, ["numerator", "denominator"]].to_numpy(dtype=np.float64),
            equal_nan=True,
        )
    }
    assert set(told.index) == changed
    for code in changed:
        assert told.loc[code, "value_before"] == pytest.approx(before.loc[code, "value"])
        assert told.loc[code, "value_after"] == pytest.approx(after.loc[code, "value"])
    return changed


Case = tuple[str, dict[str, Any], Callable[[], dict[str, str]], set[str]]
# A room is taken to offer the median of those in service: 3 staff, 1.5 rooms; new beds are unknown.
CASES: dict[str, Case] = {
    "a village's room": (
        "venue:sites-V1", {},
        lambda: {"N": "N,桥头村党群服务中心,心理咨询室,村室,113.95,31.34,35,3,1.5,"},
        {"rooms_village"},
    ),
    "a town's station": (
        "venue:sites-V2", {},
        lambda: {"N": "N,西镇文化站,心理咨询室,镇站,113.84,31.35,70,3,1.5,"},
        {"rooms_village", "rooms_town"},
    ),
    "a school's own room": (
        "school:sites-S1", {"kind": "school", "sources": ["school"]},
        lambda: {"S1": "S1,一小,学校,小学,113.86,31.44,,1,1,"},
        {"schools_service"},
    ),
    "carers of the elderly": (
        "care:sites-C1", {"kind": "eldercare", "group": "elderly", "sources": ["primary_care"]},
        lambda: {"N": "N,西镇卫生院,养老,,113.85,31.34,,5,,40"},
        {"eldercare_carers", "eldercare_beds"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_answer_says_what_the_pipeline_publishes_once_the_site_is_there(
    office: Office, case: str
) -> None:
    site, part, register, wanted = CASES[case]
    before = office.publish()
    answer = office.ask(site, **part)
    after = office.publish(**register())
    assert assert_foretold(answer, before, after) == wanted
