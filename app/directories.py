"""The directories of TIFF, and of EXIF, which is a TIFF without a picture.

Pillow copies what every entry points at, however often, and warns of each that it can't: too dear for one number out of
them, and for counting what there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
UPRIGHT = 1


@dataclass(frozen=True)
class Entry:
    """count: of its values. value: the first, where they fit into the entry, else where they are."""

    tag: int
    count: int
    value: int


class Directories:
    """Of the file `raw`; whatever lies outside it is 0."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._little = raw[:2] == b"II"
        # BigTIFF, version 43, has offsets and counts of 8 bytes
        self._wide, self._step, self._head = (8, 20, 8) if 43 in raw[2:4] else (4, 12, 2)

    @property
    def first(self) -> int:
        """Where the first one is."""
        return self._number(self._wide, self._wide)

    def size(self, at: int) -> int:
        """How many entries the directory at `at` says it has."""
        return self._number(at, self._head)

    def entries(self, at: int) -> Iterator[Entry]:
        start = at + self._head
        for place in range(start, min(start + self.size(at) * self._step, len(self._raw)), self._step):
            tag, kind, count = self._number(place, 2), self._number(place + 2, 2), self._number(place + 4, self._wide)
            inline = kind == 3 and count == 1  # SHORT: its value fills half of its place
            yield Entry(tag, count, self._number(place + 4 + self._wide, 2 if inline else self._wide))

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._raw[at : at + size], "little" if self._little else "big")


def orientation(exif: bytes) -> int:
    """1 to 8, as EXIF numbers them; 1 where it doesn't say."""
    directories = Directories(exif.removeprefix(b"Exif\0\0"))
    found = (entry.value for entry in directories.entries(directories.first) if entry.tag == ORIENTATION)
    return next(found, UPRIGHT)
