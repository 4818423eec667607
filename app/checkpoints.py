"""What the server says of trained networks, and what it takes in: a list, and files that people bring."""

import asyncio
import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.errors import ApiError
from app.library import SUFFIX, UPLOADED, Library, Place
from app.settings import Settings
from compute.errors import SpecError
from compute.formulas import digits
from compute.maps import MapsSpec
from compute.stack import StackSpec
from compute.trained import Checkpoint, layer_query, read, rewritten, stack_dict, stack_query

LISTED = 300  # what a select can still be searched for
UPLOADS_KEPT = 50  # the longest unused go
PART = ".part"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CheckpointTooLarge(ApiError):
    status = 413
    code = "checkpoint_too_large"

    def __init__(self, limit: int, size: int | None = None) -> None:
        what = f"not {digits(size)}" if size is not None else "and this one goes on"
        rule = f"A file of a trained network may have at most {digits(limit)} bytes, {what}"
        super().__init__(rule, "checkpoint", "write it in float16, or take a narrower network")


class NotUploaded(ApiError):
    status = 409
    code = "not_uploaded"

    def __init__(self) -> None:
        rule = "Only networks that were brought can be deleted here, and this one was not"
        super().__init__(rule, "checkpoint", "a run is deleted with its networks on the page that trains")


class CheckpointNotKept(ApiError):
    code = "store_unwritable"

    def __init__(self, full: bool) -> None:
        self.status = 507 if full else 503
        rule = "There is no room to keep this network" if full else "The server cannot write to its folder of networks"
        super().__init__(rule, "checkpoint", "take one that is here already")


class Checkpoints:
    """The networks of one server."""

    def __init__(self, settings: Settings) -> None:
        self.library = Library.of(settings.store, settings.runs)
        self._told: dict[Path, tuple[tuple[float, int], dict[str, Any] | None]] = {}

    def known(self, spec: MapsSpec | StackSpec) -> None:
        """Raises UnknownCheckpoint where `spec` asks for a network that is not here."""
        if spec.checkpoint is not None:
            self.library.path(spec.checkpoint)

    async def entries(self) -> list[dict[str, Any]]:
        """Every network that can be looked through."""
        return await asyncio.to_thread(self._entries)

    async def add(self, raw: bytes, stack: StackSpec, name: str | None) -> dict[str, Any]:
        """Keep a network that somebody brings. stack: what it is, and name: what it is called, where its file doesn't
        say. Raises SpecError, ApiError."""
        return await asyncio.to_thread(self._add, raw, stack, name)

    def delete(self, checkpoint_id: str) -> None:
        """Raises UnknownCheckpoint, NotUploaded."""
        path = self.library.path(checkpoint_id)
        if not UPLOADED.fullmatch(checkpoint_id):
            raise NotUploaded
        path.unlink(missing_ok=True)

    def _entries(self) -> list[dict[str, Any]]:
        found = []
        for place in self.library.places():
            entry = self._entry(place)
            if entry is not None:
                found.append(entry)
            if len(found) == LISTED:
                break
        return found

    def _entry(self, place: Place) -> dict[str, Any] | None:
        """None where the file can't be read; each file is read once."""
        mark = (place.used if place.origin != "upload" else 0, place.size)
        kept = self._told.get(place.path)
        if kept is None or kept[0] != mark:
            entry = None
            with suppress(SpecError, OSError):
                entry = told(read(place.path, place.id), place.origin)
            kept = self._told[place.path] = mark, entry
        return kept[1]

    def _add(self, raw: bytes, stack: StackSpec, name: str | None) -> dict[str, Any]:
        found = read(raw, "new", stack_dict(stack))
        kept = raw if found.described else rewritten(found, name)
        checkpoint_id = hashlib.sha256(kept).hexdigest()
        self._write(self.library.uploads / f"{checkpoint_id}{SUFFIX}", kept)
        for place in sorted(self.library.brought(), key=lambda place: -place.used)[UPLOADS_KEPT:]:
            with suppress(OSError):
                place.path.unlink()
        return told(read(kept, checkpoint_id), "upload")

    def _write(self, path: Path, raw: bytes) -> None:
        """All or nothing: readers never see half a file."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=PART, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(raw)
                os.replace(name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise CheckpointNotKept(error.errno in _NO_ROOM) from error


def told(found: Checkpoint, origin: str) -> dict[str, Any]:
    """An entry of GET /api/checkpoints."""
    return {
        "id": found.id,
        "origin": origin,
        **{name: value for name, value in found.meta.items() if name != "format"},
        "query": _query(stack_query(found.spec)),
        "layer_query": _query(layer_query(found.spec)),
        "sentence": found.sentence,
    }


def _query(values: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=',')}" for name, value in values.items())
