"""Training runs that are kept: a row each in SQLite, tensors beside it in a folder a run. One thread, in order.

Where the file can't be used, runs go on in memory, and whoever trains is told why. A damaged file is moved aside.
"""

import asyncio
import heapq
import logging
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import orjson

from app.resultdatabase import BUSY_SECONDS, is_corrupt, mark_of
from app.results import moved_aside

log = logging.getLogger("groupscope.runs")
T = TypeVar("T")
FILE, VERSION = "runs.sqlite", 1
SCHEMA = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order they came in
    id TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL, -- ISO 8601, UTC
    state TEXT NOT NULL,
    label TEXT NOT NULL,
    summary TEXT NOT NULL,
    query TEXT NOT NULL, -- what was asked for, as the page writes it
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    record TEXT NOT NULL -- JSON, everything there is to say
)
"""
FACTS = ("id", "created", "state", "label", "summary", "query", "done", "total")


@dataclass
class StoredRun:
    """One row. record: without what the other columns say."""

    id: str
    created: str
    state: str
    label: str
    query: str
    summary: str = ""
    done: int = 0
    total: int = 0
    record: dict[str, Any] = field(default_factory=dict)

    def listed(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FACTS}


class RunStore:
    """The runs of one server, for its event loop."""

    def __init__(self, folder: Path, kept: int) -> None:
        self._files = _Files(folder, kept)
        self._thread = ThreadPoolExecutor(1, "runs")

    def folder(self, run_id: str) -> Path:
        """Where the tensors of a run lie; its id is one that this server made."""
        return self._files.folder / run_id

    async def put(self, run: StoredRun) -> str | None:
        """None once it is on the disk, else why it is only in memory."""
        row = [getattr(run, name) for name in FACTS]
        return await self._do(self._files.put, [*row, orjson.dumps(run.record).decode()])

    async def find(self, limit: int) -> list[StoredRun]:
        """The latest first, without their records."""
        return await self._do(self._files.find, limit)

    async def unfinished(self) -> list[StoredRun]:
        """Those that waited or ran when the server ended, oldest first."""
        return await self._do(self._files.unfinished)

    async def get(self, run_id: str) -> StoredRun | None:
        return await self._do(self._files.get, run_id)

    async def delete(self, run_id: str) -> bool:
        return await self._do(self._files.delete, run_id)

    async def stop(self) -> None:
        await self._do(self._files.close)
        self._thread.shutdown(wait=False)

    async def _do(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


class _Files:
    """What the thread works on."""

    def __init__(self, folder: Path, kept: int) -> None:
        self.folder, self._kept = folder, kept
        self._connection: sqlite3.Connection | None = None
        self._memory: dict[str, StoredRun] = {}
        self._mark: tuple[int, int, bytes] | None = None  # of the file when it was opened
        self._trouble = ""

    def put(self, row: list[Any]) -> str | None:
        run = StoredRun(**dict(zip(FACTS, row, strict=False)), record=orjson.loads(row[-1]))
        columns, marks = ", ".join((*FACTS, "record")), ", ".join("?" * len(row))
        news = ", ".join(f"{name} = excluded.{name}" for name in (*FACTS[2:], "record"))

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT INTO runs ({columns}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {news}", row
            )

        if self._on_disk(write):
            self._memory.pop(run.id, None)
            self._forget_surplus()
            return None
        self._memory[run.id] = run
        return _only_in_memory(self._trouble)

    def find(self, limit: int) -> list[StoredRun]:
        query = f"SELECT {', '.join(FACTS)} FROM runs ORDER BY number DESC LIMIT ?"
        rows = self._on_disk(lambda c: c.execute(query, (limit,)).fetchall())
        found = [StoredRun(**dict(row)) for page in rows for row in page if row["id"] not in self._memory]
        only_here = list(reversed(self._memory.values()))
        latest = heapq.merge(found, only_here, key=lambda run: run.created, reverse=True)  # as they came: clocks jump
        return list(islice(latest, limit))

    def unfinished(self) -> list[StoredRun]:
        if not (self.folder / FILE).exists():  # a server that never trains writes nothing
            return []
        query = "SELECT * FROM runs WHERE state IN ('queued', 'running') ORDER BY number"
        return [_run(row) for page in self._on_disk(lambda c: c.execute(query).fetchall()) for row in page]

    def get(self, run_id: str) -> StoredRun | None:
        if run := self._memory.get(run_id):
            run.record |= {"stored": False, "stored_reason": _only_in_memory(self._trouble)}
            return run
        rows = self._on_disk(lambda c: c.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone())
        return _run(rows[0]) if rows and rows[0] else None

    def delete(self, run_id: str) -> bool:
        known = self._memory.pop(run_id, None) is not None
        gone = self._on_disk(lambda c: c.execute("DELETE FROM runs WHERE id = ?", (run_id,)).rowcount)
        if not known and not any(gone):
            return False
        shutil.rmtree(self.folder / run_id, ignore_errors=True)
        return True

    def close(self) -> None:
        if self._connection:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _forget_surplus(self) -> None:
        """The oldest that have ended go, with their folders."""
        query = (
            "SELECT id FROM runs WHERE state IN ('done', 'cancelled', 'failed') AND number <="
            " (SELECT number FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?)"
        )
        for rows in self._on_disk(lambda c: c.execute(query, (self._kept,)).fetchall()):
            for row in rows:
                self.delete(row["id"])

    def _on_disk(self, work: Callable[[sqlite3.Connection], T]) -> list[T]:
        """What `work` makes of the file, in a list of one; empty where it can't be used: `_trouble` says why."""
        try:
            return [work(self._open())]
        except (OSError, sqlite3.Error) as error:
            trouble: Exception = error
            if isinstance(error, sqlite3.Error) and is_corrupt(error):  # damaged while it was open
                self.close()
                with suppress(OSError, sqlite3.Error):
                    return [work(self._open())]
        words = str(trouble) or type(trouble).__name__
        if words != self._trouble:
            log.error("training runs can't be kept in %s: %s", self.folder / FILE, words)
        self._trouble = words
        return []

    def _open(self) -> sqlite3.Connection:
        path = self.folder / FILE
        if self._connection and mark_of(path) == self._mark:
            return self._connection
        self.close()  # it was replaced, deleted or overwritten while it was open
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _connected(path)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            log.error("the store of training runs is damaged (%s): moved to %s", error, moved_aside(path))
            self._connection = _connected(path)
        self._mark = mark_of(path)
        return self._connection


def _only_in_memory(trouble: str) -> str:
    return f"kept in memory only, until the server stops: {trouble}"


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            rule = f"it was written by a newer Groupscope (format {version}, this one knows {VERSION})"
            raise sqlite3.OperationalError(rule)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if not version:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _run(row: sqlite3.Row) -> StoredRun:
    return StoredRun(**{name: row[name] for name in FACTS}, record=orjson.loads(row["record"]))
