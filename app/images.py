"""All pictures the server knows: the samples that ship with it, and what was uploaded.

What people send is decoded in a process of its own, what is kept here in two threads: no picture ever holds up the
event loop.
"""

import asyncio
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypedDict

import orjson

from app.asker import Asker
from app.cache import ByteCache
from app.decoder import Decoder
from app.errors import ApiError
from app.kinds import is_image_id
from app.line import Line
from app.settings import PROJECT, Settings
from app.store import Store, opened
from compute.picture import square

SAMPLES = PROJECT / "static" / "samples"
CROP_THREADS = 2


class Uploaded(TypedDict):
    """Width and height of what is kept: as seen, after EXIF rotation, and reduced where it was very large."""

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
        self._crop_line = Line("crops", "squares of pictures", CROP_THREADS, settings)
        self.decoder = Decoder(settings, store)

    def start(self) -> None:
        """Returns at once."""
        self.decoder.start()

    def close(self) -> None:
        self._crop_line.close()
        self.decoder.stop()

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

    async def add(self, file: IO[bytes], asker: Asker) -> Uploaded:
        """Keep an uploaded file; the same file again is the same picture. Raises ApiError, and EngineGone once `asker`
        has left."""
        image_id = await asyncio.to_thread(_id, file)
        sample = next((sample for sample in self.samples if sample["id"] == image_id), None)
        if sample:
            return {"id": image_id, "width": sample["width"], "height": sample["height"]}
        width, height = await self.decoder.keep(file, image_id, asker)
        return {"id": image_id, "width": width, "height": height}

    async def crop(self, image_id: str, size: int, asker: Asker) -> bytes:
        """PNG of exactly the `size` x `size` pixels that the layer sees; raises UnknownImage, LineBusy, and EngineGone
        once `asker` has left."""
        with self.held(image_id) as path:
            key = f"{image_id} {size}".encode()
            body = self._crops.get(key)
            if body is None:
                body = await self._crop_line.run(asker, partial(_crop, path, size))
                self._crops.put(key, body)
        return body

    async def sweep(self) -> None:
        await asyncio.to_thread(self.store.sweep)


def _id(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _crop(path: Path, size: int) -> bytes:
    buffer = io.BytesIO()
    square(opened(path), size).save(buffer, "PNG")
    return buffer.getvalue()
