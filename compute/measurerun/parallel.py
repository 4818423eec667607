"""The groups of a layer as convolutions of their own: one after another, or side by side."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.grouping import Grouping
from compute.layers import GroupedConv2d
from compute.measurerun.layers import FORMATS, Arm
from compute.strategies import Call, Plan, Strategy
from compute.strategies.tuner import trial


@contextmanager
def pool_of(workers: int) -> Generator[ThreadPoolExecutor]:
    """Threads of one torch thread each. Meanwhile and afterwards everybody else's number is as it was: OpenMP counts
    per thread, but MKL and threads to come follow whoever set a number last."""
    before, all_there = torch.get_num_threads(), threading.Barrier(workers + 1)

    def start() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # its first use in a thread takes over what was set last in any: now, not later
        all_there.wait()

    pool = ThreadPoolExecutor(workers, initializer=start)
    try:
        for _ in range(workers):
            pool.submit(int)  # an executor starts threads as work comes
        all_there.wait()
        torch.set_num_threads(before)
        yield pool
    finally:
        pool.shutdown()
        torch.set_num_threads(before)


def group_runs(
    arm: Arm, grouping: Grouping, devices: Sequence[torch.device] | None = None
) -> list[Callable[[], Tensor]]:
    """One convolution a group on a slice cut beforehand. devices: of each group; None: where the input is."""
    layer = arm.layer
    biases = [None] * grouping.groups if layer.bias is None else torch.split(layer.bias, [b for _, b in grouping.sizes])
    parts = [p.contiguous() for p in torch.split(arm.x.detach(), [a for a, _ in grouping.sizes], 1)]
    runs = []
    for j, (part, weight, bias) in enumerate(zip(parts, layer.filters(), biases, strict=True)):
        if devices:
            part, weight = part.to(devices[j]), weight.detach().to(devices[j]).requires_grad_(arm.grad)
            bias = None if bias is None else bias.detach().to(devices[j])
        runs.append(_conv_run(arm, part.requires_grad_(arm.grad), weight, bias))
    return runs


def _conv_run(arm: Arm, x: Tensor, weight: Tensor, bias: Tensor | None) -> Callable[[], Tensor]:
    layer = arm.layer

    def forward() -> Tensor:
        with torch.set_grad_enabled(arm.grad):
            out = F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation)
            if arm.grad:
                torch.autograd.grad(out, [x, weight], torch.ones_like(out))
        return out.detach()

    return forward


def sequential(arm: Arm, grouping: Grouping) -> Callable[[], object]:
    runs = group_runs(arm, grouping)
    return lambda: [run() for run in runs]


def threaded(arm: Arm, grouping: Grouping, pool: ThreadPoolExecutor) -> Callable[[], object]:
    """The widest first, so that none is left to wait for at the end."""
    work = [a * b for a, b in grouping.sizes]
    runs = group_runs(arm, grouping)
    order = sorted(range(len(runs)), key=lambda i: -work[i])
    return lambda: list(pool.map(lambda i: runs[i](), order))


def spread(arm: Arm, grouping: Grouping, devices: Sequence[torch.device]) -> Callable[[], Tensor]:
    """Each group on a device of its own, the widest first to whoever has least to do; answers come together where the
    input was. Inputs and weights lie there before."""
    runs = group_runs(arm, grouping, [devices[i] for i in dealt([a * b for a, b in grouping.sizes], len(devices))])
    return lambda: torch.cat([run().to(arm.x.device, non_blocking=True) for run in runs], 1)


def dealt(work: Sequence[int], workers: int) -> list[int]:
    """Who takes what: the widest group first to whoever has least."""
    loads, taken = [0] * workers, [0] * len(work)
    for i in sorted(range(len(work)), key=lambda i: -work[i]):
        taken[i] = min(range(workers), key=lambda worker: loads[worker])
        loads[taken[i]] += work[i]
    return taken


def apart(arm: Arm, strategy: Strategy) -> Callable[[], object] | None:
    """The strategy's calls on inputs cut beforehand and answers never put together, as between layers of one split;
    None where one call does it all."""
    if strategy.calls == 1:
        return None
    kernel = strategy.kernel if strategy.kernel in ("aten", "prepacked", "matmul") else "aten"
    format_ = getattr(torch, FORMATS[strategy.memory_format])
    runs = []
    for call in strategy.plan.calls:
        layer = _part(arm.layer, call)
        x = arm.x.detach().narrow(1, call.in_start, call.in_channels).contiguous(memory_format=format_)
        own = replace(call, in_start=0, out_start=0, first=0, last=call.last - call.first)
        run = Strategy(Plan(strategy.plan.name, (own,)), strategy.memory_format, kernel).prepare(layer)
        runs.append(trial(run, layer, x.requires_grad_(arm.grad), arm.grad))
    return lambda: [run() for run in runs]


def _part(layer: GroupedConv2d, call: Call) -> GroupedConv2d:
    """The groups of one call as a layer of their own, with the same numbers."""
    split = Grouping.custom(layer.grouping.sizes[call.first : call.last])
    part = GroupedConv2d(
        call.in_channels,
        call.out_channels,
        layer.kernel_size,
        split,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.bias is not None,
        device="meta",
        dtype=layer.filters()[0].dtype,
    )
    filters = [weight.detach() for weight in layer.filters()[call.first : call.last]]
    values = (
        {"weight": torch.cat(filters)}
        if split.equal
        else {f"weights.{j}": weight.clone() for j, weight in enumerate(filters)}
    )
    if layer.bias is not None:
        values["bias"] = layer.bias.detach()[call.out_start : call.out_start + call.out_channels].clone()
    part.load_state_dict(values, assign=True)
    if not layer.filters()[0].is_contiguous():
        part = part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return part.requires_grad_(layer.filters()[0].requires_grad)
