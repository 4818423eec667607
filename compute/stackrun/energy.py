"""How strong a stack's maps are, module by module: mean squares over channels and pixels, in double precision.

A block of channels at a time, so that no second copy of all maps is ever made.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from compute.stack.spec import StackSpec
from compute.stackrun.filters import Filters
from compute.stackrun.module import parts

BLOCK = 1 << 22  # elements


def of_module(filters: Filters, spec: StackSpec, module: int, x: Tensor, output: Tensor) -> dict[str, Any]:
    """Of the module's sum: identity + conv + cross, cross = 2 mean(u f); null where there is no identity. f is what is
    added: after a normalisation of the convolution's answer; the sum is before a normalisation of its own. x: what the
    last module gave."""
    inside = parts(filters, spec, module, x)
    u, f = inside.input, inside.conv
    row: dict[str, Any] = {"module": module, "identity": None, "conv": _mean(torch.square, f), "cross": None}
    row["sum"] = row["conv"]
    if spec.residual:
        cross = _mean(torch.mul, u, f)
        row |= {
            "identity": _mean(torch.square, u),
            "cross": None if cross is None else 2 * cross,
            "sum": _mean(lambda a, b: (a + b).square(), u, f),
        }
    return {**row, **of_output(output)}


def of_output(x: Tensor) -> dict[str, Any]:
    """output: mean square; zeros: share of values; dead: maps that are zero everywhere."""
    zeros = (x == 0).flatten(1).sum(1)
    pixels = x[0].numel()
    return {
        "output": _mean(torch.square, x),
        "zeros": int(zeros.sum()) / x.numel(),
        "dead": int((zeros == pixels).sum()),
    }


def root_mean_square(x: Tensor) -> float | None:
    """None where it is no finite number."""
    square = _mean(torch.square, x)
    return None if square is None else float(square**0.5)


def precise(x: Tensor) -> Tensor:
    """In double precision, on the CPU where the device has none."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def blocks(x: Tensor) -> Iterator[Tensor]:
    """(C, ...) a few channels at a time."""
    step = max(1, BLOCK // max(x[0].numel(), 1))
    for first in range(0, len(x), step):
        yield x[first : first + step]


def _mean(function: Callable[..., Tensor], *tensors: Tensor) -> float | None:
    """Of function(...) over all elements; None where it is not finite."""
    total = sum(float(function(*map(precise, part)).sum()) for part in zip(*map(blocks, tensors), strict=True))
    mean = total / tensors[0].numel()
    return mean if abs(mean) < float("inf") else None
