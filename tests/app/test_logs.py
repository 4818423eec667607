"""What a real server writes to its log, and the request's id that goes with it."""

import json
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.measured import serving


def test_every_answer_has_an_id_and_a_refusal_repeats_it(client: TestClient) -> None:
    good, refused = client.get("/api/layer"), client.get("/api/layer?groups=0")
    assert good.headers["x-request-id"] != refused.headers["x-request-id"]
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert client.get("/static/favicon.svg").headers["x-request-id"]


@pytest.mark.parametrize(
    "sent, kept", [("abcdefgh-1234", True), ("short", False), ("a" * 65, False), ("<b>bold</b>", False)]
)
def test_an_id_that_a_proxy_gave_is_kept_if_it_is_one(client: TestClient, sent: str, kept: bool) -> None:
    answered = client.get("/healthz", headers={"x-request-id": sent}).headers["x-request-id"]
    assert (answered == sent) == kept


def lines(folder: Path, *flags: str) -> list[str]:
    """The log of a server that was asked three things, the last one with a line break in its path."""
    with serving(folder, *flags) as server:
        with httpx2.Client(base_url=server.url) as client:
            client.get("/api/layer?scheme=uniform&groups=2")
            client.get("/api/layer?groups=0", headers={"x-request-id": "of-a-proxy"})
            client.get("/api/no%0athing%22")
        server.process.terminate()
        assert server.process.stdout
        return [line for line in server.process.stdout.read().splitlines() if "answered" in line]


def test_requests_are_logged_as_json_where_that_is_wanted(tmp_path: Path) -> None:
    first, second, third = (
        json.loads(line) for line in lines(tmp_path, "--log-requests", "true", "--log-format", "json")
    )
    assert (first["method"], first["path"], first["status"]) == ("GET", "/api/layer", 200)
    assert "uniform" not in json.dumps(first)  # no query is written down
    assert (second["status"], second["request_id"], second["client"]) == (422, "of-a-proxy", "127.0.0.1")
    assert (third["status"], third["path"]) == (404, '/api/no\\nthing"')
    assert set(first) == {
        "time", "level", "logger", "message", "request_id", "client", "method", "path", "status", "ms",
    }  # fmt: skip


def test_or_as_lines_each_in_one(tmp_path: Path) -> None:
    found = lines(tmp_path, "--log-requests", "true")
    assert len(found) == 3
    assert "INFO groupscope.requests: answered request_id=of-a-proxy client=127.0.0.1 method=GET" in found[1]
    assert "path=/api/no\\nthing" in found[2]


def test_and_not_at_all_where_nothing_went_wrong(tmp_path: Path) -> None:
    assert lines(tmp_path) == []


def test_what_the_server_fails_on_is_logged_under_the_requests_id(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(request: object) -> None:
        raise ZeroDivisionError("for the log alone")

    app: FastAPI = create_app(settings)
    app.router.add_route("/api/crash", crash)
    answer = TestClient(app, "http://localhost").get("/api/crash")
    (record,) = [record for record in caplog.records if record.name == "groupscope.requests"]
    assert vars(record)["facts"]["request_id"] == answer.json()["request_id"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)
    assert "for the log alone" not in answer.text
