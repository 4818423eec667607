"""Steps of a measurement in the engine: what others ask for goes first, and nothing is left behind."""

import asyncio
import operator
from collections.abc import Coroutine, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import torch

from app import worker
from app.asker import SERVER
from app.engine import QUIET_SECONDS, Engine, EngineFailed
from app.settings import Settings
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.measure import MeasureSpec
from compute.spec import ConvSpec
from tests.app.test_engine import kill_the_worker, maps

TINY = ConvSpec(Grouping.logarithmic(8, 8, 3), height=8, width=8)
PARALLEL = MeasureSpec(TINY, "parallel", rounds=5)
LONG = MeasureSpec(TINY, "parallel", rounds=101)


def holds_a_measurement() -> bool:
    """Asked in the device's process."""
    return worker._measurement is not None


class Running:
    """One engine and one loop for many tests: loading torch takes seconds."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.engine: Engine = self.runner.run(self._made())

    async def _made(self) -> Engine:
        engine = Engine(Settings(device="cpu"))
        await engine.start()
        return engine

    def run(self, tale: Coroutine[Any, Any, None]) -> None:
        self.runner.run(asyncio.wait_for(tale, 120))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.runner.run(made.engine.stop())
    made.runner.close()


async def disturbed(engine: Engine) -> bool:
    """A step that answers with what it is told."""
    return bool(await engine._take_turns(operator.or_, False))


def test_a_step_is_told_whether_anybody_was_served_since(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        await maps(engine)
        assert await disturbed(engine)
        assert not await disturbed(engine)
        assert not await disturbed(engine)
        await maps(engine)
        assert await disturbed(engine)
        assert not await disturbed(engine)

    running.run(tell(running.engine))


def test_a_step_waits_for_all_who_ask_and_a_quiet_moment(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        loop, order = asyncio.get_running_loop(), []

        async def noted(name: str, work: Any) -> float:
            await work
            order.append(name)
            return loop.time()

        step = asyncio.create_task(noted("step", engine._take_turns(operator.or_, False)))
        asked = [asyncio.create_task(noted("maps", maps(engine))) for _ in range(3)]
        *answered, done = await asyncio.gather(*asked, step)
        assert order == ["maps", "maps", "maps", "step"]
        assert done - max(answered) > 0.9 * QUIET_SECONDS

    running.run(tell(running.engine))


def test_a_measurement_tells_its_steps_and_its_result(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        told = [event async for event in engine.measure(PARALLEL)]
        assert all(set(event) >= {"stage", "done", "total", "seconds_left"} for event in told[:-1])
        assert told[-1]["result"]["kind"] == "parallel"
        assert not await engine._submit(SERVER, holds_a_measurement)

    running.run(tell(running.engine))


def test_maps_between_its_steps_discard_a_round(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        async for event in engine.measure(replace(LONG, rounds=5)):
            if event.get("done") in (6, 12):
                assert await maps(engine)
        result = event["result"]
        assert result["conditions"]["discarded"] >= 2
        assert len(result["rows"]) == 4

    running.run(tell(running.engine))


def test_closing_it_early_leaves_the_process_as_it_was(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        threads = await engine._submit(SERVER, torch.get_num_threads)
        async with aclosing(engine.measure(LONG)) as events:
            assert "stage" in await anext(events)
            assert "stage" in await anext(events)
            assert await engine._submit(SERVER, holds_a_measurement)
        assert not await engine._submit(SERVER, holds_a_measurement)
        assert await engine._submit(SERVER, torch.get_num_threads) == threads
        assert await maps(engine)
        assert [event async for event in engine.measure(PARALLEL)][-1]["result"]

    running.run(tell(running.engine))


def test_one_that_is_cancelled_ends_there_too(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        begun = asyncio.Event()

        async def follow() -> None:
            async with aclosing(engine.measure(LONG)) as events:
                async for _ in events:
                    begun.set()

        task = asyncio.create_task(follow())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await engine._submit(SERVER, holds_a_measurement)

    running.run(tell(running.engine))


def test_what_cannot_be_measured_is_refused(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        assert "float32" in await engine.dtypes()
        with pytest.raises(EngineFailed, match="the measurement was lost with the device's process"):
            await engine._take_turns(worker.measure_step, -1)
        spec = MeasureSpec(TINY)
        object.__setattr__(spec, "dtype", "int4")
        with pytest.raises(SpecError, match="int4 does not run on cpu"):
            await anext(engine.measure(spec))
        assert await maps(engine)

    running.run(tell(running.engine))


def test_a_process_that_is_killed_fails_the_measurement_alone(running: Running) -> None:
    async def tell(engine: Engine) -> None:
        async with aclosing(engine.measure(LONG)) as events:
            await anext(events)
            await asyncio.to_thread(kill_the_worker)
            with pytest.raises(EngineFailed, match="the device's process died and is started anew"):
                await anext(events)
        assert await maps(engine)
        async with aclosing(engine.measure(LONG)) as events:
            await anext(events)
            await asyncio.to_thread(kill_the_worker)
            assert await maps(engine)
            with pytest.raises(EngineFailed, match="the measurement was lost with the device's process"):
                await anext(events)
        assert [event async for event in engine.measure(PARALLEL)][-1]["result"]

    running.run(tell(running.engine))


def test_stopping_refuses_what_waits(running: Running) -> None:
    """The last of this file: the engine is stopped."""

    async def tell(engine: Engine) -> None:
        step = asyncio.create_task(anext(engine.measure(PARALLEL)))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await engine.stop()
        with pytest.raises(EngineFailed, match="the server is stopping"):
            await step
        with pytest.raises(EngineFailed, match="the server is stopping"):
            await anext(engine.measure(PARALLEL))

    running.run(tell(running.engine))
