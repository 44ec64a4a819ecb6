"""Compiled loops of geo, and for which arguments each has been compiled so far."""

from __future__ import annotations

import importlib
import pkgutil

from numba.core.dispatcher import Dispatcher

import geo


def compiled_loops() -> dict[tuple[str, str], Dispatcher]:
    """Every compiled loop by module and name."""
    loops = {}
    for module in pkgutil.walk_packages(geo.__path__, "geo."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                loops[module.name, name] = value
    return loops


def signatures() -> set[tuple[str, str, str]]:
    """What has been compiled: module, loop, types of the arguments."""
    return {
        (*key, str(types)) for key, loop in compiled_loops().items() for types in loop.signatures
    }
