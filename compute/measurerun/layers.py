"""A grouping as something to run: as people write it, at its best, and what it needs in memory."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compute.layers import GroupedConv2d
from compute.measure import AnySpec
from compute.spec import ConvSpec
from compute.strategies import Case, Plan, Strategy, clock, plans, remember, strategies
from compute.strategies.plan import loop
from compute.strategies.tuner import Race, trial

FORMATS = {"contiguous": "contiguous_format", "channels_last": "channels_last"}  # torch's own names
_profiler: Any = torch.autograd  # its old profiler has no types
ATTEMPTS = 3  # to find the fastest strategy, where other processes get in between
SEED = 0  # of weights and inputs: what they are does not matter, that they are the same does


@dataclass(frozen=True)
class Arm:
    """A layer with random weights and an input for it; strategies are tried on the two."""

    layer: GroupedConv2d
    x: Tensor
    grad: bool

    def trial(self, strategy: Strategy) -> Callable[[], object]:
        return trial(strategy.prepare(self.layer), self.layer, self.x, self.grad)

    def as_written(self) -> Callable[[], object]:
        """What `plain` describes, as people write it: none of our own code takes part."""
        module = Written(self.layer)
        return trial(module, module, self.x, self.grad)

    def plain(self) -> Strategy:
        """What people write: nn.Conv2d where all groups are alike, else a loop over the groups and cat."""
        grouping = self.layer.grouping
        plan: Plan = plans(grouping)[0] if grouping.equal else loop(grouping)
        return Strategy(plan, "channels_last" if self.channels_last else "contiguous")

    @property
    def channels_last(self) -> bool:
        return not self.x.is_contiguous()

    def offered(self) -> dict[str, Strategy]:
        return {strategy.name: strategy for strategy in strategies(self.layer, self._case())}

    def tuned(self) -> Generator[str, bool, Strategy]:
        """The fastest strategy; yields before each timed block."""
        offered = self.offered()
        for _ in range(ATTEMPTS):
            trials = {name: self.trial(strategy) for name, strategy in offered.items()}
            race = Race(trials, next(iter(offered)), self.x.device)
            yield from race.blocks()
            decision = race.decision()
            if decision.settled:
                remember(self._case(), decision)
                break
        return offered[decision.strategy]

    def _case(self) -> Case:
        with torch.set_grad_enabled(self.grad):
            return Case.of(self.layer, self.x)


class Written(nn.Module):
    """A grouped layer as people write it today: nn.Conv2d(groups=...) where all groups are alike, else one nn.Conv2d a
    group on its channels, and cat. Shares the layer's parameters."""

    def __init__(self, layer: GroupedConv2d) -> None:
        super().__init__()
        grouping = layer.grouping
        self.sizes = [a for a, _ in grouping.sizes]
        spans = [(grouping.in_channels, grouping.out_channels, grouping.groups)]
        if not grouping.equal:
            spans = [(a, b, 1) for a, b in grouping.sizes]
        window: dict[str, Any] = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        filters = [layer.weight] if grouping.equal else layer.filters()
        biases = (
            [None] * len(spans) if layer.bias is None else torch.split(layer.bias.detach(), [b for _, b, _ in spans])
        )
        self.convs = nn.ModuleList()
        for (a, b, groups), weight, bias in zip(spans, filters, biases, strict=True):
            conv = nn.Conv2d(a, b, layer.kernel_size, groups=groups, bias=bias is not None, device="meta", **window)
            conv.weight = nn.Parameter(weight.detach(), weight.requires_grad)
            conv.bias = None if bias is None else nn.Parameter(bias, weight.requires_grad)
            self.convs.append(conv)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.convs) == 1:
            return self.convs[0](x)  # type: ignore[no-any-return]
        return torch.cat([conv(part) for conv, part in zip(self.convs, torch.split(x, self.sizes, 1), strict=True)], 1)


def arm_of(conv: ConvSpec, spec: AnySpec, device: torch.device, x: Tensor | None = None) -> Arm:
    """conv's layer under spec's conditions, on the device. x: the input of an arm of the same shape; None: drawn."""
    dtype = getattr(torch, spec.dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        layer = GroupedConv2d(
            conv.grouping.in_channels,
            conv.grouping.out_channels,
            conv.kernel_size,
            conv.grouping,
            conv.stride,
            conv.padding,
            conv.dilation,
            conv.bias,
        )
        if x is None:
            x = torch.randn(spec.batch, conv.grouping.in_channels, conv.height, conv.width).to(device, dtype)
    layer = layer.to(device, dtype).requires_grad_(spec.backward)
    if spec.memory_format == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
        layer = layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as models are converted
    return Arm(layer, x.requires_grad_(spec.backward), spec.backward)


PEAK_WORDS = {
    "cpu": "most bytes of tensors allocated at once in one pass, copies inside the library among them, beside input and"
    " weights",
    "cuda": "most bytes that one pass allocates at once, beside input and weights",
}


def peak_bytes(work: Callable[[], object], device: torch.device) -> int | None:
    """Most bytes allocated at once during one pass, above what is held before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device) - before)
    return max(allocated(work), default=0) if device.type == "cpu" else None


def allocated(work: Callable[[], object]) -> list[int]:
    """Bytes held after each allocation and release of one pass on the CPU, above what is held before it. torch's old
    profiler tells them one by one, as the new one does, but starts at once."""
    options = torch._C._profiler._ExperimentalConfig()
    with _quiet():
        config = _profiler.ProfilerConfig(_profiler.ProfilerState.CPU, False, True, False, False, False, options)
        _profiler._enable_profiler_legacy(config)
        try:
            work()
        finally:
            threads = _profiler._disable_profiler_legacy()
    held, now = [], 0
    for event in (event for events in threads for event in events if event.kind() == "memory_alloc"):
        now += event.cpu_memory_usage()
        held.append(now)
    return held


@contextmanager
def _quiet() -> Iterator[None]:
    """The profiler writes a line on standard error each time, past Python."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def supports(dtype: str, device: torch.device) -> bool:
    """Whether the device runs a convolution of this type, forward and backward: found by doing it."""
    try:
        options: Any = {"device": device, "dtype": getattr(torch, dtype), "requires_grad": True}
        x, weight = torch.ones(1, 4, 5, 5, **options), torch.ones(4, 2, 3, 3, **options)
        with torch.enable_grad():
            torch.autograd.grad(F.conv2d(x, weight, groups=2).sum(), [x, weight])
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    return True


def convolution_seconds(dtype: str, device: torch.device) -> float:
    """Of a small one."""
    options: Any = {"device": device, "dtype": getattr(torch, dtype)}
    x, weight = torch.ones(1, 32, 28, 28, **options), torch.ones(32, 32, 3, 3, **options)
    F.conv2d(x, weight, padding=1)
    return min(clock.seconds(lambda: F.conv2d(x, weight, padding=1), device) for _ in range(5))
