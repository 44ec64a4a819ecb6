"""The pages: each module has `PATH`, `layout(context)` and `register(app, services)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dash import ClientsideFunction, Dash, Input, Output, State
from dash.development.base_component import Component

from dashboard.address import Address
from dashboard.desk import Desk
from dashboard.planner import Planner
from dashboard.text import Catalog
from etl.store.reader import Reader

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class PageContext:
    """What a page is drawn from.

    Attributes
    ----------
    reader : published snapshots.
    address : what the address asks for.
    text : strings of the address's language.
    theme : `light` or `dark`, as resolved in the browser.
    now_utc : the time of the request.
    desk : where offices act on warnings; None where nobody may.
    planner : where it is asked where sites should be; None where nobody may.
    """

    reader: Reader
    address: Address
    text: Catalog
    theme: str
    now_utc: datetime
    desk: Desk | None = None
    planner: Planner | None = None


@dataclass(frozen=True)
class Services:
    """What the callbacks of a page may use.

    Attributes
    ----------
    reader : published snapshots, and how warnings are answered.
    now : clock, in UTC.
    desk : where offices act on warnings; None where nobody may.
    planner : where it is asked where sites should be; None where nobody may.
    """

    reader: Reader
    now: Clock
    desk: Desk | None = None
    planner: Planner | None = None


class Page(Protocol):
    """A module under `dashboard.pages`."""

    PATH: str

    def layout(self, context: PageContext) -> Component:
        """The whole page, header and all."""

    def register(self, app: Dash, services: Services) -> None:
        """Give the app the page's callbacks and routes."""


def in_browser(app: Dash, name: str, *ends: Input | Output | State) -> None:
    """Let a function of assets/pages.js or siting.js answer, without asking the server."""
    function = ClientsideFunction("xintu_pages", name)
    app.clientside_callback(function, *ends)  # type: ignore[no-untyped-call]
