"""What a data set may ask for at most, and the one kind of error that says what is wrong with it."""

import errno
from dataclasses import dataclass
from pathlib import Path

from compute.errors import SpecError, printable
from compute.formulas import digits

WAYS_OUT = "name an .npz file, a folder with the four IDX files, or a folder with one folder of pictures per class"


DAMAGE = (errno.EINVAL,)  # a seek to where a damaged file points


@dataclass(frozen=True)
class Limits:
    """`values` counts every channel of every pixel, so it is the bytes that all pictures take in memory."""

    images: int = 100_000
    values: int = 200_000_000
    min_side: int = 8
    max_side: int = 64
    classes: int = 100
    source_pixels: int = 50_000_000  # of one picture file, before it is scaled


DEFAULT = Limits()


class DataError(SpecError):
    """A data set that cannot be read, or not be trained on."""

    code = "invalid_data"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, "data", hint)


class Unreadable(DataError):
    def __init__(self, name: str, error: Exception, hint: str = "check that it is there and may be read") -> None:
        reason = error.strerror if isinstance(error, OSError) and error.errno not in DAMAGE else None
        super().__init__(f"{name} cannot be read: {reason or 'it is damaged or cut off'}", hint)


class TooLarge(DataError):
    def __init__(self, what: str, limit: int, value: int, hint: str) -> None:
        super().__init__(f"a data set may have at most {digits(limit)} {what}, not {digits(value)}", hint)


def shown(path: Path) -> str:
    """A file as a sentence names it: without the folders that lead to it, which are nobody else's business."""
    return printable(path.name, 80) or "the data set"


def check_volume(images: int, values: int, limits: Limits) -> None:
    """Before anything is decoded or given memory; raises TooLarge."""
    if images > limits.images:
        raise TooLarge("pictures", limits.images, images, "leave some out")
    if values > limits.values:
        raise TooLarge("values of pixels", limits.values, values, "leave some pictures out, or scale them down")


def check_sides(name: str, height: int, width: int, limits: Limits) -> None:
    if not (limits.min_side <= height <= limits.max_side and limits.min_side <= width <= limits.max_side):
        raise DataError(
            f"pictures must have sides of {limits.min_side} to {limits.max_side} pixels, {name} has {height} × {width}",
            "scale the pictures first",
        )
