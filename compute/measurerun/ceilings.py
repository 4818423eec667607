"""What this device can do at most, each measured: arithmetic, bandwidth, narrow groups, and the price of one call."""

from collections.abc import Generator
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.strategies import clock

MATMULS = (512, 1024, 2048)
CONVS = ((64, 56), (128, 28), (256, 28), (256, 14), (512, 14))  # (channels, height)
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)
RUNS = 5
CACHE_COPY_BYTES = 512 << 10
MEMORY_COPY_BYTES = 256 << 20
CACHE_BYTES = 8 << 20  # where the system does not say
LAST_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")

Ceilings = dict[str, Any]


@torch.inference_mode()
def ceilings(device: torch.device, dtype: torch.dtype) -> Generator[str, bool, Ceilings]:
    """A Ceilings dict; yields before each timed block. The peak is the better of the best matrix product and the best
    convolution: neither alone is a ceiling, since libraries differ."""
    options: dict[str, Any] = {"device": device, "dtype": dtype}
    matmul = 0.0
    for size in MATMULS:
        yield f"matrix product {size}"
        a, b = torch.ones(size, size, **options), torch.ones(size, size, **options)
        matmul = max(matmul, 2 * size**3 / _best(lambda a=a, b=b: a @ b, device) / 1e9)  # type: ignore[misc]
    conv = 0.0
    for channels, side in CONVS:
        for format_ in (torch.contiguous_format, torch.channels_last):
            yield f"convolution {channels} at {side}"
            conv = max(conv, _conv_rate(channels, side, 1, format_, options))
    narrow = []
    for width in WIDTHS:
        yield f"groups of {width}"
        rates = [
            _conv_rate(128, 28, 128 // width, format_, options)
            for format_ in (torch.contiguous_format, torch.channels_last)
        ]
        narrow.append({"width": width, "gflops": max(rates)})
    yield "copy in cache"
    cache = _copy_rate(CACHE_COPY_BYTES, device)
    yield "copy in memory"
    memory = _copy_rate(MEMORY_COPY_BYTES, device)
    yield "one call"
    x, w = torch.ones(1, 1, 1, 1, **options), torch.ones(1, 1, 1, 1, **options)
    call = _best(lambda: F.conv2d(x, w), device)
    peak, source = max((matmul, "matrix product"), (conv, "convolution"))
    return {
        "matmul_gflops": matmul,
        "conv_gflops": conv,
        "peak_gflops": peak,
        "peak_from": source,
        "cache_bytes_per_second": cache,
        "memory_bytes_per_second": memory,
        "cache_size_bytes": _cache_bytes(device),
        "narrow": narrow,
        "call_seconds": call,
        "sentence": (
            f"At most {peak:.3g} GFLOP/s (the best {source}; the best {_other(source)} reaches"
            f" {min(matmul, conv):.3g}), {cache / 1e9:.3g} GB/s in cache and {memory / 1e9:.3g} GB/s in memory;"
            f" one call costs {call * 1e6:.2g} µs, and groups of one channel reach {narrow[0]['gflops']:.2g} GFLOP/s."
        ),
    }


def _other(source: str) -> str:
    return "convolution" if source == "matrix product" else "matrix product"


def _conv_rate(channels: int, side: int, groups: int, format_: torch.memory_format, options: dict[str, Any]) -> float:
    """GFLOP/s of a 3 x 3 convolution."""
    x = torch.ones(1, channels, side, side, **options).contiguous(memory_format=format_)
    w = torch.ones(channels, channels // groups, 3, 3, **options)
    flops = 2 * channels * channels // groups * 9 * side * side
    return flops / _best(lambda: F.conv2d(x, w, padding=1, groups=groups), options["device"]) / 1e9


def _copy_rate(size: int, device: torch.device) -> float:
    """Bytes per second, read and written."""
    source = torch.ones(size // 4, device=device)
    target: Tensor = torch.empty_like(source)
    return 2 * size / _best(lambda: target.copy_(source), device)


def _best(work: clock.Work, device: torch.device) -> float:
    """Seconds of one run: a ceiling is what the device does when nothing stands in its way."""
    work()
    repeats = clock.repeats_for(clock.seconds(work, device))
    times = [clock.seconds(work, device, repeats) for _ in range(RUNS)]
    return min(median(times), min(times) * 1.02)


def _cache_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    try:
        text = LAST_LEVEL.read_text().strip()
        return int(text.removesuffix("K")) << 10
    except (OSError, ValueError):
        return CACHE_BYTES
