"""One thread for arithmetic that takes longer than the event loop may be held: 5 to 300 ms for a whole network.

A thread and not the device's process: nothing here needs torch, and what it works on stays in one memory. One thread
and not several: Python runs one at a time, so more would finish no sooner, only hold the loop more often.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from fastapi import Request

from app.asker import Asker, asking
from app.cache import ByteCache
from app.engine import EngineGone
from app.errors import ApiError
from app.settings import Settings
from app.turns import Bounds, QueueFull, Turns
from compute.network.patience import within

T = TypeVar("T")


class CalculatorBusy(ApiError):
    status = 503
    code = "busy"

    def __init__(self, full: QueueFull) -> None:
        super().__init__(f"{full.who} for an answer about networks already", None, "try again in a second")


class _Job(Generic[T]):
    """Something to work out for a client, who may leave."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self.answer, self.left = work, Future[T](), False

    def work(self, seconds: float) -> T:
        with within(seconds, lambda: self.left):
            return self._work()

    def refuse(self, error: BaseException) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)

    def settle(self, done: Future[T]) -> None:
        if error := done.exception():
            self.refuse(error)
        elif self.answer.set_running_or_notify_cancel():
            self.answer.set_result(done.result())


class Calculator:
    """Runs one function at a time, clients in turn. One whose client has left is forgotten with what it was
    sent, or ends at its next step."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.max_calculation_seconds
        self._queue = Turns[_Job[Any]](Bounds(settings.queue_size, settings.address_queue, settings.client_queue))
        self._running: _Job[Any] | None = None
        self._lock = Lock()  # of the queue and of what runs: the loop puts work in, the thread takes it out
        self._thread = ThreadPoolExecutor(1, "calculator")
        self.cache = ByteCache(settings.cache_bytes)
        self._names: set[str] = set()

    def answers(self, make: Callable[[bytes], bytes]) -> "Worked":
        """All share one cache, by the name of `make`; raises ValueError for a name that is taken."""
        if make.__name__ in self._names:
            raise ValueError(f"two functions named {make.__name__} would answer for each other")
        self._names.add(make.__name__)
        return Worked(make, self, self.cache)

    def stop(self) -> None:
        with self._lock:
            dropped = [*self._queue.drain(), *([self._running] if self._running else [])]
        for job in dropped:
            job.left = True
            job.answer.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def run(self, asker: Asker, function: Callable[..., T], *arguments: Any) -> T:
        """What `function` returns or raises; raises CalculatorBusy, and EngineGone once `asker` has left."""
        job = _Job(partial(function, *arguments))
        answer = asyncio.wrap_future(job.answer)
        try:
            with self._lock:
                displaced = self._queue.put(job, asker)
                waiting = len(self._queue)
        except QueueFull as full:
            raise CalculatorBusy(full) from None
        if displaced:
            displaced.refuse(CalculatorBusy(QueueFull(waiting)))
        self._start()
        try:
            both: set[asyncio.Future[Any]] = {answer, asker.gone} if asker.gone else {answer}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise EngineGone
            return answer.result()
        finally:
            job.left = True
            answer.cancel()
            with self._lock:
                self._queue.remove(job)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def _start(self) -> None:
        """Hands the thread what is next, where it is free."""
        with self._lock:
            if self._running or not len(self._queue):
                return
            job = self._running = self._queue.take()
        self._thread.submit(job.work, self._seconds).add_done_callback(partial(self._end, job))

    def _end(self, job: _Job[Any], done: "Future[Any]") -> None:
        with self._lock:
            self._running = None
        if not done.cancelled():
            job.settle(done)
            self._start()


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
