"""How many parts a picture's file consists of, counted before a decoder sees it.

Pillow reads heads in Python, part by part: a file of a few megabytes that is nothing but parts keeps it busy for half a
minute, and libjpeg goes over all pixels anew for each scan. No picture that somebody wants to see is built like that.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from app.directories import Directories
from app.errors import ApiError
from compute.formulas import digits

MOST_PARTS = 65_536
MOST_SCANNED = 25 * 64_000_000  # pixels, each as often as a scan may draw it
RUN_BYTES = 16  # of a BMP's runs, for one part
ENTRY_PARTS = 16  # for which an entry of a TIFF's or of EXIF's directory counts
_BARE = {0x00, 0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}  # JPEG's markers that no length follows
_START_OF_SCAN, _APP1, _FILL = 0xDA, 0xE1, 0xFF
# TIFF's tags: of strips and tiles, and of directories that Pillow reads with the first
STRIPS, FURTHER = (273, 324), (330, 34_665, 34_853, 40_965)


class TooManyParts(ApiError):
    code = "too_many_parts"

    def __init__(self) -> None:
        rule = f"A picture's file may consist of at most {digits(MOST_PARTS)} parts, and this one has more"
        super().__init__(rule, "image", "save the picture anew")


class TooManyScans(ApiError):
    code = "too_many_parts"

    def __init__(self, scans: int, pixels: int) -> None:
        most = digits(MOST_SCANNED // pixels)
        rule = f"A JPEG of {digits(pixels)} pixels may be drawn in at most {most} scans, not {digits(scans)}"
        super().__init__(rule, "image", "save the picture anew, not progressive")


def check_parts(raw: bytes) -> None:
    """Raises TooManyParts."""
    for magic, walk in _WALKS.items():
        if raw.startswith(magic) and sum(islice(walk(raw), MOST_PARTS + 1)) > MOST_PARTS:
            raise TooManyParts


def check_scans(raw: bytes, pixels: int) -> None:
    """Of a JPEG. Raises TooManyScans."""
    scans = raw.count(bytes((_FILL, _START_OF_SCAN)))  # within a scan, 0xFF is followed by 0
    if scans * pixels > MOST_SCANNED or scans > MOST_PARTS:
        raise TooManyScans(scans, pixels)


def _png(raw: bytes) -> Iterator[int]:
    at = 8
    while at < len(raw):
        yield 1
        at += 12 + int.from_bytes(raw[at : at + 4], "big")


def _jpeg(raw: bytes) -> Iterator[int]:
    """Up to its first scan; EXIF may go on from one segment to the next."""
    at, exif = 2, []
    while at + 1 < len(raw) and (marker := raw[at + 1]) != _START_OF_SCAN:
        yield 1
        if marker == _FILL:
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            end = at + 2 + max(2, int.from_bytes(raw[at + 2 : at + 4], "big"))
            if marker == _APP1 and raw.startswith(b"Exif\0\0", at + 4):
                exif.append(raw[at + 10 : end])
            at = end
    yield from _tiff(b"".join(exif))


def _gif(raw: bytes) -> Iterator[int]:
    """Up to its first frame."""
    at = 13 + (3 << (raw[10] & 7) + 1 if len(raw) > 10 and raw[10] & 0x80 else 0)
    while at < len(raw) and raw[at : at + 1] not in (b",", b";"):
        yield 1
        if raw[at : at + 1] != b"!":
            at += 1
            continue
        at += 2
        while at < len(raw) and raw[at]:
            yield 1
            at += 1 + raw[at]
        at += 1


def _tiff(raw: bytes) -> Iterator[int]:
    """Of its first page: strips or tiles, and the entries of its directories."""
    directories = Directories(raw)
    yield ENTRY_PARTS * directories.size(directories.first)
    for entry in directories.entries(directories.first):
        if entry.tag in STRIPS:
            yield entry.count
        elif entry.tag in FURTHER:
            yield ENTRY_PARTS * directories.size(entry.value)


def _bmp(raw: bytes) -> Iterator[int]:
    """What Pillow reads run by run."""
    compression = int.from_bytes(raw[30:34], "little")
    yield len(raw) // RUN_BYTES if compression in (1, 2) else 1


_WALKS: dict[bytes, Callable[[bytes], Iterator[int]]] = {
    b"\x89PNG": _png, b"\xff\xd8": _jpeg, b"GIF8": _gif, b"II": _tiff, b"MM": _tiff, b"BM": _bmp,
}  # fmt: skip
