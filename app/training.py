"""Training runs wait in one queue and train one at a time; they go on when whoever asked has left, can be paused, and
survive the server: what waited or ran when it ended goes on from its last checkpoint."""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.asker import SERVER, Asker
from app.engine import Engine, EngineFailed, EngineTimedOut
from app.errors import ApiError, shown
from app.feed import Feed
from app.measureplans import device_key
from app.measuring import failure_of
from app.params import Table
from app.query import Query
from app.results import now
from app.runstore import RunStore, StoredRun
from app.settings import Settings
from app.trainingparams import TRAINING
from app.trainingplans import (
    CONVENTIONS,
    AskedRun,
    asked_run,
    check_run,
    described_arms,
    label_of,
    run_seconds,
    shape_of,
)
from app.turns import in_turn, last_place_is_for_others
from compute.errors import SpecError
from compute.training import DataShape, TrainSpec, arms_of

log = logging.getLogger("groupscope.training")
REMEMBERED = 50  # timings of plans
KEEP_SECONDS = 5.0  # from one row in the store to the next while it trains
TRIES = 2  # of a run that loses the device's process without getting any further


class UnknownRun(ApiError):
    status = 404
    code = "unknown_run"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no training run {shown(run_id)}", None, "/api/trainings lists those that are kept")


class RunGoesOn(ApiError):
    status = 409
    code = "still_training"

    def __init__(self) -> None:
        super().__init__("this run waits or trains", None, "cancel it first")


class RunQueueFull(ApiError):
    status = 503
    code = "busy"
    retry_after = 60

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} training runs are waiting already", None, "try again when one has ended")


class NoOwnData(ApiError):
    code = "no_own_data"

    def __init__(self) -> None:
        hint = "set GROUPSCOPE_DATA to an .npz file, a folder of IDX files or of class folders, or use fashion-mnist"
        super().__init__("this server has no images of its own to train on", "data", hint)


class Run:
    """One that waits, trains, is paused or has ended."""

    def __init__(self, stored: StoredRun, asked: AskedRun, asker: Asker = SERVER) -> None:
        self.stored, self.asked, self.asker = stored, asked, asker
        self.feed = Feed()
        self.training: asyncio.Task[None] | None = None
        self.wish: str | None = None  # paused or cancelled: what is to become of it once it has stopped
        self.seconds_left = float(stored.record.get("estimate_seconds", 0))
        self.version = self.tries = 0
        self.arms: list[dict[str, Any]] = []  # how each stood lately

    @property
    def id(self) -> str:
        return self.stored.id

    def told(self) -> dict[str, Any]:
        """The body of GET /api/trainings/{id}."""
        return {**self.stored.listed(), "seconds_left": self.seconds_left, **self.stored.record}


class Training:
    """The queue before the engine's training, and the store behind it."""

    def __init__(self, engine: Engine, store: RunStore, table: Table, settings: Settings) -> None:
        self.store = store
        self._engine, self._settings = engine, settings
        self._query = Query(table, TRAINING, settings.max_query_bytes)
        self._waiting: deque[Run] = deque()
        self._running: Run | None = None
        self._known: dict[str, Run] = {}  # those that wait, train, or are paused and were asked about
        self._arrived = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._left = False
        self._timed: OrderedDict[Any, dict[str, float]] = OrderedDict()
        self._data: dict[Path | None, dict[str, Any]] = {}

    # Life

    async def start(self) -> None:
        for stored in await self.store.unfinished():
            try:
                asked = asked_run(self._query.table, self._query.parse(stored.query.encode()))
            except (ApiError, SpecError):  # of another version
                stored.state = "failed"
                await self.store.put(stored)
                continue
            self._queue(Run(stored, asked))
        self._serving = asyncio.create_task(self._serve())

    def leave(self) -> None:
        """The server is about to stop: connections close, and what trains saves where it stands."""
        self._left = True
        for run in [*self._waiting, *([self._running] if self._running else [])]:
            run.feed.tell("progress", {**self._progress(run), "stage": "the server stops"}, last=True)
        if self._running and self._running.training:
            self._running.training.cancel()

    async def stop(self) -> None:
        self.leave()
        if self._running and self._running.training:
            await asyncio.wait({self._running.training})
        if self._serving:
            self._serving.cancel()
        await self.store.stop()

    # Before

    def asked(self, raw: bytes) -> AskedRun:
        """Raises ApiError, SpecError."""
        return asked_run(self._query.table, self._query.parse(raw))

    def openapi(self) -> dict[str, Any]:
        return self._query.openapi()

    def path_of(self, asked: AskedRun) -> Path | None:
        """Of its images; None: those that ship. Raises NoOwnData."""
        if not asked.own:
            return None
        if self._settings.data is None:
            raise NoOwnData
        return self._settings.data

    async def data(self, path: Path | None) -> dict[str, Any]:
        """Asked for once. Raises SpecError, EngineFailed, EngineBusy."""
        if path not in self._data:
            try:
                self._data[path] = await self._engine.data(path)
            except EngineTimedOut as error:
                hint = "save them as one .npz, or raise GROUPSCOPE_MAX_SECONDS"
                limit = self._settings.max_seconds
                raise SpecError(f"reading the images took longer than {limit:g} s", "data", hint) from error
        return self._data[path]

    async def plan(self, asked: AskedRun, asker: Asker) -> dict[str, Any]:
        """The body of GET /api/trainings/plan. Raises ApiError, SpecError, EngineFailed, EngineBusy."""
        spec, path = asked.spec, self.path_of(asked)
        data = await self.data(path)
        shape = shape_of(data)
        arms = described_arms(spec, shape)
        steps = spec.steps(shape)
        seconds = await self._step_seconds(spec, path, shape, asker)
        estimate, limit = run_seconds(spec, shape, seconds), self._settings.max_train_seconds
        return {
            **arms,
            "hold": spec.hold,
            "steps": steps,
            "steps_per_epoch": spec.steps_per_epoch(shape),
            "epochs": spec.epochs,
            "seeds": spec.seeds,
            "total_steps": steps * len(spec.arms) * spec.seeds,
            "step_seconds": seconds,
            "estimate_seconds": estimate,
            "limit_seconds": limit,
            "allowed": estimate <= limit,
            "waiting": len(self._waiting) + bool(self._running),
            "data": data,
            "own": self._settings.data is not None,
            "conventions": CONVENTIONS,
        }

    async def add(self, asked: AskedRun, asker: Asker) -> Run:
        """Raises RunQueueFull, RunTooLong, NoOwnData, SpecError, EngineFailed, EngineBusy."""
        spec, path = asked.spec, self.path_of(asked)
        data = await self.data(path)
        shape = shape_of(data)
        arms = described_arms(spec, shape)
        seconds = check_run(spec, shape, await self._step_seconds(spec, path, shape, asker), self._settings)
        device = device_key(await self._engine.device())
        self._check_room(asker)
        record = {**arms, "data": data, "device": device, "estimate_seconds": seconds, "conventions": CONVENTIONS}
        for arm in record["arms"]:
            arm |= {"seeds": [], "accuracy_mean": None, "accuracy_low": None, "accuracy_high": None}
        record |= {"history": {}, "looks": [], "looks_version": 0, "verdict": None, "error": None, "stored": True}
        stored = StoredRun(
            uuid4().hex, now(), "queued", label_of(spec, data, arms_of(spec, shape)), asked.query,
            total=spec.steps(shape) * len(spec.arms) * spec.seeds, record={**record, "stored_reason": None},
        )  # fmt: skip
        run = Run(stored, asked, replace(asker, gone=None))
        await self._keep(run)
        self._queue(run)
        return run

    async def _step_seconds(
        self, spec: TrainSpec, path: Path | None, shape: DataShape, asker: Asker
    ) -> dict[str, float]:
        """Timed once for each kind of network."""
        arms = arms_of(spec, shape)
        key = path, spec.batch, tuple((arm.name, arm.stack) for arm in arms)
        if key not in self._timed:
            self._timed[key] = await self._engine.step_seconds(spec, path, asker)
            while len(self._timed) > REMEMBERED:
                self._timed.popitem(last=False)
        return self._timed[key]

    def _check_room(self, asker: Asker) -> None:
        if self._left:
            raise EngineFailed("the server is stopping")
        size, askers = self._settings.train_queue, [run.asker for run in self._waiting]
        if len(askers) >= size or last_place_is_for_others(askers, size, asker):
            raise RunQueueFull(len(askers))

    # While

    async def feed(self, run_id: str) -> Feed:
        """Raises UnknownRun."""
        if found := self._known.get(run_id):
            return found.feed
        stored = await self._stored(run_id)
        if stored.state == "paused":  # by a server before this one; whoever follows it now hears when it goes on
            run = self._known[run_id] = Run(stored, self._again(stored))
            run.feed.tell("progress", {**self._progress(run), "stage": "paused"})
            return run.feed
        feed = Feed()
        self._tell_end(feed, stored)
        return feed

    def position(self, run: Run) -> int:
        """How many are before it."""
        return self._waiting.index(run) + bool(self._running) if run in self._waiting else 0

    async def pause(self, run_id: str) -> None:
        """Raises UnknownRun. One that does not wait or train stays as it is."""
        await self._halt(run_id, "paused")

    async def cancel(self, run_id: str) -> None:
        """Raises UnknownRun. One that has ended stays as it is."""
        await self._halt(run_id, "cancelled")

    async def resume(self, run_id: str, asker: Asker = SERVER) -> bool:
        """Whether it goes on now: a run that is done, or goes on anyway, stays as it is. Raises UnknownRun,
        RunQueueFull."""
        stored = await self._stored(run_id)
        if stored.state not in ("paused", "cancelled", "failed"):
            return False
        self._check_room(asker)
        known = self._known.get(run_id)
        run = Run(stored, known.asked if known else self._again(stored), asker)
        stored.state, stored.record["error"] = "queued", None
        await self._keep(run)
        if known and not known.feed.ended:  # whoever follows the paused run follows on
            run.feed = known.feed
        self._queue(run)
        return True

    async def _halt(self, run_id: str, wish: str) -> None:
        run = self._known.get(run_id)
        if run is None:
            stored = await self._stored(run_id)
            if stored.state == "paused" and wish == "cancelled":
                stored.state = wish
                await self.store.put(stored)
            return
        if run in self._waiting:
            self._waiting.remove(run)
            await self._end(run, wish)
            self._tell_positions()
        elif run is self._running and run.training and run.wish is None:
            run.wish = wish
            run.training.cancel()
            await asyncio.wait({run.training})
        elif run.stored.state == "paused" and wish == "cancelled":
            await self._end(run, wish)

    # After

    async def find(self, limit: int) -> list[dict[str, Any]]:
        """The latest first."""
        found = []
        for stored in await self.store.find(limit):
            known = self._known.get(stored.id)
            facts = (known.stored if known else stored).listed()
            found.append({**facts, "seconds_left": known.seconds_left if known else 0.0})
        return found

    async def record(self, run_id: str) -> dict[str, Any]:
        """Raises UnknownRun."""
        if found := self._known.get(run_id):
            return found.told()
        stored = await self._stored(run_id)
        return {**stored.listed(), "seconds_left": 0.0, **stored.record}

    async def delete(self, run_id: str) -> None:
        """Raises UnknownRun, RunGoesOn."""
        stored = await self._stored(run_id)
        if stored.state in ("queued", "running"):
            raise RunGoesOn
        self._known.pop(run_id, None)
        await self.store.delete(run_id)

    async def _stored(self, run_id: str) -> StoredRun:
        if known := self._known.get(run_id):
            return known.stored
        if found := await self.store.get(run_id):
            return found
        raise UnknownRun(run_id)

    def _again(self, stored: StoredRun) -> AskedRun:
        return asked_run(self._query.table, self._query.parse(stored.query.encode()))

    # The queue

    def _queue(self, run: Run) -> None:
        self._known[run.id] = run
        served = self._running.asker.who if self._running else None
        self._waiting = in_turn([*self._waiting, run], lambda waits: waits.asker.who, served)
        self._tell_positions()
        self._arrived.set()

    def _tell_positions(self) -> None:
        for run in self._waiting:
            run.feed.tell("queued", {"position": self.position(run)})

    async def _serve(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            run = self._running = self._waiting.popleft()
            run.training = training = asyncio.create_task(self._run(run))
            self._tell_positions()
            await asyncio.wait({training})
            self._running = None

    async def _run(self, run: Run) -> None:
        try:
            while not await self._trained(run):
                log.warning("training run %s lost the device's process and goes on from its last checkpoint", run.id)
        except asyncio.CancelledError:
            if run.wish:
                await self._end(run, run.wish)
            else:  # the server stops
                await self._keep(run)
        except Exception as error:  # noqa: BLE001  # whoever waits must be told, and the next one must run
            refusal = failure_of(error, "training", "resume it, or train a smaller network")
            run.stored.record["error"] = refusal.as_dict()
            await self._end(run, "failed")
        else:
            await self._end(run, "done")

    async def _trained(self, run: Run) -> bool:
        """Whether it has ended; not, where the device's process was lost on the way."""
        run.stored.state = "running"
        run.feed.tell("progress", {**self._progress(run), "stage": "about to start"})
        folder, kept_at, before = self.store.folder(run.id), 0.0, run.stored.done
        try:
            path = self.path_of(run.asked)
            events = self._engine.train(run.asked.spec, path, folder, lambda last: self._take(run, last))
            async with aclosing(events):
                async for event in events:
                    snapshot = event.get("result") or event.get("snapshot")
                    if snapshot:
                        self._take(run, snapshot)
                    if "result" in event:
                        return True
                    run.seconds_left, run.stored.done = event["seconds_left"], event["done"]
                    if snapshot and time.monotonic() - kept_at > KEEP_SECONDS:
                        await self._keep(run)
                        kept_at = time.monotonic()
                    run.arms = event["arms"]
                    told = {name: event[name] for name in ("stage", "seed")}
                    run.feed.tell("progress", {**self._progress(run), **told})
        except EngineFailed:
            run.tries = run.tries + 1 if run.stored.done <= before else 1
            if run.tries > TRIES or not (folder / "checkpoint.safetensors").exists():
                raise
        return False

    def _take(self, run: Run, snapshot: Mapping[str, Any]) -> None:
        """Curves, looks and results into the record."""
        record, stored = run.stored.record, run.stored
        run.version += 1
        stored.done = snapshot["done"]
        record |= {name: snapshot[name] for name in ("history", "looks", "looks_version", "verdict")}
        for arm in record["arms"]:
            arm |= snapshot["arms"][arm["arm"]]
            for one in arm["seeds"]:
                one["checkpoint"] = f"{run.id}-{arm['arm']}-{one['seed']}"
        if snapshot["verdict"]:
            told = [f"{a['label']} {100 * a['accuracy_mean']:.1f} %" for a in record["arms"] if a["accuracy_mean"]]
            stored.summary = ", ".join(told)

    def _progress(self, run: Run) -> dict[str, Any]:
        stored = run.stored
        return {
            "state": stored.state,
            "stage": "",
            "done": stored.done,
            "total": stored.total,
            "seconds_left": run.seconds_left,
            "seed": run.asked.spec.seed,
            "version": run.version,
            "looks_version": stored.record["looks_version"],
            "arms": run.arms,
        }

    async def _end(self, run: Run, state: str) -> None:
        """It is kept as it stands now, and whoever follows is told."""
        run.stored.state, run.wish, run.training = state, None, None
        if state == "done":
            run.seconds_left = 0.0
        await self._keep(run)
        if state == "paused":
            run.feed.tell("progress", {**self._progress(run), "stage": "paused"})
        else:
            self._known.pop(run.id, None)  # from here on the store knows it
            self._tell_end(run.feed, run.stored)

    def _tell_end(self, feed: Feed, stored: StoredRun) -> None:
        news: dict[str, Any] = {"id": stored.id, "state": stored.state}
        name = {"done": "result", "failed": "failed"}.get(stored.state, "cancelled")
        if name == "failed":
            news["error"] = stored.record.get("error")
        feed.tell(name, news, last=True)

    async def _keep(self, run: Run) -> None:
        reason = await self.store.put(run.stored)
        run.stored.record |= {"stored": reason is None, "stored_reason": reason}
