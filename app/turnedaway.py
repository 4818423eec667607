"""What is answered before the app hears of it: the one shape of errors, made once, as bytes on the wire."""

from http import HTTPStatus
from typing import Any

import orjson

from app.errors import INLINE, STATUS, Refusal
from app.middleware import headers_for
from app.settings import Settings
from compute.formulas import digits

HEAD_BYTES = 65_536  # of a request beside its query; browsers send 2 kB, cookies of whoever shares our name among it
ADDRESS_BYTES = 65_535  # what the parser of addresses can count to
HEADERS = 100
NO_REQUEST = "-"  # where an answer tells the request's id: there is none


class TurnedAway(Exception):
    """A connection that is told why, and ends."""

    def __init__(self, status: HTTPStatus, code: str, message: str, hint: str, **headers: str) -> None:
        super().__init__(message)
        self.code = code
        refusal = Refusal(status, code, message, None, hint)
        body = orjson.dumps({"error": refusal.as_dict(), "request_id": NO_REQUEST})
        given = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        given |= {"Cache-Control": "no-store", **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"{name}: {value}\r\n".encode() for name, value in given.items()]
        self._start = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
        self._rest = b"".join([*lines, _lines(headers_for("/api/")), b"\r\n", body])

    def answer(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """headers: what goes with every answer of this moment, the date."""
        return b"".join([self._start, _lines(headers), self._rest])


class Reasons:
    """To turn somebody away, by the settings."""

    def __init__(self, settings: Settings, most: int) -> None:
        """most: connections there may be altogether."""
        self.head_bytes = HEAD_BYTES + settings.max_query_bytes
        self.too_many = _too_many(f"{digits(most)} connections are open, and there may be no more")
        self.too_many_here = _too_many(
            f"Your address has {digits(settings.address_connections)} connections open, and it may have no more"
        )
        self.too_slow = TurnedAway(
            HTTPStatus.REQUEST_TIMEOUT,
            "head_too_slow",
            f"The head of a request must be here within {settings.slow_seconds:g} s, and this one is not",
            "send it at once",
        )
        self.head_too_long = TurnedAway(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_long",
            f"The head of a request may have at most {digits(self.head_bytes)} bytes and {HEADERS} headers,"
            " and this one has more",
            "send fewer headers and cookies",
        )
        self.address_too_long = TurnedAway(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            "address_too_long",
            f"An address may have at most {digits(ADDRESS_BYTES)} bytes, and this one has more",
            "send fewer characters",
        )
        self.not_http = TurnedAway(
            HTTPStatus.BAD_REQUEST,
            "bad_request",
            "What was sent cannot be read as HTTP/1.1",
            "/openapi.json lists every address",
        )


class Busy:
    """An ASGI app for requests that there is no time to look at. It costs a quarter of what the real one does, which
    would come to the same answer."""

    def __init__(self) -> None:
        message = "The server has more to do than it can at this moment"
        refusal = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy", message, None, "try again in a second")
        body = orjson.dumps({"error": refusal.as_dict(), "request_id": NO_REQUEST})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(b"cache-control", b"no-store"), (b"retry-after", b"1"), *headers_for("/api/")]
        inline = [*headers, (STATUS.lower().encode(), str(int(refusal.status)).encode())]
        self._plain: dict[str, Any] = {"type": "http.response.start", "status": int(refusal.status), "headers": headers}
        self._inline: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": inline}
        self._body: dict[str, Any] = {"type": "http.response.body", "body": body}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send(self._inline if (INLINE.encode(), b"inline") in scope["headers"] else self._plain)
        await send(self._body)


def _too_many(message: str) -> TurnedAway:
    hint = "close some of them, or try again in a second"
    return TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_connections", message, hint, Retry_After="1")


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%s: %s\r\n" % header for header in headers])
