"""One value of one map taken apart: the patch it reads, the kernel, and every product of the two.

The sums are made in double precision from the float32 numbers that the convolution reads; what the map shows is
`output`, the float32 number itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from compute.errors import integer
from compute.grouping import Span
from compute.stack.describe import receptive_field
from compute.stack.reach import reach
from compute.stack.spec import StackSpec
from compute.stackrun.energy import precise
from compute.stackrun.filters import Filters
from compute.stackrun.module import EPSILON

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Pixel:
    """patch, kernel: (n, k_h, k_w) float32 of the n channels that the value's group reads; patch is zero outside.

    facts: inputs, their n numbers; sums, (n,) sums of patch x kernel; bias; conv, their total; normalised, conv after a
    normalisation of the convolution; identity, what a residual module adds, or None; sum, what ReLU gets; output, the
    value itself; mean and deviation of the normalisation, or None; receptive_field, (top, left, bottom, right) in
    pixels of the picture, half open; patch_at, row and column of the patch's first tap, maybe negative; shape, of the
    maps; stem_channels, how many channels of the stem can reach the value.
    """

    patch: Array
    kernel: Array
    facts: dict[str, Any]


def check(spec: StackSpec, module: int, channel: int, row: int, column: int) -> None:
    """Raises SpecError where there is no such value."""
    integer("channel", channel, 0, spec.channels - 1)
    for field, value in (("row", row), ("column", column)):
        integer(field, value, 0, spec.side(module) - 1)


def pixel(
    filters: Filters, spec: StackSpec, module: int, u: Tensor, output: Tensor, channel: int, row: int, column: int
) -> Pixel:
    """u: what enters the module, (C, H, W); output: what leaves it."""
    total, turn = spec.channels, spec.rotation(module)
    span = _span_of(spec, (channel - turn) % total)
    inputs = [(span.in_start + turn + c) % total for c in range(span.in_channels)]
    at = (channel - turn) % total - span.out_start
    kernel = filters.weight(spec, module, (span,))[at]
    biases = filters.bias(spec, module, (span,))
    bias = 0.0 if biases is None else float(biases[at])
    read = u[inputs]
    patch, patch_at = _patch(spec, read, row, column)
    sums = (precise(patch) * precise(kernel)).sum((1, 2))
    conv = float(sums.sum()) + bias
    identity = float(u[channel, row, column]) if spec.residual else None
    mean = deviation = None
    if spec.normalisation != "none":
        mean, deviation = _moments(spec, read, u[channel], kernel, bias)
    normalised = (conv - mean) / deviation if spec.normalisation == "conv" and mean is not None and deviation else conv
    added = normalised + (identity or 0.0)
    if spec.normalisation == "sum" and mean is not None and deviation:
        added = (added - mean) / deviation
    facts = {
        "inputs": inputs,
        "sums": sums.tolist(),
        "bias": bias,
        "conv": conv,
        "normalised": normalised,
        "identity": identity,
        "sum": added,
        "output": float(output[channel, row, column]),
        "mean": mean,
        "deviation": deviation,
        "receptive_field": list(receptive_field(spec, module, row, column)),
        "patch_at": patch_at,
        "shape": list(output.shape),
        "stem_channels": reach(spec, module).rows[channel].bit_count(),
    }
    return Pixel(patch.cpu().numpy(), kernel.cpu().numpy(), facts)


def _span_of(spec: StackSpec, channel: int) -> Span:
    """The group that writes `channel`, both unrotated."""
    return next(s for s in spec.grouping.spans if s.out_start <= channel < s.out_start + s.out_channels)


def _patch(spec: StackSpec, read: Tensor, row: int, column: int) -> tuple[Tensor, list[int]]:
    """(n, k_h, k_w) of what the kernel lies on, zeros beyond the border; and where its first tap lies."""
    (p_h, p_w), (d_h, d_w), (k_h, k_w) = spec.padding, spec.dilation, spec.kernel_size
    rows = [row - p_h + d_h * i for i in range(k_h)]
    columns = [column - p_w + d_w * i for i in range(k_w)]
    height, width = read.shape[1:]
    inside = torch.tensor([[0 <= r < height and 0 <= c < width for c in columns] for r in rows], device=read.device)
    held = read[:, [min(max(r, 0), height - 1) for r in rows]][:, :, [min(max(c, 0), width - 1) for c in columns]]
    return torch.where(inside, held, 0.0), [rows[0], columns[0]]


def _moments(spec: StackSpec, read: Tensor, identity: Tensor, kernel: Tensor, bias: float) -> tuple[float, float]:
    """Mean and sqrt(variance + epsilon) of the whole map that is normalised."""
    answer = F.conv2d(read[None], kernel[None], padding=spec.padding, dilation=spec.dilation)[0, 0]
    answer = precise(answer) + bias
    if spec.normalisation == "sum" and spec.residual:
        answer = answer + precise(identity)
    return float(answer.mean()), float((answer.var(correction=0) + EPSILON).sqrt())
