"""News for followers: the last first, nobody waited for, and the format of server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from app import feed as feeds
from app.feed import Feed, server_sent


def told(story: Awaitable[Any]) -> Any:
    async def tell() -> Any:
        return await asyncio.wait_for(story, 20)

    return asyncio.run(tell())


async def after_retry(feed: Feed) -> AsyncIterator[bytes]:
    stream = server_sent(feed)
    assert await anext(stream) == b"retry: 2000\n\n"
    return stream


def test_each_event_has_its_number_its_name_and_one_line_of_data() -> None:
    async def story() -> None:
        feed = Feed()
        feed.tell("queued", {"position": 1})
        stream = await after_retry(feed)
        assert await anext(stream) == b'id: 1\nevent: queued\ndata: {"position":1}\n\n'
        feed.tell("result", {"label": "a\nb"}, last=True)
        assert await anext(stream) == b'id: last\nevent: result\ndata: {"label":"a\\nb"}\n\n'
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    told(story())


def test_whoever_comes_late_or_is_slow_sees_the_last_only() -> None:
    async def story() -> None:
        feed = Feed()
        for number in range(1000):
            feed.tell("progress", {"done": number})
        stream = await after_retry(feed)
        assert b'{"done":999}' in await anext(stream)
        for number in range(1000, 2000):
            feed.tell("progress", {"done": number})
        assert b'{"done":1999}' in await anext(stream)

    told(story())


def test_nothing_is_told_after_the_end() -> None:
    feed = Feed()
    feed.tell("cancelled", {}, last=True)
    feed.tell("progress", {})
    assert (feed.name, feed.number) == ("cancelled", 1)


def test_a_silent_stream_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "PING_SECONDS", 0.01)

    async def story() -> None:
        feed = Feed()
        stream = await after_retry(feed)
        assert await anext(stream) == b": nothing new\n\n"
        feed.tell("queued", {})
        assert await anext(stream) == b"id: 1\nevent: queued\ndata: {}\n\n"

    told(story())


def test_many_follow_one_and_each_may_leave() -> None:
    async def story() -> None:
        feed = Feed()

        async def last() -> bytes:
            return [event async for event in server_sent(feed)][-1]

        followers = [asyncio.create_task(last()) for _ in range(20)]
        await asyncio.sleep(0)
        followers[0].cancel()
        feed.tell("progress", {"done": 1})
        await asyncio.sleep(0)
        feed.tell("failed", {}, last=True)
        ends = await asyncio.gather(*followers, return_exceptions=True)
        assert isinstance(ends[0], asyncio.CancelledError)
        assert set(ends[1:]) == {b"id: last\nevent: failed\ndata: {}\n\n"}

    told(story())
