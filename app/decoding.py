"""From an uploaded file to an upright RGB picture, or one sentence that says why not.

Seen as a person expects: first frame of an animation, EXIF rotation applied, transparency on white, 16-bit greys
scaled to 8 bits, embedded colour profiles converted to sRGB. Sizes are checked before any pixel is decoded.
"""

import io
from typing import IO

from PIL import Image, ImageCms, ImageOps

from app.errors import ApiError
from compute.formulas import digits

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
WAYS_OUT = "send a JPEG, PNG, WebP, GIF, BMP or TIFF"

# 16-bit greys to 8 bits; Pillow's own convert("L") cuts everything above 255 off.
_TO_8_BITS = [round(value / 257) for value in range(65536)]

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


def decode(file: IO[bytes], max_pixels: int) -> Image.Image:
    """The picture in `file` as mode RGB without metadata; raises ApiError."""
    picture = _open(file)
    width, height = picture.size
    if width * height > max_pixels:
        raise TooManyPixels(width, height, max_pixels)
    if picture.mode in ("I", "F"):
        raise UnknownRange(picture.mode)
    try:
        rgb = _rgb(ImageOps.exif_transpose(picture))
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise DamagedPicture(picture.format or "picture") from error
    rgb.info = {}
    return rgb


def _open(file: IO[bytes]) -> Image.Image:
    head = file.read(512)
    file.seek(0)
    if not head:
        raise EmptyFile
    try:
        return Image.open(file, formats=FORMATS)
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


def _rgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(_TO_8_BITS, "L").convert("RGB")
    if picture.mode == "CMYK":
        return _to_srgb(picture, profile).convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return _to_srgb(picture.convert("RGB"), profile)


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """`picture` through its embedded profile; a profile that does not fit is passed over, as browsers do."""
    if not profile:
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return converted or picture
