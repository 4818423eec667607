"""What happens inside the process that decodes pictures: the only place where a stranger's bytes meet a decoder.

Functions here are called by name from app.decoder, one at a time, on one thread.
"""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

from PIL import Image

from app import child
from app.decoding import decode
from app.errors import ApiError
from app.store import Store, opened

_store: Store | None = None  # a pool's worker can keep it nowhere else


class Refused(ApiError):
    """An ApiError that can travel between processes: others cannot be made again from what they say."""

    def __init__(self, status: int, code: str, message: str, field: str | None, hint: str | None) -> None:
        super().__init__(message, field, hint)
        self.status, self.code = status, code
        self.args = status, code, message, field, hint


def start(store: Store, most_bytes: int) -> None:
    """First thing in a new process. most_bytes: of memory that it may have."""
    global _store
    _store = store
    child.follow()
    _be_silent()
    _limit(most_bytes)
    Image.init()  # its decoders: the first picture need not wait for them


def ready() -> None:
    """Answers: everything is loaded."""


def keep(raw: bytes, image_id: str, part: Path, max_pixels: int, kept_pixels: int) -> tuple[int, int]:
    """Decodes a file and keeps it as `image_id`, unless it is kept already and whole. Returns width and height of what
    is kept. part: see Store.put. Raises Refused, and MemoryError where the process may not have as much as it needs."""
    assert _store is not None, "start comes first"
    try:
        found = _store.find(image_id)
        with suppress(FileNotFoundError):
            if found:
                return opened(found).size
        picture = decode(raw, max_pixels, kept_pixels)
        _store.put(image_id, picture, part)
        return picture.size
    except ApiError as error:
        raise Refused(error.status, error.code, error.message, error.field, error.hint) from None
    finally:
        _trim()


def _be_silent() -> None:
    """libtiff tells stderr of every damaged line: strangers would write the server's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _limit(most_bytes: int) -> None:
    """Where the system can: what is asked for beyond it is a MemoryError. A process that crashes leaves no copy of
    somebody's picture behind."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_AS, most_bytes), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # less is allowed already, or the system knows no such limit
            resource.setrlimit(kind, (most, most))


def _trim() -> None:
    """Gives the memory of a large picture back to the system: glibc would keep it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
