"""A stack of 8 modules, 64 channels at 112 x 112, logarithmic n = 4, over HTTP, beside the same stack in bare torch."""

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

ROUNDS, WARM, MODULES = 40, 8, 8
SAMPLE = json.loads((PROJECT / "static/samples/samples.json").read_text())[0]["id"]
MAPS = f"/api/stack/maps?image={SAMPLE}&tile=56"
WIDE = "/api/stack?in_channels=2048&modules=16&mixing=shuffle"
# Bare torch stands beside what runs the stack anew; everything else reads a stack that was just looked at.
RUNS: dict[str, tuple[Callable[[int], str], str]] = {
    "maps of module 8, a new seed": (lambda n: f"{MAPS}&module=8&seed={n}", "at most 2.00"),
    "maps of module 8, a new grouping": (lambda n: f"{MAPS}&module=8&scheme=custom&sizes={sizes(n)}", "at most 2.00"),
    "maps of a difference: two stacks": (
        lambda n: f"{MAPS}&module=8&side=difference&scheme=custom&sizes={sizes(n)}&b_scheme=standard&seed={n}",
        "",
    ),
    "ink of a new seed: a stack and what the dye reaches": (
        lambda n: f"/api/stack/ink?image={SAMPLE}&seed={1000 + n}",
        "",
    ),
}
LOOKS: dict[str, tuple[Callable[[int], str], str]] = {
    "another depth": (lambda n: f"{MAPS}&module={n % MODULES + 1}", "under 32 ms with painting"),
    "one value taken apart": (
        lambda n: f"/api/stack/pixel?image={SAMPLE}&module=8&channel={n % 64}&row={n % 112}&column={n * 7 % 112}",
        "under 100 ms with the inspector",
    ),
    "ink of another channel": (lambda n: f"/api/stack/ink?image={SAMPLE}&dye_channel={n % 64}", ""),
    "redundancy of another module": (lambda n: f"/api/stack/redundancy?image={SAMPLE}&module={n % MODULES + 1}", ""),
    "energies": (lambda n: f"/api/stack/energy?image={SAMPLE}", ""),
    "numbers of 2048 channels, 16 modules, shuffled": (lambda n: f"{WIDE}&groups={1 + n % 8}&size={64 + n}", ""),
}


def sizes(n: int) -> str:
    """Logarithmic but for the borders, which move: about as much work, never the same twice."""
    first, second = 30 + n % 5, 14 + n // 5 % 5
    third = 8 + n // 25 % 3
    widths = (first, second, third, 64 - first - second - third)
    return ",".join(f"{width}x{width}" for width in widths)


def bare_forward() -> Callable[[], Tensor]:
    """Stem + 8 residual modules in eager torch: a loop of convolutions and a cat, as anyone would write it."""
    x, stem = torch.randn(1, 3, 112, 112), torch.randn(64, 3, 3, 3)
    spans = Grouping.logarithmic(64, 64, 4).spans
    modules = [[torch.randn(s.out_channels, s.in_channels, 3, 3) / 20 for s in spans] for _ in range(MODULES)]
    bias = torch.randn(64)

    def forward() -> Tensor:
        maps = F.relu(F.conv2d(x, stem, padding=1))
        for weights in modules:
            answers = [
                F.conv2d(
                    maps[:, s.in_start : s.in_start + s.in_channels],
                    weight,
                    bias[s.out_start : s.out_start + s.out_channels],
                    padding=1,
                )
                for s, weight in zip(spans, weights, strict=True)
            ]
            maps = F.relu(torch.cat(answers, 1) + maps)
        return maps

    return forward


@torch.inference_mode()
def measure(table: Table) -> None:
    torch.set_num_threads(2)
    forward = bare_forward()
    with serving() as server:
        connection = server.connection()
        for name, (address, aim) in RUNS.items():
            bare, ours = [], []
            for n in range(WARM + ROUNDS):
                bare.append(_seconds(forward))
                ours.append(_fetch(connection, address(n)))
            bare, ours = bare[WARM:], ours[WARM:]
            table.times(name, ours)
            table.times("  bare forward, run in turn", bare)
            table.row("  ratio", f"{ratio(ours, bare):.2f}", aim)
        for name, (address, aim) in LOOKS.items():
            seconds = [_fetch(connection, address(n)) for n in range(WARM + ROUNDS)]
            table.times(name, seconds[WARM:], aim)


def _seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _fetch(connection: HTTPConnection, path: str) -> float:
    """The whole round trip over loopback, squeezed as a browser gets it."""
    begin = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "zstd"})
    answer = connection.getresponse()
    body = answer.read()
    elapsed = time.perf_counter() - begin
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return elapsed
