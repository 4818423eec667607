"""From the arrays that a file holds to pixels and labels: shapes turned, types and values checked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.datasets.images import Labels, Pixels
from compute.datasets.limits import DataError, Limits, TooLarge, check_sides, check_volume
from compute.formulas import digits

Array = NDArray[Any]
AT_ONCE = 1024  # pictures turned in one go, so that floating-point copies stay small


def check_header(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], limits: Limits) -> None:
    """What can be said of pictures before they are read; raises DataError."""
    if dtype.kind not in "iuf":
        kind = "Python objects" if dtype.kind == "O" else str(dtype)
        raise DataError(f"{name} must hold numbers, not {kind}", "save the pixels as uint8")
    if len(shape) not in (3, 4) or (len(shape) == 4 and _channel_axis(shape) is None):
        raise DataError(
            f"{name} must be (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, not {shape}",
            "reshape it before saving",
        )
    if 0 in shape:
        raise DataError(f"{name} is empty: {shape}", "save at least two pictures of each class")
    check_volume(shape[0], int(np.prod(shape, dtype=object)), limits)
    check_sides(name, *_sides(shape), limits)


def pixels(name: str, array: Array, limits: Limits) -> Pixels:
    """(N, C, H, W) of 0 to 255, from (N, H, W) or with channels second or last; raises DataError.

    Whole numbers must be from 0 to 255. Floating-point numbers must be from 0 to 1; they become 256 steps.
    """
    check_header(name, array.shape, array.dtype, limits)
    if array.ndim == 3:
        array = array[:, None]
    elif _channel_axis(array.shape) == 3:
        array = np.moveaxis(array, 3, 1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    result = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), AT_ONCE):
        some = array[start : start + AT_ONCE]
        _check_values(name, some, start)
        result[start : start + AT_ONCE] = np.rint(some * 255) if some.dtype.kind == "f" else some
    return result


def labels(name: str, array: Array, pictures: str, count: int) -> Labels:
    """(N,), from (N,) or (N, 1); one for each of the `count` pictures of the array `pictures`; raises DataError."""
    check_label_header(name, array.shape, array.dtype)
    array = array.reshape(-1)
    if len(array) != count:
        raise DataError(
            f"each picture needs one label: {pictures} has {digits(count)} pictures"
            f" and {name} {digits(len(array))} labels",
            "save both again from the same list",
        )
    if array.min() < 0 or array.max() > np.iinfo(np.int64).max:
        wrong = int(array.min()) if array.min() < 0 else int(array.max())
        raise DataError(f"{name} has the label {wrong}", "number the classes 0, 1, 2 …")
    return array.astype(np.int64)


def check_label_header(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """What can be said of labels before they are read; raises DataError."""
    if dtype.kind not in "iu":
        kind = "Python objects" if dtype.kind == "O" else str(dtype)
        raise DataError(f"{name} must hold whole numbers, not {kind}", "number the classes 0, 1, 2 …")
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 1):
        hint = "where it holds a 1 for each picture's class, save its argmax(axis=1)"
        raise DataError(f"{name} must be (N,) or (N, 1), not {shape}", hint)


def check_classes(count: int, limits: Limits) -> None:
    """`count` counts classes; raises DataError."""
    if count < 2:
        raise DataError(f"there must be at least two classes to tell apart, not {count}", "add pictures of another")
    if count > limits.classes:
        raise TooLarge("classes", limits.classes, count, "join some, or number them 0, 1, 2 … without gaps")


def check_within(name: str, y: Labels, classes: Sequence[str]) -> None:
    """Every label is a class; raises DataError."""
    if y.max() >= len(classes):
        rule = f"labels must be from 0 to {len(classes) - 1}, as there are {len(classes)} classes"
        raise DataError(f"{rule}; {name} has {y.max()}", "name every class, or correct the label")


def check_each(y: Labels, classes: Sequence[str], least: int, where: str) -> None:
    """Every class has `least` pictures; `where` ends the sentence, such as "to train on"; raises DataError."""
    counts = np.bincount(y, minlength=len(classes))
    for name, count in zip(classes, counts.tolist(), strict=True):
        if count < least:
            has = "one picture" if count == 1 else "no picture"
            needed = "one picture" if least == 1 else "two pictures"
            rule = f"each class needs at least {needed} {where}"
            raise DataError(f"{rule}: class {name} has {has}", "add some, or leave the class out")


def _channel_axis(shape: tuple[int, ...]) -> int | None:
    """Of four axes; no side of a picture is as short as 3, so there is no doubt."""
    return 3 if shape[3] in (1, 3) else 1 if shape[1] in (1, 3) else None


def _sides(shape: tuple[int, ...]) -> tuple[int, int]:
    start = 1 if len(shape) == 3 or _channel_axis(shape) == 3 else 2
    return shape[start], shape[start + 1]


def _check_values(name: str, some: Array, start: int) -> None:
    floating = some.dtype.kind == "f"
    if floating and not np.isfinite(some).all():
        number = start + int(np.argmin(np.isfinite(some).all((1, 2, 3))))
        raise DataError(f"{name} has NaN or infinity in picture {number}", "save the pixels as uint8")
    high = 1 if floating else 255
    low, most = some.min(), some.max()
    if low < 0 or most > high:
        kind = "floating-point pixels" if floating else "whole-numbered pixels"
        hint = "divide by 255, or save uint8" if floating else "save the pixels as uint8"
        raise DataError(f"{kind} must be from 0 to {high}, {name} has {low if low < 0 else most}", hint)
