"""Section `[response]` of `xintu.toml`: who answers which tier, how soon, by which service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from etl.model import Model, Text
from geo.model import Kind, Tier

TIERS = {"blue": Tier.BLUE, "yellow": Tier.YELLOW, "orange": Tier.ORANGE, "red": Tier.RED}
_SPAN = r"([1-9]\d*[hd])?"


class Office(Model):
    """An office that may act on warnings; never a person."""

    code: str = Field(pattern=r"[a-z0-9][a-z0-9_-]{0,31}", description="stands in the record")
    name: Text
    level: Literal["village", "town", "county"] = Field(
        description="a county office acts everywhere, others in their own area"
    )
    area_code: str = Field(description="of the area that it serves")

    def serves(self, *, town_code: str, areas: frozenset[str]) -> bool:
        """Whether a warning of that town and these areas is this office's to act on."""
        return self.level == "county" or self.area_code == town_code or self.area_code in areas


class TierStandard(Model):
    """What one tier asks for. Spans are `24h` or `7d`; empty where nothing is asked."""

    action: Text = Field(description="what is done")
    answers: Text = Field(description="who does it, in words")
    level: Literal["village", "town", "county"] = Field(description="whose turn it is")
    acknowledge: str = Field(pattern=_SPAN, description="to be acknowledged within")
    respond: str = Field(pattern=_SPAN, description="to be responded to within; empty: watch")
    kinds: tuple[Kind, ...] = Field(description="kinds of sites that can answer")
    mode: Literal["foot", "car"]


# The default standards of the plans; they name no time to acknowledge, which is ours.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "blue": {
        "action": Text(zh="关注，下次周会复核", en="watch, next weekly review"),
        "answers": Text(zh="乡镇（街道）站", en="town station"),
        "level": "town",
        "acknowledge": "7d",
        "respond": "",
        "kinds": (),
        "mode": "car",
    },
    "yellow": {
        "action": Text(zh="上门提供服务", en="offer outreach"),
        "answers": Text(zh="乡镇（街道）站", en="town station"),
        "level": "town",
        "acknowledge": "2d",
        "respond": "7d",
        "kinds": (Kind.COUNSELLING_ROOM, Kind.PRIMARY_CARE, Kind.HOTLINE),
        "mode": "car",
    },
    "orange": {
        "action": Text(zh="派出心理服务队", en="send a counselling team"),
        "answers": Text(zh="县级社会心理服务中心", en="county centre"),
        "level": "county",
        "acknowledge": "1d",
        "respond": "3d",
        "kinds": (Kind.GUIDANCE_CENTRE, Kind.SERVICE_ORG, Kind.HOTLINE),
        "mode": "car",
    },
    "red": {
        "action": Text(
            zh="提供危机干预，并报联席会议",
            en="crisis intervention, report to the joint meeting",
        ),
        "answers": Text(zh="危机干预队", en="crisis team"),
        "level": "county",
        "acknowledge": "4h",
        "respond": "24h",
        "kinds": (Kind.HOSPITAL, Kind.GUIDANCE_CENTRE, Kind.HOTLINE),
        "mode": "car",
    },
}


class Response(Model):
    """How warnings are answered."""

    blue: TierStandard = TierStandard.model_validate(_DEFAULTS["blue"])
    yellow: TierStandard = TierStandard.model_validate(_DEFAULTS["yellow"])
    orange: TierStandard = TierStandard.model_validate(_DEFAULTS["orange"])
    red: TierStandard = TierStandard.model_validate(_DEFAULTS["red"])
    offices: tuple[Office, ...] = ()
    earlier_weeks: int = Field(
        default=8, ge=1, description="a warning that comes back so soon names the earlier one"
    )
    reach_min: float = Field(default=120.0, gt=0, description="no site farther is told")

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """What a locality says of a tier is laid over the standard of that tier."""
        if not isinstance(given, dict):
            return given
        laid = {
            tier: {**_DEFAULTS[tier], **own}
            for tier, own in given.items()
            if tier in _DEFAULTS and isinstance(own, dict)
        }
        return {**given, **laid}

    @model_validator(mode="after")
    def _distinct(self) -> Response:
        codes = [office.code for office in self.offices]
        if doubled := {code for code in codes if codes.count(code) > 1}:
            raise ValueError(f"offices: code used twice: {', '.join(sorted(doubled))}")
        return self

    def standard(self, tier: int) -> TierStandard:
        """Standard of a tier, blue or above."""
        name = next(name for name, value in TIERS.items() if value == tier)
        found: TierStandard = getattr(self, name)
        return found

    def assigned(self, tier: int, *, town_code: str, areas: frozenset[str]) -> str | None:
        """Code of the first office whose turn it is; None where none is registered."""
        level = self.standard(tier).level
        # What spans several towns no town station can answer for.
        wanted = (level, "county") if level != "county" else ("county",)
        for level_now in wanted:
            for office in self.offices:
                if office.level == level_now and office.serves(town_code=town_code, areas=areas):
                    return office.code
        return None


def span_of(text: str) -> tuple[int, str] | None:
    """Number and unit of `24h` or `7d`; None for the empty span."""
    return (int(text[:-1]), text[-1]) if re.fullmatch(r"[1-9]\d*[hd]", text) else None
