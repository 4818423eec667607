"""From an uploaded file to an upright RGB picture, or one sentence that says why not.

Seen as a person expects: first frame of an animation, EXIF rotation applied, transparency on white, 16-bit greys
scaled to 8 bits, embedded colour profiles converted to sRGB: see app.rgb. Sizes are checked before any pixel is
decoded.
"""

import io
import re

from PIL import Image, ImageFile

from app.errors import ApiError
from app.parts import check_parts, check_scans
from app.rgb import reduction, upright_rgb
from compute.formulas import digits

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
WAYS_OUT = "send a JPEG, PNG, WebP, GIF, BMP or TIFF"

# Heads that nothing else begins with, and so much behind them that somebody meant it.
_MAGIC = {
    re.compile(magic + rb".{64,}", re.DOTALL): kind
    for magic, kind in (
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"GIF8[79]a", "GIF"),
        (rb"RIFF....WEBP", "WebP"),
        (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    )
}
# Our own limit is checked before decoding; Pillow's would warn below it and stop above.
Image.MAX_IMAGE_PIXELS = None


class NotAPicture(ApiError):
    status = 415
    code = "not_a_picture"

    def __init__(self, kind: str | None) -> None:
        what = f"looks like {kind}" if kind else "is not a picture in a format known here"
        super().__init__(f"The file {what}", "image", WAYS_OUT)


class EmptyFile(ApiError):
    code = "empty_file"

    def __init__(self) -> None:
        super().__init__("The file is empty: 0 bytes", "image", WAYS_OUT)


class DamagedPicture(ApiError):
    code = "damaged_picture"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} is damaged or cut off and cannot be decoded", "image", "send the whole file")


class TooManyPixels(ApiError):
    status = 413
    code = "too_many_pixels"

    def __init__(self, width: int, height: int, limit: int) -> None:
        size = f"{digits(width)} × {digits(height)} = {digits(width * height)}"
        super().__init__(
            f"The picture may have at most {digits(limit)} pixels, not {size}", "image", "send a smaller copy"
        )


class UnknownRange(ApiError):
    code = "unknown_range"

    def __init__(self, mode: str) -> None:
        message = f"Pixels of 32 bits ({mode}) have no fixed black and white"
        super().__init__(message, "image", "save the picture with 8 or 16 bits a channel")


def decode(raw: bytes, max_pixels: int, kept_pixels: int) -> Image.Image:
    """The picture in a file as mode RGB without metadata; one of more than `kept_pixels` is reduced to fewer. Raises
    ApiError, and MemoryError where it needs more memory than there is."""
    picture = _open(raw)
    width, height = picture.size
    most = max_pixels // 2 if _is_heavy(picture) else max_pixels
    if width * height > most:
        raise TooManyPixels(width, height, most)
    if picture.mode in ("I", "F"):
        raise UnknownRange(picture.mode)
    if picture.format in ("JPEG", "MPO"):
        check_scans(raw, width * height)
    try:
        factor = reduction(width * height, kept_pixels)
        picture.draft(None, (max(width // factor, 1), max(height // factor, 1)))  # JPEG's decoder reduces for nothing
        return upright_rgb(picture, kept_pixels)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise DamagedPicture(picture.format or "picture") from error


def _is_heavy(picture: ImageFile.ImageFile) -> bool:
    """Whether a pixel takes twice as much: WebP is decoded into several copies, and colours of 16 bits into 8 bytes."""
    arguments = picture.tile[0].args if picture.tile else ()
    return picture.format == "WEBP" or (picture.mode in ("RGB", "RGBA") and ";16" in str(arguments))


def _open(raw: bytes) -> ImageFile.ImageFile:
    if not raw:
        raise EmptyFile
    check_parts(raw)
    try:
        return Image.open(io.BytesIO(raw), formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # as above: a head can be damaged in as many ways
        head = raw[:512]
        kind = next((kind for magic, kind in _MAGIC.items() if magic.fullmatch(head)), None)
        if kind:
            raise DamagedPicture(kind) from error
        raise NotAPicture(_known_otherwise(head)) from error


def _known_otherwise(head: bytes) -> str | None:
    """A name for what people upload by mistake."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith(b"%pdf"):
        return "a PDF document"
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "a video"
    return None
