"""The cheapest HTTP/1.1 client there is: it shares two cores with what it measures.

One connection, one request at a time, no redirects, no decompression. What comes back is timed and counted, not read.
"""

import asyncio
import socket
import time
from dataclasses import dataclass


class Lost(ConnectionError):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Answer:
    """seconds: from the first byte sent, or from the wish for a connection, to the last byte here."""

    status: int
    seconds: float
    size: int
    retry_after: int | None
    code: bytes = b""  # of a refusal


class Wire(asyncio.Protocol):
    """One connection. A new one for each answer that was given up, as in a browser."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._buffer = bytearray()
        self._coming: asyncio.Future[Answer] | None = None
        self._began = 0.0
        self._end, self._head = 0, 0  # of the answer and of its head, in the buffer; 0: not known yet
        self.lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._head and not self._read_head():
            return
        chunked = self._end < 0
        if (chunked and self._buffer.endswith(b"0\r\n\r\n")) or (not chunked and len(self._buffer) >= self._end):
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._coming and not self._coming.done():
            self._coming.set_exception(Lost("the connection ended before the answer did"))

    async def ask(self, request: bytes, began: float | None = None) -> Answer:
        """Raises Lost."""
        if self.lost:
            raise Lost("the connection has ended")
        self._coming = asyncio.get_running_loop().create_future()
        self._began = began or time.perf_counter()
        self.transport.write(request)
        return await self._coming

    def close(self) -> None:
        self.lost = True
        self.transport.abort()

    def _read_head(self) -> bool:
        at = self._buffer.find(b"\r\n\r\n")
        if at < 0:
            return False
        self._head = at + 4
        length = self._field(b"content-length")
        self._end = -1 if length is None and self._field(b"transfer-encoding") else self._head + int(length or 0)
        return True

    def _field(self, name: bytes) -> bytes | None:
        """Of the head's headers, which uvicorn writes in small letters."""
        head = bytes(self._buffer[: self._head]).lower()
        _, found, rest = head.partition(b"\r\n" + name + b": ")
        return rest.partition(b"\r\n")[0] if found else None

    def _settle(self) -> None:
        status, retry = int(self._buffer[9:12]), self._field(b"retry-after")
        _, _, code = bytes(self._buffer[self._head : self._head + 64]).partition(b'"code":"')
        answer = Answer(
            status,
            time.perf_counter() - self._began,
            len(self._buffer) - self._head,
            None if retry is None else int(retry),
            code.partition(b'"')[0] if status >= 400 else b"",
        )
        self._buffer.clear()
        self._end = self._head = 0
        if self._coming and not self._coming.done():
            self._coming.set_result(answer)


async def connect(port: int, source: str = "127.0.0.1") -> Wire:
    """source: which of this machine's loopback addresses it comes from. Raises OSError."""
    loop = asyncio.get_running_loop()
    ours = socket.socket()
    try:
        ours.setblocking(False)
        if source != "127.0.0.1":
            ours.bind((source, 0))
        await loop.sock_connect(ours, ("127.0.0.1", port))
        _, wire = await loop.create_connection(Wire, sock=ours)
    except BaseException:
        ours.close()
        raise
    return wire


def get(path: str, client: str = "") -> bytes:
    """A request as a browser's page sends it. client: the page's id."""
    return _request("GET", path, client)


def post(path: str, body: bytes, client: str = "") -> bytes:
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return _request("POST", path, client, kind) + body


def _request(method: str, path: str, client: str, more: str = "") -> bytes:
    own = f"Groupscope-Client: {client}\r\n" if client else ""
    accepts = "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{accepts}{own}{more}\r\n".encode()
