"""Every component id exists once and comes from `dashboard.ids`; no two callbacks own an output."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from dash import Dash
from dash.development.base_component import Component

from dashboard import ids
from dashboard.app import PAGES
from etl.store.reader import Reader
from tests.support.dashboard_pages import page_context

pytest_plugins = ("tests.support.dashboard_fixtures",)

NAMES = {value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str)}
# An anchor that the skip link goes to, not an end of a callback.
ANCHORS = {"content"}
# The map component makes its ids from the prefix it is given.
PARTS = ("view", "picked", "state", "graph", "host", "over", "map")


def found_ids(component: object) -> Iterator[str]:
    """Ids in a layout."""
    if isinstance(component, Component):
        if getattr(component, "id", None) is not None:
            yield str(component.id)
        yield from found_ids(getattr(component, "children", None))
    elif isinstance(component, list | tuple):
        for child in component:
            yield from found_ids(child)


def known(component_id: str) -> bool:
    if component_id.startswith("{"):
        # One of many alike: its type is the name, its index tells them apart.
        return str(ast.literal_eval(component_id)["type"]) in NAMES
    prefix, _, part = component_id.rpartition("-")
    return component_id in NAMES | ANCHORS or (part in PARTS and any(
        name.startswith(prefix) for name in NAMES
    ))  # fmt: skip


def test_ids_are_written_once_and_say_page_thing_kind() -> None:
    values = [v for n, v in vars(ids).items() if n.isupper() and isinstance(v, str)]
    assert [value for value, n in Counter(values).items() if n > 1] == []
    assert [value for value in values if not re.fullmatch(r"[a-z]+(-[a-z]+)+", value)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.PATH)
def test_ids_of_a_page_are_known_and_exist_once(page: object, published_reader: Reader) -> None:
    layout = page.layout(page_context(published_reader, page.PATH))
    counted = Counter(found_ids(layout))
    assert counted
    assert [name for name, n in counted.items() if n > 1] == []
    assert [name for name in counted if not known(name)] == []


def test_callbacks_use_known_ids_and_own_their_outputs(dashboard_app: Dash) -> None:
    outputs: list[str] = []
    ends: set[str] = set()
    for callback in dashboard_app._callback_list:
        written = [part for part in re.split(r"\.\.\.|\.\.", callback["output"]) if part]
        outputs += [part for part in written if not part.startswith(("clientside", "_no_out"))]
        ends |= {end["id"] for key in ("inputs", "state") for end in callback[key]}
    outputs = [output for output in outputs if "@" not in output]
    assert [output for output, n in Counter(outputs).items() if n > 1] == []
    ends |= {output.rpartition(".")[0] for output in outputs if "." in output}
    assert sorted(end for end in ends if not known(end)) == []
