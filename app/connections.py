"""All connections: how many there may be, and one timer that ends those over which nothing moves."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.asker import address_of
from app.connection import Connection
from app.settings import Settings
from app.turnedaway import Busy, Reasons

HURRY_SECONDS = 1.0  # that a new connection is given to ask something, where others wait for it
UNREAD_BYTES = 1 << 30  # of all answers that nobody has taken yet
LINGERING = 256  # connections that may stay a moment after they were turned away
SPARE_FILES = 128  # of this process beside its connections: pictures, databases, the engine's pipes
LOOK_SECONDS = 1.0
BEAT_SECONDS = 0.05
LATE_SECONDS = 0.03  # the loop is, where a turn of it takes so long
FOR_THE_DEVICE = ("/api/feature-maps", "/api/stack/maps", "/api/stack/pixel", "/api/stack/energy")


class Connections:
    """Admits connections, and looks at each of them once a second.

    Where the loop comes late, and the device has enough to do, what is asked of the device is refused at once: numbers
    cost little, and stay quick only if nothing else fills the loop.
    """

    def __init__(self, settings: Settings, files: int = sys.maxsize, waiting: Callable[[], int] = lambda: 0) -> None:
        """files: that this process may have open. waiting: how many things do for the device."""
        self.most = max(1, min(settings.connections, files - LINGERING - SPARE_FILES))
        self.slow_seconds = settings.slow_seconds
        self.reasons = Reasons(settings, self.most)
        self.ended: Counter[str] = Counter()  # before their time, by reason; requests too
        self._most_here = settings.address_connections
        self._proxies = ProxyHeadersMiddleware(_nothing, settings.proxies).trusted_hosts
        self._open: dict[Connection, str] = {}
        self._addresses: dict[str, dict[Connection, None]] = {}  # of each its own, the oldest first
        self._lingering: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting, self._enough = waiting, max(1, settings.queue_size // 2)
        self._busy = Busy()
        self._beat: asyncio.TimerHandle | None = None
        self._late = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def protocol(self) -> type[asyncio.Protocol]:
        """What uvicorn.Config takes as `http`."""
        return cast("type[asyncio.Protocol]", partial(Connection, self))

    def admit(self, connection: Connection) -> None:
        """Where there are too many an idle one gives way, or this raises TurnedAway. A proxy's address stands for many
        people, and has no bound."""
        self._watch(connection.loop)
        address = address_of({"client": connection.client})
        here = self._addresses.get(address, {})
        if len(here) >= self._most_here and address not in self._proxies and not _make_room(here, HURRY_SECONDS):
            raise self.reasons.too_many_here
        if len(self._open) >= self.most:
            most = max(self._addresses.values(), key=len)
            if not _make_room(most, HURRY_SECONDS if 2 * len(here) >= len(most) else 0):
                raise self.reasons.too_many
        self._open[connection] = address
        self._addresses.setdefault(address, {})[connection] = None

    def app_for(self, path: str) -> Busy | None:
        """What answers a request instead of the app."""
        if not (self._late and path.startswith(FOR_THE_DEVICE) and self._waiting() >= self._enough):
            return None
        self.ended["busy"] += 1
        return self._busy

    def may_linger(self, connection: Connection) -> bool:
        """A connection that was turned away makes room at once, and stays a moment if not too many do."""
        self._forget(connection)
        if len(self._lingering) >= LINGERING:
            return False
        self._lingering.add(connection)
        return True

    def lost(self, connection: Connection) -> None:
        """It is closed, or will be at once."""
        self._forget(connection)
        self._lingering.discard(connection)

    def abort(self) -> None:
        """Ends all of them, whatever they are at."""
        for connection in [*self._open, *self._lingering]:
            connection.transport.abort()

    def _forget(self, connection: Connection) -> None:
        address = self._open.pop(connection, None)
        if address is None:
            return
        here = self._addresses[address]
        del here[connection]
        if not here:
            del self._addresses[address]

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._beat:
            self._beat = loop.call_later(BEAT_SECONDS, self._feel, loop, loop.time() + BEAT_SECONDS)
        if not self._timer:
            self._timer = loop.call_later(min(LOOK_SECONDS, self.slow_seconds / 4), self._look, loop)

    def _feel(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self._beat, self._late = None, now - due > LATE_SECONDS
        if self._open:
            self._beat = loop.call_later(BEAT_SECONDS, self._feel, loop, now + BEAT_SECONDS)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, now = None, loop.time()
        unread = {connection: connection.look(now) for connection in [*self._open, *self._lingering]}
        self._bound(unread)
        if self._open or self._lingering:
            self._watch(loop)

    def _bound(self, unread: dict[Connection, int]) -> None:
        """Slow readers of large answers could fill the memory before any is slow for long: the largest go first."""
        total = sum(unread.values())
        for connection in sorted(unread, key=unread.__getitem__, reverse=True) if total > UNREAD_BYTES else ():
            connection.cut("unread_by_all")
            total -= unread[connection]
            if total <= UNREAD_BYTES:
                return


def _make_room(connections: dict[Connection, None], hurry_seconds: float) -> bool:
    """Ends the oldest of them over which nothing is under way; whether there was one. hurry_seconds: that a new one is
    given to ask something."""
    now = next(iter(connections)).loop.time()
    idle = next((connection for connection in connections if connection.is_idle(now, hurry_seconds)), None)
    if idle:
        idle.cut("gave_way")
    return idle is not None


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Of uvicorn's reader of proxies' headers only its list of proxies is wanted here."""


def files_for(settings: Settings) -> int:
    """That a server with these settings may have open."""
    return settings.connections + LINGERING + SPARE_FILES


def allow_files(wanted: int) -> int:
    """Raises the number of files that this process may have open towards `wanted`; returns what it is now."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
