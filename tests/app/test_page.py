"""The page, its static files, and the headers around everything."""

import json
import re

import orjson
import pytest
from starlette.testclient import TestClient

from app import __version__
from app.settings import PROJECT
from compute.spec import DEFAULTS

PAGE_STATE = [
    "image", "size", "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "bias", "scheme",
    "groups", "base", "sizes", "weights", "seed", "gain", "relu", "scaling", "unit", "depth", "stage", "halve",
    "metric", "cumulative", "log",
]  # fmt: skip


def test_the_page_brings_what_its_scripts_need(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    block = re.search(r'<script type="application/json" id="boot">(.*?)</script>', answer.text, re.DOTALL)
    assert block
    boot = json.loads(block[1])
    assert boot["version"] == __version__
    assert boot["samples"] == client.get("/api/images/samples").json()
    assert boot["limits"]["max_channels"] == 2048
    assert [name for name in boot["params"] if name in PAGE_STATE] == PAGE_STATE
    for name, value in DEFAULTS.items():
        assert boot["params"][name]["default"] == orjson.loads(orjson.dumps(value))
    assert boot["params"]["image"]["default"] == boot["samples"][0]["id"]
    assert boot["params"]["scheme"]["choices"] == ["standard", "uniform", "logarithmic", "depthwise", "custom"]
    assert (boot["params"]["depth"]["min"], boot["params"]["depth"]["max"]) == (1, 64)
    for parameter in boot["params"].values():
        assert set(parameter) == {"kind", "default", "min", "max", "choices", "label", "help"}


@pytest.mark.parametrize("address", ["/", "/networks", "/measure", "/train"])
def test_no_script_stands_in_a_page(client: TestClient, address: str) -> None:
    text = client.get(address).text
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL)
    assert all('type="application/json"' in tag or not body.strip() for tag, body in scripts)
    assert not re.search(r"<[^>]+\son[a-z]+=|javascript:|<style", text)


@pytest.mark.parametrize("address", ["/", "/api/layer", "/nothing", "/static/favicon.svg"])
def test_every_answer_is_strict_about_what_a_browser_may_do(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path", ["/static/js/main.js", "/static/css/tokens.css", "/static/favicon.svg", "/static/nothing.js"]
)
def test_files_say_what_they_are_and_documents_what_they_may(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert ("content-security-policy" in headers) == path.endswith(".svg")


@pytest.mark.parametrize("address", ["/", "/networks", "/measure", "/train"])
def test_everything_a_page_names_is_there(client: TestClient, address: str) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get(address).text)
    assert len(addresses) > 3
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_static_files_are_asked_for_again_and_answered_304(client: TestClient) -> None:
    first = client.get("/static/favicon.svg")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"] == "image/svg+xml"
    again = client.get("/static/favicon.svg", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_plotly_is_sent_as_it_was_compressed_beforehand(client: TestClient) -> None:
    path = PROJECT / "static" / "vendor" / "plotly" / "plotly.min.js"
    with client.stream("GET", "/static/vendor/plotly/plotly.min.js", headers={"accept-encoding": "br"}) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "br"
    assert sent == path.with_name("plotly.min.js.br").read_bytes()


@pytest.mark.parametrize(
    "address, encoding",
    [("/api/depth", "zstd"), ("/healthz", None), ("/api/layer?groups=2", None), ("/openapi.json", "zstd")],
)
def test_long_json_is_compressed_and_short_json_is_not(client: TestClient, address: str, encoding: str | None) -> None:
    answer = client.get(address, headers={"accept-encoding": "zstd, br, gzip"})
    assert answer.headers.get("content-encoding") == encoding


def test_static_files_are_asked_for_each_time_and_stay_in_their_folder(client: TestClient) -> None:
    answer = client.get("/static/favicon.svg")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    same = client.get("/static/favicon.svg", headers={"if-none-match": answer.headers["etag"]})
    assert same.status_code == 304
    for path in ("%00", "nothing.js", "../pyproject.toml", "%2e%2e/pyproject.toml", "..%2fpyproject.toml"):
        assert client.get(f"/static/{path}").status_code == 404
