"""What was measured, kept in a file that outlives the server: SQLite, one connection in one thread.

Where the file can't be used (a full disk, a folder that is read-only, a store of a newer Groupscope) results stay in
memory, and whoever measured is told why. A damaged file is moved aside, never deleted.
"""

import asyncio
import heapq
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import orjson

from app.errors import ApiError, shown
from app.resultdatabase import PAGE, VERSION, Database, Kept, UnusableStore, Wanted, is_corrupt, mark_of

log = logging.getLogger("groupscope.results")
T = TypeVar("T")


class UnknownMeasurement(ApiError):
    status = 404
    code = "unknown_measurement"

    def __init__(self, measurement_id: str) -> None:
        hint = "/api/measurements lists those that are kept"
        super().__init__(f"there is no measurement {shown(measurement_id)}", None, hint)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Results:
    """The store of one server, for its event loop; all work is done in one thread, in order."""

    def __init__(self, path: Path, kept: int) -> None:
        self._files = _Files(path, kept)
        self._thread = ThreadPoolExecutor(1, "results")

    async def put(self, entry: Kept) -> str | None:
        """None once it is on the disk, else why it is only in memory."""
        return await self._do(self._files.put, entry)

    async def find(self, wanted: Wanted) -> list[Kept]:
        return await self._do(self._files.find, wanted)

    async def get(self, measurement_id: str) -> Kept:
        """Raises UnknownMeasurement."""
        found = await self._do(self._files.get, measurement_id)
        if found is None:
            raise UnknownMeasurement(measurement_id)
        return found

    async def delete(self, measurement_id: str) -> None:
        """Raises UnknownMeasurement."""
        if not await self._do(self._files.delete, measurement_id):
            raise UnknownMeasurement(measurement_id)

    async def ceilings(self, device: str, dtype: str) -> dict[str, Any] | None:
        """The last ones that were measured there."""
        return await self._do(self._files.ceilings, device, dtype)

    async def put_ceilings(self, device: str, dtype: str, result: dict[str, Any]) -> None:
        await self._do(self._files.put_ceilings, device, dtype, result)

    async def export(self) -> AsyncIterator[bytes]:
        """Everything as one JSON document, piece by piece, oldest first."""
        yield b'{"version":%d,"exported":"%s","measurements":[' % (VERSION, now().encode())
        comma = b""
        pages = self._files.pages()
        while page := await self._do(lambda: next(pages, None)):
            for entry in page:
                head = orjson.dumps({**entry.listed(), "spec": entry.spec})
                yield comma + head[:-1] + b',"result":' + entry.result + b"}"
                comma = b","
        yield b'],"ceilings":' + orjson.dumps(await self._do(self._files.all_ceilings)) + b"}"

    async def stop(self) -> None:
        await self._do(self._files.close)
        self._thread.shutdown(wait=False)

    async def _do(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


class _Files:
    """What the thread works on: the file, opened when first needed, and a place in memory for what it can't take."""

    def __init__(self, path: Path, kept: int) -> None:
        self._path, self._kept = path, kept
        self._disk: Database | None = None
        self._memory: Database | None = None
        self._mark: tuple[int, int, bytes] | None = None  # of the file when it was opened
        self._trouble: str | None = None

    def put(self, entry: Kept) -> str | None:
        if self._on_disk(lambda disk: disk.put(entry)):
            return None
        self._in_memory().put(entry)
        return f"kept in memory only, until the server stops: {self._trouble}"

    def find(self, wanted: Wanted) -> list[Kept]:
        parts = self._everywhere(lambda database: database.find(wanted))
        latest = heapq.merge(*parts, key=lambda entry: entry.created, reverse=True)  # in each as they came: clocks jump
        return list(islice(latest, wanted.limit))

    def get(self, measurement_id: str) -> Kept | None:
        return next(filter(None, self._everywhere(lambda database: database.get(measurement_id))), None)

    def delete(self, measurement_id: str) -> bool:
        return any(self._everywhere(lambda database: database.delete(measurement_id)))

    def pages(self) -> Iterator[list[Kept]]:
        """Oldest first; what is put meanwhile may be among them."""
        after = 0
        while rows := [row for page in self._on_disk(partial(Database.page, after=after)) for row in page]:
            after = rows[-1][0]
            yield [entry for _, entry in rows]
        if self._memory:
            yield [entry for _, entry in self._memory.page(0)]

    def ceilings(self, device: str, dtype: str) -> dict[str, Any] | None:
        return next(filter(None, self._everywhere(lambda database: database.ceilings(device, dtype))), None)

    def put_ceilings(self, device: str, dtype: str, result: dict[str, Any]) -> None:
        if not self._on_disk(lambda disk: disk.put_ceilings(device, dtype, result)):
            self._in_memory().put_ceilings(device, dtype, result)

    def all_ceilings(self) -> list[dict[str, Any]]:
        return [one for part in self._everywhere(Database.all_ceilings) for one in part]

    def close(self) -> None:
        for database in (self._disk, self._memory):
            if database:
                database.close()
        self._disk = self._memory = None

    def _in_memory(self) -> Database:
        self._memory = self._memory or Database(":memory:", min(self._kept, PAGE))
        return self._memory

    def _everywhere(self, work: Callable[[Database], T]) -> list[T]:
        """What `work` makes of the file, and of what lies in memory."""
        return [*self._on_disk(work), *([work(self._memory)] if self._memory else [])]

    def _on_disk(self, work: Callable[[Database], T]) -> list[T]:
        """What `work` makes of the file, in a list of one; empty where it can't be used, and then `_trouble` says
        why."""
        try:
            return [work(self._open())]
        except (OSError, sqlite3.Error, UnusableStore) as error:
            trouble: Exception = error
        if self._disk and is_corrupt(trouble):  # damaged while it was open: what lies there now is looked at anew
            self._disk.close()
            self._disk = None
            try:
                return [work(self._open())]
            except (OSError, sqlite3.Error, UnusableStore) as error:
                trouble = error
        words = str(trouble) or type(trouble).__name__
        if words != self._trouble:
            log.error("measurements can't be kept in %s: %s", self._path, words)
        self._trouble = words
        return []

    def _open(self) -> Database:
        if self._disk and mark_of(self._path) == self._mark:
            return self._disk
        if self._disk:  # replaced, deleted or overwritten while it was open
            self._disk.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._disk = Database(str(self._path), self._kept)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            aside = moved_aside(self._path)
            log.error("the store of measurements is damaged (%s): moved to %s, a new one is begun", error, aside)
            self._disk = Database(str(self._path), self._kept)
        self._mark = mark_of(self._path)
        return self._disk


def moved_aside(path: Path) -> Path:
    """Where a damaged store lies from now on."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for part in ("-wal", "-shm", ""):  # a new store would read the old one's journal
        with suppress(FileNotFoundError):
            Path(f"{path}{part}").rename(f"{aside}{part}")
    return aside
