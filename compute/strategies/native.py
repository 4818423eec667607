"""A plan's native calls as torch runs them: reads the parameters anew each time, and gradients go through."""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.strategies.case import memory_format
from compute.strategies.plan import Call

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def run(layer: "GroupedConv2d", calls: tuple[Call, ...], format_: Any, x: Tensor) -> Tensor:
    """x: (N, C_in, H, W) in any memory format, and so the output; format_: what the arithmetic sees."""
    back = FORMATS[memory_format(x)]
    outputs = []
    for call in calls:
        inputs = inputs_of(x, call).contiguous(memory_format=format_)
        outputs.append(conv(layer, inputs, filter_of(layer, call), bias_of(layer, call), call.groups))
    out = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)
    return out.contiguous(memory_format=back)


def filter_of(layer: "GroupedConv2d", call: Call) -> Tensor:
    """(C_out of the call, C_in / groups, k_h, k_w): the call's groups, block-diagonal in its blocks."""
    spans = layer.grouping.spans[call.first : call.last]
    if layer.grouping.equal and not call.padded:
        return layer.weight[call.out_start : call.out_start + call.out_channels]
    filters = layer.filters()[call.first : call.last]
    if not call.padded:
        return filters[0] if len(filters) == 1 else torch.cat(filters)
    a, _ = call.block
    blocks = filters[0].new_zeros(call.out_channels, a, *layer.kernel_size)
    for span, weight in zip(spans, filters, strict=True):
        row, column = span.out_start - call.out_start, (span.in_start - call.in_start) % a
        blocks[row : row + span.out_channels, column : column + span.in_channels] = weight
    return blocks


def bias_of(layer: "GroupedConv2d", call: Call) -> Tensor | None:
    return None if layer.bias is None else layer.bias[call.out_start : call.out_start + call.out_channels]


def inputs_of(x: Tensor, call: Call) -> Tensor:
    return x if x.shape[1] == call.in_channels else x.narrow(1, call.in_start, call.in_channels)


def conv(layer: "GroupedConv2d", x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, groups)


def padding_of(layer: "GroupedConv2d") -> tuple[int, int] | None:
    """Zeros on each side; None where the two sides differ ('same' with an even kernel)."""
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":
        whole = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        return None if any(w % 2 for w in whole) else (whole[0] // 2, whole[1] // 2)
    return layer.padding  # type: ignore[return-value]  # a pair, once it is no word
