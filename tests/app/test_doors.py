"""Who may come in: the Host header, pages of other sites, rates. Real requests to a real app."""

import socket

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.doors import Names, Rate, TooFast
from app.main import create_app
from app.settings import Settings


def client(**settings: object) -> TestClient:
    return TestClient(create_app(Settings(**settings)), "http://localhost", raise_server_exceptions=False)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1:8000", "192.0.2.7",
     "[::1]:8000", socket.gethostname(), f"{socket.gethostname()}:9000"],
)  # fmt: skip
def test_a_server_answers_to_addresses_and_its_own_names(app: FastAPI, host: str) -> None:
    answer = TestClient(app, "http://localhost").get("/healthz", headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "localhost:80:80",
     "localhost/", "a@localhost", "localhost evil.example", "2130706433.example", "[::1", "notlocalhost"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/layer", "/static/js/main.js", "/nothing"])
def test_and_to_no_others(app: FastAPI, host: str, path: str) -> None:
    answer = TestClient(app, "http://localhost").get(path, headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "unknown_host"
    assert "GROUPSCOPE_HOSTS" in answer.json()["error"]["hint"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_names_can_be_added() -> None:
    named = client(hosts="gpu.lab.example, Groupscope.example")
    statuses = [
        named.get("/healthz", headers={"host": host}).status_code
        for host in ("gpu.lab.example:8000", "groupscope.example", "lab.example", "localhost")
    ]
    assert statuses == [200, 200, 421, 200]
    assert Names("*").has("whatever.example")


EVIL, OWN = {"origin": "http://evil.example"}, {"origin": "http://localhost"}


@pytest.mark.parametrize(
    "method, path, headers, status",
    [
        ("POST", "/api/measurements?batch=0", EVIL, 403),
        ("POST", "/api/images", {"origin": "null"}, 403),
        ("DELETE", "/api/checkpoints/nothing", EVIL, 403),
        ("POST", "/api/networks/analyze", {"origin": "http://localhost:3000"}, 403),
        ("POST", "/api/networks/analyze", {"sec-fetch-site": "cross-site"}, 403),
        ("GET", "/api/layer", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ("GET", "/api/layer", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ("GET", "/api/layer", {"sec-fetch-site": "same-origin"}, 200),
        ("GET", "/api/layer", EVIL, 200),  # it may ask, and its browser lets it read nothing
        ("POST", "/api/measurements?batch=0", OWN, 422),
        ("POST", "/api/measurements?batch=0", {"origin": "https://LOCALHOST"}, 422),
        ("POST", "/api/measurements?batch=0", {}, 422),
    ],
)
def test_pages_of_other_sites_change_nothing(
    app: FastAPI, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = TestClient(app, "http://localhost").request(method, path, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "another_site"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_gets_no_leave(app: FastAPI) -> None:
    asks = {**EVIL, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = TestClient(app, "http://localhost").options("/api/networks/analyze", headers=asks)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_that_asks_too_fast_is_told_when_to_come_back() -> None:
    limited = client(rate=0.5, burst=3)
    first, second = ({"groupscope-client": name * 8} for name in "ab")
    statuses = [limited.get("/api/layer", headers=first).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = limited.get("/api/layer", headers=first)
    assert refused.json()["error"]["message"].startswith("One page may send 0.5 requests a second in the long run")
    assert int(refused.headers["retry-after"]) in (1, 2)
    assert limited.get("/api/layer", headers=second).status_code == 200
    assert limited.get("/static/favicon.svg", headers=first).status_code == 200


def test_new_ids_help_nobody_past_the_rate_of_an_address() -> None:
    limited = client(address_rate=0.5, burst=3)
    statuses = [limited.get("/api/layer", headers={"groupscope-client": f"client-{n}"}).status_code for n in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_whoever_rests_may_ask_again() -> None:
    rate = Rate(1000, 1, "One page")
    refusals = passed = 0
    while passed < 3:  # a thousandth of a second refills it
        try:
            rate.count("a")
            passed += 1
        except TooFast:
            refusals += 1
    assert refusals


def test_counting_takes_bounded_memory() -> None:
    rate = Rate(1, 1, "One page")
    for number in range(20_000):
        rate.count(str(number))
    assert len(rate._left) == 10_000
