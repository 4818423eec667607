"""Arrays out of an .npz file, each looked at before it is given memory. Nothing in it is ever unpickled."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from compute.datasets.arrays import Array, check_header, check_label_header
from compute.datasets.limits import DataError, Limits, Unreadable, check_volume, shown
from compute.errors import SpecError, printable
from compute.formulas import digits

PARTED = ("x_train", "y_train", "x_test", "y_test")  # as Keras has them
WHOLE = (("images", "labels"), ("x", "y"))  # to be split here
WORDS = ("classes", "name", "credit")  # all optional
EXAMPLE = "save it with np.savez_compressed(file, images=…, labels=…)"
MAX_TEXT_BYTES = 1_000_000
MAX_HEADER_BYTES = 10_000  # NumPy takes no longer one either, but has unpacked gigabytes before it says so


def arrays(path: Path, limits: Limits) -> dict[str, Array]:
    """Pictures and labels under PARTED or one pair of WHOLE, and those of WORDS that are there; raises DataError."""
    with _opened(path) as file:
        members = {member.removesuffix(".npy"): member for member in file.namelist() if member.endswith(".npy")}
        names = next((names for names in (PARTED, *WHOLE) if set(names) <= set(members)), None)
        if names is None:
            found = printable(", ".join(members), 200) or "no array"
            rule = f"{shown(path)} must hold x_train, y_train, x_test and y_test, or images and labels, or x and y"
            raise DataError(f"{rule}; it holds {found}", EXAMPLE)
        wanted = [*names, *(word for word in WORDS if word in members)]
        for name in wanted:
            with file.open(members[name]) as member:
                _check(name, *_header(member), limits)
        return {name: _array(file, members[name]) for name in wanted}


def texts(array: Array | None, most: int = 40) -> tuple[str, ...]:
    """The words of an array, fit to be shown; none where there is no array."""
    return () if array is None else tuple(printable(str(text), most) for text in array.reshape(-1))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as file:
            yield file
    except SpecError:
        raise
    except zipfile.BadZipFile as error:
        raise DataError(f"{shown(path)} is no .npz file of NumPy, or it is cut off", EXAMPLE) from error
    except OSError as error:
        raise Unreadable(shown(path), error) from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        raise Unreadable(shown(path), error, EXAMPLE) from error


def _header(member: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type as the array's first bytes state them, and no more of these than any array needs."""
    start = io.BytesIO(member.read(MAX_HEADER_BYTES))
    version = npy.read_magic(start)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(start)
    return shape, dtype


def _check(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], limits: Limits) -> None:
    if name in WORDS:
        if dtype.kind != "U":
            kind = "Python objects" if dtype.kind == "O" else str(dtype)
            raise DataError(f"{name} must hold text, not {kind}", "save np.array([...], dtype=str), or leave it out")
        if dtype.itemsize * int(np.prod(shape, dtype=object)) > MAX_TEXT_BYTES:
            raise DataError(f"{name} may have at most {digits(MAX_TEXT_BYTES)} bytes of text", "shorten it")
    elif name in ("x_train", "x_test", "images", "x"):
        check_header(name, shape, dtype, limits)
    else:
        check_label_header(name, shape, dtype)
        check_volume(shape[0], 0, limits)


def _array(file: zipfile.ZipFile, member: str) -> Array:
    with file.open(member) as stream:
        array: Array = npy.read_array(stream, allow_pickle=False)
        stream.read(1)  # at the end, where the archive's checksum is compared
        return array
