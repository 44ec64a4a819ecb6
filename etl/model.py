"""What configuration is made of: a strict base, and texts in two languages."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Model):
    """A visible string in both languages."""

    zh: str
    en: str
