"""Runs a plan on what was made of the weights beforehand: packed for oneDNN, padded with zeros, or as matrices.

Inference only. What is kept follows the weights: it is made anew when they change.
"""

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from compute.grouping import Span
from compute.strategies import native
from compute.strategies.case import memory_format
from compute.strategies.native import FORMATS, bias_of, filter_of, inputs_of, padding_of
from compute.strategies.plan import Call, Plan, loop, plans

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

Run = Callable[[Tensor], Tensor]
SAMPLES = 16  # elements of a parameter that are compared on each call
MOST_SLICES = 4  # of channels to look for NaN in; where they would be more, all are looked at
FEW_VALUES = 32_768  # of an output: to add them all up costs less than to pick a slice


@dataclass(frozen=True)
class _Ready:
    """What was made of the weights for inputs of one shape. alive: keeps the addresses in `signature` from being given
    to other tensors. guards: channels (of dimension 1) that tell whether zeros carried NaN between groups."""

    shape: torch.Size
    signature: list[tuple[int, int]]
    alive: list[Tensor]
    samples: list[tuple[Any, bytes]]
    run: Run
    guards: list[slice]


class Kept:
    """The layer's forward by one plan, memory format and kernel: `aten`, `prepacked` or `matmul`."""

    def __init__(self, layer: "GroupedConv2d", plan: Plan, format_: str, kernel: str) -> None:
        self._layer, self._plan, self._format, self._kernel = layer, plan, format_, kernel
        self._ready: _Ready | None = None  # replaced as a whole: other threads may be running on it

    def __call__(self, x: Tensor) -> Tensor:
        ready = self._ready
        if ready is None or ready.shape != x.shape or self._changed(ready):
            ready = self._ready = self._made(x)
        out = ready.run(x)
        if ready.guards and not _finite(out, ready.guards):
            return native.run(self._layer, loop(self._layer.grouping).calls, FORMATS[memory_format(x)], x)
        return out

    def _changed(self, ready: _Ready) -> bool:
        """Version counters see every write but those through `.data`; of these a sample sees what touches many."""
        if ready.signature != _signature(self._layer.tensors()):
            return True
        return any(now.tobytes() != then for now, then in ready.samples)

    @torch.no_grad()
    def _made(self, x: Tensor) -> _Ready:
        layer, plan = self._layer, self._plan
        parameters = layer.tensors()
        if any(p.dtype != x.dtype for p in parameters):
            raise TypeError(f"the layer's weights are {parameters[0].dtype}, its input is {x.dtype}")
        if any(p.is_inference() for p in parameters):
            raise TypeError("weights made in inference mode have no version that tells of a change")
        signature = _signature(parameters)
        ends = {id(p): p for p in (parameters[0], parameters[-1])}  # who writes past the counters writes to all
        samples = [_sample(p) for p in ends.values() if p.device.type == "cpu"]
        run = _product(layer, plan) if self._kernel == "matmul" else self._calls(x)
        return _Ready(
            x.shape,
            signature,
            [p.detach() for p in parameters],
            [(sample, sample.tobytes()) for sample in samples],
            run,
            guards(plan, layer.grouping.spans),
        )

    def _calls(self, x: Tensor) -> Run:
        make = _packed if self._kernel == "prepacked" else _bound
        layer, format_ = self._layer, FORMATS[self._format]
        steps = [(call, make(layer, call, format_, inputs_of(x, call).shape)) for call in self._plan.calls]

        def run(x: Tensor) -> Tensor:
            back = FORMATS[memory_format(x)]
            outputs = [step(inputs_of(x, call).contiguous(memory_format=format_)) for call, step in steps]
            if len(outputs) == 1:
                return outputs[0].contiguous(memory_format=back)
            if back is format_:
                return torch.cat(outputs, 1)
            n, _, *sides = outputs[0].shape
            out = torch.empty((n, layer.out_channels, *sides), dtype=x.dtype, device=x.device, memory_format=back)
            for (call, _), part in zip(steps, outputs, strict=True):
                out.narrow(1, call.out_start, call.out_channels).copy_(part)
            return out

        return run


def _bound(layer: "GroupedConv2d", call: Call, format_: Any, shape: torch.Size) -> Run:
    weight, bias = filter_of(layer, call).contiguous(memory_format=format_), bias_of(layer, call)
    return lambda x: native.conv(layer, x, weight, bias, call.groups)


def _packed(layer: "GroupedConv2d", call: Call, format_: Any, shape: torch.Size) -> Run:
    """oneDNN's order of the weights for inputs of exactly this shape."""
    padding = list(padding_of(layer) or (0, 0))
    stride, dilation = list(layer.stride), list(layer.dilation)
    weight, bias = filter_of(layer, call).contiguous(), bias_of(layer, call)
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed = reorder(weight.to_mkldnn(), padding, stride, dilation, call.groups, list(shape))
    conv = torch.ops.mkldnn._convolution_pointwise.default
    return lambda x: conv(x, packed, bias, padding, stride, dilation, call.groups, "none", [], "")


def _product(layer: "GroupedConv2d", plan: Plan) -> Run:
    """A 1 x 1 convolution as matrix products, each written at its place: nothing is turned round, nothing put
    together. Blocks of one call are a batch of products."""
    parts = []
    for call in plan.calls:
        a, b = call.block
        weight, bias = filter_of(layer, call).detach().reshape(call.groups, b, a), bias_of(layer, call)
        parts.append((call, weight, None if bias is None else bias.detach().reshape(call.groups, b, 1)))

    def run(x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        back = memory_format(x)
        x = x.contiguous(memory_format=FORMATS[back])
        shape = (n, layer.out_channels, height, width)
        out = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=FORMATS[back])
        if back == "channels_last":  # every pixel a column
            columns = x.permute(1, 0, 2, 3).flatten(1)
            answers = out.permute(1, 0, 2, 3).flatten(1)
            for part in parts:
                _multiply(part, columns, answers)
            return out
        if n == 1:  # no tensors are made of slices
            for part in parts:
                _multiply(part, x.view(x.shape[1], -1), out.view(layer.out_channels, -1))
            return out
        for image, answer in zip(x.flatten(2), out.flatten(2), strict=True):
            for part in parts:
                _multiply(part, image, answer)
        return out

    return run


def _multiply(part: tuple[Call, Tensor, Tensor | None], columns: Tensor, out: Tensor) -> None:
    """columns: (C_in, pixels), out: (C_out, pixels)."""
    call, weight, bias = part
    a, b = call.block
    columns = columns.narrow(0, call.in_start, call.in_channels)
    out = out.narrow(0, call.out_start, call.out_channels)
    if call.groups == 1:
        if bias is None:
            torch.mm(weight[0], columns, out=out)
        else:
            torch.addmm(bias[0], weight[0], columns, out=out)
        return
    columns, out = columns.view(call.groups, a, -1), out.view(call.groups, b, -1)
    if bias is None:
        torch.bmm(weight, columns, out=out)
    else:
        torch.baddbmm(bias, weight, columns, out=out)


def guards(plan: Plan, spans: tuple[Span, ...]) -> list[slice]:
    """Channels that are all finite, or the answer can't be trusted. 0 x Inf is NaN: a value that is not finite shows in
    all channels of its block but its own group's, so one channel each of two groups of a block tells."""
    first: list[int] = []
    last: list[int] = []
    for call in plan.calls:
        _, b = call.block
        blocks: dict[int, list[int]] = {}
        for span in spans[call.first : call.last] if call.padded else ():
            blocks.setdefault((span.out_start - call.out_start) // b, []).append(span.out_start)
        first += [starts[0] for starts in blocks.values() if len(starts) > 1]
        last += [starts[-1] for starts in blocks.values() if len(starts) > 1]
    if not first:
        return []
    found = min(_regular(sorted(first + last)), _regular(first) + _regular(last), key=len)
    return found if len(found) <= MOST_SLICES else [slice(None)]


def _regular(channels: Iterable[int]) -> list[slice]:
    """As few slices as greed finds: neighbours at equal distances are one."""
    runs: list[list[int]] = []
    for channel in channels:
        if runs and (len(runs[-1]) == 1 or channel - runs[-1][-1] == runs[-1][1] - runs[-1][0]):
            runs[-1].append(channel)
        else:
            runs.append([channel])
    return [slice(run[0], run[-1] + 1, run[1] - run[0] if len(run) > 1 else 1) for run in runs]


def _signature(parameters: list[Tensor]) -> list[tuple[int, int]]:
    return [(p.data_ptr(), p._version) for p in parameters]


def _finite(out: Tensor, channels: list[slice]) -> bool:
    """As few calls as can be: after a convolution each costs more than it does alone."""
    if out.dtype in (torch.float16, torch.bfloat16):  # a narrow sum would overflow
        return all(math.isfinite(out[:, some].sum(dtype=torch.float32)) for some in channels)
    if out.numel() <= FEW_VALUES:
        return math.isfinite(out.sum())
    return all(math.isfinite(out[:, some].sum()) for some in channels)


def _sample(parameter: Tensor) -> Any:
    """Some of its elements as a NumPy array that shares its memory: read in a tenth of the time that torch takes."""
    elements = parameter.detach().permute(*torch.argsort(torch.tensor(parameter.stride()), descending=True).tolist())
    elements = elements.flatten() if elements.is_contiguous() else elements.select(0, 0).flatten()
    whole = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[elements.element_size()]
    return elements.view(whole).numpy()[:: max(1, len(elements) // SAMPLES)]


@functools.cache
def packing_works(dtype: str) -> bool:
    """Whether this torch has oneDNN's packed convolution, and it answers as F.conv2d does. It is not public."""
    if dtype not in ("float32", "bfloat16") or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    from compute.grouping import Grouping
    from compute.layers import GroupedConv2d

    type_ = getattr(torch, dtype)
    steps = torch.arange(2 * 8 * 6 * 6, dtype=torch.float32)  # no random number is drawn
    x = (steps % 13 - 6).reshape(2, 8, 6, 6).to(type_)
    split = Grouping.uniform(8, 8, 2)
    layer = GroupedConv2d(8, 8, 3, split, padding=1, device="meta", dtype=type_).to_empty(device="cpu")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_((torch.arange(parameter.numel()) % 5 - 2).reshape(parameter.shape) / 8)
        call = plans(layer.grouping)[0].calls[0]
        try:
            answer = _packed(layer, call, torch.channels_last, x.shape)(x)
        except (RuntimeError, AttributeError, TypeError, ValueError):
            return False
        plain = native.run(layer, (call,), torch.contiguous_format, x)
        return torch.allclose(answer, plain, atol=1e-4, rtol=1e-2)
