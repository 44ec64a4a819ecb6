"""Every example in a docstring of geo runs, and every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import geo

MODULES = [
    module.name
    for module in pkgutil.walk_packages(geo.__path__, "geo.")
    if not module.name.split(".")[-1].startswith("_")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_public_functions_have_an_example(name: str) -> None:
    module = importlib.import_module(name)
    without = [
        function.__name__
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == name
        and not function.__name__.startswith("_")
        and ">>>" not in (function.__doc__ or "")
    ]
    assert without == []
