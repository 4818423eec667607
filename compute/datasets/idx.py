"""Arrays out of the four IDX files that MNIST and its kin come in, packed by gzip or not.

A file is two zero bytes, the type (8: unsigned bytes), the number of axes, each axis as a 32-bit big-endian number, and
the values: http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from compute.datasets.arrays import Array, check_header
from compute.datasets.limits import DataError, Limits, Unreadable, check_volume, shown
from compute.errors import SpecError
from compute.formulas import digits

STEMS = {"x_train": "train-images", "y_train": "train-labels", "x_test": "t10k-images", "y_test": "t10k-labels"}


def found(folder: Path) -> bool:
    """Any of the four is there; raises OSError."""
    return any(path.exists() for stem in STEMS.values() for path in _candidates(folder, stem))


def arrays(folder: Path, limits: Limits) -> dict[str, Array]:
    """x_train, y_train, x_test and y_test; raises DataError."""
    return {name: _array(name, _file(folder, stem), limits) for name, stem in STEMS.items()}


def _candidates(folder: Path, stem: str) -> list[Path]:
    axes = "idx1" if stem.endswith("labels") else "idx3"
    return [folder / f"{stem}{dot}{axes}-ubyte{packed}" for dot in "-." for packed in (".gz", "")]


def _file(folder: Path, stem: str) -> Path:
    candidates = _candidates(folder, stem)
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise DataError(
            f"{shown(folder)} has IDX files but not {candidates[1].name}, packed by gzip or not", "put all four there"
        )
    return path


def _array(name: str, path: Path, limits: Limits) -> Array:
    try:
        opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            return _values(name, shown(path), file, limits)
    except SpecError:
        raise
    except Exception as error:  # what a damaged archive raises has no common kind
        raise Unreadable(shown(path), error, "fetch it again") from error


def _values(name: str, shown_name: str, file: IO[bytes], limits: Limits) -> Array:
    head = file.read(4)
    axes = head[3] if len(head) == 4 else 0
    if head[:3] != b"\0\0\x08" or axes not in ((1,) if name.startswith("y") else (3, 4)):
        kind = "labels" if name.startswith("y") else "pictures"
        raise DataError(f"{shown_name} is no IDX file of {kind} in bytes", "fetch it again")
    shape = tuple(int(side) for side in np.frombuffer(file.read(4 * axes), ">u4", axes))
    if axes > 1:
        check_header(shown_name, shape, np.dtype(np.uint8), limits)
    check_volume(shape[0], 0, limits)
    count = math.prod(shape)
    raw = file.read(count + 1)
    if len(raw) != count:
        there = "more" if len(raw) > count else f"{digits(len(raw))}"
        raise DataError(f"{shown_name} must have {digits(count)} bytes of values, not {there}", "fetch it again")
    return np.frombuffer(raw, np.uint8).reshape(shape).copy()  # may be written to
