"""The queue of measurements with a real engine, a real store and layers of which a pass takes microseconds."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine import Engine
from app.feed import Feed
from app.measureparams import MEASURE, measure_parameters
from app.measureplans import Asked, asked_layer
from app.measuring import Measurement, MeasureQueueFull, Measuring
from app.query import Query
from app.results import Results, UnknownMeasurement
from app.settings import Settings
from tests.app.test_engine import kill_the_worker, maps

QUERY = Query(measure_parameters(Settings()), MEASURE, 10_000, by_scheme=True)
TINY = b"in_channels=8&out_channels=8&height=8&width=8&groups=3&kind=parallel&rounds="
Tale = Callable[[Engine, Measuring], Coroutine[Any, Any, None]]


def tiny(rounds: int = 5) -> Asked:
    return asked_layer(QUERY.table, QUERY.parse(TINY + b"%d" % rounds))


async def ended(measurement: Measurement) -> tuple[str, dict[str, Any]]:
    await asyncio.wait_for(measurement.feed.pause(60), 60)
    return measurement.feed.name, measurement.feed.data


async def begun(measurement: Measurement) -> None:
    while measurement.feed.name != "progress":
        await measurement.feed.after(measurement.feed.number)


@pytest.fixture(scope="module")
def told() -> Iterator[Callable[[Tale, Path], None]]:
    """Runs a tale with one engine for all of them; the queue and the store are its own."""
    runner = asyncio.Runner()

    async def start() -> Engine:
        engine = Engine(Settings(device="cpu"))
        await engine.start()
        return engine

    engine = runner.run(start())

    def tell(tale: Tale, path: Path) -> None:
        async def story() -> None:
            measuring = Measuring(engine, Results(path, 100), Settings(measure_queue=2))
            await measuring.start()
            try:
                await asyncio.wait_for(tale(engine, measuring), 120)
            finally:
                await measuring.stop()

        runner.run(story())

    yield tell
    runner.run(engine.stop())
    runner.close()


Told = Callable[[Tale, Path], None]


def test_no_step_of_one_lies_between_the_steps_of_another(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    news: list[tuple[Feed, str]] = []
    tell = Feed.tell

    def noted(feed: Feed, name: str, data: dict[str, Any], last: bool = False) -> None:
        news.append((feed, name))
        tell(feed, name, data, last)

    monkeypatch.setattr(Feed, "tell", noted)

    async def tale(engine: Engine, measuring: Measuring) -> None:
        first, second, third = [await measuring.add(tiny()) for _ in range(3)]
        assert [measuring.position(m) for m in (first, second, third)] == [0, 1, 2]
        with pytest.raises(MeasureQueueFull, match="2 measurements are waiting already") as full:
            await measuring.add(tiny())
        assert full.value.retry_after >= 1
        for measurement in (first, second, third):
            assert (await ended(measurement))[0] == "result"
        ran = [feed for feed, name in news if name != "queued"]
        order = [m.feed for m in (first, second, third)]
        assert ran == sorted(ran, key=order.index)
        assert measuring.ahead == 0

    told(tale, tmp_path / "kept.sqlite")


def test_whoever_waits_is_told_when_the_one_before_leaves(told: Told, tmp_path: Path) -> None:
    async def tale(engine: Engine, measuring: Measuring) -> None:
        first, second, third = [await measuring.add(tiny(101)) for _ in range(3)]
        await begun(first)
        assert third.feed.data["position"] == 2
        assert third.feed.data["ahead_seconds"] > second.feed.data["ahead_seconds"] > 0
        assert measuring.active(third.asked.kind, third.asked.layer) is first
        assert measuring.cancel(second.id)
        assert third.feed.data["position"] == 1
        assert measuring.cancel(first.id)
        assert first.feed.name == second.feed.name == "cancelled"
        await begun(third)
        assert measuring.active(third.asked.kind, third.asked.layer) is third
        assert not measuring.cancel("nothing")

    told(tale, tmp_path / "kept.sqlite")


def test_maps_are_answered_between_two_steps_and_the_measurement_notes_it(told: Told, tmp_path: Path) -> None:
    async def tale(engine: Engine, measuring: Measuring) -> None:
        measurement = await measuring.add(tiny())
        await begun(measurement)
        while measurement.feed.data["done"] < 6:
            await measurement.feed.after(measurement.feed.number)
        assert await maps(engine)
        assert not measurement.feed.ended
        name, result = await ended(measurement)
        assert name == "result"
        assert result["conditions"]["discarded"] >= 1

    told(tale, tmp_path / "kept.sqlite")


def test_one_whose_process_dies_fails_with_a_sentence_and_the_next_one_runs(told: Told, tmp_path: Path) -> None:
    async def tale(engine: Engine, measuring: Measuring) -> None:
        lost, next_one = await measuring.add(tiny(101)), await measuring.add(tiny())
        await begun(lost)
        await asyncio.to_thread(kill_the_worker)
        name, news = await ended(lost)
        assert (name, news["error"]["code"]) == ("failed", "engine_failed")
        assert "the device's process" in news["error"]["message"]
        assert news["error"]["hint"]
        assert (await ended(next_one))[0] == "result"
        with pytest.raises(UnknownMeasurement):
            await measuring.result(lost.id)

    told(tale, tmp_path / "kept.sqlite")


def test_what_cannot_be_kept_is_still_told_and_why(told: Told, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def tale(engine: Engine, measuring: Measuring) -> None:
        measurement = await measuring.add(tiny())
        name, result = await ended(measurement)
        assert (name, result["stored"]) == ("result", False)
        assert result["stored_reason"].startswith("kept in memory only, until the server stops: ")
        assert (await measuring.result(measurement.id)).id == measurement.id
        await measuring.delete(measurement.id)
        with pytest.raises(UnknownMeasurement):
            await measuring.feed(measurement.id)

    told(tale, tmp_path / "file" / "kept.sqlite")


def test_one_that_never_finds_the_device_free_ends(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.measuring.OVERRUN", 0.0001)

    async def tale(engine: Engine, measuring: Measuring) -> None:
        name, news = await ended(await measuring.add(tiny(101)))
        assert (name, news["error"]["code"]) == ("failed", "took_too_long")

    told(tale, tmp_path / "kept.sqlite")


def test_a_crash_fails_one_measurement_and_says_nothing_secret(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def tale(engine: Engine, measuring: Measuring) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("app.measuring.summary_of", lambda asked, result: result["a secret"])
            name, news = await ended(await measuring.add(tiny()))
        assert (name, news["error"]["code"]) == ("failed", "internal")
        assert "secret" not in str(news)
        assert "a secret" in caplog.text
        assert (await ended(await measuring.add(tiny())))[0] == "result"

    told(tale, tmp_path / "kept.sqlite")
