"""Some hundred hostile requests of tests/torture against a real server, the same each time; and what they found."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.routing import WholeFile
from tests.app.asgi import ask
from tests.app.trained import images
from tests.torture import lines
from tests.torture.requests import FLAGS, fuzzed
from tests.torture.served import Served, served

SEED = 20_261_125


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for this file alone: what is sent here is kept there."""
    with served(*FLAGS, "--data", images(tmp_path_factory.mktemp("hostile"))) as server:
        yield server


def test_answers_are_as_documented(hostile: Served) -> None:
    seen = fuzzed(hostile.url, SEED, examples=3, phases=("examples", "fuzzing", "stateful"))
    assert seen.failures == {}
    assert len(seen.addresses) == _operations(hostile.url)
    assert seen.cases >= 200


def test_lines_that_no_client_would_send_are_answered(hostile: Served) -> None:
    seen = lines.sent(hostile.port, SEED, count=400)
    assert seen.failures == []
    assert {200, 400, 404, 405, 422} <= set(seen.statuses)
    assert "Traceback" not in hostile.log.read_text()


def test_the_judge_of_lines_finds_what_is_wrong() -> None:
    get = lines.Line(b"GET /static/js/../../app/main.py HTTP/1.1\r\n\r\n", path=b"/static/js/../../app/main.py")
    shape = b'{"error":{"code":"busy","message":"","field":null,"hint":null}}'
    assert lines.held(get, b"") == "no answer"
    assert lines.held(get, b"HTTP/1.1 500 x\r\n\r\n") == "500"
    busy = b"HTTP/1.1 503 x\r\ncontent-type: application/json\r\n\r\n" + shape
    assert lines.held(get, busy) is None
    assert lines.held(get, busy.replace(b"busy", b"engine_failed")) == "503"
    main = Path("app/main.py").read_bytes()
    assert lines.held(get, b"HTTP/1.1 200 OK\r\n\r\n" + main) == "a file from elsewhere"
    assert lines.held(get, b"HTTP/1.1 404 x\r\ncontent-type: application/json\r\n\r\n{}") == "404 in another shape"
    assert lines.held(get, b"HTTP/1.1 416 x\r\ncontent-type: text/plain\r\n\r\nno") == "416 in another shape"


@pytest.mark.parametrize(
    "path, allow",
    [
        ("/api/checkpoints", "GET, POST"),
        ("/api/measurements", "GET, POST"),
        ("/api/measurements/nothing", "DELETE, GET"),
        ("/api/layer", "GET"),
    ],
)
def test_allow_tells_of_every_route_at_an_address(client: TestClient, path: str, allow: str) -> None:
    answer = client.put(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["error"]["hint"] == f"use {allow}"


@pytest.mark.parametrize("wanted", ["bytes=0-3", "bytes=5-1", "lines=1-2", "bytes=999999999-", "bytes=-"])
def test_a_file_goes_out_whole_whatever_part_is_asked_for(client: TestClient, wanted: str) -> None:
    path = "/api/checkpoints/fashion-standard.safetensors"
    answer = client.get(path, headers={"range": wanted})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")
    assert answer.content == client.get(path).content


def test_a_file_that_was_deleted_meanwhile_is_not_found(app: FastAPI, tmp_path: Path) -> None:
    async def gone(request: object) -> WholeFile:
        return WholeFile(tmp_path / "nothing")

    app.router.add_route("/api/gone", gone)
    answer = ask(app, "/api/gone")
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")


def _operations(url: str) -> int:
    paths = httpx2.get(f"{url}/openapi.json", timeout=60).json()["paths"]
    return sum(len(methods) for methods in paths.values())
