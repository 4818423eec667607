"""Bodies, read within limits: how slow, how long, how deep, and what is said where they are no JSON."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any

import orjson
from starlette.requests import Request

from app.errors import ApiError, shown
from compute.formulas import digits

MAX_NESTING = 16  # a subject in a series needs 9; what parsers and printers recurse into is bounded before they do
LEAST_RATE = 8000  # bytes a second: a telephone at the edge of its network sends more
JSON_HINT = "send JSON as application/json; /openapi.json has a worked sample"


class BodyTooLarge(ApiError):
    status = 413
    code = "body_too_large"

    def __init__(self, limit: int, size: int | None = None) -> None:
        what = f"not {digits(size)}" if size is not None else "and this one goes on"
        hint = "describe a part of the network, or leave out what layers have by default"
        super().__init__(f"A document may have at most {digits(limit)} bytes, {what}", None, hint)


class BodyTooSlow(ApiError):
    status = 408
    code = "body_too_slow"
    headers = {"Connection": "close"}  # noqa: RUF012  # what else comes of the body is no request

    def __init__(self, seconds: float) -> None:
        rule = f"Of a body at least {digits(LEAST_RATE)} bytes a second must come, and in {seconds:g} s fewer did"
        super().__init__(rule, None, "send it at once, or a smaller one")


class NotJsonType(ApiError):
    status = 415
    code = "not_json_type"

    def __init__(self, content_type: str) -> None:
        what = f"not {shown(content_type, 60)}" if content_type else "and no Content-Type was given"
        super().__init__(f"The body must be application/json, {what}", None, JSON_HINT)


class NotJson(ApiError):
    code = "invalid_json"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body is no JSON: {reason}", None, JSON_HINT)


class TooDeep(ApiError):
    code = "too_deep"

    def __init__(self) -> None:
        rule = f"The body may nest lists and objects at most {MAX_NESTING} deep, and this one is deeper"
        super().__init__(rule, None, 'name the layers flat, one after the other, and join them with "inputs"')


async def read_body(request: Request, max_bytes: int, slow_seconds: float) -> bytes:
    """The bytes of a JSON body; raises BodyTooLarge before a longer one is read to its end, BodyTooSlow,
    NotJsonType."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotJsonType(content_type)
    return await read_whole(request, max_bytes, BodyTooLarge, slow_seconds)


async def read_whole(
    request: Request, max_bytes: int, too_large: Callable[..., ApiError], slow_seconds: float
) -> bytes:
    """The bytes of any body. too_large: makes the error for a limit and, where it is known, a size. Raises that error
    before a longer one is read to its end, BodyTooSlow."""
    check_length(request, max_bytes, max_bytes, too_large)
    async with aclosing(moving(request, max_bytes, lambda: too_large(max_bytes), slow_seconds)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def check_length(request: Request, max_bytes: int, said_bytes: int, too_large: Callable[..., ApiError]) -> None:
    """Refuses by its head what is longer than `max_bytes`, before a byte of it is read. said_bytes: the limit that the
    client is told."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large(said_bytes, int(declared))


async def moving(
    request: Request, max_bytes: int, too_large: Callable[[], ApiError], slow_seconds: float
) -> AsyncGenerator[bytes, None]:
    """The chunks of a body that keeps moving: LEAST_RATE bytes a second, looked at over `slow_seconds`, each such time
    anew, so that what came fast buys no time to stand still. Raises BodyTooSlow, and what `too_large` makes."""
    loop = asyncio.get_running_loop()
    since, fresh, total = loop.time(), 0, 0
    async with aclosing(request.stream()) as chunks:
        while True:
            try:
                async with asyncio.timeout_at(since + slow_seconds):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise BodyTooSlow(slow_seconds) from None
            if chunk is None:
                return
            fresh, total = fresh + len(chunk), total + len(chunk)
            if total > max_bytes:
                raise too_large()
            if fresh >= LEAST_RATE * slow_seconds:
                since, fresh = loop.time(), 0
            yield chunk


def parsed(raw: bytes) -> Any:
    """What `raw` says; raises NotJson (NaN, and bytes that are no UTF-8, among it) and TooDeep."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            raise TooDeep from None
        raise NotJson(_reason(raw, error)) from None
    _check_nesting(value)
    return value


def _reason(raw: bytes, error: orjson.JSONDecodeError) -> str:
    around = raw[error.pos : error.pos + len("Infinity")]
    if b"NaN" in around or b"Infinity" in around:
        return f"it has no NaN and no Infinity: line {error.lineno} column {error.colno}"
    return str(error)


def _check_nesting(value: Any) -> None:
    """Level by level: nothing here recurses."""
    level = [value]
    for _ in range(MAX_NESTING):
        parts = (part for parent in level for part in _parts(parent))
        level = [part for part in parts if isinstance(part, list | dict)]
        if not level:
            return
    raise TooDeep


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
