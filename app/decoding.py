"""From an uploaded file to an upright RGB picture, or one sentence that says why not.

Seen as a person expects: first frame of an animation, EXIF rotation applied, transparency on white, 16-bit greys
scaled to 8 bits, embedded colour profiles converted to sRGB: see app.rgb. Sizes are checked before any pixel is
decoded.
"""

from typing import IO

from PIL import Image

from app.errors import ApiError
from app.rgb import reduction, upright_rgb
from compute.formulas import digits

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
WAYS_OUT = "send a JPEG, PNG, WebP, GIF, BMP or TIFF"

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


def decode(file: IO[bytes], max_pixels: int, kept_pixels: int) -> Image.Image:
    """The picture in `file` as mode RGB without metadata; one of more than `kept_pixels` is reduced to fewer. Raises
    ApiError, and MemoryError where it needs more memory than there is."""
    picture = _open(file)
    width, height = picture.size
    if width * height > max_pixels:
        raise TooManyPixels(width, height, max_pixels)
    if picture.mode in ("I", "F"):
        raise UnknownRange(picture.mode)
    try:
        factor = reduction(width * height, kept_pixels)
        picture.draft(None, (max(width // factor, 1), max(height // factor, 1)))  # JPEG's decoder reduces for nothing
        return upright_rgb(picture, kept_pixels)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise DamagedPicture(picture.format or "picture") from error


def _open(file: IO[bytes]) -> Image.Image:
    head = file.read(512)
    file.seek(0)
    if not head:
        raise EmptyFile
    try:
        return Image.open(file, formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # as above: a header can be damaged in as many ways
        kind = _known_otherwise(head)
        raise NotAPicture(kind) from error


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
