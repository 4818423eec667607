"""Pictures of every kind that people send, each with what a person expects to see."""

import io
import struct
from typing import Any

from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def flag() -> Image.Image:
    """16 x 8: red on the left, blue on the right."""
    picture = Image.new("RGB", (16, 8), RED)
    picture.paste(BLUE, (8, 0, 16, 8))
    return picture


def grey_ramp() -> Image.Image:
    """16-bit grey, 4 x 1: black, one third, two thirds, white."""
    return Image.frombytes("I;16", (4, 1), struct.pack("<4H", 0, 21845, 43690, 65535))


def rotated_jpeg(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(flag(), "JPEG", exif=exif, quality=95)


def animation() -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (GREEN, RED)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def palette_with_alpha() -> bytes:
    """Left half transparent, right half blue, as a palette PNG."""
    picture = Image.new("RGBA", (16, 8), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (8, 0, 16, 8))
    return saved(picture.quantize(4))


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that promise `width` x `height` pixels."""
    whole = saved(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">II", width, height) + whole[24:29]
    return whole[:12] + header + struct.pack(">I", _crc(header)) + whole[33:]


def swapped_profile() -> bytes:
    """An ICC profile (v2, matrix and gamma 1) whose red is sRGB's green and whose green is sRGB's red."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    tags = {
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": _xyz(*green),
        b"gXYZ": _xyz(*red),
        b"bXYZ": _xyz(*blue),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(8)),
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 8) + b"swapped\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0\0\0\0",
    }
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = bytes(4) + struct.pack(">I", 0x02100000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    body = head.ljust(124, b"\0") + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", 4 + len(body)) + body


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _crc(data: bytes) -> int:
    import zlib

    return zlib.crc32(data)
