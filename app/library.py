"""Trained networks by id, on disk: those that ship with the server, those it trained, and those people brought.

Both of the server's processes look here. No text of a client becomes part of a path unless it is an id to the letter,
and what ships is found by the names there are.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.cache import Kept
from app.settings import PROJECT
from compute.errors import SpecError
from compute.trained import Checkpoint, read

SHIPPED = PROJECT / "compute" / "trained" / "files"
SUFFIX = ".safetensors"
UPLOADED = re.compile(r"[0-9a-f]{64}")
OF_A_RUN = re.compile(r"([0-9a-f]{32})-([a-z]{1,20}-[0-9]{1,10})")
RUN, TRAINED = re.compile(r"[0-9a-f]{32}"), re.compile(r"[a-z]{1,20}-[0-9]{1,10}")
KEPT_BYTES = 64 << 20


class UnknownCheckpoint(SpecError):
    code = "unknown_checkpoint"

    def __init__(self) -> None:
        hint = "take another one from the list, or bring its file again"
        super().__init__("This trained network is not on the server, or no longer", "checkpoint", hint)


@dataclass(frozen=True)
class Place:
    """Where a network lies. origin: shipped, run or upload. used: when its file was last written or, of an upload,
    asked for."""

    id: str
    origin: str
    path: Path
    used: float
    size: int


class Library:
    """Finds networks, and keeps the ones read last."""

    def __init__(self, shipped: Path, runs: Path, uploads: Path) -> None:
        self.shipped, self.runs, self.uploads = shipped, runs, uploads
        self._kept = Kept[Checkpoint](KEPT_BYTES, lambda found: found.nbytes)

    @classmethod
    def of(cls, store: Path, runs: Path) -> "Library":
        """store, runs: the settings of these names."""
        return cls(SHIPPED, runs, store / "checkpoints")

    def __call__(self, checkpoint_id: str) -> Checkpoint:
        """Raises UnknownCheckpoint; SpecError where the file is damaged."""
        path = self.path(checkpoint_id)
        try:
            return self._kept.get(checkpoint_id, lambda: read(path, checkpoint_id))
        except OSError:
            raise UnknownCheckpoint from None

    def path(self, checkpoint_id: str) -> Path:
        """The file of a network; counts as a use. Raises UnknownCheckpoint."""
        if UPLOADED.fullmatch(checkpoint_id):
            path = self.uploads / f"{checkpoint_id}{SUFFIX}"
            with suppress(OSError):  # a folder that can only be read still serves what it holds
                os.utime(path)
        elif match := OF_A_RUN.fullmatch(checkpoint_id):
            path = self.runs / match[1] / f"{match[2]}{SUFFIX}"
        else:
            found = [place.path for place in self._ships() if place.id == checkpoint_id]
            path = found[0] if found else self.shipped
        if not path.is_file():
            raise UnknownCheckpoint
        return path

    def places(self) -> list[Place]:
        """Every network there is: those that ship by name, then those of runs and those brought, the latest first."""
        latest = [sorted(places, key=lambda place: -place.used) for places in (self._trained(), self.brought())]
        return [*sorted(self._ships(), key=lambda place: place.id), *latest[0], *latest[1]]

    def brought(self) -> Iterator[Place]:
        for entry in _files(self.uploads):
            if UPLOADED.fullmatch(entry.name.removesuffix(SUFFIX)):
                yield from _place(entry.name.removesuffix(SUFFIX), "upload", entry)

    def _ships(self) -> Iterator[Place]:
        for entry in _files(self.shipped):
            yield from _place(entry.name.removesuffix(SUFFIX), "shipped", entry)

    def _trained(self) -> Iterator[Place]:
        for folder in _entries(self.runs):
            if RUN.fullmatch(folder.name):
                for entry in _files(Path(folder.path)):
                    if TRAINED.fullmatch(entry.name.removesuffix(SUFFIX)):
                        yield from _place(f"{folder.name}-{entry.name.removesuffix(SUFFIX)}", "run", entry)


def _place(checkpoint_id: str, origin: str, entry: "os.DirEntry[str]") -> Iterator[Place]:
    with suppress(OSError):  # deleted just now
        yield Place(checkpoint_id, origin, Path(entry.path), entry.stat().st_mtime, entry.stat().st_size)


def _files(folder: Path) -> Iterator["os.DirEntry[str]"]:
    return (entry for entry in _entries(folder) if entry.name.endswith(SUFFIX))


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    """None where there is no such folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []
