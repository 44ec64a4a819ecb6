"""Keeps every test on this machine, and finds it a port there."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

LOOPBACK_NAMES = frozenset({"", "localhost"})


class OffMachineError(AssertionError):
    """A test tried to reach another host.

    Not an OSError, so that code which retries or swallows network failures cannot hide it.
    """


def is_loopback(host: object) -> bool:
    """Say whether `host`, a name or an address, is this machine; None and "" mean it, too."""
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.lower() in LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    # 0.0.0.0 and :: are what a server listens on, never another host.
    return address.is_loopback or address.is_unspecified


def refuse_off_machine(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: raise on any socket call, from Python or from C, that names another host."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        # Paths and bytes are Unix sockets; sendmsg on a connected socket names nobody.
        host = address[0] if isinstance(address, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        host = args[0]
    else:
        return
    if not is_loopback(host):
        raise OffMachineError(f"{event} to {host!r}: tests reach nothing but loopback")


def close_network() -> None:
    """Refuse other hosts from now until the interpreter ends; an audit hook cannot be removed."""
    sys.addaudithook(refuse_off_machine)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
