"""The engine's process dies, fails to open, or is given a job that kills it: what others asked for is still answered.

Faults are real: signals from outside, a device that is not there, a process that ends itself."""

import asyncio
import json
import os
import pickle
import pickletools
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from starlette.testclient import TestClient

from app.asker import SERVER, Asker
from app.engine import Engine, EngineBusy, EngineFailed, EngineGone, EngineOutOfMemory, EngineTimedOut
from app.main import create_app
from app.questions import LayerMaps
from app.settings import PROJECT, Settings
from compute.device import choose, describe
from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.measure import MeasureSpec
from compute.spec import ConvSpec

MISSING = "mps" if torch.cuda.is_available() else "cuda"  # no machine has both
CAT = PROJECT / "static/samples/cat.jpg"
SMALL = MapsSpec(ConvSpec(Grouping.uniform(4, 4, 2), height=16, width=16))


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Engine]:
    engine = Engine(settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def story(function: Callable[[Any], Awaitable[None]], **options: Any) -> None:
    async def tell() -> None:
        async with running(Settings(device=options.pop("device", "cpu"), **options)) as engine:
            await function(engine)

    asyncio.run(tell())


async def maps(engine: Engine, **options: Any) -> bytes:
    return await engine.ask(CAT, "cat", LayerMaps(SMALL), **options)


def kill_the_worker() -> None:
    (worker,) = active_children()
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()


def test_a_process_that_died_between_two_jobs_is_replaced() -> None:
    async def tell(engine: Engine) -> None:
        first = await maps(engine)
        kill_the_worker()
        np.testing.assert_array_equal(load(await maps(engine))["maps"], load(first)["maps"])
        assert engine.ready

    story(tell)


def test_a_job_that_kills_its_process_fails_alone() -> None:
    async def tell(engine: Engine) -> None:
        poison = asyncio.create_task(engine._submit(SERVER, os._exit, 1))
        good = asyncio.create_task(maps(engine))
        with pytest.raises(EngineFailed, match="the device's process died"):
            await poison
        assert await good
        assert await maps(engine)

    story(tell)


def test_what_the_device_process_says_needs_no_torch_to_be_read() -> None:
    said = pickle.dumps(describe(choose("cpu")))
    assert not [word for _, word, _ in pickletools.genops(said) if isinstance(word, str) and word.startswith("torch.")]


def test_a_device_that_is_not_there_is_said_to_be_missing() -> None:
    async def tell(engine: Engine) -> None:
        for _ in range(3):
            with pytest.raises(EngineFailed, match=f"device '{MISSING}' can't be used here"):
                await asyncio.wait_for(maps(engine), 30)
        with pytest.raises(EngineFailed):
            await engine.device()
        with pytest.raises(EngineFailed, match=f"device '{MISSING}' can't be used here"):
            await anext(engine.measure(MeasureSpec(SMALL.conv)))
        assert not engine.ready

    story(tell, device=MISSING)


def test_a_process_that_dies_while_it_opens_is_started_again() -> None:
    async def tell(engine: Engine) -> None:
        kill_the_worker()
        with pytest.raises(EngineFailed, match="process died"):
            await maps(engine)
        assert not engine.ready
        assert await maps(engine)
        assert engine.ready

    story(tell)


def test_whoever_left_is_forgotten_before_the_job_runs(tmp_path: Path) -> None:
    async def tell(engine: Engine) -> None:
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        trace = tmp_path / "ran"
        first = asyncio.create_task(maps(engine))
        second = asyncio.create_task(engine._submit(Asker("here", "", "-", left), Path.touch, trace))
        await asyncio.sleep(0)  # both are in the queue now
        left.set_result(None)
        with pytest.raises(EngineGone):
            await second
        assert await first
        assert await maps(engine)
        assert not trace.exists()

    story(tell)


def test_a_full_queue_says_so() -> None:
    async def tell(engine: Engine) -> None:
        asked = [asyncio.create_task(maps(engine)) for _ in range(4)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(a) for a in answers].count(EngineBusy) == 2
        assert sum(isinstance(a, bytes) for a in answers) == 2
        assert await maps(engine)

    story(tell, queue_size=2)


def test_it_is_ready_while_it_answers_and_not_while_one_job_holds_it() -> None:
    async def tell(engine: Engine) -> None:
        assert await engine.trouble() == "The engine that computes feature maps is still starting"
        await engine.device()
        assert await engine.trouble() is None
        long = asyncio.create_task(engine._submit(SERVER, time.sleep, 11))
        await asyncio.sleep(0.1)
        assert await engine.trouble() is None  # busy, but not for long yet
        while engine.busy_seconds < 10:
            await asyncio.sleep(0.1)
        assert await engine.trouble() == "The device has been at one job for 10 s"
        await long
        assert await engine.trouble() is None
        assert (engine.restarts, engine.waiting) == (0, 0)
        assert engine.spent["sleep"].jobs == 1

    story(tell)


def test_what_the_device_holds_is_told(tmp_path: Path) -> None:
    async def tell(engine: Engine) -> None:
        await engine.device()
        assert (await engine.memory(5) or {})["resident"] > 50e6
        busy = asyncio.create_task(engine._submit(SERVER, time.sleep, 0.5))
        await asyncio.sleep(0.1)
        assert await engine.memory(0.01) is None
        await busy
        assert engine.waiting == 0

    story(tell)


@pytest.mark.gpu
def test_a_gpu_out_of_memory_answers_the_next_request() -> None:
    async def tell(engine: Engine) -> None:
        worker = engine.pid
        huge = MapsSpec(ConvSpec(Grouping.uniform(2048, 2048, 2048), height=8192, width=8192))  # 550 GB
        with pytest.raises(EngineOutOfMemory, match="too little memory"):
            await engine.ask(CAT, "cat", LayerMaps(huge))
        assert await maps(engine)
        assert engine.pid == worker

    story(tell, device="cuda")


def test_a_job_that_takes_too_long_is_stopped() -> None:
    async def tell(engine: Engine) -> None:
        await engine.device()
        with pytest.raises(EngineTimedOut, match="this took longer than 1 s and was stopped"):
            await engine._submit(SERVER, time.sleep, 600)

    story(tell, max_seconds=1)


def test_whoever_asked_for_too_much_is_told_not_to_ask_again(tmp_path: Path) -> None:
    image = json.loads((PROJECT / "static/samples/samples.json").read_text("utf-8"))[0]["id"]
    settings = Settings(
        device="cpu",
        store=tmp_path,
        results=tmp_path / "measurements.sqlite",
        runs=tmp_path / "runs",
        max_seconds=0.001,
    )
    with TestClient(create_app(settings), "http://localhost") as client:
        answer = client.get("/api/feature-maps", params={"image": image, "size": 512})
    assert answer.status_code == 503
    assert answer.json()["error"] == {
        "code": "engine_failed",
        "message": "this took longer than 0.001 s and was stopped",
        "field": "size",
        "hint": "use a smaller size, fewer channels or fewer modules: asked again it would take as long",
    }


def test_stopping_ends_the_process() -> None:
    async def tell(engine: Engine) -> None:
        await maps(engine)
        assert len(active_children()) == 1

    story(tell)
    assert active_children() == []
