"""A grouping as something to run: as people write it, at its best, and what it needs in memory."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile as legacy_profile  # the new one takes seconds to start

from compute.layers import GroupedConv2d
from compute.measure import AnySpec
from compute.spec import ConvSpec
from compute.strategies import Case, Decision, Plan, Strategy, plans, remember, strategies
from compute.strategies.plan import loop
from compute.strategies.tuner import Race, trial

SEED = 0  # of weights and inputs: what they are does not matter, that they are the same does


@dataclass(frozen=True)
class Arm:
    """A layer with random weights and an input for it; strategies are tried on the two."""

    layer: GroupedConv2d
    x: Tensor
    grad: bool

    def trial(self, strategy: Strategy) -> Callable[[], object]:
        return trial(strategy.prepare(self.layer), self.layer, self.x, self.grad)

    def plain(self) -> Strategy:
        """What people write: nn.Conv2d where all groups are alike, else a loop over the groups and cat."""
        grouping = self.layer.grouping
        plan: Plan = plans(grouping)[0] if grouping.equal else loop(grouping)
        return Strategy(plan, "channels_last" if self.channels_last else "contiguous")

    @property
    def channels_last(self) -> bool:
        return not self.x.is_contiguous()

    def offered(self) -> dict[str, Strategy]:
        return {strategy.name: strategy for strategy in strategies(self.layer, Case.of(self.layer, self.x))}

    def tuned(self) -> Generator[str, bool, tuple[Strategy, Decision]]:
        """The fastest strategy; yields before each timed block."""
        offered = self.offered()
        default = next(iter(offered))
        race = Race({name: self.trial(strategy) for name, strategy in offered.items()}, default, self.x.device)
        yield from race.blocks()
        decision = race.decision()
        if decision.settled:
            remember(Case.of(self.layer, self.x), decision)
        return offered[decision.strategy], decision


def arm_of(conv: ConvSpec, spec: AnySpec, device: torch.device) -> Arm:
    """conv's layer under spec's conditions, on the device."""
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
        x = torch.randn(spec.batch, conv.grouping.in_channels, conv.height, conv.width)
    layer = layer.to(device, dtype).requires_grad_(spec.backward)
    x = x.to(device, dtype)
    if spec.memory_format == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
        layer = layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as models are converted
    return Arm(layer, x.requires_grad_(spec.backward), spec.backward)


PEAK_WORDS = {
    "cpu": "most bytes of tensors allocated at once in one pass, beside input and weights, without oneDNN's scratch",
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
    if device.type != "cpu":
        return None
    with _quiet(), legacy_profile(use_kineto=False, profile_memory=True) as profiled:
        work()
    now = most = 0
    for event in sorted(profiled.function_events or [], key=lambda event: event.time_range.start):
        now += event.self_cpu_memory_usage
        most = max(most, now)
    return most


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
        conv = nn.Conv2d(4, 4, 3, groups=2, device=device, dtype=getattr(torch, dtype))
        x = torch.ones(1, 4, 5, 5, device=device, dtype=getattr(torch, dtype), requires_grad=True)
        with torch.enable_grad():
            conv(x).sum().backward()
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    return True
