"""Exact ways to run one grouped convolution: a plan of native calls, a memory format, and what computes each call."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.strategies import cuda
from compute.strategies.case import Case, memory_format
from compute.strategies.plan import Call, Plan, loop, plans

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

Run = Callable[[Tensor], Tensor]
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
WORDS = {"aten": "", "prepacked": "weights packed beforehand", "matmul": "a matrix product a group", **cuda.WORDS}
NAMES = {
    "native": "one native call",
    "runs": "equal neighbours together",
    "loop": "a call a group",
    "widest+rest": "the widest group alone, the rest padded",
    "dense": "one dense call, zeros between the groups",
}
SAMPLES = 16  # elements of a parameter that are compared on each call


@dataclass(frozen=True)
class Strategy:
    """kernel: `aten` (F.conv2d), `prepacked` (oneDNN's own order of the weights, inference only), `matmul` (1 x 1), or
    one of compute.strategies.cuda. memory_format: what the arithmetic sees; input and output keep the caller's."""

    plan: Plan
    memory_format: str = "contiguous"
    kernel: str = "aten"

    @property
    def name(self) -> str:
        parts = (self.plan.name, self.memory_format, self.kernel)
        return "·".join(part for part in parts if part not in ("contiguous", "aten"))

    @property
    def calls(self) -> int:
        return 1 if self.kernel in cuda.ONE_LAUNCH else len(self.plan.calls)

    def describe(self) -> str:
        """One sentence for people, without a full stop."""
        plan = self.plan
        words = [NAMES.get(plan.name, f"{plan.calls[0].groups} equal blocks, zeros between the groups inside")]
        if self.memory_format == "channels_last":
            words.append("channels last")
        if self.kernel != "aten":
            words.append(WORDS[self.kernel])
        return f"{', '.join(words)} ({self.calls} call{'s' if self.calls > 1 else ''})"

    def prepare(self, layer: "GroupedConv2d") -> Run:
        """The layer's forward, by this strategy: (N, C_in, H, W) to (N, C_out, H', W'). What it keeps of the weights
        follows their updates, but for writes to single elements through `.data`: see GroupedConv2d.repack."""
        if self.kernel in cuda.KERNELS:
            return cuda.prepare(self, layer, functools.partial(self._native, layer))
        if self.kernel == "aten" and not self.plan.padded:
            return self._native(layer, self.plan.calls)
        return _Kept(layer, self)

    def _native(self, layer: "GroupedConv2d", calls: tuple[Call, ...]) -> Run:
        return functools.partial(_plain, layer, calls, FORMATS[self.memory_format])


def strategies(layer: "GroupedConv2d", case: Case) -> list[Strategy]:
    """All that are exact and can be had for this case; first the plain one, which needs nothing."""
    cpu = case.device.startswith("cpu")
    kept = not case.grad and not any(p.is_inference() for p in layer.parameters())
    own = case.memory_format
    other = next(name for name in FORMATS if name != own)
    found = []
    for plan in plans(layer.grouping):
        if plan.padded and not (cpu and kept):  # zeros must not carry Inf between groups: guarded on the CPU alone
            continue
        found += [Strategy(plan, format_) for format_ in (own, other)]
        if kept and cpu and _packs(layer, case.dtype):
            found.append(Strategy(plan, "channels_last", "prepacked"))  # oneDNN computes on packed weights in no other
    if kept and _is_product(layer, case) and layer.grouping.groups <= 64:
        found.append(Strategy(loop(layer.grouping), own, "matmul"))
    if case.device.startswith("cuda"):
        found += [Strategy(*offer) for offer in cuda.offers(layer, case)]
    return found


def _plain(layer: "GroupedConv2d", calls: tuple[Call, ...], format_: Any, x: Tensor) -> Tensor:
    """Reads the parameters anew on each call; gradients go through."""
    back = FORMATS[memory_format(x)]
    x = x.contiguous(memory_format=format_)
    outputs = [_bound(layer, call, x)(_inputs(x, call)) for call in calls]
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


def _inputs(x: Tensor, call: Call) -> Tensor:
    return x if x.shape[1] == call.in_channels else x.narrow(1, call.in_start, call.in_channels)


def _conv(layer: "GroupedConv2d", x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, groups)


class _Kept:
    """Runs on weights that were put into order before, and puts them into order again when they change."""

    def __init__(self, layer: "GroupedConv2d", strategy: Strategy) -> None:
        self._layer, self._strategy = layer, strategy
        self._format = FORMATS[strategy.memory_format]
        self._steps: list[tuple[Call, Run]] = []
        self._signature: tuple[Any, ...] = ()
        self._shape: torch.Size | None = None
        self._watched: list[tuple[Any, bytes]] = []
        self._probes: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape != self._shape or self._changed():
            self._pack(x)
        back = memory_format(x)
        ordered = x if back == self._strategy.memory_format else x.contiguous(memory_format=self._format)
        outputs = [run(_inputs(ordered, call)) for call, run in self._steps]
        out = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)
        if self._probes is not None and not math.isfinite(out.index_select(1, self._probes).sum().item()):
            return _plain(self._layer, loop(self._layer.grouping).calls, FORMATS[back], x)
        return out.contiguous(memory_format=FORMATS[back])

    def _changed(self) -> bool:
        """Version counters see every write but those through `.data`; of these a sample sees what touches many."""
        layer = self._layer
        if self._signature != tuple([(p.data_ptr(), p._version) for p in layer.tensors()]):
            return True
        return any(now.tobytes() != then for now, then in self._watched)

    @torch.no_grad()
    def _pack(self, x: Tensor) -> None:
        layer, plan = self._layer, self._strategy.plan
        if any(p.dtype != x.dtype for p in layer.tensors()):
            raise TypeError(f"the layer's weights are {layer.tensors()[0].dtype}, its input is {x.dtype}")
        make = {"prepacked": _packed, "matmul": _product, "aten": _bound}[self._strategy.kernel]
        ordered = x.contiguous(memory_format=self._format)
        self._steps = [(call, make(layer, call, _inputs(ordered, call))) for call in plan.calls]
        parameters = layer.tensors()
        self._signature = tuple([(p.data_ptr(), p._version) for p in parameters])
        ends = {
            id(p): p for p in (parameters[0], parameters[-1])
        }.values()  # who writes past the counters writes to all
        samples = [_sample(p) for p in ends if p.device.type == "cpu"]
        self._watched = [(sample, sample.tobytes()) for sample in samples]
        self._shape = x.shape
        # 0 x Inf is NaN: a value that is not finite would show in all channels of its block but its own group's, so
        # one channel each of two groups of a block tells.
        spans = layer.grouping.spans
        probes = [
            channel
            for call in plan.calls
            if call.padded
            for block in range(call.groups)
            for channel in _two_of(call, block, spans)
        ]
        self._probes = torch.tensor(probes, device=x.device) if probes else None


def _sample(parameter: Tensor) -> Any:
    """Some of its elements as a NumPy array that shares its memory: read in a tenth of the time that torch takes."""
    elements = parameter.detach().permute(*torch.argsort(torch.tensor(parameter.stride()), descending=True).tolist())
    elements = elements.flatten() if elements.is_contiguous() else elements.select(0, 0).flatten()
    whole = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[elements.element_size()]
    return elements.view(whole).numpy()[:: max(1, len(elements) // SAMPLES)]


def _two_of(call: Call, block: int, spans: tuple[Any, ...]) -> list[int]:
    """A channel of the first and one of the last group in a block; none where it holds one group."""
    _, b = call.block
    start = call.out_start + block * b
    inside = [span for span in spans[call.first : call.last] if start <= span.out_start < start + b]
    return [inside[0].out_start, inside[-1].out_start] if len(inside) > 1 else []


def _bound(layer: "GroupedConv2d", call: Call, x: Tensor) -> Run:
    weight, bias = filter_of(layer, call), bias_of(layer, call)
    return lambda x: _conv(layer, x, weight, bias, call.groups)


def _packed(layer: "GroupedConv2d", call: Call, x: Tensor) -> Run:
    """oneDNN's order of the weights for inputs of exactly this shape."""
    padding = list(_padding(layer) or (0, 0))
    stride, dilation = list(layer.stride), list(layer.dilation)
    weight = filter_of(layer, call).contiguous()
    bias = bias_of(layer, call)
    shape = list(x.shape)
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed = reorder(weight.to_mkldnn(), padding, stride, dilation, call.groups, shape)
    conv = torch.ops.mkldnn._convolution_pointwise.default
    return lambda x: conv(x, packed, bias, padding, stride, dilation, call.groups, "none", [], "")


def _product(layer: "GroupedConv2d", call: Call, x: Tensor) -> Run:
    weight, bias = filter_of(layer, call).flatten(1), bias_of(layer, call)

    def run(x: Tensor) -> Tensor:
        columns = x.flatten(2)
        if len(x) == 1 and bias is not None:
            out = torch.addmm(bias[:, None], weight, columns[0])[None]
        else:
            out = torch.matmul(weight, columns)
            out = out if bias is None else out + bias[:, None]
        return out.reshape(len(x), -1, *x.shape[2:])

    return run


def _padding(layer: "GroupedConv2d") -> tuple[int, int] | None:
    """Zeros on each side; None where the two sides differ ('same' with an even kernel)."""
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":
        whole = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        return None if any(w % 2 for w in whole) else (whole[0] // 2, whole[1] // 2)
    return layer.padding  # type: ignore[return-value]  # a pair, once it is no word


def _is_product(layer: "GroupedConv2d", case: Case) -> bool:
    plain = layer.kernel_size == layer.stride == (1, 1) and _padding(layer) == (0, 0)
    return plain and case.memory_format == "contiguous"


def _packs(layer: "GroupedConv2d", dtype: str) -> bool:
    return bool(torch.backends.mkldnn.enabled) and _padding(layer) is not None and packing_works(dtype)


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
    layer = GroupedConv2d(8, 8, 3, Grouping.uniform(8, 8, 2), padding=1, dtype=type_)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_((torch.arange(parameter.numel()) % 5 - 2).reshape(parameter.shape) / 8)
        call = plans(layer.grouping)[0].calls[0]
        try:
            answer = _packed(layer, call, x)(x)
        except (RuntimeError, AttributeError, TypeError, ValueError):
            return False
        return torch.allclose(answer, _plain(layer, (call,), torch.contiguous_format, x), atol=1e-4, rtol=1e-2)
