"""Uploaded pictures on disk: bounded in bytes, and deleted some hours after their last use.

The folder is the only state: a file's modification time is when it was last used, so several servers may share it.
Names are ids that the server made; no text of a client becomes part of a path.
"""

import errno
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image

from app.errors import ApiError

OWN, PART = "groupscope-", ".part"  # of a picture being written
# The folder may be somebody's own: only what was written here is ever deleted.
OURS = re.compile(rf"[0-9a-f]{{64}}\.png|{OWN}.*\{PART}")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BLOCK_BYTES = 4096  # of a disk: a picture of one pixel takes one too
PART_SECONDS = 600  # after which nobody writes it any more
SPARE = 8  # a store that is full lets go of one part in so many, and need not be looked through for each new picture


class StoreFull(ApiError):
    status = 507
    code = "store_full"

    def __init__(self) -> None:
        super().__init__("There is no room to keep another picture", "image", "use a sample or a smaller picture")


class StoreUnwritable(ApiError):
    status = 503
    code = "store_unwritable"

    def __init__(self) -> None:
        super().__init__("The server cannot write to its folder of pictures", "image", "use a sample for now")


def not_kept(error: OSError) -> ApiError:
    """What to answer where something of a client's could not be written."""
    return StoreFull() if error.errno in _NO_ROOM else StoreUnwritable()


class Store:
    """Pictures by id, as lossless PNG without metadata."""

    def __init__(self, root: Path, max_bytes: int, max_hours: float, now: Callable[[], float] = time.time) -> None:
        self.root, self.max_bytes, self.max_seconds, self.now = root, max_bytes, max_hours * 3600, now
        self._used: int | None = None  # bytes, as far as this process knows; None: it has not looked

    def find(self, image_id: str) -> Path | None:
        """Where the picture is, if it still is; counts as a use."""
        path = self.root / f"{image_id}.png"
        with suppress(OSError):
            if path.stat().st_mtime >= self.now() - self.max_seconds:
                with suppress(OSError):  # a folder that can only be read still serves what it holds
                    os.utime(path, (self.now(), self.now()))
                return path
        return None

    def part(self) -> Path:
        """A new name for a picture while it is written."""
        return self.root / f"{OWN}{secrets.token_hex(16)}{PART}"

    def put(self, image_id: str, picture: Image.Image, part: Path | None = None) -> Path:
        """Keep `picture`, and let go of what no longer fits. part: from `part()`, for whoever has to clear away after a
        process that dies here. Raises StoreFull or StoreUnwritable."""
        path = self.root / f"{image_id}.png"
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(path, picture, part or self.part())
        except OSError as error:
            raise not_kept(error) from error
        if self._used is None or self._used > self.max_bytes:
            self.sweep()
        return path

    def _write(self, path: Path, picture: Image.Image, part: Path) -> None:
        """All or nothing: readers never see half a file. Raises StoreFull, OSError."""
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                picture.save(file, "PNG", compress_level=1)
                size = _on_disk(file.tell())
            if size > self.max_bytes:
                raise StoreFull
            os.utime(part, (self.now(), self.now()))
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise
        if self._used is not None:
            self._used += size

    def sweep(self) -> None:
        """Delete what is too old, and where the rest does not fit, the longest unused of it."""
        now, pictures = self.now(), []
        for used, size, path in self._entries():
            if used < now - (PART_SECONDS if path.endswith(PART) else self.max_seconds):
                _delete(path)
            elif not path.endswith(PART):  # which is perhaps still being written
                pictures.append((used, size, path))
        self._used = sum(size for _, size, _ in pictures)
        if self._used > self.max_bytes:
            self._make_room(sorted(pictures), self.max_bytes - self.max_bytes // SPARE)

    def _make_room(self, pictures: list[tuple[float, int, str]], most: int) -> None:
        """The longest unused go, but never the last that was used."""
        for _, size, path in pictures[:-1]:
            if (self._used or 0) <= most:
                return
            _delete(path)
            self._used = (self._used or 0) - size

    def _entries(self) -> list[tuple[float, int, str]]:
        """(last use, bytes on disk, path) of every file of ours."""
        entries = []
        with suppress(OSError), os.scandir(self.root) as files:
            for file in filter(lambda file: OURS.fullmatch(file.name), files):
                with suppress(OSError):  # another server may have deleted it just now
                    found = file.stat()
                    entries.append((found.st_mtime, _on_disk(found.st_size), file.path))
        return entries


def _on_disk(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _delete(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def opened(path: Path) -> Image.Image:
    """A kept picture, decoded. One that is damaged is as good as lost: FileNotFoundError for both."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture if picture.mode == "RGB" else picture.convert("RGB")
    except OSError as error:
        raise FileNotFoundError(str(path)) from error
