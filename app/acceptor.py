"""Takes connections in as they come, several in one turn of the loop.

libuv takes in one for each turn. Where turns take long, because much is asked, newcomers then wait for seconds before
anybody reads what they ask, while whoever has a connection is answered at once.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

AT_ONCE = 64  # in one turn
BACKLOG = 2048  # that the system keeps until they are taken in
PAUSE_SECONDS = 0.5  # where no file can be opened any more
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
log = logging.getLogger("groupscope.connections")


class Acceptor:
    """Listens from now on; what uvicorn.Server has in `servers`."""

    def __init__(self, listener: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        self.sockets = (listener,)
        self._listener, self._make = listener, make
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[None]] = set()
        self._paused: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._resume()

    def close(self) -> None:
        if self._paused:
            self._paused.cancel()
        else:
            self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    async def wait_closed(self) -> None:
        """Connections are somebody else's."""

    def _resume(self) -> None:
        self._paused = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                taken, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in NO_FILES:
                    raise
                log.error("no connection can be taken in: %s", error.strerror)
                self._loop.remove_reader(self._listener.fileno())
                self._paused = self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            taken.setblocking(False)
            task = self._loop.create_task(self._connect(taken))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    async def _connect(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, taken)
        except OSError:  # it has left already
            taken.close()
