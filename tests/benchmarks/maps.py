"""Feature maps 64 -> 64, 224 x 224, logarithmic n = 4, a new seed each time, beside the same layers in bare torch."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection

import torch
import torch.nn.functional as F
from torch import Tensor

from compute import Grouping
from tests.benchmarks.report import Table, ratio
from tests.benchmarks.serving import PROJECT, serving

ROUNDS, WARM = 60, 8
SAMPLE = json.loads((PROJECT / "static/samples/samples.json").read_text())[0]["id"]
CASES = {
    "tiles of 56 x 56, uint8 (what the page asks for)": "&tile=64",
    "full resolution, uint8": "",
    "full resolution, float32": "&dtype=float32",
}


def bare_forward() -> Callable[[], Tensor]:
    """Stem + grouped layer + ReLU in eager torch: a loop of convolutions and a cat, as anyone would write it."""
    x = torch.randn(1, 3, 224, 224)
    stem = torch.randn(64, 3, 3, 3)
    groups = [(s, torch.randn(s.out_channels, s.in_channels, 3, 3)) for s in Grouping.logarithmic(64, 64, 4).spans]
    bias = torch.randn(64)

    def forward() -> Tensor:
        features = F.relu(F.conv2d(x, stem, padding=1))
        maps = [
            F.conv2d(
                features[:, s.in_start : s.in_start + s.in_channels],
                weight,
                bias[s.out_start : s.out_start + s.out_channels],
                padding=1,
            )
            for s, weight in groups
        ]
        return F.relu(torch.cat(maps, 1))

    return forward


@torch.inference_mode()
def measure(table: Table) -> None:
    torch.set_num_threads(2)
    forward = bare_forward()
    with serving() as server:
        connection = server.connection()
        for name, query in CASES.items():
            bare, ours = [], []
            for seed in range(WARM + ROUNDS):
                bare.append(_seconds(forward))
                ours.append(_fetch(connection, f"/api/feature-maps?image={SAMPLE}&seed={seed}{query}"))
            bare, ours = bare[WARM:], ours[WARM:]
            table.times(name, ours)
            table.times("  bare forward, run in turn", bare)
            table.row("  ratio", f"{ratio(ours, bare):.2f}", "at most 1.50" if "tile" in query else "")


def _seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _fetch(connection: HTTPConnection, path: str) -> float:
    """The whole round trip over loopback: an upper bound of the server's own time."""
    begin = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    elapsed = time.perf_counter() - begin
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return elapsed
