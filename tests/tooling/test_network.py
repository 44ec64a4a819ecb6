"""No test leaves this machine."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from tests.support.network import OffMachineError, is_loopback

# 203.0.113.0/24 and example.org are reserved for documentation (RFC 5737, RFC 2606).


@pytest.mark.parametrize("host", ["203.0.113.1", "2001:db8::1", "example.org"])
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(OffMachineError, match="loopback"):
        socket.create_connection((host, 80), timeout=1)


def test_refusal_is_not_taken_for_a_network_failure() -> None:
    with pytest.raises(OffMachineError):
        urllib.request.urlopen("http://203.0.113.1/", timeout=1)


def test_datagrams_are_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(OffMachineError),
    ):
        sender.sendto(b"x", ("203.0.113.1", 53))


def test_loopback_works() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2], timeout=5) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            client.sendall("心".encode())
            assert accepted.recv(8).decode() == "心"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("fe80::1%eth0", False),
        ("localhost", True),
        (b"localhost", True),
        (None, True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_is_loopback(host: object, expected: bool) -> None:
    assert is_loopback(host) is expected
