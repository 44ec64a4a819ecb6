"""The sections `[mail]` and `[[notices]]`: the way out, and who is told of what, when."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from etl.model import Model, Text
from geo.model import Tier

Event = Literal["new", "raised", "overdue", "faded"]
TierName = Literal["blue", "yellow", "orange", "red"]
# Ports of RFC 5321, RFC 6409 and RFC 8314.
PORTS = {"none": 25, "starttls": 587, "tls": 465}
CLOCK = r"([01]\d|2[0-3]):[0-5]\d"

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def _address(address: str) -> str:
    if not address.isascii():
        raise ValueError(
            f"{address!r}: characters beyond ASCII, which many mail servers refuse; "
            "give the address in Latin letters"
        )
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r}: not a mail address; wanted office@host, without a name")
    return address


def _variable(name: str | None) -> str | None:
    if name is not None and not _VARIABLE.fullmatch(name):
        raise ValueError(
            "wanted the name of an environment variable in capitals, such as XINTU_MAIL_PASSWORD; "
            "the secret itself never stands in this file"
        )
    return name


def _web_address(address: str | None) -> str | None:
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or not address.isascii() or not address.isprintable() or " " in address:
        raise ValueError("not an address; wanted http://host/path or https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; use secret_env, which signs each notice")
    return address


class Mail(Model):
    """The mail server that notices leave by."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$")
    port: int | None = Field(default=None, ge=1, le=65535, description="by `tls` if unset")
    tls: Literal["none", "starttls", "tls"] = "starttls"
    sender: str
    username: str | None = None
    password_env: str | None = None
    ca_file: str | None = Field(default=None, description="PEM, in the folder")
    timeout_s: float = Field(default=30.0, gt=0, le=120)

    _sender = field_validator("sender")(_address)
    _password_env = field_validator("password_env")(_variable)

    @model_validator(mode="after")
    def _logs_in(self) -> Mail:
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username and password_env go together")
        name = self.username
        if name is not None and not (name and name.isascii() and name.isprintable()):
            raise ValueError("username: empty, beyond ASCII or with control characters")
        if self.username is not None and self.tls == "none":
            raise ValueError(
                "tls = 'none' would send the password in the clear; use starttls or tls, "
                "or a server that asks for none"
            )
        return self

    @property
    def server_port(self) -> int:
        """Port that is used."""
        return self.port or PORTS[self.tls]


class Subscription(Model):
    """Who is told of which warnings, how and when."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    title: Text
    via: Literal["mail", "webhook"]
    to: tuple[str, ...] = Field(default=(), description="mail addresses of offices")
    url: str | None = None
    secret_env: str | None = None
    ca_file: str | None = Field(default=None, description="PEM, in the folder")
    tier: TierName = Field(default="yellow", description="the least")
    measures: tuple[str, ...] = ()
    areas: tuple[str, ...] = Field(default=(), description="codes; all below belongs to them")
    languages: tuple[Literal["zh", "en"], ...] = Field(default=("zh",), min_length=1)
    events: tuple[Event, ...] = Field(default=("new", "raised", "overdue"), min_length=1)
    batch_minutes: int | None = Field(default=None, ge=1, le=1440)
    daily_at: str | None = Field(default=None, pattern=f"^{CLOCK}$")
    quiet: str | None = Field(default=None, pattern=f"^{CLOCK}-{CLOCK}$")
    red_breaks_quiet: bool = True
    dashboard: str | None = Field(default=None, description="address of the pages, for a link")

    _secret_env = field_validator("secret_env")(_variable)
    _addresses = field_validator("url", "dashboard")(_web_address)

    @field_validator("to")
    @classmethod
    def _offices(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            _address(address)
        return addresses

    @field_validator("to", "measures", "areas", "languages", "events")
    @classmethod
    def _once(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({entry for entry in entries if entries.count(entry) > 1}):
            raise ValueError(f"twice: {', '.join(twice)}")
        return entries

    @model_validator(mode="after")
    def _sensible(self) -> Subscription:
        if self.via == "mail":
            if not self.to or self.url or self.secret_env or self.ca_file:
                raise ValueError("via = 'mail' needs `to`; url, secret_env and ca_file are for "
                                 "webhooks")  # fmt: skip
        elif self.url is None or self.to:
            raise ValueError("via = 'webhook' needs `url`; `to` is for mail")
        if self.batch_minutes is not None and self.daily_at is not None:
            raise ValueError("batch_minutes or daily_at, not both")
        if self.quiet is not None:
            start, end = self.quiet.split("-")
            if start == end:
                raise ValueError("quiet: begins when it ends; leave it out for no quiet hours")
            within = start <= (at := self.daily_at or end) < end
            if start > end:
                within = at >= start or at < end
            if within:
                raise ValueError(f"daily_at {at} lies within the quiet hours {self.quiet}")
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Addresses that a notice goes to, each by itself."""
        return self.to if self.via == "mail" else (str(self.url),)

    @property
    def least(self) -> Tier:
        """The lowest tier it is told of."""
        return Tier[self.tier.upper()]
