"""The one narrow door to the device: a bounded queue before one process that runs torch.

Routes know three things: `ready`, `device()` and `ask()`. What serves them could as well be a cluster. Measurements and
training go through `measure()` and `train()`, step by step, and only while nobody waits; training stands back for a
measurement as a whole.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from app import trainworker, worker
from app.questions import Question
from app.settings import Settings
from compute.measure import AnySpec
from compute.training import TrainSpec

log = logging.getLogger("groupscope.engine")
Events = AsyncGenerator[dict[str, Any], None]
STOP_SECONDS = 3
MAX_PAUSE_SECONDS = 30
QUIET_SECONDS = 0.08  # after somebody was served until a measurement goes on: who drags a slider asks again at once


class EngineBusy(Exception):
    """The queue is full; try again in `retry_after` seconds."""

    def __init__(self, waiting: int, retry_after: int = 1) -> None:
        super().__init__(f"{waiting} requests are waiting for the device already")
        self.retry_after = retry_after


class EngineFailed(Exception):
    """The device's process could not be started, or died over this request."""


class EngineTimedOut(EngineFailed):
    """This request took longer than one may; asked again it would take as long."""


class EngineGone(Exception):
    """Whoever asked has left; nobody waits for the answer."""


@dataclass(eq=False)
class _Job:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: asyncio.Future[Any]
    again: bool = True

    def answer(self, outcome: Any) -> None:
        if self.done.done():
            return
        if isinstance(outcome, BaseException):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class Engine:
    """Runs one job at a time, in the order they came; a job whose client has left is dropped before it runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: deque[_Job] = deque()
        self._step: _Job | None = None  # of a measurement or of training: runs when nobody waits
        self._stepping = asyncio.Lock()  # one of them has it: a measurement throughout, training for a step
        self._quiet_at, self._disturbed = 0.0, False
        self._tokens = count(1)
        self._arrived = asyncio.Event()
        self._pool: ProcessPoolExecutor | None = None
        self._serving: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[dict[str, Any]] | None = None
        self._failures, self._retry_at = 0, 0.0

    @property
    def ready(self) -> bool:
        """Torch is loaded and has computed something on the device."""
        opened = self._opened
        return opened is not None and opened.done() and not opened.cancelled() and opened.exception() is None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def start(self) -> None:
        """Returns at once; torch loads behind."""
        self._open()
        self._serving = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        if self._serving:
            self._serving.cancel()
        self._serving = None
        self._refuse_all(EngineFailed("the server is stopping"))
        await self._close()

    async def device(self) -> dict[str, Any]:
        """{"device", "name", "compute_dtype", "threads", "tf32", "torch"}, once it is ready. Raises EngineFailed."""
        outcome = await self._opening()
        if isinstance(outcome, BaseException):
            raise EngineFailed(_reason(outcome)) from outcome
        return dict(outcome)

    async def ask(self, picture: Path, image_id: str, question: Question, gone: Awaitable[Any] | None = None) -> bytes:
        """The body that answers `question`. `gone` resolves when the client leaves. Raises SpecError,
        FileNotFoundError, EngineBusy, EngineFailed, EngineGone."""
        body: bytes = await self._submit(gone, worker.answer, picture, image_id, question)
        return body

    async def dtypes(self) -> list[str]:
        """Types of numbers that the device can measure with. Raises EngineBusy, EngineFailed."""
        names: list[str] = await self._submit(None, worker.dtypes)
        return names

    async def measure(self, spec: AnySpec, ceilings: dict[str, Any] | None = None) -> Events:
        """What a measurement tells step by step, at last {"result": {...}}. One at a time; each step runs only while
        nobody waits for an answer. Closing it ends the measurement. Raises SpecError, EngineFailed."""
        token = next(self._tokens)
        async with self._stepping:
            try:
                event = await self._take_turns(worker.measure_begin, token, spec, ceilings)
                while "result" not in event:
                    yield event
                    event = await self._take_turns(worker.measure_step, token)
                yield event
            finally:
                self._leave(worker.measure_end, token)

    async def data(self, path: Path | None) -> dict[str, Any]:
        """Of the images at `path`, or of those that ship: see app.trainworker. Raises SpecError, EngineBusy,
        EngineFailed."""
        told: dict[str, Any] = await self._submit(None, trainworker.data, path)
        return told

    async def step_seconds(self, spec: TrainSpec, path: Path | None) -> dict[str, float]:
        """Of one training step of each arm, tried now. Raises as `data` does."""
        found: dict[str, float] = await self._submit(None, trainworker.step_seconds, spec, path)
        return found

    async def train(
        self, spec: TrainSpec, path: Path | None, folder: Path, stopped: Callable[[dict[str, Any]], None]
    ) -> Events:
        """What a training run tells step by step, at last {"result": {...}}; it goes on from what lies in `folder`.
        Closing it stops the run, which saves where it stands; `stopped` is told its last snapshot. Raises SpecError,
        EngineFailed."""
        token = next(self._tokens)
        try:
            event = await self._one_turn(trainworker.begin, token, spec, path, folder)
            while "result" not in event:
                yield event
                event = await self._one_turn(trainworker.step, token)
            yield event
        finally:
            left = self._leave(trainworker.end, token)
            await asyncio.wait({left}, timeout=STOP_SECONDS)  # until it is saved
            if left.done() and not left.cancelled() and left.exception() is None and left.result():
                stopped(left.result())

    async def _one_turn(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        async with self._stepping:
            return await self._take_turns(function, *arguments)

    async def _take_turns(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """`function` is told last whether the device was used since the step before."""
        if not self._serving:
            raise EngineFailed("the server is stopping")
        job = _Job(function, arguments, asyncio.get_running_loop().create_future(), again=False)
        self._step = job
        self._arrived.set()
        try:
            event: dict[str, Any] = await job.done
            return event
        finally:
            if self._step is job:
                self._step = None

    def _leave(self, function: Callable[..., Any], token: int) -> asyncio.Future[Any]:
        """Whoever asks next finds the process as it was before."""
        job = _Job(function, (token,), asyncio.get_running_loop().create_future(), again=False)
        job.done.add_done_callback(lambda done: done.cancelled() or done.exception())  # a lost process has forgotten it
        self._waiting.appendleft(job)
        self._arrived.set()
        return job.done

    async def _opening(self) -> Any:
        """What the device said when it was opened, or the exception."""
        assert self._opened is not None, "start() comes first"
        return await _outcome(asyncio.shield(self._opened))

    async def _submit(self, gone: Awaitable[Any] | None, function: Callable[..., Any], *arguments: Any) -> Any:
        if len(self._waiting) >= self._settings.queue_size:
            raise EngineBusy(len(self._waiting))
        job = _Job(function, arguments, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        leaving = asyncio.ensure_future(gone) if gone is not None else None
        try:
            await asyncio.wait({job.done, leaving} if leaving else {job.done}, return_when=asyncio.FIRST_COMPLETED)
            if not job.done.done():
                raise EngineGone
            return job.done.result()
        finally:
            self._forget(job)

    def _forget(self, job: _Job) -> None:
        if not job.done.done():
            job.done.cancel()
        if job in self._waiting:
            self._waiting.remove(job)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._work()
            opened = await self._opening()
            if isinstance(opened, BaseException):
                await self._give_up(opened)
            elif self._waiting:  # its client may have left while torch was loading
                await self._run(self._waiting.popleft())
                self._disturbed, self._quiet_at = True, loop.time() + QUIET_SECONDS
            elif self._step:
                step, self._step = self._step, None
                disturbed, self._disturbed = self._disturbed, False
                await self._run(step, disturbed)

    async def _work(self) -> None:
        """Returns once there is some: a step of a measurement counts when nobody was served for QUIET_SECONDS."""
        while not self._waiting:
            pause = self._quiet_at - asyncio.get_running_loop().time() if self._step else None
            if pause is not None and pause <= 0:
                return
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), pause)

    async def _run(self, job: _Job, *more: Any) -> None:
        arguments = *job.arguments, *more
        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool, job.function, *arguments)
        except BrokenProcessPool as error:  # it died since the last job
            outcome: Any = error
        else:
            outcome = await self._within_time(running)
        died = isinstance(outcome, BrokenProcessPool)
        if died or isinstance(outcome, TimeoutError) or (isinstance(outcome, worker.DeviceError) and outcome.fatal):
            log.error("the device's process is lost (%s); starting another", outcome)
            await self._replace()
        if died and job.again and not job.done.done():  # perhaps something else killed it: one more try
            job.again = False
            self._waiting.appendleft(job)
        elif isinstance(outcome, TimeoutError):
            job.answer(EngineTimedOut(_reason(outcome)))
        elif died or isinstance(outcome, worker.DeviceError):
            job.answer(EngineFailed(_reason(outcome)))
        else:
            self._failures = 0
            job.answer(outcome)

    async def _within_time(self, running: asyncio.Future[Any]) -> Any:
        """Its outcome; a job that takes too long loses its process, for nothing else can stop it."""
        limit = self._settings.max_seconds
        done, _ = await asyncio.wait({running}, timeout=limit)
        if done:
            return await _outcome(running)
        _kill_processes()
        await _outcome(running)  # that its process died is no news
        return TimeoutError(f"this took longer than {limit:g} s and was stopped")

    async def _give_up(self, error: BaseException) -> None:
        """The device could not be opened: tell everyone, and try again, but ever less often."""
        self._refuse_all(EngineFailed(_reason(error)))
        now = asyncio.get_running_loop().time()
        if now >= self._retry_at:
            self._failures += 1
            self._retry_at = now + min(2**self._failures, MAX_PAUSE_SECONDS)
            await self._replace()

    def _refuse_all(self, error: EngineFailed) -> None:
        while self._waiting:
            self._waiting.popleft().answer(error)
        if self._step:
            self._step.answer(error)
            self._step = None

    async def _replace(self) -> None:
        await self._close()
        self._open()

    def _open(self) -> None:
        # spawn: a process that never shared a lock, a device or a thread with the server
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=worker.start)
        loop = asyncio.get_running_loop()
        self._opened = loop.run_in_executor(
            self._pool,
            worker.open_device,
            self._settings.device,
            self._settings.threads,
            self._settings.stack_cache_bytes,
            self._settings.store,
            self._settings.runs,
        )
        self._opened.add_done_callback(_log_failure)

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if not pool:
            return
        closing = asyncio.ensure_future(asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True))
        done, _ = await asyncio.wait({closing}, timeout=STOP_SECONDS)
        if not done:
            log.warning("the device's process did not finish in %s s and is stopped", STOP_SECONDS)
            _kill_processes()
            await closing


def _kill_processes() -> None:
    for process in active_children():  # the pool's only: nothing else of the server is a process
        process.kill()


async def _outcome(awaitable: Awaitable[Any]) -> Any:
    """Its result, or its exception as a value."""
    return (await asyncio.gather(awaitable, return_exceptions=True))[0]


def _reason(error: BaseException) -> str:
    if isinstance(error, BrokenProcessPool):
        return "the device's process died and is started anew"
    return str(error) or type(error).__name__


def _log_failure(opened: asyncio.Future[dict[str, Any]]) -> None:
    if not opened.cancelled() and (error := opened.exception()):
        log.error("the device can't be used: %s", _reason(error))
