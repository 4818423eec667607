"""Uploaded pictures on disk: bounded in bytes, and deleted some hours after their last use.

The folder is the only state: a file's modification time is when it was last used, so several servers may share it.
Names are ids that the server made; no text of a client becomes part of a path.
"""

import errno
import os
import re
import tempfile
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


class Store:
    """Pictures by id, as lossless PNG."""

    def __init__(self, root: Path, max_bytes: int, max_hours: float, now: Callable[[], float] = time.time) -> None:
        self.root, self.max_bytes, self.max_seconds, self.now = root, max_bytes, max_hours * 3600, now

    def find(self, image_id: str) -> Path | None:
        """Where the picture is, if it still is; counts as a use."""
        path = self.root / f"{image_id}.png"
        with suppress(OSError):
            if path.stat().st_mtime >= self.now() - self.max_seconds:
                with suppress(OSError):  # a folder that can only be read still serves what it holds
                    os.utime(path, (self.now(), self.now()))
                return path
        return None

    def put(self, image_id: str, picture: Image.Image) -> Path:
        """Keep `picture`, and let go of what no longer fits; raises StoreFull or StoreUnwritable."""
        path = self.root / f"{image_id}.png"
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(path, picture)
        except OSError as error:
            raise (StoreFull if error.errno in _NO_ROOM else StoreUnwritable)() from error
        self.sweep()
        if not path.exists():  # larger than the whole store
            raise StoreFull
        return path

    def _write(self, path: Path, picture: Image.Image) -> None:
        """All or nothing: readers never see half a file."""
        handle, name = tempfile.mkstemp(prefix=OWN, suffix=PART, dir=self.root)
        try:
            with os.fdopen(handle, "wb") as file:
                picture.save(file, "PNG", compress_level=1)
            os.utime(name, (self.now(), self.now()))
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    def sweep(self) -> None:
        """Delete what is too old, then the longest unused until the rest fits."""
        left, oldest = self.max_bytes, self.now() - self.max_seconds
        for used, size, path in sorted(self._entries(), reverse=True):
            if path.endswith(PART) and used >= oldest:
                continue  # perhaps still being written
            left -= size
            if left < 0 or used < oldest:
                with suppress(OSError):
                    os.unlink(path)

    def _entries(self) -> list[tuple[float, int, str]]:
        """(last use, bytes, path) of every file of ours."""
        entries = []
        with suppress(OSError), os.scandir(self.root) as files:
            for file in filter(lambda file: OURS.fullmatch(file.name), files):
                with suppress(OSError):  # another server may have deleted it just now
                    entries.append((file.stat().st_mtime, file.stat().st_size, file.path))
        return entries


def opened(path: Path) -> Image.Image:
    """A kept picture, decoded. One that is damaged is as good as lost: FileNotFoundError for both."""
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise FileNotFoundError(str(path)) from error
