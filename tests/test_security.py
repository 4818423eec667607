"""What SECURITY.md promises of the code and of names: nothing is unpickled or run, and text of clients stays text."""

import ast
import csv
import io
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.main import create_app
from app.measurecsv import csv_of
from app.settings import Settings
from tests.compute.trainedcases import STACK, tensors_of
from tests.test_architecture import PROJECT, files, imports

EVERYTHING = [*files("app"), *files("compute")]
UNPICKLERS = {
    "pickle", "_pickle", "cPickle", "pickletools", "shelve", "marshal", "copyreg", "joblib", "dill", "cloudpickle",
    "jsonpickle", "dbm", "xmlrpc", "logging.config", "multiprocessing.managers", "multiprocessing.connection.Listener",
    "multiprocessing.connection.Client",
}  # fmt: skip
STARTERS = {"subprocess", "os.system", "os.popen", "pty", "code", "codeop", "runpy", "webbrowser", "asyncio.subprocess"}
LOADERS = {"torch.load", "torch.save", "torch.jit.load", "torch.hub", "yaml.load", "pandas.read_pickle"}
RUNNERS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint", "input"}


def dotted(node: ast.AST) -> str:
    """`np.load` of the expression that says so; "" for others."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def unsafe(source: str, server: bool) -> Iterator[str]:
    """What in `source` could turn bytes into behaviour. server: it is part of app/, which starts no programs either."""
    refused = UNPICKLERS | LOADERS | (STARTERS if server else set())
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [dotted(node)]
        yield from (name for name in names if name in refused or name.split(".")[0] in refused)
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in RUNNERS or (server and called.startswith(("os.exec", "os.spawn"))):
                yield called
            if called in ("np.load", "numpy.load") and options.get("allow_pickle") != "False":
                yield called
            if options.get("allow_pickle", "False") != "False" or options.get("shell", "False") != "False":
                yield f"{called} with {options}"


@pytest.mark.parametrize("file", EVERYTHING, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_no_module_unpickles_or_runs_what_it_reads(file: Path) -> None:
    assert list(unsafe(file.read_text("utf-8"), "app" in file.parts)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import os, shelve", "from multiprocessing import managers",
        "from multiprocessing.connection import Listener, wait",
        "def f():\n    import dill", "import torch\ntorch.load(x)", "from torch import load", "np.load(x)",
        "np.load(x, allow_pickle=True)", "np.load(x, allow_pickle=flag)", "numpy.savez(x, allow_pickle=True)",
        "eval(x)", "exec(x)", "yaml.load(x)", "from yaml import load", "__import__(x)", "compile(x, '', 'exec')",
        "import subprocess", "from subprocess import run", "os.system(x)", "from os import popen", "os.execv(x, y)",
        "asyncio.subprocess.create()", "run(x, shell=True)",
    ],
)  # fmt: skip
def test_each_of_these_would_be_found(source: str) -> None:
    assert list(unsafe(source, server=True)) != []


def test_and_nothing_harmless_would() -> None:
    source = "import json, re\nre.compile(x)\nmodel.eval()\nnp.load(x, allow_pickle=False)\ntl.load(row)\nload(name)"
    assert list(unsafe(source, server=True)) == []


def test_both_rings_are_looked_at() -> None:
    assert {file.parent.name for file in EVERYTHING} >= {"app", "routers", "compute", "datasets", "trained", "trainrun"}
    assert not any("numpy.load" in set(imports(file)) for file in EVERYTHING)


HOSTILE = [
    "<script>hit()</script>",
    '"><img src=x onerror=hit()>',
    "'-hit()-'",
    "</script><svg onload=hit()>",
    "{{7*7}}${7*7}<%=7*7%>",
    '"""\'\'\'\\x22+__import__("os").system("hit")#',
    "=cmd|'/C calc'!A0",
    "\u202egnp.exe",
]


class Tags(HTMLParser):
    """Counts what a page is made of: tags with the names of their attributes, and addresses outside this server."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[" ".join([tag, *sorted(name for name, _ in attrs)])] += 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_that_repeats_an_address_is_made_of_the_same_tags(client: TestClient, name: str) -> None:
    for method, path in (("GET", "/nothing/"), ("POST", "/stack/")):
        pages = [client.request(method, path + text, headers={"accept": "text/html"}) for text in (quote(name), "x")]
        assert pages[0].headers["content-type"] == "text/html; charset=utf-8"
        assert Tags(pages[0].text).found == Tags(pages[1].text).found
        assert name not in pages[0].text or not set(name) & set("<>\"'&")


def document(name: str) -> dict[str, Any]:
    conv = {"kind": "Conv2d", "out_channels": 4, "kernel_size": 3}
    printable = name if name.isprintable() else "plain"
    return {
        "name": name, "source": name, "convention": name, "input_shape": [3, 8, 8],
        "layers": [{**conv, "name": printable}, {**conv, "name": f"{printable}2", "inputs": [printable]}],
    }  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_code_made_of_names_does_nothing_but_make_layers(client: TestClient, name: str) -> None:
    answer = client.post("/api/networks/code", json={"network": document(name)})
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8", answer.text
    tree = ast.parse(answer.text)
    imported = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
    assert imported == {"import torch", "from torch import Tensor, nn"}
    called = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)} - {""}
    allowed = {
        "super", "nn.Conv2d", "torch.randn", "torch.no_grad", "print", "tuple", "model", "sum", "parameter.numel",
        "model.parameters",
    }  # fmt: skip
    network = next(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert {name for name in called if not name.startswith("self.")} <= {*allowed, network}
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert name in words  # as a literal, and nothing else


@pytest.mark.parametrize("name", HOSTILE)
def test_a_chart_holds_no_tags_of_a_client(client: TestClient, name: str) -> None:
    """Plotly draws a few tags of HTML in its texts, links among them."""
    series = [{"network": document(name)}, {"network": document(f"{name} again")}]
    answer = client.post("/api/figures/network", json={"series": series})
    assert answer.headers["content-type"] == "application/json"
    figure = answer.json()
    texts = [line["name"] for line in figure["data"] if line.get("name")]
    assert texts
    assert not any("<" in text or ">" in text for text in texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_network_that_is_brought_is_named_in_its_entry_and_nowhere_else(client: TestClient, name: str) -> None:
    from safetensors.numpy import save

    raw = save(tensors_of(STACK, 3, seed=HOSTILE.index(name)))
    stack = {key: value for key, value in STACK.items() if not isinstance(value, list | type(None))}
    query = "&".join(f"{key}={str(value).lower()}" for key, value in stack.items())
    answer = client.post(f"/api/checkpoints?{query}&name={quote(name)}", content=raw)
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert entry["name"] == name or not name.isprintable()
    assert answer.headers["location"] == f"/api/checkpoints/{entry['id']}.safetensors"
    listed = client.get("/api/checkpoints")
    assert entry in listed.json()["checkpoints"]
    assert (listed.headers["content-type"], listed.headers["x-content-type-options"]) == ("application/json", "nosniff")
    file = client.get(answer.headers["location"])
    assert file.headers["content-disposition"] == f'attachment; filename="{entry["id"]}.safetensors"'
    client.delete(f"/api/checkpoints/{entry['id']}")


def test_a_measured_network_is_no_formula() -> None:
    """Layers are called what their document calls them."""
    side = {"sizes": "1x1", "macs": 1, "median": 0.5, "strategy": "plain"}
    shape = {"in_channels": 1, "out_channels": 1, "height": 1, "width": 1, "kernel_size": [1, 1]}
    row = {"name": "=1+1", "count": 1, "layer": shape, "original": side, "variant": side, "promised": 1, "measured": 1}
    told = csv_of({"kind": "network", "conditions": {}, "control": {"ratio": 1, "trusted": True}, "rows": [row]})
    assert [line["layer"] for line in csv.DictReader(io.StringIO(told))] == ["'=1+1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_header_repeats_what_a_client_sent(app: FastAPI, client: TestClient, name: str) -> None:
    text, sent = quote(name), {"x-request-id": name.encode(), "groupscope-client": name.encode()}
    for path in (f"/{text}", f"/api/{text}", f"/api/layer?scheme={text}", f"/api/networks/{text}", f"/static/{text}"):
        answer = client.get(path, headers={**sent, "accept": name.encode()})
        headers = json.dumps(dict(answer.headers))
        assert name not in headers
        assert text not in headers
        assert answer.headers["content-type"] == "application/json"


def test_a_drawing_with_a_script_is_no_picture(client: TestClient) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>hit()</script></svg>'
    answer = client.post("/api/images", files={"image": ("<script>.svg", svg, "image/svg+xml")})
    assert 400 <= answer.status_code < 500
    assert "<script>" not in answer.text


POLICY = (PROJECT / "SECURITY.md").read_text("utf-8")


def test_the_policy_names_files_and_settings_that_are_there() -> None:
    named = set(re.findall(r"`((?:tests|scripts|docs)/[\w./-]+|[\w-]+\.(?:txt|json))`", POLICY))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []
    settings = set(re.findall(r"GROUPSCOPE_([A-Z_]+)", POLICY))
    assert settings
    assert settings <= {name.upper() for name in Settings.model_fields}


def test_the_example_of_a_server_behind_a_proxy_is_one_that_starts() -> None:
    shell = POLICY.partition("## Putting it on a network")[2].partition("```sh\n")[2].partition("```")[0]
    given = dict(re.findall(r"GROUPSCOPE_([A-Z_]+)=(\S+)", shell))
    given["TOKEN"] = secrets.token_urlsafe(32)
    settings = Settings(**{name.lower(): value for name, value in given.items()})
    assert create_app(settings).routes
    assert (settings.hosts, settings.proxies) == ("groupscope.example.org", "127.0.0.1")
