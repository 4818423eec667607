"""JSON bodies: their limits, and what is said of bytes that are none."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request

from app.bodies import BodyTooLarge, BodyTooSlow, NotJson, TooDeep, parsed, read_body
from app.fields import described
from app.schemas import Failure
from app.travel import travelling
from tests.app.asgi import post, request

ADDRESS = "/api/networks/analyze"
JSON = (b"content-type", b"application/json")


def test_ten_megabytes_are_refused_by_their_length_alone(app: FastAPI) -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            read.append(65_536)
            yield b" " * 65_536

    length = (b"content-length", b"10485760")
    answer = asyncio.run(request(app, ADDRESS, method="POST", headers=[JSON, length], chunks=chunks()))
    assert (answer.status, read) == (413, [])
    assert Failure.model_validate_json(answer.body).model_dump()["error"] == {
        "code": "body_too_large",
        "message": "A document may have at most 1\u202f000\u202f000 bytes, not 10\u202f485\u202f760",
        "field": None,
        "hint": "describe a part of the network, or leave out what layers have by default",
    }


def test_a_body_without_a_length_is_read_no_further_than_the_limit(app: FastAPI) -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            read.append(65_536)
            yield b" " * 65_536

    answer = asyncio.run(request(app, ADDRESS, method="POST", headers=[JSON], chunks=chunks()))
    assert answer.status == 413
    assert sum(read) == 16 * 65_536  # the first chunk past a million
    assert answer.json()["error"]["message"] == (
        "A document may have at most 1\u202f000\u202f000 bytes, and this one goes on"
    )


@pytest.mark.parametrize(
    "content_type, message",
    [
        (b"text/plain", "The body must be application/json, not 'text/plain'"),
        (b"application/jsonx", "The body must be application/json, not 'application/jsonx'"),
        (b"", "The body must be application/json, and no Content-Type was given"),
    ],
)
def test_another_type_is_415(app: FastAPI, content_type: bytes, message: str) -> None:
    answer = post(app, ADDRESS, b"{}", content_type)
    assert (answer.status, answer.json()["error"]["message"]) == (415, message)


def test_a_charset_beside_the_type_is_fine(app: FastAPI) -> None:
    body = b'{"layers": [{"kind": "ReLU"}]}'
    assert post(app, ADDRESS, body, b"Application/JSON; charset=utf-8").status == 200


@pytest.mark.parametrize(
    "raw, reason",
    [
        (b"", "Input is a zero-length, empty document: line 1 column 1 (char 0)"),
        (b'{"layers": [', "unexpected end of data: line 1 column 13 (char 12)"),
        (b'{"p": NaN}', "it has no NaN and no Infinity: line 1 column 7"),
        (b'{"p": -Infinity}', "it has no NaN and no Infinity: line 1 column 8"),
        (b'{"p": 1e999}', "number is infinity when parsed as double: line 1 column 7 (char 6)"),
        (b'{"name": "\xff"}', "str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)"),
        (b"layers=3", "unexpected character, expected a JSON value: line 1 column 1 (char 0)"),
    ],
)
def test_what_is_no_json(raw: bytes, reason: str) -> None:
    with pytest.raises(NotJson) as caught:
        parsed(raw)
    assert caught.value.message == f"The body is no JSON: {reason}"
    assert caught.value.hint == "send JSON as application/json; /openapi.json has a worked sample"


@pytest.mark.parametrize("depth", [17, 1000, 100_000])
@pytest.mark.parametrize("ends", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_before_anything_recurses(depth: int, ends: tuple[bytes, bytes]) -> None:
    with pytest.raises(TooDeep, match="at most 16 deep"):
        parsed(ends[0] * depth + b"1" + ends[1] * depth)


def test_sixteen_levels_are_read() -> None:
    value = parsed(b"[" * 16 + b"1" + b"]" * 16)
    for _ in range(16):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize(
    "value, text",
    [
        (2**53 - 1, b"9007199254740991"),
        (2**53, b'"9007199254740992"'),
        (-(2**53), b'"-9007199254740992"'),
        (3**200, f'"{3**200}"'.encode()),
        ({"a": [2**64, 1, None, 0.5, "x", True]}, b'{"a":["18446744073709551616",1,null,0.5,"x",true]}'),
    ],
)
def test_integers_beyond_a_double_travel_as_text(value: object, text: bytes) -> None:
    assert travelling(value) == text


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (0.5, "0.5"),
        ("x" * 50, f"'{'x' * 40}…'"),
        ([1, 2], "a list of 2"),
        ({}, "an object of 0"),
    ],
)
def test_values_are_repeated_in_few_words(value: object, words: str) -> None:
    assert described(value) == words


def dripping(chunk: bytes, pause: float) -> Request:
    """A body of which `chunk` comes every `pause` seconds, without end."""

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": chunk, "more_body": True}

    return Request({"type": "http", "method": "POST", "headers": [JSON]}, drip)


def test_a_body_that_drips_is_given_up() -> None:
    with pytest.raises(BodyTooSlow) as caught:
        asyncio.run(read_body(dripping(b" ", 0.01), 1000, 0.05))
    assert (caught.value.status, caught.value.code) == (408, "body_too_slow")
    assert caught.value.message == ("Of a body at least 8\u202f000 bytes a second must come, and in 0.05 s fewer did")
    assert caught.value.hint == "send it at once, or a smaller one"
    assert caught.value.headers == {"Connection": "close"}


def test_what_came_fast_buys_no_time_to_stand_still() -> None:
    sent = []

    async def stall() -> dict[str, Any]:
        if not sent:
            sent.append(1_000_000)
            return {"type": "http.request", "body": bytes(1_000_000), "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    request = Request({"type": "http", "method": "POST", "headers": [JSON]}, stall)
    with pytest.raises(BodyTooSlow):
        asyncio.run(asyncio.wait_for(read_body(request, 2_000_000, 0.05), 20))


def test_a_slow_but_honest_body_may_take_longer() -> None:
    """Twice the least rate, for many times as long as one may be slow: it ends by its length."""
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(dripping(bytes(2000), 0.01), 100_000, 0.1))
