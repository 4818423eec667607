"""The store of measurements: what it keeps, and what it does where the file can't be used. Faults are real."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.resultdatabase import PAGE, VERSION, Kept, Wanted
from app.results import Results, UnknownMeasurement
from app.settings import PROJECT

ENTRY = Kept(
    "a" * 32, "2026-01-02T03:04:05.678Z", "layer", "cpu, Zen", "64 -> 64", "64 channels", "x 2", {"query": "groups=4"},
    b'{"kind":"layer","rows":[1.5,null]}',
)  # fmt: skip
STREAM_OF_WRITES = """
import asyncio, itertools, sys
from dataclasses import replace
from pathlib import Path
from app.results import Results
from tests.app.test_results import ENTRY

async def write():
    results = Results(Path(sys.argv[1]), 10_000)
    for number in itertools.count():
        entry = replace(ENTRY, id=f"{sys.argv[2]}{number}", result=b'"' + b"x" * 20_000 + b'"')
        assert await results.put(entry) is None
        print(number, flush=True)

asyncio.run(write())
"""


def numbered(number: int) -> Kept:
    return replace(ENTRY, id=f"{number:032x}", created=f"2026-01-02T03:04:{number % 60:02}.000Z", label=str(number))


def told(path: Path, story: Callable[[Results], Awaitable[Any]], kept: int = 100) -> Any:
    async def tell() -> Any:
        results = Results(path, kept)
        try:
            return await story(results)
        finally:
            await results.stop()

    return asyncio.run(tell())


async def labels(results: Results, **wanted: Any) -> list[str]:
    return [entry.label for entry in await results.find(Wanted(**wanted))]


def test_what_is_put_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "kept.sqlite"
    assert told(path, lambda results: results.put(ENTRY)) is None
    assert told(path, lambda results: results.get(ENTRY.id)) == ENTRY
    (listed,) = told(path, lambda results: results.find(Wanted()))
    assert listed == replace(ENTRY, result=b"null")
    assert listed.listed() == {
        "id": ENTRY.id, "created": ENTRY.created, "kind": "layer", "device": "cpu, Zen", "label": "64 channels",
        "summary": "x 2", "query": "groups=4",
    }  # fmt: skip


def test_listing_takes_the_latest_that_match(tmp_path: Path) -> None:
    async def story(results: Results) -> None:
        for entry in (
            numbered(1), replace(numbered(2), kind="sweep"), replace(numbered(3), device="cuda"),
            replace(numbered(4), layer="another"), numbered(5),
        ):  # fmt: skip
            await results.put(entry)
        assert await labels(results) == ["5", "4", "3", "2", "1"]
        assert await labels(results, limit=2) == ["5", "4"]
        assert await labels(results, kind="sweep") == ["2"]
        assert await labels(results, device="cpu, Zen", layer="64 -> 64", kind="layer") == ["5", "1"]
        assert await labels(results, device="mps") == []

    told(tmp_path / "kept.sqlite", story)


def test_the_oldest_go_first(tmp_path: Path) -> None:
    async def story(results: Results) -> None:
        for number in range(5):
            await results.put(numbered(number))
        assert await labels(results) == ["4", "3", "2"]

    told(tmp_path / "kept.sqlite", story, kept=3)


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    async def story(results: Results) -> None:
        await results.put(ENTRY)
        await results.delete(ENTRY.id)
        for refused in (results.delete, results.get):
            with pytest.raises(UnknownMeasurement, match=f"there is no measurement '{ENTRY.id}'"):
                await refused(ENTRY.id)

    told(tmp_path / "kept.sqlite", story)


def test_everything_is_exported_in_the_order_it_came(tmp_path: Path) -> None:
    async def story(results: Results) -> None:
        for number in range(PAGE + 3):
            await results.put(numbered(number))
        await results.put_ceilings("cpu", "float32", {"conv_gflops": 1})
        await results.put_ceilings("cpu", "float32", {"conv_gflops": 2})
        document = orjson.loads(b"".join([piece async for piece in results.export()]))
        assert [entry["label"] for entry in document["measurements"]] == [str(n) for n in range(PAGE + 3)]
        assert document["measurements"][0] == {
            **numbered(0).listed(), "spec": ENTRY.spec, "result": orjson.loads(ENTRY.result)
        }  # fmt: skip
        assert document["ceilings"] == [{"device": "cpu", "dtype": "float32", "result": {"conv_gflops": 2}}]
        assert document["version"] == VERSION

    told(tmp_path / "kept.sqlite", story)


def test_ceilings_belong_to_a_device_and_a_type(tmp_path: Path) -> None:
    async def story(results: Results) -> None:
        await results.put_ceilings("cpu", "float32", {"conv_gflops": 100.5})
        assert await results.ceilings("cpu", "float32") == {"conv_gflops": 100.5}
        assert await results.ceilings("cpu", "bfloat16") is None
        assert await results.ceilings("cuda", "float32") is None

    told(tmp_path / "kept.sqlite", story)


@pytest.mark.parametrize("how", ["no database", "torn in the middle", "empty header"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kept.sqlite"
    told(path, lambda results: results.put(replace(ENTRY, result=b'"' + b"x" * 50_000 + b'"')))
    bytes_before = path.read_bytes()
    match how:
        case "no database":
            path.write_text("this was a shopping list, once\n" * 100)
        case "torn in the middle":
            path.write_bytes(bytes_before[:8192] + os.urandom(8192) + bytes_before[16384:])
        case "empty header":
            path.write_bytes(bytes(100) + bytes_before[100:])
    damaged = path.read_bytes()

    async def story(results: Results) -> None:
        assert await results.find(Wanted()) == []
        assert await results.put(ENTRY) is None
        assert await results.get(ENTRY.id) == ENTRY

    with caplog.at_level(logging.ERROR):
        told(path, story)
    assert "the store of measurements is damaged" in caplog.text
    (aside,) = (file for file in tmp_path.glob("kept.sqlite.damaged-*") if not file.name.endswith(("-wal", "-shm")))
    assert aside.read_bytes() == damaged
    assert told(path, lambda results: results.get(ENTRY.id)) == ENTRY


@pytest.mark.parametrize("what", ["newer", "something else"])
def test_a_file_that_is_not_ours_is_not_touched(tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "kept.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE measurements (whatever)")
    connection.execute(f"PRAGMA user_version = {VERSION + 1 if what == 'newer' else 0}")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    async def story(results: Results) -> str | None:
        reason = await results.put(ENTRY)
        assert await results.get(ENTRY.id) == ENTRY
        assert await labels(results) == [ENTRY.label]
        assert orjson.loads(b"".join([piece async for piece in results.export()]))["measurements"][0]["id"] == ENTRY.id
        return reason

    reason = told(path, story)
    words = (
        f"written by a newer Groupscope (format {VERSION + 1}" if what == "newer" else "a database of something else"
    )
    assert words in reason
    assert caplog.text.count("measurements can't be kept") == 1
    assert path.read_bytes() == before


def test_where_no_folder_can_be_made_results_stay_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def story(results: Results) -> None:
        reason = await results.put(ENTRY)
        assert reason
        assert reason.startswith("kept in memory only, until the server stops: ")
        assert await results.get(ENTRY.id) == ENTRY
        await results.put_ceilings("cpu", "float32", {"conv_gflops": 1})
        assert await results.ceilings("cpu", "float32") == {"conv_gflops": 1}
        await results.delete(ENTRY.id)
        assert await labels(results) == []

    told(tmp_path / "file" / "kept.sqlite", story)


def test_a_full_disk_keeps_what_it_has_and_takes_more_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"

    async def story(results: Results) -> None:
        assert await results.put(numbered(1)) is None

        def pragma(text: str) -> Any:
            assert results._files._disk
            return results._files._disk._connection.execute(f"PRAGMA {text}").fetchone()[0]

        pages = await results._do(pragma, "page_count")
        await results._do(pragma, f"max_page_count = {pages}")
        reason = await results.put(replace(numbered(2), result=b'"' + b"x" * 100_000 + b'"'))
        assert reason == "kept in memory only, until the server stops: database or disk is full"
        assert await labels(results) == ["2", "1"]
        await results._do(pragma, "max_page_count = 100000")
        assert await results.put(numbered(3)) is None
        assert await labels(results) == ["3", "2", "1"]

    told(path, story)
    assert told(path, labels) == ["3", "1"]


def test_two_servers_share_one_file(tmp_path: Path) -> None:
    async def tell() -> None:
        both = [Results(tmp_path / "kept.sqlite", 100) for _ in range(2)]
        jobs = [both[number % 2].put(numbered(number)) for number in range(40)]
        assert set(await asyncio.gather(*jobs)) == {None}
        assert await labels(both[0]) == await labels(both[1])
        assert len(await labels(both[0])) == 40
        for results in both:
            await results.stop()

    asyncio.run(tell())


def test_killed_while_it_writes_the_file_is_whole(tmp_path: Path) -> None:
    """Every write that was answered is there, whenever the kill came."""
    path = tmp_path / "kept.sqlite"
    answered = set()
    for attempt in "abc":
        command = [sys.executable, "-c", STREAM_OF_WRITES, str(path), attempt]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                answered.add(f"{attempt}{line.strip()}")
                if int(line) == 20 + 7 * ord(attempt) % 10:
                    os.kill(process.pid, signal.SIGKILL)
                    break
            answered |= {f"{attempt}{line.strip()}" for line in process.stdout.read().splitlines()}
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {row[0] for row in connection.execute("SELECT id FROM measurements")}
        connection.close()
        assert answered <= kept
    assert len(told(path, lambda results: results.find(Wanted(limit=1000)))) == len(kept)
