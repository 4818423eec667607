"""Pictures out of a folder that has one folder per class, as ImageFolder of torchvision reads them, one level deep.

Pictures of one size are taken as they are where their sides are short enough. Else each is cut to its centre square
and scaled (bilinear, antialiased) to the shortest side of all, at most the limit. All grey: one channel; else three.
First frame of an animation, a JPEG's EXIF rotation applied, transparency on white, colour profiles passed over.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from compute.datasets.arrays import check_classes, check_each
from compute.datasets.images import Labels, Pixels
from compute.datasets.limits import DataError, Limits, Unreadable, check_volume, shown
from compute.errors import SpecError, printable
from compute.formulas import digits
from compute.picture import square

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
GREY = ("1", "L", "LA")
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # of EXIF: height and width change places
HINT = "repair it, or take it out"


@dataclass(frozen=True)
class Read:
    """x: (N, C, H, W); y: (N,); `note` says what was done to the pictures, or nothing."""

    x: Pixels
    y: Labels
    classes: tuple[str, ...]
    note: str


def pictures(folder: Path, limits: Limits) -> Read:
    """Every picture of every class, classes and files by name; raises DataError."""
    classes = _classes(folder, limits)
    files = [(file, label) for label, name in enumerate(classes) for file in _files(folder / name, limits)]
    check_volume(len(files), 0, limits)
    y = np.array([label for _, label in files], np.int64)
    names = tuple(printable(name) for name in classes)
    check_each(y, names, 2, "in it, one to train on and one to be tested on")
    sizes, grey = zip(*(_looked_at(file, limits) for file, _ in files), strict=True)
    channels = 1 if all(grey) else 3
    side = _side(sizes, limits)
    height, width = side or sizes[0]
    check_volume(len(files), len(files) * channels * height * width, limits)
    x = np.empty((len(files), channels, height, width), np.uint8)
    for place, (file, _) in enumerate(files):
        x[place] = _decoded(file, channels, side and side[0])
    notes = [f"each picture was cut to its centre square and scaled to {height} × {width}"] if side else []
    notes += ["grey pictures were taken as coloured ones"] if any(grey) and channels == 3 else []
    return Read(x, y, names, " and ".join(notes))


def _classes(folder: Path, limits: Limits) -> list[str]:
    """Names of the folders in `folder`, but for hidden ones."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name[0] != "." and os.path.isdir(entry.path))
    except OSError as error:
        raise Unreadable(shown(folder), error) from error
    if not names:
        hint = "make a folder for each class, named as the class, with its pictures in it"
        raise DataError(f"{shown(folder)} has neither IDX files nor a folder for each class", hint)
    check_classes(len(names), limits)
    return names


def _files(folder: Path, limits: Limits) -> list[Path]:
    """Pictures of a class, by what their names end in."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name[0] != "." and os.path.splitext(entry.name)[1].lower() in SUFFIXES
            )
    except OSError as error:
        raise Unreadable(f"the folder {shown(folder)}", error) from error
    if not names:
        hint = f"put pictures directly in it, such as {', '.join(FORMATS[:3])}, or leave the class out"
        raise DataError(f"the folder {shown(folder)} has no picture in it", hint)
    check_volume(len(names), 0, limits)
    return [folder / name for name in names]


def _side(sizes: tuple[tuple[int, int], ...], limits: Limits) -> tuple[int, int] | None:
    """The common side of the squares to scale to, twice; None where the pictures are fit as they are."""
    if len(set(sizes)) == 1 and max(sizes[0]) <= limits.max_side:
        return None
    side = min(limits.max_side, min(map(min, sizes)))
    return side, side


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """A picture whose pixels are not decoded yet; what goes wrong meanwhile becomes a DataError that names it."""
    name = f"{shown(file.parent)}/{shown(file)}"
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
            raise DataError(f"{name} is no file", "take it out")
        with Image.open(file, formats=FORMATS) as picture:
            yield picture
    except SpecError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name} has far too many pixels", "scale it down first") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise Unreadable(name, error, HINT) from error


def _looked_at(file: Path, limits: Limits) -> tuple[tuple[int, int], bool]:
    """(height, width) as seen, and whether it is grey."""
    name = f"{shown(file.parent)}/{shown(file)}"
    with _opened(file) as picture:
        width, height = picture.size
        if width * height > limits.source_pixels:
            rule = f"a picture may have at most {digits(limits.source_pixels)} pixels"
            raise DataError(f"{rule}, {name} has {digits(height)} × {digits(width)}", "scale it down first")
        if min(width, height) < limits.min_side:
            rule = f"pictures must have sides of at least {limits.min_side} pixels, {name} has {height} × {width}"
            raise DataError(rule, "take it out, or take a larger copy")
        if picture.mode == "F" or picture.mode.startswith("I"):
            raise DataError(f"{name} has 16 or 32 bits a channel", "save it with 8")
        if picture.format == "JPEG" and picture.getexif().get(ORIENTATION) in TURNED:
            width, height = height, width
        return (height, width), picture.mode in GREY


def _decoded(file: Path, channels: int, side: int | None) -> NDArray[np.uint8]:
    """(C, H, W), scaled to `side` x `side` where that is given."""
    with _opened(file) as picture:
        seen = ImageOps.exif_transpose(picture) if picture.format == "JPEG" else picture
        if seen.has_transparency_data:
            rgba = seen.convert("RGBA")
            seen = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        rgb = square(seen, side) if side else seen.convert("RGB")
        return np.asarray(rgb).transpose(2, 0, 1)[:channels]  # three equal channels where all is grey
