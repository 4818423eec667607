"""Answers as JSON, for readers whose numbers are doubles: an integer that a double cannot hold travels as text."""

from typing import Any

import orjson

from app.limits import MAX_COUNT


def travelling(value: Any) -> bytes:
    """`value` as JSON, each integer beyond 2^53 - 1 as text; where there is none, nothing is walked."""
    try:
        return orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        return orjson.dumps(_spelt(value), option=orjson.OPT_STRICT_INTEGER)


def _spelt(value: Any) -> Any:
    match value:
        case dict():
            return {key: _spelt(part) for key, part in value.items()}
        case list() | tuple():
            return [_spelt(part) for part in value]
        case int() if abs(value) > MAX_COUNT:
            return str(value)
    return value
