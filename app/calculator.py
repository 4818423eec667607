"""One thread for arithmetic that takes longer than the event loop may be held: 5 to 300 ms for a whole network.

A thread and not the device's process: nothing here needs torch, and what it works on stays in one memory. One thread
and not several: Python runs one at a time, so more would finish no sooner, only hold the loop more often.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import Request

from app.cache import ByteCache
from app.engine import EngineGone
from app.errors import ApiError
from app.routing import departure
from app.settings import Settings


class CalculatorBusy(ApiError):
    status = 503
    code = "busy"

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} requests about networks are waiting already", None, "try again in a second")


class Calculator:
    """Runs one function at a time, in the order they came; one whose client has left is dropped before it runs."""

    def __init__(self, settings: Settings) -> None:
        self._queue_size, self._waiting = settings.queue_size, 0
        self._thread = ThreadPoolExecutor(1, "calculator")
        self._cache = ByteCache(settings.cache_bytes)

    def answers(self, make: Callable[[bytes], bytes]) -> "Worked":
        """All share one cache; `make` has a name of its own."""
        return Worked(make, self, self._cache)

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def run(self, gone: asyncio.Task[None], function: Callable[..., bytes], *arguments: Any) -> bytes:
        """What `function` returns or raises; raises CalculatorBusy, and EngineGone once `gone` is done."""
        if self._waiting >= self._queue_size:
            raise CalculatorBusy(self._waiting)
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        try:
            both: set[asyncio.Future[Any]] = {running, gone}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise EngineGone
            return running.result()
        finally:
            running.cancel()
            self._waiting -= 1


class Worked:
    """Answers that depend on nothing but their key: `make` works one out in the calculator's thread."""

    def __init__(self, make: Callable[[bytes], bytes], calculator: Calculator, cache: ByteCache) -> None:
        self._make, self._calculator, self._cache = make, calculator, cache

    async def __call__(self, request: Request, key: bytes) -> bytes:
        """Raises whatever `make` raises, and what Calculator.run does; failures are not kept."""
        name = self._make.__name__.encode() + b"\0" + key
        body = self._cache.get(name)
        if body is None:
            async with departure(request) as gone:
                body = await self._calculator.run(gone, self._make, key)
            self._cache.put(name, body)
        return body
