"""One connection as uvicorn serves it, within bounds.

uvicorn waits for whatever is not complete, and for whoever does not read, without end. Here a request's head has to
come in time and be of a size, and an answer has to be taken. What a body may be is judged where it is read, in
app.bodies.
"""

import asyncio
import struct
import sys
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.turnedaway import ADDRESS_BYTES, HEADERS, TurnedAway

if TYPE_CHECKING:
    from app.connections import Connections

PIPELINED = 16  # requests that may wait behind the one being answered; browsers send none
LEAST_RATE = 1000  # bytes a second: who takes less of an answer holds it
LINGER_SECONDS = 1.0  # until who is turned away is gone: closed at once, whoever still sends would never read why


def _in_the_system(transport: asyncio.Transport) -> int:
    """Bytes that the system was handed and the other side has not taken; 0 where the system does not tell. It takes up
    to 4 MB, and more only when a third of that is gone: that nothing is handed over is no sign that nothing moves."""
    if sys.platform != "linux":
        return 0
    from fcntl import ioctl
    from termios import TIOCOUTQ

    try:
        return int(struct.unpack("i", ioctl(transport.get_extra_info("socket").fileno(), TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:  # it is closed
        return 0


class Outgoing:
    """A transport that sends what is written in one go as one piece.

    uvicorn writes the head of an answer and its body, uvloop sends each at once, and a second packet, for which a
    second time the other side is woken, costs as much as counting a layer does.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = b""

    def write(self, data: bytes) -> None:
        if not self._held:
            self._held = data
            self._loop.call_soon(self.flush)
            return
        self._held += data
        self.flush()

    def flush(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._transport.write(held)

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)


class Connection(HttpToolsProtocol):
    """uvicorn[standard] always brings httptools, so there is no other protocol to bound."""

    def __init__(self, connections: "Connections", **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._owes_since: float | None = None  # a head; None: it owes nothing, or uvicorn's own timer waits for it
        self._in_head = self._began = False
        self._head_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._turned_away_at: float | None = None
        self._unread, self._unread_since = 0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, Outgoing(transport, self.loop))
        self._owes_since = self.loop.time()
        try:
            self._all.admit(self)
        except TurnedAway as why:
            self._turn_away(why)

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._all.lost(self)

    def data_received(self, data: bytes) -> None:
        if self._turned_away_at is not None:
            return
        self._unset_keepalive_if_required()
        self._began = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # there is nothing to upgrade to, and what follows would be no HTTP
        except httptools.HttpParserError as error:
            self._misunderstood(error)
            return
        if self._in_head:
            self._bound_head(data)
        if self._owes_since is None and not self._answering:
            self._owes_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._began = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_head, self._owes_since = False, None
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > ADDRESS_BYTES:
            raise self._all.reasons.address_too_long
        if len(self.headers) > HEADERS or size + len(self.url) > self._all.reasons.head_bytes:
            raise self._all.reasons.head_too_long
        if len(self.pipeline) >= PIPELINED:
            raise self._all.reasons.not_http
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, self._all.app_for(cycle.scope["path"]) or app)

    def look(self, now: float) -> int:
        """Ends this connection if it stands still. Returns how many bytes of its answers nobody has taken."""
        waiting = self.transport.get_write_buffer_size()
        if self._turned_away_at is not None:
            if now - self._turned_away_at >= LINGER_SECONDS:
                self.transport.abort()
        elif self._is_unread(now, waiting):
            self.cut("unread")
        elif self._owes_since is not None and now - self._owes_since > self._all.slow_seconds:
            if self._in_head:
                self._turn_away(self._all.reasons.too_slow)
            else:
                self.cut("silent")
        return waiting

    def is_idle(self, now: float, hurry_seconds: float) -> bool:
        """Whether it asks nothing: between two requests, or though it has had so many seconds."""
        return not self._answering and (self._owes_since is None or now - self._owes_since >= hurry_seconds)

    def cut(self, reason: str) -> None:
        """At once: close() would wait until everything is sent."""
        self._all.ended[reason] += 1
        self._all.lost(self)
        self.transport.abort()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _bound_head(self, data: bytes) -> None:
        if len(self.url) > ADDRESS_BYTES:
            self._turn_away(self._all.reasons.address_too_long)
        elif not self._began:  # the chunk it began in may be the end of a long body
            self._head_bytes += len(data)
            if self._head_bytes > self._all.reasons.head_bytes:
                self._turn_away(self._all.reasons.head_too_long)

    def _is_unread(self, now: float, waiting: int) -> bool:
        """Whether hardly anything was taken for too long. While the app may add to it nobody can tell, and need not: it
        adds nothing to much."""
        if not waiting or (self._answering and not self.flow.write_paused):
            self._unread = 0
            return False
        slow, waiting = self._all.slow_seconds, waiting + _in_the_system(self.transport)
        if not self._unread or self._unread - waiting >= LEAST_RATE * slow or waiting > self._unread:
            self._unread, self._unread_since = waiting, now
        return now - self._unread_since > slow

    def _misunderstood(self, error: Exception) -> None:
        """A request that is whole is answered, and ends the connection; any other never will be."""
        if self._answering and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        elif self._running and self._running.response_started and not self._running.response_complete:
            self.cut("misunderstood")
        else:
            why = error.__context__
            self._turn_away(why if isinstance(why, TurnedAway) else self._all.reasons.not_http)

    def _turn_away(self, why: TurnedAway) -> None:
        if self.transport.is_closing():
            self.cut(why.code)
            return
        self._all.ended[why.code] += 1
        self._drop()
        self._unset_keepalive_if_required()
        self._turned_away_at = self.loop.time()
        self.transport.write(why.answer(self.server_state.default_headers))
        if self._all.may_linger(self):
            self.transport.write_eof()
        else:
            self.transport.close()

    def _drop(self) -> None:
        """Whoever works for this connection is told that it is gone; uvicorn tells only the latest request."""
        for cycle in (self._running, self.cycle):
            if cycle and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
