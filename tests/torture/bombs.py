"""Small files that ask for much: pixels, memory, or the decoder's time. Each is what its format allows, or nearly."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

SIDE = 8000  # 64 million pixels, the most by default
FILE_BYTES = 15_000_000  # of those that are as long as an upload may be

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def bombs() -> dict[str, Callable[[], bytes]]:
    """By name; each is made when it is wanted, some take a second."""
    return {
        **{_called(kind, mode, options): _plain(kind, mode, **options) for kind, mode, options in _PLAIN},
        "PNG of 64 Mpx, interlaced": lambda: png(SIDE, SIDE, bytes(SIDE * SIDE // 8 + 2 * SIDE), 1, 0, interlace=1),
        "PNG of 64 Mpx, 16-bit RGBA": lambda: png(SIDE, SIDE, bytes((1 + 8 * SIDE) * SIDE), 16, 6),
        "PNG of a million chunks": lambda: png(4, 4, bytes(52), before=chunk(b"teXt", b"") * (FILE_BYTES // 12)),
        "PNG of a million IDATs": _shredded_png,
        "PNG with a zTXt bomb": lambda: _png_with([(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))]),
        "PNG with 15,000 iTXt bombs": lambda: _png_with(
            [(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(10**6), 9))] * 14_000
        ),
        "PNG with an iCCP bomb": lambda: _png_with([(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8), 9))]),
        "PNG with EXIF of 65,535 overlapping entries": lambda: _png_with([(b"eXIf", overlapping_entries())]),
        "APNG of 10,000 frames": lambda: _png_with(_animation_chunks(10_000)),
        "JPEG of 64 Mpx in 1,000 scans": lambda: _scanned_jpeg(1000),
        "JPEG of 64 Mpx in 25 scans": lambda: _scanned_jpeg(20),
        "JPEG with 230 EXIF segments": lambda: _jpeg_with(
            [(0xE1, b"Exif\0\0" + overlapping_entries(65_000))] * 230
        ),
        "JPEG with a profile of 15 MB": lambda: _jpeg_with(
            [(0xE2, b"ICC_PROFILE\0" + bytes((number, 230)) + bytes(65_000)) for number in range(1, 231)]
        ),
        "JPEG of 3 million empty segments": lambda: _jpeg()[:2] + b"\xff\xfe\0\2" * (FILE_BYTES // 4) + _jpeg()[2:],
        "JPEG of 15 million fill bytes": lambda: _jpeg()[:2] + b"\xff" * FILE_BYTES + _jpeg()[2:],
        "GIF of 15 million empty bytes": lambda: gif(10, 10, 10, 10, bytes(FILE_BYTES)),
        "WebP of a million chunks": lambda: _webp_with(b"junk" + bytes(4), FILE_BYTES // 8),
        "JPEG that claims 4 billion pictures": lambda: _jpeg_with([(0xE2, b"MPF\0" + _many_pictures())]),
        "GIF whose frame is larger than its screen": lambda: gif(10, 10, 8000, 8000),
        "GIF whose frame is far larger": lambda: gif(10, 10, 65_535, 65_535),
        "GIF of 5 million extensions": lambda: gif(10, 10, 10, 10, b"!\xfe\0" * (FILE_BYTES // 3)),
        "GIF with a comment of 15 MB": lambda: gif(
            10, 10, 10, 10, b"!\xfe" + (b"\xff" + bytes(255)) * (FILE_BYTES // 256) + b"\0"
        ),
        "GIF of 10,000 frames": lambda: _animated("GIF", 10_000),
        "WebP of 2,000 frames": lambda: _animated("WEBP", 2000),
        "WebP of 16,383 x 16,383": lambda: webp_canvas(16_383, 16_383),
        "TIFF of 65,535 overlapping entries": lambda: overlapping_entries(FILE_BYTES, b""),
        "TIFF whose pages lead in a circle": _circular_tiff,
        "TIFF of a million pages": _many_pages,
        "TIFF of 3 million strips": lambda: _striped_tiff(3_000_000),
        "TIFF with a tile of 4 GB": _tiled_tiff,
        "BMP of 7 million runs": _run_bmp,
        "BMP that claims 2^31 rows": lambda: bmp(1, -(2**31)),
    }  # fmt: skip


_PLAIN: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "LA", {}), ("PNG", "1", {}), ("PNG", "P", {}), ("PNG", "I;16", {}),
    ("JPEG", "RGB", {}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"subsampling": 0, "progressive": True}), ("GIF", "P", {}),
    ("WEBP", "RGB", {"method": 0}), ("WEBP", "RGBA", {"method": 0}), ("BMP", "1", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "CMYK", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "RGBA", {"compression": "lzma"}), ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"compression": "packbits"}), ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "I;16", {"compression": "zstd"}),
]  # fmt: skip


def _called(kind: str, mode: str, options: dict[str, Any]) -> str:
    return ", ".join((f"{kind} of 64 Mpx", mode, *(f"{name} {value}" for name, value in options.items())))


def _plain(kind: str, mode: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        Image.new(mode, (SIDE, SIDE)).save(buffer, kind, **options)
        return buffer.getvalue()

    return make


def chunk(kind: bytes, data: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2, interlace: int = 0, before: bytes = b""
) -> bytes:
    """before: chunks between its head and its pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    pixels = chunk(b"IDAT", zlib.compress(rows, 1))
    return PNG_HEAD + chunk(b"IHDR", head) + before + pixels + chunk(b"IEND", b"")


def _png_with(chunks: list[tuple[bytes, bytes]]) -> bytes:
    made = {one: chunk(*one) for one in set(chunks)}
    return png(4, 4, bytes(52), before=b"".join(made[one] for one in chunks))


def _shredded_png() -> bytes:
    data = zlib.compress(bytes(3 * 900 * 900 + 900), 0)
    head = struct.pack(">IIBBBBB", 900, 900, 8, 2, 0, 0, 0)
    pieces = [chunk(b"IDAT", data[at : at + 1]) for at in range(FILE_BYTES // 13)]
    return PNG_HEAD + chunk(b"IHDR", head) + b"".join(pieces) + chunk(b"IEND", b"")


def _animation_chunks(frames: int) -> list[tuple[bytes, bytes]]:
    control = struct.pack(">IIIIIHHBB", 0, 4, 4, 0, 0, 1, 1, 0, 0)
    return [(b"acTL", struct.pack(">II", frames, 0)), *[(b"fcTL", control)] * frames]


def overlapping_entries(total: int = FILE_BYTES, start: bytes = b"") -> bytes:
    """A TIFF head, as EXIF has it too, whose every entry is all that follows."""
    count = min(65_535, (total - 20) // 24)
    table = 8 + 2 + 12 * count + 4
    entries = b"".join(struct.pack("<HHII", tag, 7, total - table, table) for tag in range(65_535 - count, 65_535))
    whole = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", count) + entries + bytes(4)
    return start + whole + bytes(max(0, total - len(whole)))


def _jpeg(size: tuple[int, int] = (16, 16), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def _jpeg_with(segments: list[tuple[int, bytes]]) -> bytes:
    whole = _jpeg()
    extra = b"".join(bytes((0xFF, kind)) + struct.pack(">H", len(data) + 2) + data for kind, data in segments)
    return whole[:2] + extra + whole[2:]


def _scanned_jpeg(scans: int) -> bytes:
    """Progressive; its last scan, which refines one band of grey, again and again."""
    buffer = io.BytesIO()
    Image.new("L", (SIDE, SIDE), 90).save(buffer, "JPEG", progressive=True)
    whole = buffer.getvalue()
    start = whole.rindex(b"\xff\xda")
    return whole[:start] + whole[start:-2] * scans + whole[-2:]


def _many_pictures() -> bytes:
    entries = [(0xB000, 7, 4, int.from_bytes(b"0100", "little")), (0xB001, 4, 1, 2**32 - 1), (0xB002, 7, 16, 50)]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + bytes(16)


def gif(width: int, height: int, frame_width: int, frame_height: int, extensions: bytes = b"") -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + extensions
    frame = b"," + struct.pack("<HHHHB", 0, 0, frame_width, frame_height, 0)
    buffer = io.BytesIO()
    Image.new("P", (min(frame_width, SIDE), min(frame_height, SIDE))).save(buffer, "GIF")
    whole = buffer.getvalue()
    return head + frame + whole[whole.rindex(b",", 0, 1000) + 10 :]


def _animated(kind: str, frames: int) -> bytes:
    pictures = [Image.new("RGB", (8, 8), (number % 256, number // 256, 7)) for number in range(frames)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


def webp_canvas(width: int, height: int) -> bytes:
    """Lossless, of one colour: 16,383 x 16,383 in 38 bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "WEBP", lossless=True)
    whole = bytearray(buffer.getvalue())
    bits = int.from_bytes(whole[21:25], "little") >> 28 << 28
    whole[21:25] = (bits | (height - 1) << 14 | (width - 1)).to_bytes(4, "little")
    return bytes(whole)


def _webp_with(part: bytes, times: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4), (1, 2, 3, 4)).save(buffer, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    body = buffer.getvalue()[8:] + part * times
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(entries: list[tuple[int, int, int, int]], rest: bytes = b"", next_page: int = 0) -> bytes:
    """entries: (tag, type, count, value or offset)."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", next_page) + rest


def _grey(width: int, height: int, compression: int = 1) -> list[tuple[int, int, int, int]]:
    return [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1)]


def _circular_tiff() -> bytes:
    return tiff([*_grey(4, 4), (273, 4, 1, 8), (279, 4, 1, 16)], bytes(32), next_page=8)


def _many_pages() -> bytes:
    first = tiff([*_grey(4, 4), (273, 4, 1, 8), (279, 4, 1, 16)])
    pages = [struct.pack("<HHHIII", 1, 256, 3, 1, 4, len(first) + 18 * (number + 1)) for number in range(800_000)]
    return first[:-4] + struct.pack("<I", len(first)) + b"".join(pages)


def _striped_tiff(strips: int) -> bytes:
    entries = [*_grey(1, strips), (273, 4, strips, 200), (278, 3, 1, 1), (279, 4, 1, 1)]
    return tiff(entries).ljust(200, b"\0") + struct.pack("<I", 8) * strips


def _tiled_tiff() -> bytes:
    tile = [(322, 4, 1, 65_520), (323, 4, 1, 65_520), (324, 4, 1, 200), (325, 4, 1, 20)]
    return tiff([*_grey(64, 64, 8), *tile], bytes(200) + zlib.compress(bytes(100)))


def bmp(width: int, height: int, compression: int = 0, data: bytes = b"") -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(data), 0, 0, 256, 0)
    offset = 14 + len(info) + 1024
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + bytes(1024) + data


def _run_bmp() -> bytes:
    return bmp(2600, 2600, 1, b"\1\7" * (FILE_BYTES // 2))


def each() -> Iterator[tuple[str, bytes]]:
    for name, make in bombs().items():
        yield name, make()
