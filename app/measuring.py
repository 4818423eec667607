"""Measurements wait in one queue and run one at a time; they go on when whoever asked has left, and are kept."""

import asyncio
import logging
from collections import OrderedDict, deque
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import orjson

from app.asker import SERVER, Asker
from app.engine import Engine, EngineFailed, EngineOutOfMemory
from app.errors import ApiError, Refusal, cut
from app.feed import Feed
from app.measureplans import Asked, Standing, check_dtype, check_length, device_key, standing, summary_of
from app.resultdatabase import Kept
from app.results import Results, now
from app.settings import Settings
from app.turns import in_turn, last_place_is_for_others
from compute.errors import SpecError

log = logging.getLogger("groupscope.measuring")
REMEMBERED = 50  # measurements that ended, for whoever follows them still
OVERRUN = 4  # times the limit on estimates: what takes so long never finds the device free
NOT_CEILINGS = ("id", "kind", "version", "conditions", "layer", "control")


class MeasureQueueFull(ApiError):
    status = 503
    code = "busy"

    def __init__(self, waiting: int, seconds: float) -> None:
        super().__init__(
            f"{waiting} measurements are waiting already",
            None,
            f"try again when one has ended: they take about {seconds:,.0f} s",
        )
        self.retry_after = max(1, round(seconds / (waiting + 1)))


class StillMeasuring(ApiError):
    status = 409
    code = "still_measuring"

    def __init__(self, measurement_id: str) -> None:
        hint = f"follow /api/measurements/{measurement_id}/events, or cancel it"
        super().__init__("this measurement has not ended yet", None, hint)


class Measurement:
    """One that waits, runs or has ended; its feed tells which. seconds: the estimate, and then what is left of it.
    running: what to cancel."""

    def __init__(self, asked: Asked, seconds: float, asker: Asker) -> None:
        self.id, self.asked, self.asker = uuid4().hex, asked, asker
        self.estimate = self.seconds = seconds
        self.feed = Feed()
        self.running: asyncio.Task[None] | None = None

    def listed(self, position: int) -> dict[str, Any]:
        facts = {
            "id": self.id,
            "kind": self.asked.kind,
            "label": self.asked.label,
            "query": self.asked.told.get("query"),
        }
        return {**facts, "estimate_seconds": self.estimate, "seconds_left": self.seconds, "position": position}


class Measuring:
    """The queue before the engine's measurements, clients in turn, and the store behind them."""

    def __init__(self, engine: Engine, results: Results, settings: Settings) -> None:
        self.results = results
        self._engine, self._settings = engine, settings
        self._waiting: deque[Measurement] = deque()
        self._running: Measurement | None = None
        self._ended: OrderedDict[str, Measurement] = OrderedDict()
        self._arrived = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._left = False
        self._dtypes: list[str] = []

    async def start(self) -> None:
        self._serving = asyncio.create_task(self._serve())

    def leave(self) -> None:
        """The server is about to stop: whoever follows a measurement is told that it ends, and connections close."""
        self._left = True
        for measurement in [*self._waiting, *([self._running] if self._running else [])]:
            self.cancel(measurement.id)

    async def stop(self) -> None:
        self.leave()
        if self._running and self._running.running:
            await asyncio.wait({self._running.running})
        if self._serving:
            self._serving.cancel()
        await self.results.stop()

    @property
    def ahead(self) -> int:
        """Measurements that wait or run."""
        return len(self._waiting) + bool(self._running)

    async def device(self) -> str:
        """The device's key. Raises EngineFailed."""
        return device_key(await self._engine.device())

    async def standing(self, dtype: str) -> Standing:
        """Raises EngineFailed, EngineBusy, SpecError for a type that the device does not have."""
        device = await self._engine.device()
        check_dtype(dtype, await self.dtypes())
        return standing(device, await self.results.ceilings(device_key(device), dtype))

    async def dtypes(self) -> list[str]:
        """What the device has; asked once."""
        self._dtypes = self._dtypes or await self._engine.dtypes()
        return self._dtypes

    async def add(self, asked: Asked, asker: Asker = SERVER) -> Measurement:
        """Raises MeasureQueueFull, TooLong, SpecError, EngineFailed."""
        seconds = check_length(asked.spec, await self.standing(asked.spec.dtype), self._settings)
        if self._left:
            raise EngineFailed("the server is stopping")
        size, askers = self._settings.measure_queue, [m.asker for m in self._waiting]
        if len(askers) >= size or last_place_is_for_others(askers, size, asker):
            raise MeasureQueueFull(len(self._waiting), self._seconds_ahead(len(self._waiting)))
        measurement = Measurement(asked, seconds, asker)
        served = self._running.asker.who if self._running else None
        self._waiting = in_turn([*self._waiting, measurement], lambda m: m.asker.who, served)
        self._tell_positions()
        self._arrived.set()
        return measurement

    def queue(self) -> dict[str, Any]:
        running = self._running.listed(0) if self._running else None
        return {"running": running, "waiting": [m.listed(self.position(m)) for m in self._waiting]}

    def position(self, measurement: Measurement) -> int:
        """How many are before it."""
        waits = measurement in self._waiting
        return self._waiting.index(measurement) + bool(self._running) if waits else 0

    def active(self, kind: str, layer: str) -> Measurement | None:
        """One that waits or runs."""
        every = [*([self._running] if self._running else []), *self._waiting]
        return next((m for m in every if (m.asked.kind, m.asked.layer) == (kind, layer) and not m.feed.ended), None)

    async def feed(self, measurement_id: str) -> Feed:
        """Of one that waits, runs, or has ended, however long ago. Raises UnknownMeasurement."""
        if found := self._find(measurement_id):
            return found.feed
        kept = await self.results.get(measurement_id)
        feed = Feed()
        feed.tell("result", {**orjson.loads(kept.result), "stored": True, "stored_reason": None}, last=True)
        return feed

    async def result(self, measurement_id: str) -> Kept:
        """Raises UnknownMeasurement, StillMeasuring."""
        self._check_ended(measurement_id)
        return await self.results.get(measurement_id)

    async def delete(self, measurement_id: str) -> None:
        """Raises UnknownMeasurement, StillMeasuring."""
        self._check_ended(measurement_id)
        self._ended.pop(measurement_id, None)
        await self.results.delete(measurement_id)

    def cancel(self, measurement_id: str) -> bool:
        """Whether there is, or was lately, such a measurement; one that has ended stays as it is."""
        found = self._find(measurement_id)
        if found and found in self._waiting:
            self._waiting.remove(found)
            self._end(found, "cancelled", {"id": found.id})
            self._tell_positions()
        elif found and found.running:
            self._end(found, "cancelled", {"id": found.id})
            found.running.cancel()
        return found is not None

    def _find(self, measurement_id: str) -> Measurement | None:
        active = [*([self._running] if self._running else []), *self._waiting]
        return next((m for m in active if m.id == measurement_id), self._ended.get(measurement_id))

    def _check_ended(self, measurement_id: str) -> None:
        found = self._find(measurement_id)
        if found and not found.feed.ended:
            raise StillMeasuring(measurement_id)

    def _tell_positions(self) -> None:
        for index, measurement in enumerate(self._waiting):
            news = {"position": self.position(measurement), "ahead_seconds": self._seconds_ahead(index)}
            measurement.feed.tell("queued", news)

    def _seconds_ahead(self, index: int) -> float:
        """Until the waiting one at `index` begins."""
        before = [*([self._running] if self._running else []), *list(self._waiting)[:index]]
        return sum(measurement.seconds for measurement in before)

    async def _serve(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            measurement = self._running = self._waiting.popleft()
            measurement.running = running = asyncio.create_task(self._run(measurement))
            self._tell_positions()
            await asyncio.wait({running})
            self._running = None

    async def _run(self, measurement: Measurement) -> None:
        """Tells how it ended, where it is not cancelled."""
        try:
            async with asyncio.timeout(OVERRUN * self._settings.max_measure_seconds):
                result, device = await self._measured(measurement)
            measurement.running = None  # too late to cancel
            news = await self._keep(measurement, result, device)
        except Exception as error:  # noqa: BLE001  # whoever waits must be told, and the next one must run
            refusal = failure_of(error, "a measurement", "measure again, or a smaller layer")
            self._end(measurement, "failed", {"id": measurement.id, "error": refusal.as_dict()})
        else:
            self._end(measurement, "result", news)

    async def _measured(self, measurement: Measurement) -> tuple[dict[str, Any], str]:
        """The result, and the key of the device it is of."""
        spec, feed = measurement.asked.spec, measurement.feed
        feed.tell("progress", {"stage": "about to start", "done": 0, "total": 1, "seconds_left": measurement.seconds})
        device = await self.device()
        ceilings = await self.results.ceilings(device, spec.dtype)
        known = ceilings if ceilings and ceilings.get("trusted") else None  # of a busy device: measured anew
        async with aclosing(self._engine.measure(spec, known)) as events:
            async for event in events:
                if "result" in event:
                    result = {**event["result"], "id": measurement.id}
                    break
                measurement.seconds = event["seconds_left"]
                feed.tell("progress", event)
        found = result if spec.kind == "ceilings" else result.get("ceilings")
        if found and found != known and (found["trusted"] or not known):
            facts = {name: value for name, value in found.items() if name not in NOT_CEILINGS}
            await self.results.put_ceilings(device, spec.dtype, facts)
        return result, device

    async def _keep(self, measurement: Measurement, result: dict[str, Any], device: str) -> dict[str, Any]:
        asked = measurement.asked
        entry = Kept(
            measurement.id, now(), asked.kind, device, asked.layer, asked.label, summary_of(asked, result), asked.told,
            orjson.dumps(result),
        )  # fmt: skip
        reason = await self.results.put(entry)
        return {**result, "stored": reason is None, "stored_reason": reason}

    def _end(self, measurement: Measurement, name: str, news: dict[str, Any]) -> None:
        measurement.seconds = 0
        self._ended[measurement.id] = measurement
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        measurement.feed.tell(name, news, last=True)


def failure_of(error: Exception, what: str, again: str) -> Refusal:
    """What is told of work that ended in `error`. again: the way out."""
    match error:
        case ApiError():
            return Refusal(error.status, error.code, error.message, error.field, error.hint)
        case SpecError():
            return Refusal(422, error.code, cut(error.message), error.field, error.hint)
        case EngineOutOfMemory():
            return Refusal(507, "out_of_memory", str(error), None, again)
        case EngineFailed():
            return Refusal(503, "engine_failed", str(error), None, again)
        case TimeoutError():
            return Refusal(
                503, "took_too_long", "the device never was free for long enough", None, "measure again later"
            )
    log.error("%s failed", what, exc_info=error)
    return Refusal(500, "internal", f"The server failed on {what}", None, "the server's log says why")
