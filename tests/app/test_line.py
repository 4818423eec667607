"""A line before a few threads: in turn, bounded, and whoever leaves is forgotten before anything is done for them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from app.asker import Asker
from app.engine import EngineGone
from app.line import Line, LineBusy, LineClosed
from app.settings import Settings


@pytest.fixture
def line() -> Iterator[Line]:
    found = Line("test", "a thing", 1, Settings(queue_size=3, address_queue=2, client_queue=1))
    yield found
    found.close()


class Gate:
    """Work that lasts until it is opened."""

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.opened.wait()
        return "through"


def page(name: str, address: str = "a", gone: "asyncio.Future[None] | None" = None) -> Asker:
    return Asker(address, name, "-", gone)


def told(line: Line, story: Callable[[Gate, "asyncio.Task[str]"], Awaitable[Any]]) -> None:
    """`story` happens while the line's one thread is at its first job."""

    async def tell() -> None:
        gate = Gate()
        first = asyncio.create_task(line.run(page("first"), gate))
        try:
            await asyncio.to_thread(gate.begun.wait)
            await story(gate, first)
        finally:
            gate.opened.set()
        assert await first == "through"

    asyncio.run(tell())


async def waiting(line: Line, count: int) -> None:
    while line.waiting != count:
        await asyncio.sleep(0)


def test_it_returns_and_raises_what_work_does(line: Line) -> None:
    assert asyncio.run(line.run(page("a"), lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(line.run(page("a"), lambda: 1 // 0))


def test_whoever_leaves_is_forgotten_before_their_work_begins(line: Line) -> None:
    done: list[str] = []

    async def story(gate: Gate, first: "asyncio.Task[str]") -> None:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        leaver = asyncio.create_task(line.run(page("b", gone=gone), lambda: done.append("left")))
        stayer = asyncio.create_task(line.run(page("c"), lambda: done.append("stayed")))
        await waiting(line, 2)
        gone.set_result(None)
        with pytest.raises(EngineGone):
            await leaver
        assert line.waiting == 1
        gate.opened.set()
        await stayer

    told(line, story)
    assert done == ["stayed"]


def test_each_page_and_address_has_its_part(line: Line) -> None:
    async def story(gate: Gate, first: "asyncio.Task[str]") -> None:
        tasks = [asyncio.create_task(line.run(page(name), str)) for name in "bc"]
        await waiting(line, 2)
        for who, message in (
            (page("b"), "1 request of this page waits for a thing already"),
            (page("d"), "2 requests of this address wait for a thing already"),
        ):
            with pytest.raises(LineBusy) as caught:
                await line.run(who, str)
            assert (caught.value.message, caught.value.status, caught.value.code) == (message, 503, "busy")
            assert caught.value.retry_after >= 1
        tasks.append(asyncio.create_task(line.run(page("e", "another"), str)))
        await waiting(line, 3)
        gate.opened.set()
        assert await asyncio.gather(*tasks) == [""] * 3

    told(line, story)


def test_a_closed_line_serves_nobody_but_who_is_at_it(line: Line) -> None:
    async def story(gate: Gate, first: "asyncio.Task[str]") -> None:
        task = asyncio.create_task(line.run(page("b"), str))
        await waiting(line, 1)
        line.close()
        for refused in (task, line.run(page("c"), str)):
            with pytest.raises(LineClosed):
                await refused

    told(line, story)
