"""What a layer is, how its values fall into classes, and the layers gathered for publication."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from etl.model import Text
from etl.store.writer import PublishedLayer
from geo.model import LEVELS, Level, Missing

Floats = npt.NDArray[np.float64]
States = npt.NDArray[np.uint8]

ZERO_CLASS = 15
N_CLASSES = 5

Palette = Literal["access", "gap", "tier", "sequential"]
Group = Literal["coverage", "access", "gap", "warning", "need", "population"]


@dataclass(frozen=True)
class LayerText:
    """Visible words of a layer."""

    name: Text
    unit: Text
    definition: Text


@dataclass(frozen=True)
class LayerSpec:
    """How a layer is named, measured and classed.

    Attributes
    ----------
    breaks : upper ends of the classes but the last, ascending, inclusive; empty when the value
        itself is the class (gap, tier).
    on_map : False for figures that only stand in words: totals say nothing as a colour.
    labels : names of the classes, lowest first, where the value is a class that no palette names.
    """

    code: str
    group: Group
    palette: Palette
    text: LayerText
    breaks: tuple[float, ...] = ()
    weekly: bool = False
    measure: str | None = None
    kind: str | None = None
    on_map: bool = True
    labels: tuple[Text, ...] = ()

    def classes(self, values: Floats, states: States) -> States:
        """Class byte of each value: state * 16 + class, 15 for a true zero."""
        if not self.on_map:
            classes = np.zeros(len(values), dtype=np.int64)
        elif self.breaks:
            classes = np.searchsorted(np.asarray(self.breaks), values, side="left")
            classes = np.where(values == 0, ZERO_CLASS, classes)
        else:
            classes = np.nan_to_num(values, nan=0).astype(np.int64)
        shown = (states == Missing.OK) | (states == Missing.UNRELIABLE)
        coded = states.astype(np.int64) * 16 + np.where(shown, classes, 0)
        return coded.astype(np.uint8)

    def meta(self, levels: Sequence[Level], fills: Sequence[str]) -> dict[str, Any]:
        """Entry for the snapshot's `meta`; `fills` are those that are no class."""
        return {
            "code": self.code,
            "group": self.group,
            "palette": self.palette,
            "name": self.text.name.model_dump(),
            "unit": self.text.unit.model_dump(),
            "definition": self.text.definition.model_dump(),
            "breaks": list(self.breaks),
            "weekly": self.weekly,
            "measure": self.measure,
            "kind": self.kind,
            "on_map": self.on_map,
            "labels": [label.model_dump() for label in self.labels],
            "levels": [level.value for level in levels],
            "fills": list(fills),
        }


@dataclass
class LayerBook:
    """All layers of one build, kept until publication."""

    specs: dict[str, LayerSpec] = field(default_factory=dict)
    levels: dict[str, set[Level]] = field(default_factory=dict)
    fills: dict[str, set[str]] = field(default_factory=dict)
    rows: list[PublishedLayer] = field(default_factory=list)

    def add(
        self,
        spec: LayerSpec,
        level: Level,
        values: Floats,
        *,
        states: States | None = None,
        week: str = "",
    ) -> None:
        """Keep one layer; a NaN without a state is no data, and a withheld value is blanked."""
        if states is None:
            states = np.where(np.isnan(values), int(Missing.NO_DATA), int(Missing.OK)).astype(
                np.uint8
            )
        shown = (states == Missing.OK) | (states == Missing.UNRELIABLE)
        values = np.where(shown, values, np.nan)
        self.specs.setdefault(spec.code, spec)
        self.levels.setdefault(spec.code, set()).add(level)
        classes = spec.classes(values, states)
        self.fills.setdefault(spec.code, set()).update(_fills(spec, values, states))
        self.rows.append(
            PublishedLayer(
                level=level.value,
                layer=spec.code,
                week=week,
                values=values,
                states=states,
                classes=classes,
            )
        )

    def values(self, code: str, level: Level) -> Floats | None:
        """What is published of a layer on one level, of a weekly one its newest week.

        NaN where nothing is shown; None where the level does not have the layer.
        """
        found = [row for row in self.rows if row.layer == code and row.level == level.value]
        return found[-1].values if found else None

    def meta(self) -> list[dict[str, Any]]:
        """Entries of all layers, in the order they were first added."""
        return [
            spec.meta(
                [level for level in LEVELS if level in self.levels[code]], sorted(self.fills[code])
            )
            for code, spec in self.specs.items()
        ]

    def __iter__(self) -> Iterator[PublishedLayer]:
        return iter(self.rows)


def _fills(spec: LayerSpec, values: Floats, states: States) -> set[str]:
    """Fills that are no class: states that occur, and the true zero."""
    found = {Missing(int(state)).name.lower() for state in np.unique(states)}
    zero = {"zero"} if spec.breaks and (values == 0).any() else set()
    return (found | zero) - {Missing.OK.name.lower()}


def quantile_breaks(values: Floats, *, n_classes: int = N_CLASSES) -> tuple[float, ...]:
    """Class ends from the quantiles of the positive values, rounded to two digits, ascending.

    Fewer classes come back where the values are too few or too equal to fill them.
    """
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size == 0:
        return (1.0,)
    ends = np.quantile(positive, np.arange(1, n_classes) / n_classes)
    rounded = sorted({_two_digits(float(end)) for end in ends})
    return tuple(rounded)


def _two_digits(value: float) -> float:
    digits = 1 - int(np.floor(np.log10(value)))
    return round(value, digits)
