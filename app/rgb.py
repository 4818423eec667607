"""What a person expects to see of a decoded picture: upright, in sRGB, on white, with 8 bits a channel, and no larger
than anything here needs.

Strip by strip: a second and a third copy of a whole picture would cost more memory than decoding it does.
"""

import io
import re
from collections.abc import Callable
from contextlib import suppress
from math import ceil, isqrt

from PIL import Image, ImageCms

from app.directories import UPRIGHT, orientation

STRIP_PIXELS = 1 << 20
# 16-bit greys to 8 bits; Pillow's own convert("L") cuts everything above 255 off.
_TO_8_BITS = [round(value / 257) for value in range(65536)]
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation; 1 is upright
_XMP = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")
Strip = Callable[[Image.Image], Image.Image]


def reduction(pixels: int, most: int) -> int:
    """By which both sides are divided, so that at most `most` pixels are left, about."""
    return 1 if pixels <= most else isqrt(ceil(pixels / most) - 1) + 1


def upright_rgb(picture: Image.Image, most_pixels: int) -> Image.Image:
    """`picture` as mode RGB without metadata, perhaps itself. One of more than `most_pixels` is reduced by
    a whole number: each of its pixels is then the mean of a square. Raises whatever Pillow does on damaged data."""
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    rgb = _in_strips(picture, reduction(picture.width * picture.height, most_pixels))
    if turn is not None:
        rgb = rgb.transpose(turn)
    rgb.info = {}
    return rgb


def _orientation(picture: Image.Image) -> int:
    """As EXIF or else XMP have it. A TIFF has been turned as it was decoded."""
    exif = picture.info.get("exif", b"")
    if not exif and (profile := picture.info.get("Raw profile type exif")):  # how ImageMagick puts it into a PNG
        with suppress(ValueError):
            exif = bytes.fromhex("".join(profile.split("\n")[3:]))
    found = orientation(exif)
    if found == UPRIGHT and picture.format != "TIFF":
        xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
        match = _XMP.search(xmp.encode() if isinstance(xmp, str) else xmp)
        return int(match[1]) if match else found
    return found


def _in_strips(picture: Image.Image, factor: int) -> Image.Image:
    prepare, finish, correct = *_steps(picture), _correction(picture)
    if picture.mode == "RGB" and prepare is finish and correct is None and factor == 1:
        return picture
    width, height = picture.size
    rgb = Image.new("RGB", (ceil(width / factor), ceil(height / factor)))
    rows = max(1, STRIP_PIXELS // (width * factor)) * factor
    for top in range(0, height, rows):
        part = prepare(picture.crop((0, top, width, min(top + rows, height))))
        part = finish(part.reduce(factor) if factor > 1 else part)
        rgb.paste(correct(part) if correct else part.convert("RGB"), (0, top // factor))
    return rgb


def _steps(picture: Image.Image) -> tuple[Strip, Strip]:
    """What is done before a strip is reduced, and what after it."""
    if picture.mode.startswith("I;16"):
        return lambda part: part.convert("I"), _8_bits
    if picture.has_transparency_data:
        return lambda part: part.convert("RGBA"), _on_white
    return (_as_it_is if picture.mode in ("RGB", "CMYK") else lambda part: part.convert("RGB")), _as_it_is


def _as_it_is(part: Image.Image) -> Image.Image:
    return part


def _8_bits(part: Image.Image) -> Image.Image:
    return part.point(_TO_8_BITS, "L").convert("RGB")


def _on_white(part: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB")


def _correction(picture: Image.Image) -> Strip | None:
    """From the colours of its embedded profile to sRGB; None where there is none, or one that does not fit: it is
    passed over, as browsers do."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode.startswith("I;16"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        mode = "CMYK" if picture.mode == "CMYK" else "RGB"
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
    return lambda part: ImageCms.applyTransform(part, transform) or part
