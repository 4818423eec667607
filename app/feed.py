"""News of one thing for whoever follows it, and the same as server-sent events.

A follower sees the last news when it looks, what lay between it has missed; nobody is waited for.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

PING_SECONDS = 10  # a comment, so that whoever stands between knows that the connection lives
PACE_SECONDS = (
    0.25  # from one progress to the next: each one makes a browser on this machine draw, and that is measured
)
RETRY_MS = 2000
LAST = b"last"  # id of the event after which there are none


class Feed:
    """The last news, and a number that grows with each."""

    def __init__(self) -> None:
        self.number, self.name, self.ended = 0, "", False
        self.data: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self._end = asyncio.Event()

    def tell(self, name: str, data: dict[str, Any], last: bool = False) -> None:
        """Nothing is told after the last."""
        if self.ended:
            return
        self.number, self.name, self.data, self.ended = self.number + 1, name, data, last
        self._changed.set()
        self._changed = asyncio.Event()
        if last:
            self._end.set()

    async def after(self, number: int) -> None:
        """Returns once there are news later than `number`."""
        while self.number <= number:
            await self._changed.wait()

    async def pause(self, seconds: float) -> None:
        """Returns then, or once there will be no more news."""
        try:
            async with asyncio.timeout(seconds):
                await self._end.wait()
        except TimeoutError:
            return


async def server_sent(feed: Feed) -> AsyncIterator[bytes]:
    """The last news at once, then as they come; ends after the last."""
    yield b"retry: %d\n\n" % RETRY_MS
    seen = 0
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await feed.after(seen)
        except TimeoutError:
            yield b": nothing new\n\n"
            continue
        seen, ended = feed.number, feed.ended
        mark = LAST if ended else b"%d" % seen
        yield b"id: %s\nevent: %s\ndata: %s\n\n" % (mark, feed.name.encode(), orjson.dumps(feed.data))
        if ended:
            return
        await feed.pause(PACE_SECONDS)
