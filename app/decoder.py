"""Pictures that people send are decoded in a process of their own: a decoder that crashes, hangs or eats memory takes
nothing along but the picture that made it.

The process is one, limited in memory and time, and replaced when it is lost. Whoever waits for it stands in a line.
"""

import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from threading import Lock
from typing import IO, TypeVar

from app import decodeworker
from app.asker import Asker
from app.decoding import DamagedPicture
from app.errors import ApiError
from app.line import Line, LineClosed
from app.settings import Settings
from app.store import Store
from compute.formulas import digits

log = logging.getLogger("groupscope.decoder")
T = TypeVar("T")
OPEN_SECONDS = 60  # to start a process and load Pillow from a cold disk
DEATH_SECONDS = 5  # until a process that was killed is gone
# Of a layer's largest square, so much that a picture reduced to it still has its pixels, but for a strip.
KEPT_SQUARES = 16


class TooSlowToDecode(ApiError):
    code = "too_slow_to_decode"

    def __init__(self, seconds: float) -> None:
        rule = f"A picture may take {seconds:g} s to decode, and this one took longer"
        super().__init__(rule, "image", "send a smaller copy, or save it anew")


class TooMuchMemory(ApiError):
    status = 413
    code = "too_much_memory"

    def __init__(self, limit: int) -> None:
        rule = f"A picture may take {digits(limit)} bytes of memory to decode, and this one needs more"
        super().__init__(rule, "image", "send a smaller copy, or save it anew")


class DecoderFailed(ApiError):
    status = 503
    code = "decoder_failed"

    def __init__(self) -> None:
        super().__init__("The process that decodes pictures could not be started", "image", "try again in a second")


class Decoder:
    """Keeps pictures in `store`, one at a time, clients in turn."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._kept_pixels = KEPT_SQUARES * settings.max_size**2
        self._line = Line("decoder", "the decoder of pictures", 1, settings)
        self._process = _Process(store, settings.decode_bytes)

    @property
    def waiting(self) -> int:
        return self._line.waiting

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return next(iter(self._process.pids), None)

    @property
    def restarts(self) -> int:
        """Processes that were lost, so far."""
        return self._process.lost

    def start(self) -> None:
        """Returns at once; the process starts behind, so that the first picture need not wait for it."""
        self._line.first(self._open)

    def stop(self) -> None:
        """A picture that is being decoded is dropped."""
        self._line.close()
        self._process.close()

    async def keep(self, file: IO[bytes], image_id: str, asker: Asker) -> tuple[int, int]:
        """Width and height of the picture in `file`, now kept as `image_id`. Raises ApiError, and EngineGone once
        `asker` has left."""
        return await self._line.run(asker, partial(self._keep, file, image_id, asker))

    def _open(self) -> None:
        with suppress(DecoderFailed, LineClosed):  # whoever sends a picture is told
            self._process.open()

    def _keep(self, file: IO[bytes], image_id: str, asker: Asker) -> tuple[int, int]:
        raw, seconds = file.read(), self._settings.max_decode_seconds
        try:
            try:
                return self._tried(raw, image_id)
            except BrokenProcessPool:  # perhaps something else killed it: one more try
                return self._tried(raw, image_id)
        except MemoryError:
            raise TooMuchMemory(self._settings.decode_bytes) from None
        except (BrokenProcessPool, TimeoutError) as error:
            log.warning("request %s: picture %s lost the decoder's process", asker.request_id, image_id)
            late = isinstance(error, TimeoutError)
            raise (TooSlowToDecode(seconds) if late else DamagedPicture("picture")) from None

    def _tried(self, raw: bytes, image_id: str) -> tuple[int, int]:
        """Raises BrokenProcessPool, TimeoutError, and what decodeworker.keep does."""
        part = self._store.part()
        limits = self._settings.max_image_pixels, self._kept_pixels
        try:
            work = partial(decodeworker.keep, raw, image_id, part, *limits)
            return self._process.run(work, self._settings.max_decode_seconds)
        except (BrokenProcessPool, TimeoutError):
            with suppress(OSError):
                part.unlink()  # half a picture
            raise


class _Process:
    """One process for one thread to use; `close` comes from another."""

    def __init__(self, store: Store, most_bytes: int) -> None:
        self._arguments = store, most_bytes
        self._pool: ProcessPoolExecutor | None = None
        self._lock = Lock()  # of opening and closing
        self._closed = False
        self.lost = 0

    @property
    def pids(self) -> list[int]:
        """The executor keeps them to itself: nothing but a signal ends a process that hangs."""
        pool = self._pool
        return list((pool._processes or {}) if pool else ())

    def open(self) -> ProcessPoolExecutor:
        """The executor, its process ready. Raises DecoderFailed, LineClosed."""
        if self._pool:
            return self._pool
        try:
            with self._lock:
                if self._closed:
                    raise LineClosed
                # spawn: a process that never shared a lock or a thread with the server
                pool = ProcessPoolExecutor(1, get_context("spawn"), decodeworker.start, self._arguments)
                self._pool = pool
                opened = pool.submit(decodeworker.ready)
            opened.result(OPEN_SECONDS)
        except (BrokenProcessPool, OSError) as error:  # a TimeoutError among them
            self._drop()
            log.error("the process that decodes pictures could not be started: %s", error or type(error).__name__)
            raise DecoderFailed from None
        return pool

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """What `work` returns or raises there. Raises BrokenProcessPool where the process died, TimeoutError after
        `seconds`: another takes its place. Also DecoderFailed, LineClosed."""
        running: Future[T] | None = None
        try:
            running = self.open().submit(work)
            return running.result(seconds)
        except (BrokenProcessPool, TimeoutError):
            self._drop()
            if running:  # until it is dead: what it has left can be cleared away then
                running.exception(DEATH_SECONDS)
            raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._drop()

    def _drop(self) -> None:
        pool, pids, self._pool = self._pool, self.pids, None
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if pool:
            pool.shutdown(wait=False)
            self.lost += not self._closed
