"""The groups of a layer as convolutions of their own: one after another, or side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.grouping import Grouping
from compute.measurerun.layers import Arm
from compute.strategies.columns import columns_of


def group_runs(arm: Arm, grouping: Grouping) -> list[Callable[[], Tensor]]:
    """One convolution a group on a slice cut beforehand: on several devices each has its own."""
    layer = arm.layer
    biases = [None] * grouping.groups if layer.bias is None else torch.split(layer.bias, [b for _, b in grouping.sizes])
    parts = [p.contiguous() for p in torch.split(arm.x.detach(), [a for a, _ in grouping.sizes], 1)]
    runs = []
    for part, weight, bias in zip(parts, layer.filters(), biases, strict=True):
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


def apart(arm: Arm, grouping: Grouping) -> Callable[[], object] | None:
    """The groups as columns: cut before and never put together, as between layers of one split."""
    if grouping.groups == 1:
        return None
    parts = [part.contiguous() for part in torch.split(arm.x, [a for a, _ in grouping.sizes], 1)]
    return lambda: columns_of(arm.layer, parts)
