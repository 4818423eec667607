"""The thread for arithmetic: its queue, those who leave it, and the loop beside it."""

import asyncio
import time
from typing import Any

import orjson
from fastapi import FastAPI

from app.calculator import Calculator
from app.engine import EngineGone
from app.settings import Settings
from tests.app.asgi import request
from tests.app.networkbodies import long_document


def test_more_than_the_queue_holds_is_503() -> None:
    async def run() -> list[Any]:
        calculator = Calculator(Settings(queue_size=2))
        never = asyncio.create_task(asyncio.sleep(60))
        jobs = [calculator.run(never, lambda: time.sleep(0.05) or b"done") for _ in range(3)]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        never.cancel()
        return outcomes

    *served, refused = asyncio.run(run())
    assert served == [b"done", b"done"]
    assert (refused.status, refused.code) == (503, "busy")
    assert refused.message == "2 requests about networks are waiting already"


def test_whoever_left_is_dropped_before_the_work_begins() -> None:
    began: list[str] = []

    def work(name: str) -> bytes:
        began.append(name)
        time.sleep(0.05)
        return b"done"

    async def run() -> list[Any]:
        calculator = Calculator(Settings())
        stays, leaves = (asyncio.create_task(asyncio.sleep(seconds)) for seconds in (60, 0.01))
        jobs = [calculator.run(gone, work, name) for gone, name in ((stays, "a"), (leaves, "b"), (stays, "c"))]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        stays.cancel()
        return outcomes

    first, second, third = asyncio.run(run())
    assert (first, third) == (b"done", b"done")
    assert isinstance(second, EngineGone)
    assert began == ["a", "c"]


def test_the_loop_answers_while_a_network_is_worked_out(app: FastAPI) -> None:
    """Python's threads take turns of 5 ms: a small answer need not wait for a large one."""
    body = orjson.dumps({"network": long_document(1000), "policy": {"kind": "uniform"}, "hold": "macs"})
    headers = [(b"content-type", b"application/json")]

    async def run() -> None:
        large = asyncio.create_task(request(app, "/api/networks/whatif", method="POST", headers=headers, chunks=[body]))
        await asyncio.sleep(0.005)
        assert (await request(app, "/healthz")).status == 200
        assert not large.done()
        assert (await large).status == 200

    asyncio.run(run())
