"""What a file says about the network in it: data, accuracy, date. Checked, since it is shown on a page.

A file that says nothing can be looked through all the same, as the stack it is said to be.
"""

import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from compute.errors import SpecError, printable
from compute.picture import MEAN, STD
from compute.stack.spec import StackSpec
from compute.trained.layout import stack_dict, stack_of

KEY, FORMAT = "groupscope", 1
MAX_CLASSES, MAX_WORDS = 1000, 120
GREY = (0.449,), (0.226,)  # mean and deviation of grey where a file names none: the means of ImageNet's three
UNNAMED = "Network of unknown data"
# What a file may leave out, and what then holds.
OPTIONAL = {"arm": None, "seed": None, "epochs": None, "accuracy": None, "params": None, "macs": None, "torch": None}


def parsed(text: str) -> dict[str, Any]:
    """The metadata's one entry as it stands. Raises SpecError."""
    try:
        meta = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise wrong("its metadata are no JSON") from None
    if not isinstance(meta, dict):
        raise wrong("its metadata are no JSON object")
    return meta


def checked(meta: Mapping[str, Any], image_channels: int) -> tuple[dict[str, Any], StackSpec]:
    """The facts in full, nothing but what is known here, and the network as trained. Raises SpecError."""
    if meta.get("format") != FORMAT:
        raise wrong(f"its format must be {FORMAT}, not {printable(repr(meta.get('format')))}")
    stack = meta.get("stack")
    if not isinstance(stack, dict):
        raise wrong("its metadata name no stack")
    try:
        spec = stack_of(stack)
    except (SpecError, TypeError) as error:
        reason = error.message if isinstance(error, SpecError) else "its numbers are none"
        raise wrong(f"the stack in its metadata can't be: {printable(reason, 200)}") from None
    return {
        "format": FORMAT,
        "name": _words(meta, "name") or UNNAMED,
        "data": _data(meta.get("data"), image_channels),
        "stack": stack_dict(spec),
        "arm": _words(meta, "arm"),
        "seed": _whole(meta, "seed"),
        "epochs": _whole(meta, "epochs"),
        "accuracy": _accuracy(meta.get("accuracy")),
        "params": _whole(meta, "params"),
        "macs": _whole(meta, "macs"),
        "date": _date(meta.get("date")),
        "torch": _words(meta, "torch"),
    }, spec


def sentence(meta: Mapping[str, Any]) -> str:
    """`Fashion-MNIST, 86.4 % of 2,000 test images, 25 November 2026`: what is known of it."""
    data = meta["data"]
    parts = [data["name"]] if data["name"] else []
    if meta["accuracy"] is not None:
        of = f"{data['test']:,} test images" if data["test"] else "its test images"
        parts.append(f"{100 * meta['accuracy']:.1f} % of {of}")
    if meta["date"] is not None:
        day = date.fromisoformat(meta["date"])
        parts.append(f"{day.day} {day:%B} {day.year}")
    return ", ".join(parts) if parts else "its file names neither data nor accuracy"


def wrong(rule: str, hint: str = "compare it with the names and shapes that a file must hold") -> SpecError:
    return SpecError(f"this file is no trained network to look through: {rule}", "checkpoint", hint)


def _data(data: Any, channels: int) -> dict[str, Any]:
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise wrong("`data` in its metadata is no object")
    if "channels" in data and data["channels"] != channels:
        raise wrong(f"its data have {printable(repr(data['channels']))} channels, and stem.weight reads {channels}")
    usual = GREY if channels == 1 else (MEAN, STD)
    mean, std = (_numbers(data, name, channels, default) for name, default in zip(("mean", "std"), usual, strict=True))
    if min(std) <= 0:
        raise wrong("a deviation of its data is not above 0")
    classes = data.get("classes") or []
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES or not all(isinstance(c, str) for c in classes):
        raise wrong(f"`classes` in its metadata must be a list of at most {MAX_CLASSES} names")
    return {
        **{name: _words(data, name) for name in ("id", "name", "credit")},
        "classes": [printable(name, MAX_WORDS) for name in classes],
        "channels": channels,
        "side": _side(data.get("side")),
        "mean": mean,
        "std": std,
        "named": data.get("named") is not False and "mean" in data and "std" in data,
        "train": _whole(data, "train"),
        "test": _whole(data, "test"),
    }


def _words(meta: Mapping[str, Any], name: str) -> str | None:
    value = meta.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong(f"`{name}` in its metadata is no text")
    return printable(value, MAX_WORDS) if value else None


def _whole(meta: Mapping[str, Any], name: str) -> int | None:
    value = meta.get(name)
    if value is not None and (type(value) is not int or not 0 <= value < 2**53):
        raise wrong(f"`{name}` in its metadata is no whole number")
    return value


def _side(side: Any) -> list[int] | None:
    """[height, width], from one number or two."""
    both = [side, side] if type(side) is int else side
    if both is None:
        return None
    if not isinstance(both, list | tuple) or len(both) != 2 or not all(type(n) is int and 0 < n < 2**20 for n in both):
        raise wrong("`side` of its data is no size in pixels")
    return list(both)


def _accuracy(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise wrong("`accuracy` in its metadata is no share from 0 to 1")
    return float(value)


def _date(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise wrong("`date` in its metadata is no date such as 2026-11-25") from None


def _numbers(data: Mapping[str, Any], name: str, count: int, default: tuple[float, ...]) -> list[float]:
    value = data.get(name, list(default))
    if not isinstance(value, list | tuple) or len(value) != count:
        raise wrong(f"`{name}` of its data must be {count} numbers, one a channel of the picture")
    if not all(type(n) in (int, float) and math.isfinite(n) for n in value):
        raise wrong(f"`{name}` of its data has something that is no number")
    return [float(n) for n in value]


def _no_constant(name: str) -> None:
    raise ValueError(name)
