"""Launches side by side on CUDA's streams, or recorded once as a CUDA graph and replayed. Inference only."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

Run = Callable[[Tensor], Tensor]

MOST_SHAPES = 4  # of inputs whose graph is kept
WARM_RUNS = 3  # cuDNN chooses and Triton builds before anything is recorded

log = logging.getLogger(__name__)


class Streams:
    """Each part on a stream of its own; the caller's stream waits for all of them, and they for what it did before.

    parts: each from x (N, C_in, H, W) to some of the output's channels, in order."""

    def __init__(self, parts: list[Run]) -> None:
        self._parts = parts
        self._streams: dict[torch.device, list[torch.cuda.Stream]] = {}

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        current = torch.cuda.current_stream(x.device)
        if x.device not in self._streams:
            made = [torch.cuda.Stream(x.device) for _ in self._parts]  # type: ignore[no-untyped-call]
            self._streams[x.device] = made
        streams, outputs = self._streams[x.device], []
        for part, stream in zip(self._parts, streams, strict=True):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                output = part(x)
            x.record_stream(stream)  # its memory is not given away before this stream has read it
            output.record_stream(current)
            outputs.append(output)
        for stream in streams:
            current.wait_stream(stream)
        return torch.cat(outputs, 1)


class Recorded(NamedTuple):
    graph: torch.cuda.CUDAGraph
    x: Tensor
    out: Tensor


class Graphs:
    """All launches for one kind of input recorded and replayed: where each is short, launching costs more than running.

    The input is copied to where the graph reads it, the output from where it writes it: 2 x their bytes of memory, for
    each of up to MOST_SHAPES kinds. The parameters are read in place, so that updates are followed; where they moved,
    or a setting of CUDA's libraries changed, it is recorded anew. What can't be recorded runs as it is.
    """

    def __init__(self, layer: "GroupedConv2d", forward: Run) -> None:
        self._layer, self._forward = layer, forward
        self._kept: OrderedDict[tuple[object, ...], Recorded | None] = OrderedDict()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        if torch.cuda.is_current_stream_capturing():  # by the caller: this becomes part of that graph
            return self._forward(x)
        key = self._key(x)
        if key not in self._kept:
            self._kept[key] = self._record(x)
            while len(self._kept) > MOST_SHAPES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        kept = self._kept[key]
        if kept is None:
            return self._forward(x)
        kept.x.copy_(x)
        kept.graph.replay()
        return kept.out.clone()  # the next call writes over it

    def _key(self, x: Tensor) -> tuple[object, ...]:
        cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
        settings = cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, cudnn.enabled, matmul.allow_tf32
        places = [(p.data_ptr(), p.stride()) for p in self._layer.parameters()]
        # A graph's buffers belong to one stream's order of events.
        stream = torch.cuda.current_stream(x.device).cuda_stream
        return x.shape, x.stride(), x.dtype, x.device, stream, settings, *places

    def _record(self, x: Tensor) -> Recorded | None:
        """None where something in the forward can't be recorded."""
        with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
            own = x.clone(memory_format=torch.preserve_format)
            current = torch.cuda.current_stream()
            side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(current)
            with torch.cuda.stream(side):
                for _ in range(WARM_RUNS):
                    self._forward(own)
            current.wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                    out = self._forward(own)
            except RuntimeError as error:
                log.warning("no CUDA graph of this layer, it runs launch by launch: %s", error)
                return None
            return Recorded(graph, own, out)
