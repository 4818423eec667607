"""The grouped layer at its best, beside the nn.Conv2d it replaces and beside a loop of convolutions and cat.

A grid of shapes and ten drawn anew each time; everything of one shape runs in turn, the dense layer twice: their ratio
is the control. Raw samples go to build/bench/convolutions.json. GROUPSCOPE_GRID=quick takes a twelfth of the grid,
GROUPSCOPE_GRID_MINUTES=20 as much of it as fits, in an order drawn anew.
"""

import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import geometric_mean, median

import torch
from torch import Tensor

from compute.grouping import Grouping
from compute.layers import GroupedConv2d
from compute.measurerun.rotation import Rounds, rotated
from compute.strategies import Case, Strategy, plans, strategies
from compute.strategies.clock import seconds
from compute.strategies.plan import loop
from tests.benchmarks.report import Table

OUT = Path(__file__).resolve().parents[2] / "build" / "bench" / "convolutions.json"
CPU = torch.device("cpu")
FULL = ((64, 128, 256, 512), (112, 56, 28, 14), (1, 3, 5), (1, 8), (2, 3, 4, 6))
QUICK = ((64, 128, 256), (56, 28, 14), (1, 3), (1,), (3, 4))
DRAWN = 10
ASKED, ASK_SECONDS = 40, 0.25  # for a choice
ROUND_SECONDS = 6.0  # of one shape, about: long layers run in fewer rounds
MOST_ROUNDS, LEAST_ROUNDS = 15, 3
SMALL_SECONDS, MORE_SECONDS = 0.0002, 0.00002
MOST_RATIO, LEAST_OVER_LOOP, LEAST_SHARE, LEAST_HONEST_SHARE = 1.05, 1.5, 0.85, 0.75


@dataclass(frozen=True)
class Shape:
    in_channels: int
    out_channels: int
    side: int
    kernel_size: int
    batch: int


@dataclass
class Point:
    """Times relative to the dense layer, to the loop, and to a dense layer with packed weights, round by round."""

    shape: Shape
    split: str
    promised: float
    strategy: str
    control: float
    seconds: float
    dense_seconds: float
    over_dense: float
    over_loop: float
    over_packed: float
    trusted: bool
    samples: dict[str, list[float]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        s = self.shape
        channels = f"{s.in_channels}" if s.in_channels == s.out_channels else f"{s.in_channels}→{s.out_channels}"
        return f"C {channels}, {s.side}x{s.side}, k {s.kernel_size}, batch {s.batch}, {self.split}: {self.strategy}"

    @property
    def kept(self) -> bool:
        """At most 1.05 times the dense layer; the shortest may take 20 µs more."""
        more = self.seconds - self.dense_seconds
        return 1 / self.over_dense <= MOST_RATIO or (self.dense_seconds < SMALL_SECONDS and more < MORE_SECONDS)


@torch.no_grad()
def measure(table: Table) -> None:
    quick = os.environ.get("GROUPSCOPE_GRID") == "quick"
    seed = random.SystemRandom().randrange(10**6)
    table.row("shapes drawn with seed", str(seed))
    points: list[Point] = []
    rng = random.Random(seed)
    drawn, grid = list(_drawn(rng)), list(_grid(QUICK if quick else FULL))
    end = time.monotonic() + 60 * float(os.environ.get("GROUPSCOPE_GRID_MINUTES", "inf"))
    if end < math.inf:
        rng.shuffle(grid)
    for number, (shape, splits) in enumerate([*drawn, *grid]):
        if time.monotonic() > end:
            table.row("time is up: shapes of the grid measured", f"{number - DRAWN} of {len(grid)}")
            break
        found = list(_measured(shape, splits))
        points += found
        line = ", ".join(f"{p.split} ×{p.over_dense:.2f}/{p.promised:.2f}" for p in found)
        what = f"C {shape.in_channels} {shape.side}² k{shape.kernel_size} b{shape.batch}"
        table.row(what, f"dense {1000 * found[0].dense_seconds:.2f} ms, control {found[0].control:.3f}", line)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(point) for point in points]))
    _promises(table, points)


def _grid(axes: tuple[tuple[int, ...], ...]) -> Iterator[tuple[Shape, dict[str, Grouping]]]:
    channels, sides, kernels, batches, numbers = axes
    for batch in batches:
        for c in channels:
            splits = {f"log {n}": Grouping.logarithmic(c, c, n) for n in numbers}
            splits["1/4+3/4"] = Grouping.custom([(c // 4, c // 4), (3 * c // 4, 3 * c // 4)])
            odd = [5 * c // 8, 3 * c // 16, c // 8 - 3, c // 16 + 3]
            splits["odd"] = Grouping.custom([(size, size) for size in odd])
            for k in kernels:
                for side in sides:
                    yield Shape(c, c, side, k, batch), splits


def _drawn(rng: random.Random) -> Iterator[tuple[Shape, dict[str, Grouping]]]:
    for _ in range(DRAWN):
        sizes = [(rng.randint(8, 160), rng.randint(8, 160)) for _ in range(rng.randint(2, 6))]
        split = Grouping.custom(sizes)
        shape = Shape(
            split.in_channels, split.out_channels, rng.randint(10, 80), rng.choice((1, 3, 5)), rng.choice((1, 2, 8))
        )
        yield shape, {"+".join(f"{a}x{b}" for a, b in sizes): split}


def _layer(shape: Shape, split: Grouping) -> GroupedConv2d:
    c, k = (shape.in_channels, shape.out_channels), shape.kernel_size
    return GroupedConv2d(*c, k, split, padding=k // 2).requires_grad_(False)


def _measured(shape: Shape, splits: dict[str, Grouping]) -> Iterator[Point]:
    x = torch.randn(shape.batch, shape.in_channels, shape.side, shape.side)
    dense = torch.nn.Conv2d(shape.in_channels, shape.out_channels, shape.kernel_size, padding=shape.kernel_size // 2)
    standard = _layer(shape, Grouping.standard(shape.in_channels, shape.out_channels))
    trials: dict[str, Callable[[], Tensor]] = {"dense": lambda: dense(x)}
    packed = [s for s in strategies(standard, Case.of(standard, x)) if s.kernel == "prepacked"]
    if packed:
        run = packed[0].prepare(standard)
        trials["packed"] = lambda: run(x)
    layers = {}
    for name, split in splits.items():
        layer = layers[name] = _layer(shape, split)
        plain = Strategy(loop(split) if not split.equal else plans(split)[0]).prepare(layer)
        trials[f"{name} loop"] = lambda plain=plain: plain(x)
        _choose(layer, x)
        trials[name] = lambda layer=layer: layer(x)
    together = sum(_once(trial) for trial in trials.values()) * 2
    rounds = max(LEAST_ROUNDS, min(MOST_ROUNDS, round(ROUND_SECONDS / together)))
    found = _finished(trials, rounds)
    for name, split in splits.items():
        yield _point(shape, name, split, layers[name].decision(x).strategy, found)


def _choose(layer: GroupedConv2d, x: Tensor) -> None:
    """A busy machine is asked again, as often as a layer asks."""
    for _ in range(ASKED):
        layer(x)
        if layer.decision(x).settled:
            return
        time.sleep(ASK_SECONDS)


def _once(trial: Callable[[], Tensor]) -> float:
    trial()
    return max(0.005, seconds(trial, CPU))


def _finished(trials: dict[str, Callable[[], Tensor]], rounds: int) -> Rounds:
    steps = rotated(trials, "dense", CPU, rounds)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Rounds = stop.value
            return result


def _point(shape: Shape, name: str, split: Grouping, strategy: str, rounds: Rounds) -> Point:
    mine = rounds.samples[name]
    dense = [math.sqrt(a * b) for a, b in zip(rounds.samples["dense"], rounds.again, strict=True)]

    def over(samples: list[float]) -> float:
        return median(a / b for a, b in zip(samples, mine, strict=True))

    return Point(
        shape,
        name,
        split.in_channels * split.out_channels / split.connections,
        strategy,
        rounds.control,
        median(mine),
        median(dense),
        over(dense),
        over(rounds.samples[f"{name} loop"]),
        over(rounds.samples.get("packed", dense)),
        rounds.trusted,
        {"dense": rounds.samples["dense"], "again": rounds.again, "loop": rounds.samples[f"{name} loop"], "ours": mine},
    )


def _promises(table: Table, points: list[Point]) -> None:
    steady = [point for point in points if point.trusted]
    table.row("points, of them with a control within 5 %", f"{len(points)}, {len(steady)}")
    missed = sorted((p for p in steady if not p.kept), key=lambda p: p.over_dense)
    table.row("times the dense layer, worst", f"{1 / min(p.over_dense for p in steady):.3f}", f"at most {MOST_RATIO}")
    table.row("  points beyond it", str(len(missed)), "0")
    for point in missed[:8]:
        table.row(f"    {point.name}", f"{1 / point.over_dense:.3f}", f"{1e6 * point.dense_seconds:.0f} µs dense")
    slower = sorted((p for p in steady if 1 / p.over_loop > MOST_RATIO), key=lambda p: p.over_loop)
    table.row("times the loop and cat, worst", f"{1 / min(p.over_loop for p in steady):.3f}", f"at most {MOST_RATIO}")
    table.row("  points beyond it", str(len(slower)), "0")
    for point in slower[:8]:
        table.row(f"    {point.name}", f"{1 / point.over_loop:.3f}", f"{1e6 * point.seconds:.0f} µs")
    faster = geometric_mean([p.over_loop for p in steady])
    table.row("faster than the loop, geometric mean", f"{faster:.2f}", f"at least {LEAST_OVER_LOOP}")
    wide = [p for p in steady if p.shape.kernel_size >= 3 and p.shape.in_channels >= 128]
    for what, aim, ratios in (
        ("of eager dense", LEAST_SHARE, [p.over_dense / p.promised for p in wide]),
        ("of dense with packed weights", LEAST_HONEST_SHARE, [p.over_packed / p.promised for p in wide]),
    ):
        share = f"{geometric_mean(ratios):.3f}" if ratios else "–"
        table.row(f"share of the promise, k >= 3, C >= 128, {what}", share, f"at least {aim}")
    for k in sorted({p.shape.kernel_size for p in steady}):
        for c in sorted({p.shape.in_channels for p in steady if p.shape.in_channels in FULL[0]}):
            some = [p for p in steady if (p.shape.kernel_size, p.shape.in_channels) == (k, c)]
            if some:
                shares = geometric_mean([p.over_dense / p.promised for p in some])
                packed = geometric_mean([p.over_packed / p.promised for p in some])
                gain = geometric_mean([p.over_loop for p in some])
                table.row(f"  k {k}, C {c}: shares, gain over the loop", f"{shares:.2f}, {packed:.2f}, ×{gain:.2f}")
