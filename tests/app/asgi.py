"""One request to an app exactly as given: no client tidies its bytes first."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


async def request(
    app: ASGIApp, path: str, query: bytes = b"", method: str = "GET", left: asyncio.Event | None = None
) -> Answer:
    """`left` is set when the client leaves; without it the client stays."""
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
        "headers": [(b"host", b"test")],
        "client": ("test", 1),
        "server": ("test", 80),
    }
    messages: list[Any] = []

    async def receive() -> Any:
        await (left or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], headers, b"".join(m.get("body", b"") for m in messages[1:]))


def ask(app: ASGIApp, path: str, query: bytes = b"") -> Answer:
    return asyncio.run(request(app, path, query))
