"""One request to an app exactly as given: no client tidies its bytes first."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import ASGIApp

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


async def request(
    app: ASGIApp,
    path: str,
    query: bytes = b"",
    method: str = "GET",
    left: asyncio.Event | None = None,
    headers: Headers = (),
    chunks: Iterable[bytes] = (),
) -> Answer:
    """`left` is set when the client leaves; without it the client stays. `chunks` of the body come one by one."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("test", 1),
        "server": ("test", 80),
    }
    messages: list[Any] = []
    coming, finished = iter(chunks), []

    async def receive() -> Any:
        if (chunk := next(coming, None)) is not None:
            return {"type": "http.request", "body": chunk, "more_body": True}
        if not finished:
            finished.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await (left or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], answered, b"".join(m.get("body", b"") for m in messages[1:]))


def ask(app: ASGIApp, path: str, query: bytes = b"") -> Answer:
    return asyncio.run(request(app, path, query))


def post(app: ASGIApp, path: str, body: bytes, content_type: bytes = b"application/json") -> Answer:
    return asyncio.run(request(app, path, method="POST", headers=[(b"content-type", content_type)], chunks=[body]))
