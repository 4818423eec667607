"""A line before a few threads: clients in turn, each with its own part of it, and whoever has left is forgotten.

For work that a thread does, or waits for; what runs on the device has a queue of its own in app.engine.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import ceil
from threading import Lock
from typing import Any, Generic, TypeVar

from app.asker import Asker
from app.engine import EngineGone
from app.errors import ApiError
from app.settings import Settings
from app.turns import Bounds, QueueFull, Turns

T = TypeVar("T")
LONGEST_RETRY = 30  # seconds


class LineBusy(ApiError):
    """There is no place; try again in `retry_after` seconds."""

    status = 503
    code = "busy"

    def __init__(self, full: QueueFull, what: str, retry_after: int) -> None:
        super().__init__(f"{full.who} for {what} already", None, "try again in a second")
        self.retry_after = retry_after


class LineClosed(ApiError):
    status = 503
    code = "stopping"

    def __init__(self) -> None:
        super().__init__("The server is stopping", None, "try again in a second")


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self.answer = work, Future[T]()

    def __call__(self) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            self.answer.set_result(self._work())
        except BaseException as error:  # noqa: BLE001  # whoever waits for it is told
            self.answer.set_exception(error)

    def refuse(self, error: ApiError) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)


class Line:
    """what: those in it wait for, in a sentence. threads: that serve it."""

    def __init__(self, name: str, what: str, threads: int, settings: Settings) -> None:
        self._what, self._free = what, threads
        self._queue = Turns[_Job[Any]](Bounds(settings.queue_size, settings.address_queue, settings.client_queue))
        self._lock = Lock()  # loops put work in, threads take it out
        self._threads = ThreadPoolExecutor(threads, name)
        self._closed = False
        self._seconds = 0.0  # that one job takes, about

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def run(self, asker: Asker, work: Callable[[], T]) -> T:
        """What `work` returns or raises; raises LineBusy, LineClosed, and EngineGone once `asker` has left: then it is
        not begun any more."""
        job = _Job(work)
        answer = asyncio.wrap_future(job.answer)
        self._put(job, asker)
        try:
            both: set[asyncio.Future[Any]] = {answer, asker.gone} if asker.gone else {answer}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise EngineGone
            return answer.result()
        finally:
            answer.cancel()
            with self._lock:
                self._queue.remove(job)

    def first(self, work: Callable[[], None]) -> None:
        """Before anyone comes, and while they do."""
        self._threads.submit(work)

    def close(self) -> None:
        """Nobody is served any more but who is at it."""
        with self._lock:
            self._closed = True
            dropped = self._queue.drain()
        for job in dropped:
            job.refuse(LineClosed())
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _put(self, job: _Job[Any], asker: Asker) -> None:
        with self._lock:
            if self._closed:
                raise LineClosed
            if self._free:
                self._free -= 1
                self._threads.submit(self._serve, job)
                return
            try:
                displaced = self._queue.put(job, asker)
            except QueueFull as full:
                raise LineBusy(full, self._what, self._retry_after()) from None
            waiting = QueueFull(len(self._queue))
        if displaced:
            displaced.refuse(LineBusy(waiting, self._what, self._retry_after()))

    def _serve(self, job: "_Job[Any] | None") -> None:
        """One thread's: `job`, and then those who wait."""
        while job:
            began = time.monotonic()
            job()
            self._seconds += (time.monotonic() - began - self._seconds) / 8
            job = None  # with all that it was sent, before the next is at hand
            with self._lock:
                if len(self._queue):
                    job = self._queue.take()
                else:
                    self._free += 1

    def _retry_after(self) -> int:
        return min(max(1, ceil(self._seconds * len(self._queue))), LONGEST_RETRY)
