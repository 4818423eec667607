"""What only CUDA can do for a grouped convolution: groups on streams, and launches recorded once as a graph.

Nothing here runs without a CUDA device. Plans with zeros between groups are not used there: nothing guards them.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.strategies.plan import Call, Plan, loop, plans

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d
    from compute.strategies.case import Case

KERNELS = ("streams", "graph")
MOST_GROUPS = 16  # streams beyond it only wait for each other
MOST_SHAPES = 4  # of inputs whose graph is kept
WARM_RUNS = 3  # cuDNN chooses and allocates before anything is recorded

Run = Callable[[Tensor], Tensor]


def offers(layer: "GroupedConv2d", case: "Case") -> list[tuple[Plan, str]]:
    """(plan, kernel) that may be tried for this case: inference only."""
    if case.grad:
        return []
    plain = plans(layer.grouping)[0]
    found = [(plain, "graph")]
    if 1 < layer.grouping.groups <= MOST_GROUPS:
        found += [(loop(layer.grouping), "streams"), (loop(layer.grouping), "graph")]
    return found


def prepare(plan: Plan, kernel: str, layer: "GroupedConv2d") -> Run:
    if kernel == "streams":
        return _Streams(layer, plan.calls)
    return _Graphs(layer, plan.calls)


def _run(layer: "GroupedConv2d", call: Call, x: Tensor) -> Tensor:
    from compute.strategies.strategy import bias_of, filter_of

    inputs = x.narrow(1, call.in_start, call.in_channels)
    weight, bias = filter_of(layer, call), bias_of(layer, call)
    return F.conv2d(inputs, weight, bias, layer.stride, layer.padding, layer.dilation, call.groups)


class _Streams:
    """Each call on a stream of its own; the caller's stream waits for all of them."""

    def __init__(self, layer: "GroupedConv2d", calls: tuple[Call, ...]) -> None:
        self._layer, self._calls = layer, calls
        self._streams: list[torch.cuda.Stream] = []

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        current = torch.cuda.current_stream(x.device)
        if not self._streams:
            self._streams = [torch.cuda.Stream(x.device) for _ in self._calls]  # type: ignore[no-untyped-call]
        outputs = []
        for call, stream in zip(self._calls, self._streams, strict=True):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                output = _run(self._layer, call, x)
            x.record_stream(stream)  # its memory is not given away before this stream has read it
            output.record_stream(current)
            outputs.append(output)
        for stream in self._streams:
            current.wait_stream(stream)
        return torch.cat(outputs, 1)


class _Graphs:
    """All launches of one input shape recorded once and replayed: where each call is short, launching it costs more
    than running it. The parameters are read in place, so that updates are followed; moved ones are recorded anew."""

    def __init__(self, layer: "GroupedConv2d", calls: tuple[Call, ...]) -> None:
        self._layer, self._calls = layer, calls
        self._kept: OrderedDict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = OrderedDict()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        pointers = tuple(p.data_ptr() for p in self._layer.parameters())
        key = (x.shape, x.stride(), x.dtype, x.device, pointers)
        if key not in self._kept:
            self._kept[key] = self._record(x)
            while len(self._kept) > MOST_SHAPES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        graph, static_x, static_out = self._kept[key]
        static_x.copy_(x)
        graph.replay()
        return static_out.clone()  # the next call writes over it

    def _forward(self, x: Tensor) -> Tensor:
        return torch.cat([_run(self._layer, call, x) for call in self._calls], 1)

    def _record(self, x: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        static_x = x.clone(memory_format=torch.preserve_format)
        side = torch.cuda.Stream(x.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(x.device))
        with torch.cuda.stream(side):
            for _ in range(WARM_RUNS):
                self._forward(static_x)
        torch.cuda.current_stream(x.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            static_out = self._forward(static_x)
        return graph, static_x, static_out
