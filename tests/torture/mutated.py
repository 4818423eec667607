"""Pictures that are nearly whole: photographs in every format, each changed in a way that decoders have fallen over.

Every case follows from a seed and its number alone, so that one that breaks something can be made again.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image

from app.settings import PROJECT
from tests.torture.bombs import bmp, chunk, gif, png, webp_canvas

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
FORMS: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "P", {}), ("PNG", "1", {}), ("PNG", "LA", {}), ("PNG", "I;16", {}),
    ("JPEG", "RGB", {}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"restart_marker_rows": 1}), ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True}),
    ("GIF", "P", {}), ("GIF", "L", {"interlace": 1}), ("BMP", "RGB", {}), ("BMP", "P", {}), ("BMP", "1", {}),
    ("TIFF", "RGB", {}), ("TIFF", "CMYK", {"compression": "tiff_lzw"}), ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "P", {"compression": "packbits"}), ("TIFF", "I;16", {"compression": "lzma"}),
]  # fmt: skip
ANIMATED = [("GIF", {}), ("WEBP", {}), ("PNG", {}), ("TIFF", {})]


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes


@lru_cache(1)
def originals() -> list[tuple[str, bytes]]:
    """(format, file): the photographs that ship, small, in every form, with EXIF and a profile where it has them."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    found = []
    photographs = [Image.open(path).convert("RGB") for path in sorted((PROJECT / "static/samples").glob("*.jpg"))]
    for number, (kind, mode, options) in enumerate(FORMS):
        picture = photographs[number % len(photographs)].resize((61 + number, 47)).convert(mode.partition(";")[0])
        notes = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP") else {}
        found.append((kind, _saved(picture.convert(mode), kind, **options, **notes)))
    for kind, options in ANIMATED:
        frames = [photograph.resize((40, 30)) for photograph in photographs[:3]]
        found.append((kind, _saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)))
    return found


def case(seed: int, number: int) -> Case:
    """The case of that number."""
    chance = random.Random(f"{seed} {number}")
    kind, data = chance.choice(originals())
    names = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        change = chance.choice(CHANGES)
        names.append(change.__name__.strip("_"))
        data = change(data, chance)
    if kind == "PNG" and chance.random() < 0.7:
        data = with_checksums(data)
    return Case(f"case {number} of seed {seed}: {kind}, {', '.join(names)}", data)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks say what they are: a decoder that stops at a wrong sum sees nothing of what follows."""
    head, rest, at = data[:8], [], 8
    while at + 12 <= len(data) and at + 12 + (length := int.from_bytes(data[at : at + 4], "big")) <= len(data):
        rest.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return head + b"".join(rest) + data[at:]


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _place(data: bytes, chance: random.Random) -> int:
    """More often near the beginning: what heads say decides more than pixels do."""
    return int(len(data) * chance.random() ** chance.choice((1, 4)))


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 64)) if data else 0):
        changed[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _spliced(data: bytes, chance: random.Random) -> bytes:
    """A block of another file in the place of one of this."""
    _, other = chance.choice(originals())
    start, size = _place(data, chance), chance.choice((4, 16, 200, 2000))
    source = _place(other, chance)
    return data[:start] + other[source : source + size] + data[start + size :]


def _extreme(data: bytes, chance: random.Random) -> bytes:
    """Numbers of a head, lengths and sizes among them, at the ends of what they can be."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        layout = chance.choice(("<H", ">H", "<I", ">I"))
        size, place = struct.calcsize(layout), chance.randrange(min(len(data), 200) or 1)
        value = chance.choice(EXTREMES) & (256**size - 1)
        changed[place : place + size] = struct.pack(layout, value)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)]


def _removed(data: bytes, chance: random.Random) -> bytes:
    start = _place(data, chance)
    return data[:start] + data[start + chance.choice((1, 2, 12, 100)) :]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    """A block again and again."""
    start, size = _place(data, chance), chance.choice((1, 2, 12, 100, 1000))
    return data[: start + size] + data[start : start + size] * chance.choice((1, 2, 300)) + data[start + size :]


def _reordered(data: bytes, chance: random.Random) -> bytes:
    """Chunks of a PNG or a WebP and segments of a JPEG in another order, some twice."""
    if data.startswith(b"\x89PNG"):
        start, parts = 8, _parts(data, 8, lambda at: 12 + int.from_bytes(data[at : at + 4], "big"))
    elif data.startswith(b"RIFF"):
        start, parts = 12, _parts(data, 12, lambda at: 8 + -(-int.from_bytes(data[at + 4 : at + 8], "little") // 2) * 2)
    elif data.startswith(b"\xff\xd8"):
        start, parts = 2, _parts(data, 2, lambda at: 2 + int.from_bytes(data[at + 2 : at + 4], "big"))
    else:
        return _spliced(data, chance)
    for _ in range(chance.choice((1, 2, 5)) if parts else 0):
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(parts))
        if chance.random() < 0.5:
            parts.pop(chance.randrange(len(parts)))
    return data[:start] + b"".join(parts)


def _parts(data: bytes, at: int, length: Callable[[int], int]) -> list[bytes]:
    found = []
    while at < len(data) and len(found) < 50:
        end = at + max(1, length(at))
        found.append(data[at:end])
        at = end
    return [*found, data[at:]]


def _polyglot(data: bytes, chance: random.Random) -> bytes:
    """Something else too, from its beginning or at its end."""
    other = chance.choice(strangers())
    return chance.choice((data + other, other + data, data[:2] + other + data[2:]))


@lru_cache(1)
def strangers() -> list[bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../etc/passwd", "root::0:0::/:/bin/sh\n")
    return [
        b"<!doctype html><script>alert(document.domain)</script>", b"*/=1;alert(document.domain)//", buffer.getvalue(),
        b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n", b"#!/bin/sh\nid\n",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', b"MZ" + bytes(60) + b"PE",
        b"\x7fELF" + bytes(60), b"<?php system($_GET[0]); ?>", b"push graphic-context\nfill 'url(|id)'\n",
    ]  # fmt: skip


def _repacked(data: bytes, chance: random.Random) -> bytes:
    """A small file that promises more than it holds, or holds much of nothing."""
    width, height = (chance.choice((1, 7, 500, 1500, 30_000, 65_535, 2**31 - 1)) for _ in range(2))
    rows = bytes(min(width, 1500) * 3 * min(height, 1500))
    small = (min(width, 65_535), min(height, 65_535))
    return chance.choice((
        lambda: png(width, height, rows), lambda: gif(10, 10, *small), lambda: bmp(width, height, chance.randrange(4)),
        lambda: webp_canvas(min(width, 16_383), min(height, 16_383)), lambda: data + zlib.compress(rows),
    ))()  # fmt: skip


CHANGES = (
    _flipped,
    _flipped,
    _spliced,
    _extreme,
    _extreme,
    _cut,
    _removed,
    _repeated,
    _reordered,
    _polyglot,
    _repacked,
)
