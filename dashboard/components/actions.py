"""Buttons that change what the map shows: what they set rides on them, one script applies it."""

from __future__ import annotations

import json
from typing import Any

from dash import html


def set_button(
    children: Any,
    patch: dict[str, Any],
    *,
    class_name: str,
    role: str | None = None,
    on: bool | None = None,
    label: str | None = None,
    move: bool = False,
) -> html.Button:
    """A button that lays `patch` over the state of the page.

    Parameters
    ----------
    children : what is on it.
    patch : keys of `Choices` with their new values.
    class_name : CSS class.
    role : `radio` where exactly one of a group is on; then `on` becomes `aria-checked`.
    on : whether its choice is the current one; None where that has no meaning.
    label : accessible name where `children` is not text enough.
    move : whether the camera goes to the place.
    """
    attributes: dict[str, Any] = {"data-set": json.dumps(patch, ensure_ascii=False)}
    if on is not None:
        attributes["aria-checked" if role == "radio" else "aria-pressed"] = str(on).lower()
    if label is not None:
        attributes["aria-label"] = label
    if move:
        attributes["data-move"] = ""
    if role is not None:
        attributes["role"] = role
    return html.Button(children, className=class_name, **attributes)
