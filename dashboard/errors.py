"""One table from what went wrong to what the page says."""

from __future__ import annotations

from dataclasses import dataclass

from geo.errors import NotPublishedError, StoreError, XintuError


@dataclass(frozen=True)
class PageState:
    """What a page shows instead of, or beside, its content.

    Attributes
    ----------
    key : text keys `common.error.<key>` and `common.error.<key>_next`.
    status : HTTP status of a route that fails so.
    """

    key: str
    status: int


NOTHING_PUBLISHED = PageState("not_published", 503)
NO_SUCH_PAGE = PageState("not_found", 404)
_STATES: tuple[tuple[type[BaseException], PageState], ...] = (
    (NotPublishedError, PageState("no_such", 404)),
    (StoreError, PageState("store", 503)),
    (XintuError, PageState("other", 500)),
    (BaseException, PageState("other", 500)),
)


def page_state(error: BaseException) -> PageState:
    """State of the page for an error: the first row of the table that fits."""
    return next(state for kind, state in _STATES if isinstance(error, kind))
