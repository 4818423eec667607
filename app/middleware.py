"""What stands before and around the routes: headers that every answer carries, and the one place that sees every
request begin and end. Pure ASGI: nothing here sees a body."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.asker import REFUSED, REQUEST_ID, address_of

# Nothing is loaded from another host and no script stands in the page. Plotly sets style attributes and draws its
# exports from data: and blob: URLs.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-elem 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
RESOURCE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
SECURITY_HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    *RESOURCE_HEADERS,
]
SENT_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")  # that a proxy gave the request; anything else gets one of our own


def headers_for(path: str) -> list[tuple[bytes, bytes]]:
    """A policy governs documents: on each of the page's scripts and sheets it would be half a kilobyte for nothing."""
    return RESOURCE_HEADERS if path.startswith("/static/") and not path.endswith(".svg") else SECURITY_HEADERS


@dataclass(frozen=True)
class Seen:
    """One request as it ended. route: the path as documented, or "other". seconds: until the last byte was handed over.
    status: 0 where no answer was begun. error: what the server failed on, told to the log and to nobody else."""

    request_id: str
    method: str
    path: str
    route: str
    status: int
    seconds: float
    address: str
    error: Exception | None = None


class Around:
    """Gives each request of `app` its id, each answer its headers, and tells `ended` of each."""

    def __init__(self, app: ASGIApp, ended: Callable[[Seen], None]) -> None:
        self.app, self.ended = app, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request_id = _sent_id(scope) or token_hex(8)
        own = (b"x-request-id", request_id.encode())
        method = scope["method"]
        if method == "HEAD" and not scope["path"].startswith("/static/"):
            scope = {**scope, "method": "GET"}  # answered as a GET; the server leaves the body away
        scope[REQUEST_ID] = request_id

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *headers_for(scope["path"]), own]
            await send(message)

        failed: Exception | None = None
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            failed = error
            if not status:
                raise
        finally:
            seconds, address = time.perf_counter() - began, address_of(scope)
            status = scope.get(REFUSED, status)
            self.ended(Seen(request_id, method, scope["path"], _route(scope), status, seconds, address, failed))


def _sent_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SENT_ID.fullmatch(value):
            return str(value.decode())
    return ""


def _route(scope: Any) -> str:
    """Few values, whatever clients ask for: what counts requests keeps them all."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return getattr(scope.get("route"), "path", "other")
