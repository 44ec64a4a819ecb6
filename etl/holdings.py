"""What an intake wants to know of the store; the store itself is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import geopandas as gpd
import pandas as pd

from etl.deliveries import Logged


class Holdings(Protocol):
    """What the store has already: so much need not be read again."""

    def log(self) -> tuple[Logged, ...]:
        """All deliveries, in the order in which they came."""

    def contexts(self) -> Mapping[str, str]:
        """Source → hash of all that its stored rows depend on."""

    def areas(self) -> gpd.GeoDataFrame:
        """Stored areas, as `Intake.areas`."""

    def population(self) -> pd.DataFrame:
        """Stored residents: level, area_code, group, persons."""

    def sites(self) -> pd.DataFrame:
        """Stored sites, as the frames of facility files."""

    def changes(self) -> pd.DataFrame:
        """Stored changes of areas, as the frames of such files."""
