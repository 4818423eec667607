"""What this device can do at most, each measured: arithmetic, bandwidth, narrow groups, and the price of one call."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from compute.grouping import Grouping
from compute.layers import GroupedConv2d
from compute.measurerun.layers import FORMATS
from compute.measurerun.quiet import Quiet
from compute.strategies import Case, clock, strategies

Ceilings = dict[str, Any]
Left = tuple[str, int]  # what runs next, and how many blocks are left at least

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)
MATMULS = {"cpu": (512, 1024, 1536), "cuda": (2048, 4096, 8192)}
CONVS = {  # (batch, channels, height)
    "cpu": ((1, 64, 56), (1, 128, 28), (1, 128, 56), (1, 256, 28), (1, 256, 14), (1, 512, 14)),
    "cuda": ((32, 64, 56), (32, 128, 56), (32, 256, 28), (32, 512, 14)),
}
GROUPED = {"cpu": ((1, 128, 28), (1, 64, 56)), "cuda": ((32, 128, 28), (32, 256, 14))}
ALONE = 16  # channels: from this width on a group is worth a convolution of its own
LEAST_TURNS, MOST_TURNS = 4, 16
AGREE = 1.05  # the two best blocks of a point: further apart, and it runs again
HOPELESS = 2.0  # times as slow as the best of its kind: no ceiling
BUSY = 0.05  # of a block's time, waited for a core
CACHE_COPY_BYTES = 512 << 10
LEAST_MEMORY_COPY_BYTES = 64 << 20
CACHE_BYTES = 8 << 20  # where the system does not say
LAST_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")


@dataclass
class _Point:
    """One candidate for a ceiling. work: FLOPs, bytes or calls of one run; seconds: of one run, block by block."""

    kind: str
    label: str
    run: Callable[[], object]
    work: float
    repeats: int = 1
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.work / min(self.seconds or self.busy)

    @property
    def settled(self) -> bool:
        if len(self.seconds) < 2:
            return False
        first, second, *_ = sorted(self.seconds)
        return second <= AGREE * first


def ceilings(device: torch.device, dtype: torch.dtype) -> Generator[Left, bool, Ceilings]:
    """A Ceilings dict; yields before each timed block, and is sent whether something else ran on the device since.

    A ceiling is what the device does when nothing stands in its way: the best of several blocks that are spread over
    the whole time, and `trusted` only if each was seen twice, while no other process took a core. The peak is the best
    matrix product or convolution: neither alone is a ceiling, since libraries differ."""
    quiet, points = Quiet(), []
    for point in _candidates(device, dtype):
        yield point.label, 0
        point.run()
        point.repeats = clock.repeats_for(_timed(point, device, quiet))
        points.append(point)
    best = {point.kind: max(other.rate for other in points if other.kind == point.kind) for point in points}
    going = points = [point for point in points if HOPELESS * point.rate >= best[point.kind]]
    for turn in range(MOST_TURNS):
        for at, point in enumerate(going):
            if (yield point.label, len(going) - at + max(0, LEAST_TURNS - turn - 1) * len(points)):
                point.run()
            _timed(point, device, quiet)
        if turn + 1 >= LEAST_TURNS:
            going = [point for point in points if not point.settled]
        if not going:
            break
    return _told(points, device, trusted=not going)


def _timed(point: _Point, device: torch.device, quiet: Quiet) -> float:
    if point.repeats > 1:
        point.run()  # into the caches
    before = quiet.waited()
    one = clock.seconds(point.run, device, point.repeats)
    still = quiet.waited() - before <= BUSY * one * point.repeats
    (point.seconds if still else point.busy).append(one)
    return one


def _told(points: list[_Point], device: torch.device, trusted: bool) -> Ceilings:
    best: dict[str, float] = {}
    for point in points:
        best[point.kind] = max(best.get(point.kind, 0.0), point.rate)
    matmul = best["matrix product"] / 1e9
    narrow = [{"width": width, "gflops": best[f"groups of {width}"] / 1e9} for width in WIDTHS]
    conv = max(best["convolution"] / 1e9, *(point["gflops"] for point in narrow))
    peak, source = max((matmul, "matrix product"), (conv, "convolution"))
    other = "convolution" if source == "matrix product" else "matrix product"
    cache, memory, call = best["copy in cache"], best["copy in memory"], 1 / best["one call"]
    busy = "" if trusted else " Something else kept the device busy: it can do more than this."
    return {
        "matmul_gflops": matmul,
        "conv_gflops": conv,
        "peak_gflops": peak,
        "peak_from": source,
        "cache_bytes_per_second": max(cache, memory),
        "memory_bytes_per_second": memory,
        "cache_size_bytes": _cache_bytes(device),
        "narrow": narrow,
        "call_seconds": call,
        "trusted": trusted,
        "sentence": (
            f"At most {peak:.3g} GFLOP/s (the best {source}; the best {other} reaches {min(matmul, conv):.3g}),"
            f" {cache / 1e9:.3g} GB/s in cache and {memory / 1e9:.3g} GB/s in memory; one call costs"
            f" {call * 1e6:.2g} µs, and groups of one channel reach {narrow[0]['gflops']:.2g} GFLOP/s.{busy}"
        ),
    }


def _candidates(device: torch.device, dtype: torch.dtype) -> Iterator[_Point]:
    options: dict[str, Any] = {"device": device, "dtype": dtype}
    like = device.type if device.type in MATMULS else "cpu"
    for size in MATMULS[like]:
        a, b = torch.ones(size, size, **options), torch.ones(size, size, **options)
        yield _Point("matrix product", f"matrix product of {size}", lambda a=a, b=b: a @ b, 2 * size**3)  # type: ignore[misc]
    for shape in CONVS[like]:
        yield from _convolutions("convolution", *shape, 1, options)
    for width in WIDTHS:
        for batch, channels, side in GROUPED[like]:
            if channels % width == 0:
                yield from _convolutions(f"groups of {width}", batch, channels, side, channels // width, options)
            if width >= ALONE:
                yield from _convolutions(f"groups of {width}", batch, width, side, 1, options)
    x = torch.ones(1, 1, 1, 1, **options)
    yield _Point("one call", "one call", lambda: F.conv2d(x, x), 1)
    cached = max(LEAST_MEMORY_COPY_BYTES, 2 * _cache_bytes(device))
    for kind, size in (("copy in cache", CACHE_COPY_BYTES), ("copy in memory", cached)):
        source = torch.ones(size // 4, device=device)
        target = torch.empty_like(source)
        yield _Point(kind, kind, lambda a=target, b=source: a.copy_(b), 2 * size)  # type: ignore[misc]  # read and written


def _convolutions(
    kind: str, batch: int, channels: int, side: int, groups: int, options: dict[str, Any]
) -> Iterator[_Point]:
    """3 x 3, one native call: in both memory formats, with the weights packed beforehand where that can be had."""
    split = Grouping.uniform(channels, channels, groups)
    flops = 2 * batch * split.connections * 9 * side * side
    with torch.random.fork_rng(devices=[]):
        layer = GroupedConv2d(channels, channels, 3, split, padding=1, bias=False, **options).requires_grad_(False)
    for name, format_ in FORMATS.items():
        x = torch.ones(batch, channels, side, side, **options).contiguous(memory_format=getattr(torch, format_))
        for strategy in strategies(layer, Case.of(layer, x)):
            if strategy.plan.name == "native" and strategy.memory_format == name:
                run = strategy.prepare(layer)
                label = f"convolution of {channels} channels at {side}, {split.groups} groups"
                yield _Point(kind, label, lambda run=run, x=x: run(x), flops)  # type: ignore[misc]


def _cache_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    try:
        text = LAST_LEVEL.read_text().strip()
        return int(text.removesuffix("K")) << 10
    except (OSError, ValueError):
        return CACHE_BYTES
