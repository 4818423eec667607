"""A server of nothing but connections: uvicorn within the bounds of app.connections, and some bad routes."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from app.connections import Connections
from app.settings import Settings

LARGE = 50_000_000  # bytes; more than the system keeps between two processes
EVENT = b"data: " + b"x" * 50_000 + b"\n\n"


@dataclass
class Routes:
    """An ASGI app. seen: the paths it was asked; left: those whose client was found to be gone."""

    seen: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.seen.append(path)
        if path.startswith("/wait"):
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.append(path)
        elif path == "/stream":
            await self._stream(receive, send)
            self.left.append(path)
        else:
            if path == "/block":
                time.sleep(0.5)  # holds the loop, as too many requests do
            await _answer(send, bytes(LARGE) if path == "/large" else b"here")

    async def _stream(self, receive: Any, send: Any) -> None:
        """Until the client has left."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await receive()  # the request's body, of which there is none
        leaving = asyncio.create_task(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": EVENT, "more_body": True})
            await asyncio.sleep(0.001)


async def _answer(send: Any, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Bounded:
    port: int
    routes: Routes
    connections: Connections

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0))


@contextmanager
def bounded(waiting: Callable[[], int] = lambda: 0, **settings: Any) -> Iterator[Bounded]:
    """waiting: how much waits for the device."""
    connections, routes = Connections(Settings(**settings), waiting=waiting), Routes()
    config = uvicorn.Config(
        routes, http=connections.protocol, ws="none", lifespan="off", log_level="error", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Bounded(listener.getsockname()[1], routes, connections)
        finally:
            server.should_exit = True
            thread.join()


def ask(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    """Until the other side closes."""
    received = b""
    try:
        while more := connection.recv(1 << 20):
            received += more
    except ConnectionResetError:
        pass
    return received


def one_answer(connection: socket.socket) -> bytes:
    """A short one, which leaves the connection open."""
    received = b""
    while b"here" not in received and b'"request_id"' not in received:
        received += connection.recv(1 << 16)
    return received


def until(condition: Callable[[], Any]) -> None:
    """Waits for what has to come; a test that waits for ever is ended by its time limit."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
