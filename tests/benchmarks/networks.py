"""Whole networks over HTTP, no request sent twice, beside an empty route of the same server in the same minute."""

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import count
from typing import Any

from compute.network.policy import POLICIES
from tests.benchmarks.report import Table
from tests.benchmarks.serving import serving

ROUNDS, WARM = 60, 5
RESNEXT = "resnext-101-32x8d"
Bodies = Iterator[list[tuple[str, Any]]]


def policies_one_by_one() -> Bodies:
    """Six what-ifs; a width of its own makes each round new, and costs the same."""
    for n in count():
        numbers = {"groups": 4, "width": 1 + n}
        yield [("whatif", {"network": RESNEXT, "policy": {"kind": kind, **numbers}}) for kind in POLICIES]


def policies_at_once() -> Bodies:
    for n in count():
        yield [("policies", {"network": RESNEXT, "width": 1 + n})]


def policies_on_equal_params() -> Bodies:
    for n in count():
        yield [("policies", {"network": RESNEXT, "width": 1 + n, "hold": "params"})]


def one_edit() -> Bodies:
    """What the page asks for when a row is edited."""
    for n in count(1):
        yield [
            ("whatif", {"network": RESNEXT, "edits": {"conv1": {"out_channels": 64, "padding": [n % 60, 1 + n // 60]}}})
        ]


def equal_macs() -> Bodies:
    for n in count(1):
        policy = {"kind": "uniform", "groups": 4, "width": n}
        yield [("whatif", {"network": RESNEXT, "policy": policy, "hold": "macs"})]


def thousand_layers() -> Bodies:
    conv = {"kind": "Conv2d", "kernel_size": 3, "padding": 1, "grouping": {"scheme": "logarithmic", "groups": 4}}
    for n in count(64):
        layers = [{**conv, "out_channels": n + i % 7} if i % 2 == 0 else {"kind": "ReLU"} for i in range(1000)]
        yield [("analyze", {"input_shape": [64, 56, 56], "layers": layers})]


CASES: dict[str, tuple[Callable[[], Bodies], str]] = {
    "ResNeXt-101, all policies, six requests": (policies_one_by_one, ""),
    "ResNeXt-101, all policies, one request": (policies_at_once, "at most 50 ms"),
    "ResNeXt-101, all policies at equal params": (policies_on_equal_params, ""),
    "ResNeXt-101, one what-if": (one_edit, "p95 under 100 ms with table and chart"),
    "ResNeXt-101, one what-if at equal MACs": (equal_macs, ""),
    "a document of 1,000 layers": (thousand_layers, "under 300 ms"),
}


def measure(table: Table) -> None:
    with serving(
        "uvicorn", "--factory", "tests.benchmarks.serving:with_empty_route", "--log-level", "warning"
    ) as server:
        connection = server.connection()
        for name, (make, aim) in CASES.items():
            bodies, empty, ours = make(), [], []
            for _ in range(WARM + ROUNDS):
                empty.append(_seconds(connection, "GET", "/empty", None))
                requests = [(f"/api/networks/{route}", json.dumps(body).encode()) for route, body in next(bodies)]
                ours.append(sum(_seconds(connection, "POST", path, body) for path, body in requests))
            table.times(name, ours[WARM:], aim)
            table.times("  an empty route, in turn", empty[WARM:])


def _seconds(connection: HTTPConnection, method: str, path: str, body: bytes | None) -> float:
    """The whole round trip over loopback, the answer read."""
    begin = time.perf_counter()
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    read = answer.read()
    elapsed = time.perf_counter() - begin
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {read[:300]!r}")
    return elapsed
