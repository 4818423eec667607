"""The thread for arithmetic: its queue, those who leave it, and the loop beside it."""

import asyncio
import gc
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from app.asker import Asker
from app.calculator import Calculator
from app.engine import EngineGone
from app.line import LineClosed
from app.main import create_app
from app.settings import Settings
from compute.network.patience import check
from tests.app.asgi import post, request
from tests.app.networkbodies import ALEXNET, long_document


def client(gone: asyncio.Future[Any]) -> Asker:
    return Asker("here", "", "-", gone)


def test_more_than_the_queue_holds_is_503() -> None:
    async def run() -> list[Any]:
        calculator = Calculator(Settings(queue_size=2))
        never = asyncio.create_task(asyncio.sleep(60))
        jobs = [calculator.run(client(never), lambda: time.sleep(0.05) or b"done") for _ in range(4)]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        never.cancel()
        return outcomes

    *served, refused = asyncio.run(run())
    assert served == [b"done"] * 3
    assert (refused.status, refused.code) == (503, "busy")
    assert refused.message == "2 requests wait for an answer about networks already"


def test_whoever_left_is_dropped_before_the_work_begins() -> None:
    began: list[str] = []

    def work(name: str) -> bytes:
        began.append(name)
        time.sleep(0.05)
        return b"done"

    async def run() -> list[Any]:
        calculator = Calculator(Settings())
        stays, leaves = (asyncio.create_task(asyncio.sleep(seconds)) for seconds in (60, 0.01))
        jobs = [calculator.run(client(gone), work, name) for gone, name in ((stays, "a"), (leaves, "b"), (stays, "c"))]
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


def test_whoever_left_is_forgotten_with_what_was_sent() -> None:
    """Bodies of a megabyte must not wait for a thread that is busy."""

    class Body:
        """Bytes cannot be watched."""

    async def run() -> int:
        calculator = Calculator(Settings())
        stays, leaves = (asyncio.create_task(asyncio.sleep(seconds)) for seconds in (60, 0.01))
        first = asyncio.create_task(calculator.run(client(stays), lambda: time.sleep(0.2) or b"done"))
        await asyncio.sleep(0)
        body = Body()
        held = weakref.ref(body)
        with suppress(EngineGone):
            await calculator.run(client(leaves), lambda _: b"", body)
        del body
        gc.collect()
        assert not first.done()
        stays.cancel()
        first.cancel()
        return int(held() is None)

    assert asyncio.run(run()) == 1


def test_work_ends_when_its_client_leaves() -> None:
    ended: list[str] = []

    def work() -> bytes:
        try:
            while True:
                check()
                time.sleep(0.001)
        finally:
            ended.append("work")

    async def run() -> list[Any]:
        calculator = Calculator(Settings())
        stays, leaves = (asyncio.create_task(asyncio.sleep(seconds)) for seconds in (60, 0.02))
        outcomes = await asyncio.gather(
            calculator.run(client(leaves), work), calculator.run(client(stays), lambda: b"next"), return_exceptions=True
        )
        stays.cancel()
        return outcomes

    first, second = asyncio.run(run())
    assert isinstance(first, EngineGone)
    assert (second, ended) == (b"next", ["work"])


def test_what_takes_too_long_is_ended_and_said(tmp_path: Path) -> None:
    app = create_app(Settings(store=tmp_path, max_calculation_seconds=1e-6))
    policy = {"kind": "uniform", "scope": "all"}  # what is as published is known already
    answer = post(app, "/api/networks/whatif", orjson.dumps({**ALEXNET, "policy": policy}))
    assert answer.status == 422
    assert answer.json()["error"] == {
        "code": "took_too_long",
        "message": "a calculation may take at most 1e-06 s, and this one is not done",
        "field": None,
        "hint": "use fewer layers, fewer inputs of a layer, fewer devices or fewer series",
    }


def test_a_stopped_calculator_ends_what_runs_and_drops_what_waits() -> None:
    def work() -> bytes:
        while True:
            check()

    async def run() -> list[Any]:
        calculator = Calculator(Settings())
        never = asyncio.create_task(asyncio.sleep(60))
        jobs = [asyncio.create_task(calculator.run(client(never), work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        calculator.stop()
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        never.cancel()
        return outcomes

    assert [type(outcome) for outcome in asyncio.run(run())] == [LineClosed] * 2


def test_two_functions_of_one_name_would_share_answers() -> None:
    calculator = Calculator(Settings())

    def upper(raw: bytes) -> bytes:
        return raw.upper()

    calculator.answers(upper)
    with pytest.raises(ValueError, match=r"^two functions named upper would answer for each other$"):
        calculator.answers(bytes.upper)
