"""One message to one address by HTTP POST, signed, with the standard library."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from etl.notices.errors import NotSentError
from etl.notices.mail import secret, tls_context
from etl.notices.settings import Subscription

TIMEOUT_S = 15.0
_ANSWER_BYTES = 500


def signature(key: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over time and body, as the header carries it."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def send(
    subscription: Subscription,
    content: Mapping[str, Any],
    *,
    now: datetime,
    folder: Path,
    environ: Mapping[str, str],
) -> str:
    """Post a message.

    Returns
    -------
    What the server answered.

    Raises
    ------
    NotSentError : the server is away, refuses or redirects; or was cut off before it answered.
    """
    where = urlsplit(str(subscription.url)).netloc  # a path may hold the receiver's own key
    request = _request(subscription, content, now=now, environ=environ)
    handlers = [_NoRedirect(), ProxyHandler({})]  # straight to the host, and to no other
    if request.type == "https":
        handlers.append(HTTPSHandler(context=tls_context(subscription.ca_file, folder)))
    try:
        with build_opener(*handlers).open(request, timeout=TIMEOUT_S) as answer:
            words = answer.read(_ANSWER_BYTES).decode("utf-8", "replace")
            return f"{answer.status} {' '.join(words.split())}".strip()
    except HTTPError as exc:
        exc.close()
        if 300 <= exc.code < 400:
            raise NotSentError(f"{where}: {exc.code}, redirected; give the final `url`") from exc
        # One that fails inside may have kept the message before it did.
        raise NotSentError(f"{where}: {exc.code} {exc.reason}", arrived=exc.code >= 500) from exc
    except URLError as exc:
        raise NotSentError(f"{where}: {exc.reason}", away=True) from exc
    except (OSError, HTTPException) as exc:
        why = str(exc) or type(exc).__name__
        raise NotSentError(f"{where}: {why}; it may have arrived", arrived=True, away=True) from exc


def _request(
    subscription: Subscription,
    content: Mapping[str, Any],
    *,
    now: datetime,
    environ: Mapping[str, str],
) -> Request:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "xintu",
        "Idempotency-Key": str(content["id"]),
        "X-Xintu-Timestamp": stamp,
    }
    if subscription.secret_env is not None:
        key = secret(subscription.secret_env, environ)
        headers["X-Xintu-Signature"] = signature(key, stamp, body)
    return Request(str(subscription.url), data=body, headers=headers, method="POST")  # noqa: S310 - http and https only, by the settings


class _NoRedirect(HTTPRedirectHandler):
    """Follows nobody: a notice goes where the settings say."""

    def redirect_request(self, *_args: Any) -> None:
        """No new request, so that the answer is an error."""
