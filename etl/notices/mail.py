"""One message to one address by SMTP (RFC 5321), with the standard library."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from etl.notices.errors import NotSentError
from etl.notices.message import Letter
from etl.notices.settings import Mail

_ANSWER_CHARS = 200


def compose(letter: Letter, *, sender: str, to: str, batch_id: str, now: datetime) -> EmailMessage:
    """The message; one batch has one Message-ID, however often it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{batch_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    return message


def send(
    mail: Mail, message: EmailMessage, *, to: str, folder: Path, environ: Mapping[str, str]
) -> str:
    """Hand a message to the server.

    Returns
    -------
    What the server answered in the end.

    Raises
    ------
    NotSentError : the server is away or refuses; or was cut off after it had the whole message.
    """
    with _session(mail, folder=folder, environ=environ) as server:
        try:
            _expect(server.mail(mail.sender), f"sender {mail.sender}", away=True)
            _expect(server.rcpt(to), f"recipient {to}")
        except (OSError, smtplib.SMTPException) as exc:
            raise NotSentError(_told(mail, exc)) from exc
        try:
            code, answer = server.data(message.as_bytes())
        except smtplib.SMTPDataError as exc:
            raise NotSentError(_told(mail, exc)) from exc
        except (OSError, smtplib.SMTPException) as exc:
            raise NotSentError(f"{_told(mail, exc)}; it may have arrived", arrived=True) from exc
        _expect((code, answer), "message")
        return f"{code} {_readable(answer)}"


class _session:  # noqa: N801 - reads as a function
    """A connection, encrypted and logged in as the settings say."""

    def __init__(self, mail: Mail, *, folder: Path, environ: Mapping[str, str]) -> None:
        self._mail, self._folder, self._environ = mail, folder, environ
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> smtplib.SMTP:
        mail = self._mail
        password = None if mail.password_env is None else secret(mail.password_env, self._environ)
        if password is not None and not password.isascii():
            raise NotSentError(
                f"the password in {mail.password_env} has characters beyond ASCII, with which mail "
                "servers do not agree; choose another",
                away=True,
            )
        try:
            self._server = self._connect()
            if mail.tls == "starttls":
                self._server.starttls(context=tls_context(mail.ca_file, self._folder))
            self._server.ehlo_or_helo_if_needed()
            if mail.username is not None and password is not None:
                self._server.login(mail.username, password)
        except NotSentError:
            self._quit()
            raise
        except (OSError, smtplib.SMTPException, ValueError) as exc:
            self._quit()
            raise NotSentError(_told(mail, exc), away=True) from exc
        return self._server

    def __exit__(self, *exc_info: object) -> None:
        self._quit()

    def _connect(self) -> smtplib.SMTP:
        mail = self._mail
        # Names itself as the sender's domain: asking the system for its own name asks the network.
        name = mail.sender.rpartition("@")[2]
        if mail.tls == "tls":
            return smtplib.SMTP_SSL(
                mail.host, mail.server_port, local_hostname=name, timeout=mail.timeout_s,
                context=tls_context(mail.ca_file, self._folder),
            )  # fmt: skip
        return smtplib.SMTP(
            mail.host, mail.server_port, local_hostname=name, timeout=mail.timeout_s
        )

    def _quit(self) -> None:
        if self._server is None:
            return
        try:
            self._server.quit()
        except (OSError, smtplib.SMTPException):
            self._server.close()


def secret(variable: str, environ: Mapping[str, str]) -> str:
    """A password or key of the environment.

    Raises
    ------
    NotSentError : the variable is not set, or empty.
    """
    found = environ.get(variable, "")
    if not found:
        raise NotSentError(
            f"the environment variable {variable} is not set; set it where `xintu schedule` and "
            "`xintu run` are started",
            away=True,
        )
    return found


def tls_context(ca_file: str | None, folder: Path) -> ssl.SSLContext:
    """TLS that checks the server, against the system's authorities or a locality's own.

    Raises
    ------
    NotSentError : the file is missing or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else folder / ca_file)
    except OSError as exc:
        raise NotSentError(
            f"ca_file {ca_file}: {exc.strerror or exc}; wanted PEM certificates of the authority",
            away=True,
        ) from exc


def _expect(answer: tuple[int, bytes], what: str, *, away: bool = False) -> None:
    code, words = answer
    if not 200 <= code < 300:
        raise NotSentError(f"{what} refused: {code} {_readable(words)}", away=away)


def _told(mail: Mail, exc: Exception) -> str:
    where = f"{mail.host}:{mail.server_port}"
    if isinstance(exc, smtplib.SMTPResponseException):
        return f"{where}: {exc.smtp_code} {_readable(exc.smtp_error)}"
    return f"{where}: {str(exc) or type(exc).__name__}"


def _readable(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:_ANSWER_CHARS]
