"""The one narrow door to the device: a bounded queue before one process that runs torch.

Routes know three things: `ready`, `device()` and `ask()`. What serves them could as well be a cluster. Measurements and
training go through `measure()` and `train()`, step by step, and only while nobody waits; training stands back for a
measurement as a whole.
"""

import asyncio
import logging
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from app import trainworker, worker
from app.asker import SERVER, Asker
from app.questions import Question
from app.settings import Settings
from app.turns import Bounds, QueueFull, Turns
from compute.measure import AnySpec
from compute.training import TrainSpec

log = logging.getLogger("groupscope.engine")
Events = AsyncGenerator[dict[str, Any], None]
STOP_SECONDS = 3
MAX_PAUSE_SECONDS = 30
OPEN_SECONDS = 120  # to load torch from a cold disk and to compute something
BUSY_SECONDS = 10  # at one job; who asks meanwhile waits too long to call it ready
ANSWER_SECONDS = 3
PROBE_SECONDS = 5  # a process that does not answer so long, though nothing runs there, never will
LONGEST_RETRY = 30
QUIET_SECONDS = 0.08  # after somebody was served until a measurement goes on: who drags a slider asks again at once


class EngineBusy(Exception):
    """The queue is full, or this client's part of it; try again in `retry_after` seconds."""

    def __init__(self, full: QueueFull, retry_after: int = 1) -> None:
        super().__init__(f"{full.who} for the device already")
        self.retry_after = retry_after


class EngineFailed(Exception):
    """The device's process could not be started, or died over this request."""


class EngineTimedOut(EngineFailed):
    """This request took longer than one may; asked again it would take as long."""


class EngineOutOfMemory(EngineFailed):
    """The device has too little memory for this request, or had at this moment."""


class EngineGone(Exception):
    """Whoever asked has left; nobody waits for the answer."""


@dataclass(eq=False)
class _Job:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: asyncio.Future[Any]
    again: bool = True
    asker: Asker = SERVER
    seconds: float | None = None  # it may take; None: what the settings say

    def answer(self, outcome: Any) -> None:
        if self.done.done():
            return
        if isinstance(outcome, BaseException):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


@dataclass
class Spent:
    """On jobs of one kind, since the server started."""

    jobs: int = 0
    seconds: float = 0.0


class Engine:
    """Runs one job at a time, clients in turn; a job whose client has left is dropped before it runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.spent: dict[str, Spent] = {}
        self.restarts = 0
        self._waiting = Turns[_Job](Bounds(settings.queue_size, settings.address_queue, settings.client_queue))
        self._urgent: deque[_Job] = deque()  # before everyone's turn: what is tried again, ends, or asks how it is
        self._runs_since: float | None = None
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
        return len(self._waiting) + len(self._urgent)

    @property
    def pid(self) -> int | None:
        """Of the device's process, once there is one."""
        return next(iter(_pids(self._pool)), None)

    @property
    def busy_seconds(self) -> float:
        """Since the job that runs now began; 0 where none does."""
        return 0.0 if self._runs_since is None else asyncio.get_running_loop().time() - self._runs_since

    async def trouble(self) -> str | None:
        """Why the device can't be used now; None where it answers, or has been at one job for no longer than
        BUSY_SECONDS. A process that does not answer though nothing runs there is replaced."""
        if not self.ready:
            return "The engine that computes feature maps is still starting"
        if self.busy_seconds >= BUSY_SECONDS:
            return f"The device has been at one job for {self.busy_seconds:.0f} s"
        job = self._urge(worker.ping, seconds=PROBE_SECONDS)
        await asyncio.wait({job.done}, timeout=ANSWER_SECONDS)
        if job.done.done():
            return _reason(error) if (error := job.done.exception()) else None
        if job in self._urgent:  # something else runs, and does not for long yet
            self._forget(job)
            return None
        return f"The device's process does not answer within {ANSWER_SECONDS} s"

    async def memory(self, seconds: float) -> dict[str, int] | None:
        """Bytes of the device's memory by name; None where it takes longer to find out."""
        job = self._urge(worker.memory)
        await asyncio.wait({job.done}, timeout=seconds)
        if not job.done.done():
            self._forget(job)
            return None
        return None if job.done.exception() else dict(job.done.result())

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

    async def ask(self, picture: Path, image_id: str, question: Question, asker: Asker = SERVER) -> bytes:
        """The body that answers `question`. Raises SpecError, FileNotFoundError, EngineBusy, EngineFailed, and
        EngineGone once `asker` has left."""
        body: bytes = await self._submit(asker, worker.answer, picture, image_id, question)
        return body

    async def dtypes(self) -> list[str]:
        """Types of numbers that the device can measure with. Raises EngineBusy, EngineFailed."""
        names: list[str] = await self._submit(SERVER, worker.dtypes)
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
        told: dict[str, Any] = await self._submit(SERVER, trainworker.data, path)
        return told

    async def step_seconds(self, spec: TrainSpec, path: Path | None, asker: Asker) -> dict[str, float]:
        """Of one training step of each arm, tried now. Raises as `ask` does, but for FileNotFoundError."""
        found: dict[str, float] = await self._submit(asker, trainworker.step_seconds, spec, path)
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
        return self._urge(function, token).done

    def _urge(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> _Job:
        """A job of the server's own, before everyone's turn."""
        job = _Job(function, arguments, asyncio.get_running_loop().create_future(), again=False, seconds=seconds)
        job.done.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody looks
        self._urgent.append(job)
        self._arrived.set()
        return job

    async def _opening(self) -> Any:
        """What the device said when it was opened, or the exception."""
        assert self._opened is not None, "start() comes first"
        opened = self._opened
        if not opened.done():
            await asyncio.wait({opened}, timeout=OPEN_SECONDS)
        if not opened.done():
            _kill(_pids(self._pool))
        return await _outcome(asyncio.shield(opened))

    async def _submit(self, asker: Asker, function: Callable[..., Any], *arguments: Any) -> Any:
        if not self._serving:
            raise EngineFailed("the server is stopping")
        job = _Job(function, arguments, asyncio.get_running_loop().create_future(), asker=asker)
        try:
            displaced = self._waiting.put(job, asker)
        except QueueFull as full:
            raise EngineBusy(full, self._retry_after()) from None
        if displaced:
            displaced.answer(EngineBusy(QueueFull(len(self._waiting)), self._retry_after()))
        self._arrived.set()
        try:
            both = {job.done, asker.gone} if asker.gone else {job.done}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not job.done.done():
                raise EngineGone
            return job.done.result()
        finally:
            self._forget(job)

    def _retry_after(self) -> int:
        """Seconds until those who wait now are served, by what jobs took so far."""
        jobs = sum(spent.jobs for spent in self.spent.values())
        seconds = sum(spent.seconds for spent in self.spent.values()) / max(jobs, 1)
        return min(max(1, ceil(seconds * len(self._waiting))), LONGEST_RETRY)

    def _forget(self, job: _Job) -> None:
        if not job.done.done():
            job.done.cancel()
        self._waiting.remove(job)
        if job in self._urgent:
            self._urgent.remove(job)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._work()
            opened = await self._opening()
            if isinstance(opened, BaseException):
                await self._give_up(opened)
            elif self._urgent:
                job = self._urgent.popleft()
                self._disturbed |= job.asker is not SERVER  # the server's own take no time
                await self._run(job)
            elif len(self._waiting):  # its client may have left while torch was loading
                await self._run(self._waiting.take())
                self._disturbed, self._quiet_at = True, loop.time() + QUIET_SECONDS
            elif self._step:
                step, self._step = self._step, None
                disturbed, self._disturbed = self._disturbed, False
                await self._run(step, disturbed)

    async def _work(self) -> None:
        """Returns once there is some: a step of a measurement counts when nobody was served for QUIET_SECONDS."""
        while not self._urgent and not len(self._waiting):
            pause = self._quiet_at - asyncio.get_running_loop().time() if self._step else None
            if pause is not None and pause <= 0:
                return
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), pause)

    async def _run(self, job: _Job, *more: Any) -> None:
        loop = asyncio.get_running_loop()
        began = self._runs_since = loop.time()
        outcome = await self._outcome_of(job, *more)
        self._runs_since = None
        spent = self.spent.setdefault(job.function.__name__, Spent())
        spent.jobs, spent.seconds = spent.jobs + 1, spent.seconds + loop.time() - began
        died = isinstance(outcome, BrokenProcessPool)
        if died or isinstance(outcome, TimeoutError) or (isinstance(outcome, worker.DeviceError) and outcome.fatal):
            log.error("request %s: the device's process is lost (%s); starting another", job.asker.request_id, outcome)
            await self._replace()
        if died and job.again and not job.done.done():  # perhaps something else killed it: one more try
            job.again = False
            self._urgent.appendleft(job)
        elif isinstance(outcome, TimeoutError):
            job.answer(EngineTimedOut(_reason(outcome)))
        elif isinstance(outcome, worker.DeviceError) and outcome.out_of_memory:
            job.answer(EngineOutOfMemory(_reason(outcome)))
        elif died or isinstance(outcome, worker.DeviceError):
            job.answer(EngineFailed(_reason(outcome)))
        else:
            self._failures = 0
            job.answer(outcome)

    async def _outcome_of(self, job: _Job, *more: Any) -> Any:
        """What it returned or raised; a job that takes too long loses its process, for nothing else can stop it."""
        arguments = *job.arguments, *more
        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool, job.function, *arguments)
        except BrokenProcessPool as error:  # it died since the last job
            return error
        limit = job.seconds or self._settings.max_seconds
        done, _ = await asyncio.wait({running}, timeout=limit)
        if done:
            return await _outcome(running)
        _kill(_pids(self._pool))
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
        for job in [*self._urgent, *self._waiting.drain()]:
            job.answer(error)
        self._urgent.clear()
        if self._step:
            self._step.answer(error)
            self._step = None

    async def _replace(self) -> None:
        self.restarts += 1
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
        pids = _pids(pool)
        closing = asyncio.ensure_future(asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True))
        done, _ = await asyncio.wait({closing}, timeout=STOP_SECONDS)
        if not done:
            log.warning("the device's process did not finish in %s s and is stopped", STOP_SECONDS)
            _kill(pids)
            await closing


def _pids(pool: ProcessPoolExecutor | None) -> list[int]:
    """The executor keeps them to itself, and tells nobody else: nothing but a signal ends a process that hangs."""
    return list((pool._processes or {}) if pool else ())


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


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
