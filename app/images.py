"""All pictures the server knows: the samples that ship with it, and what was uploaded.

Decoding and encoding run in two threads of their own, so that no picture ever holds up the event loop.
"""

import asyncio
import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypedDict, TypeVar

import orjson

from app.cache import ByteCache
from app.decoding import decode
from app.errors import ApiError
from app.kinds import is_image_id
from app.settings import PROJECT, Settings
from app.store import Store, opened
from compute.picture import square

SAMPLES = PROJECT / "static" / "samples"
T = TypeVar("T")


class Uploaded(TypedDict):
    """Width and height as seen, after EXIF rotation."""

    id: str
    width: int
    height: int


class UnknownImage(ApiError):
    status = 404
    code = "unknown_image"

    def __init__(self, hours: float) -> None:
        hint = f"upload it again (pictures are kept for {hours:g} hours after their last use) or take a sample"
        super().__init__("This picture is not on the server, or no longer", "image", hint)


class Images:
    """Pictures by id, the SHA-256 of the file as it was sent."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        index = orjson.loads((SAMPLES / "samples.json").read_bytes())
        self.samples: list[dict[str, Any]] = [{k: v for k, v in sample.items() if k != "file"} for sample in index]
        self._sample_files = {sample["id"]: SAMPLES / sample["file"] for sample in index}
        self._crops = ByteCache(settings.cache_bytes)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="images")

    def path(self, image_id: str) -> Path:
        """The file of a picture; raises UnknownImage."""
        found = None
        if is_image_id(image_id):
            found = self._sample_files.get(image_id) or self.store.find(image_id)
        if found is None:
            raise UnknownImage(self.settings.store_hours)
        return found

    @contextmanager
    def held(self, image_id: str) -> Iterator[Path]:
        """`path` for as long as someone reads it: a picture deleted meanwhile raises UnknownImage too."""
        path = self.path(image_id)
        try:
            yield path
        except FileNotFoundError as error:
            raise UnknownImage(self.settings.store_hours) from error

    async def add(self, file: IO[bytes]) -> Uploaded:
        """Keep an uploaded file; the same file again is the same picture. Raises ApiError."""
        return await self._aside(partial(self._add, file))

    async def crop(self, image_id: str, size: int) -> bytes:
        """PNG of exactly the `size` x `size` pixels that the layer sees; raises UnknownImage."""
        with self.held(image_id) as path:
            key = f"{image_id} {size}".encode()
            body = self._crops.get(key)
            if body is None:
                body = await self._aside(partial(_crop, path, size))
                self._crops.put(key, body)
        return body

    async def sweep(self) -> None:
        await self._aside(self.store.sweep)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _add(self, file: IO[bytes]) -> Uploaded:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        file.seek(0)
        image_id = digest.hexdigest()
        try:
            kept = opened(self.path(image_id))
        except (UnknownImage, FileNotFoundError):
            kept = decode(file, self.settings.max_image_pixels)
            self.store.put(image_id, kept)
        return {"id": image_id, "width": kept.width, "height": kept.height}

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _crop(path: Path, size: int) -> bytes:
    buffer = io.BytesIO()
    square(opened(path), size).save(buffer, "PNG")
    return buffer.getvalue()
