"""The examples in the docstrings of the intake."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from etl import freshness, headings, inspection, persons, proposals, returns, spreadsheet
from etl.sources import datums, gazetteer, headers, landmarks, names, overlaps, successors, values


@pytest.mark.parametrize(
    "module",
    [
        datums,
        freshness,
        gazetteer,
        headers,
        headings,
        inspection,
        landmarks,
        names,
        overlaps,
        persons,
        proposals,
        returns,
        spreadsheet,
        successors,
        values,
    ],
)
def test_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
