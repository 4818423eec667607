"""One SQLite database of measurements: its format, and what is asked of it. One thread at a time."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

VERSION = 1
SCHEMA = """
CREATE TABLE measurements (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order they came in
    id TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL, -- ISO 8601, UTC
    kind TEXT NOT NULL,
    device TEXT NOT NULL,
    layer TEXT NOT NULL, -- and the conditions it ran under: equal texts, equal measurements
    label TEXT NOT NULL,
    summary TEXT NOT NULL,
    spec TEXT NOT NULL, -- JSON, what was asked for
    result TEXT NOT NULL -- JSON
);
CREATE INDEX measurements_of_a_layer ON measurements (layer, kind, device, number);
CREATE TABLE ceilings (device TEXT NOT NULL, dtype TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (device, dtype))
"""
FACTS = ("id", "created", "kind", "device", "layer", "label", "summary")
BUSY_SECONDS = 5  # another server may write to the same file
PAGE = 50  # measurements read at once; as many as memory may hold where the disk can't
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class UnusableStore(Exception):
    """The file is no store of this version; it is left as it is."""


@dataclass(frozen=True)
class Kept:
    """One measurement. layer: the layer and the conditions in one line. spec: what was asked for; its `query`, where it
    has one, is the page's. result: JSON."""

    id: str
    created: str
    kind: str
    device: str
    layer: str
    label: str
    summary: str
    spec: dict[str, Any]
    result: bytes = b"null"

    def listed(self) -> dict[str, Any]:
        """Without the result."""
        names = "id", "created", "kind", "device", "label", "summary"
        return {**{name: getattr(self, name) for name in names}, "query": self.spec.get("query")}


@dataclass(frozen=True)
class Wanted:
    """Which measurements are listed, the latest first; None: any."""

    kind: str | None = None
    device: str | None = None
    layer: str | None = None
    limit: int = 100


class Database:
    """A database of VERSION, made where there is none; the oldest measurements go where there are more than `kept`.
    Raises sqlite3.Error, UnusableStore."""

    def __init__(self, path: str, kept: int) -> None:
        self._kept = kept
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    def put(self, entry: Kept) -> None:
        values = [*(getattr(entry, name) for name in FACTS), orjson.dumps(entry.spec).decode(), entry.result.decode()]
        columns, marks = ", ".join((*FACTS, "spec", "result")), ", ".join("?" * len(values))
        surplus = "SELECT number FROM measurements ORDER BY number DESC LIMIT 1 OFFSET ?"
        with self._transaction():
            self._connection.execute(f"INSERT INTO measurements ({columns}) VALUES ({marks})", values)
            self._connection.execute(f"DELETE FROM measurements WHERE number <= ({surplus})", (self._kept,))

    def find(self, wanted: Wanted) -> list[Kept]:
        """Without their results."""
        given = {name: value for name in ("kind", "device", "layer") if (value := getattr(wanted, name)) is not None}
        where = " AND ".join(["true", *(f"{name} = :{name}" for name in given)])
        rows = self._connection.execute(
            f"SELECT *, 'null' AS result FROM ({self._select(where, results=False)}) ORDER BY number DESC LIMIT :most",
            {**given, "most": wanted.limit},
        )
        return [_kept(row) for row in rows.fetchall()]

    def get(self, measurement_id: str) -> Kept | None:
        row = self._connection.execute(self._select("id = ?"), (measurement_id,)).fetchone()
        return _kept(row) if row else None

    def page(self, after: int) -> list[tuple[int, Kept]]:
        """The next few in the order they came, with their numbers."""
        rows = self._connection.execute(f"{self._select('number > ?')} ORDER BY number LIMIT {PAGE}", (after,))
        return [(row["number"], _kept(row)) for row in rows.fetchall()]

    def delete(self, measurement_id: str) -> bool:
        return self._connection.execute("DELETE FROM measurements WHERE id = ?", (measurement_id,)).rowcount > 0

    def ceilings(self, device: str, dtype: str) -> dict[str, Any] | None:
        query = "SELECT result FROM ceilings WHERE device = ? AND dtype = ?"
        found = self._connection.execute(query, (device, dtype)).fetchone()
        return dict(orjson.loads(found["result"])) if found else None

    def put_ceilings(self, device: str, dtype: str, result: dict[str, Any]) -> None:
        values = device, dtype, orjson.dumps(result).decode()
        self._connection.execute("INSERT OR REPLACE INTO ceilings VALUES (?, ?, ?)", values)

    def all_ceilings(self) -> list[dict[str, Any]]:
        rows = self._connection.execute("SELECT device, dtype, result FROM ceilings ORDER BY device, dtype").fetchall()
        return [{**dict(row), "result": orjson.loads(row["result"])} for row in rows]

    def _select(self, where: str, results: bool = True) -> str:
        columns = ", ".join(("number", *FACTS, "spec", *(("result",) if results else ())))
        return f"SELECT {columns} FROM measurements WHERE {where}"

    def _prepare(self) -> None:
        sound = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if sound != "ok":
            error = sqlite3.DatabaseError(sound)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        self._is_a_store()  # before anything is changed
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # a result is worth the few milliseconds
        with self._transaction():
            if not self._is_a_store():
                for statement in SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _is_a_store(self) -> bool:
        """Whether there is one already. Raises UnusableStore for what this version must not touch."""
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise UnusableStore(f"it was written by a newer Groupscope (format {version}, this one knows {VERSION})")
        if not version and self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise UnusableStore("it is a database of something else")
        return version > 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                self._connection.execute("ROLLBACK")
            raise


def mark_of(path: Path) -> tuple[int, int, bytes] | None:
    """Which file lies there and how it begins: another mark, and whoever has it open writes to nothing, or over
    something that is no database any more."""
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            return stat.st_dev, stat.st_ino, file.read(16)
    except OSError:
        return None


def is_corrupt(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT


def _kept(row: sqlite3.Row) -> Kept:
    facts = {name: row[name] for name in FACTS}
    return Kept(**facts, spec=orjson.loads(row["spec"]), result=row["result"].encode())
