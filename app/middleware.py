"""Headers that every answer carries. Pure ASGI: nothing here sees a body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    *RESOURCE_HEADERS,
]


def headers_for(path: str) -> list[tuple[bytes, bytes]]:
    """A policy governs documents: on each of the page's scripts and sheets it would be half a kilobyte for nothing."""
    return RESOURCE_HEADERS if path.startswith("/static/") and not path.endswith(".svg") else SECURITY_HEADERS


class SecurityHeaders:
    """Adds its headers to every HTTP answer of `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers_for(scope["path"])]
            await send(message)

        if scope["type"] == "http" and scope["method"] == "HEAD" and not scope["path"].startswith("/static/"):
            scope = {**scope, "method": "GET"}  # answered as a GET; the server leaves the body away
        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
