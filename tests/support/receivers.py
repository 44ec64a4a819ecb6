"""Real servers on this machine that notices are sent to: SMTP, and HTTP."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.network import free_port


def certificate(folder: Path, *, name: str = "own") -> tuple[Path, Path]:
    """A self-made certificate for 127.0.0.1 with its key, as PEM files."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@dataclass
class Mailbox:
    """What a mail server took, and what it refuses.

    Attributes
    ----------
    refused : recipients it answers with 550.
    answer : to a whole message.
    hang_up : closes the connection when it has the whole message, without an answer.
    """

    user: str = ""
    password: str = ""
    refused: set[str] = field(default_factory=set)
    answer: str = "250 taken as 4711"
    hang_up: bool = False
    took: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such office"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if not self.answer.startswith("2"):
            return self.answer
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self.raw.append(raw)
        self.took.append(message_from_bytes(raw, policy=default))  # type: ignore[arg-type]
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        self.greetings.append(str(session.host_name))
        if self.hang_up:
            server.transport.abort()
        return self.answer

    def authenticator(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False)
        right = (self.user.encode(), self.password.encode())
        return AuthResult(success=(data.login, data.password) == right, handled=False)

    def texts(self) -> list[str]:
        """Plain text of each message."""
        bodies = [message.get_body(("plain",)) for message in self.took]
        return [body.get_content() for body in bodies if body is not None]


@contextmanager
def mail_server(
    box: Mailbox, *, tls: tuple[Path, Path] | None = None, port: int = 0
) -> Iterator[int]:
    """A mail server on 127.0.0.1; yields its port. With a certificate it insists on STARTTLS."""
    import ssl

    # Told its name: asking the system for it would ask the network.
    options: dict[str, Any] = {"server_hostname": "mail.example.org"}
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*tls)
        options |= {"tls_context": context, "require_starttls": True}
    if box.user:
        options |= {"authenticator": box.authenticator, "auth_required": True}
    controller = Controller(box, hostname="127.0.0.1", port=port or free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a web server was sent, and how it answers.

    Attributes
    ----------
    wait_s : before it answers.
    """

    status: int = 200
    location: str = ""
    body: bytes = b"ok"
    wait_s: float = 0.0
    port: int = 0
    took: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def web_server(hook: Hook) -> Iterator[str]:
    """A web server on 127.0.0.1; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            hook.took.append((self.path, dict(self.headers.items()), self.rfile.read(length)))
            time.sleep(hook.wait_s)
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", str(len(hook.body)))
            self.end_headers()
            self.wfile.write(hook.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is part of a test."""

    server = Quiet(("127.0.0.1", hook.port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
