"""How long a call takes on a device: synchronised at both ends."""

import time
from collections.abc import Callable

import torch

Work = Callable[[], object]
BLOCK_SECONDS = 0.003  # below it a clock's own grain and a page fault would show


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds(work: Work, device: torch.device, repeats: int = 1) -> float:
    """Of one call, the mean of `repeats` in a row; CUDA's own events there, so that launching ahead is not counted."""
    if device.type == "cuda":
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        synchronise(device)
        begin.record()
        for _ in range(repeats):
            work()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000 / repeats
    synchronise(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    synchronise(device)
    return (time.perf_counter() - start) / repeats


def repeats_for(one: float, block: float = BLOCK_SECONDS) -> int:
    """How many calls of `one` second each fill a block."""
    return max(1, min(1000, round(block / max(one, 1e-7))))
