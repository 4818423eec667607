"""One thread for arithmetic that takes longer than the event loop may be held: 5 to 300 ms for a whole network.

A thread and not the device's process: nothing here needs torch, and what it works on stays in one memory. One thread
and not several: Python runs one at a time, so more would finish no sooner, only hold the loop more often.
"""

from collections.abc import Callable
from threading import Event
from typing import TypeVar

from fastapi import Request

from app.asker import Asker, asking
from app.cache import ByteCache
from app.line import Line, LineClosed
from app.settings import Settings
from compute.network.patience import Abandoned, within

T = TypeVar("T")


class Calculator:
    """Runs one function at a time, clients in turn. One whose client has left is forgotten with what it was sent, or
    ends at its next step."""

    def __init__(self, settings: Settings) -> None:
        self.cache = ByteCache(settings.cache_bytes)
        self._line = Line("calculator", "an answer about networks", 1, settings)
        self._seconds = settings.max_calculation_seconds
        self._stopping = Event()
        self._names: set[str] = set()

    @property
    def waiting(self) -> int:
        return self._line.waiting

    def answers(self, make: Callable[[bytes], bytes]) -> "Worked":
        """All share one cache, by the name of `make`; raises ValueError for a name that is taken."""
        if make.__name__ in self._names:
            raise ValueError(f"two functions named {make.__name__} would answer for each other")
        self._names.add(make.__name__)
        return Worked(make, self, self.cache)

    def stop(self) -> None:
        self._stopping.set()
        self._line.close()

    async def run(self, asker: Asker, function: Callable[..., T], *arguments: object) -> T:
        """What `function` returns or raises; raises LineBusy, LineClosed, and EngineGone once `asker` has left."""
        left = Event()

        def work() -> T:
            with within(self._seconds, lambda: left.is_set() or self._stopping.is_set()):
                return function(*arguments)

        try:
            return await self._line.run(asker, work)
        except Abandoned:
            raise LineClosed from None
        finally:
            left.set()


class Worked:
    """Answers that depend on nothing but their key: `make` works one out in the calculator's thread."""

    def __init__(self, make: Callable[[bytes], bytes], calculator: Calculator, cache: ByteCache) -> None:
        self._make, self._calculator, self._cache = make, calculator, cache

    async def __call__(self, request: Request, key: bytes) -> bytes:
        """Raises whatever `make` raises, and what Calculator.run does; failures are not kept."""
        name = self._make.__name__.encode() + b"\0" + key
        body = self._cache.get(name)
        if body is None:
            async with asking(request) as asker:
                body = await self._calculator.run(asker, self._make, key)
            self._cache.put(name, body)
        return body
