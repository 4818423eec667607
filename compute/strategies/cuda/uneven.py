"""A convolution over uneven groups in one launch of the Triton kernel, and its gradients by cuDNN.

It reads every group where it lies and writes where it belongs: nothing is sliced and nothing is put together.
"""

import functools
import importlib.util
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from compute.strategies.cuda.tiles import BLOCK_K, Tiles, tiles

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d
    from compute.spec import Pair

Run = Callable[[Tensor], Tensor]
DTYPES = ("float16", "bfloat16", "float32")
OLDEST = (8, 0)  # compute capability: before it nothing is copied while the last is multiplied, and registers spill
MOST_ELEMENTS = 2**31 - 1  # offsets are 32 bits wide
PACKED_AT_ONCE = 1024  # elements a program
BLOCKS_M = (128, 64, 32)  # pixels of a tile
WAVES = 2  # programs for each multiprocessor


@functools.cache
def installed() -> bool:
    """Whether Triton is there; it is not imported."""
    return importlib.util.find_spec("triton") is not None


def builds_for(device: torch.device) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= OLDEST


def padding_of(layer: "GroupedConv2d") -> tuple["Pair", bool]:
    """Zeros above and on the left, and whether there are as many below and on the right."""
    if layer.padding == "valid":
        return (0, 0), True
    if layer.padding == "same":
        (h, w), (d_h, d_w) = layer.kernel_size, layer.dilation
        whole_h, whole_w = d_h * (h - 1), d_w * (w - 1)
        return (whole_h // 2, whole_w // 2), whole_h % 2 == whole_w % 2 == 0
    return layer.padding, True  # type: ignore[return-value]  # a pair, once it is no word


class Uneven:
    """The layer's forward: x (N, C_in, H, W) to (N, C_out, H', W') in x's memory format.

    One launch puts the weights into the kernel's order, on each call, so that every change of them is seen; a second
    does the rest, and reads and writes channels last: else the input and the output are copied. Where gradients are
    wanted, they are cuDNN's, group by group, and can be differentiated again. Raises RuntimeError where Triton can't
    build the kernel.
    """

    def __init__(self, layer: "GroupedConv2d") -> None:
        self._layer = layer
        self._columns: dict[tuple[torch.device, int], Tensor] = {}
        self._sources: tuple[Any, Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        weights = _weights(self._layer)
        bias = self._layer.bias
        if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, bias, *weights)):
            out: Tensor = _Function.apply(self, x, bias, *weights)  # type: ignore[no-untyped-call]
            return out
        return self.forward(x)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        from compute.strategies.case import memory_format

        sides = _out_sides(self._layer, x.shape[2:])
        shape = (x.shape[0], self._layer.out_channels, *sides)
        out = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        back = torch.channels_last if memory_format(x) == "channels_last" else torch.contiguous_format
        if x.stride(1) != 1 or _reach(x) > MOST_ELEMENTS:
            x = x.contiguous(memory_format=torch.channels_last)
        if out.numel() > MOST_ELEMENTS:
            raise RuntimeError(f"the kernel counts up to {MOST_ELEMENTS} elements, the output has {out.numel()}")
        if out.numel():
            with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
                try:
                    self._launch(x, out)
                except _failures() as error:
                    raise RuntimeError(f"Triton could not build or start the kernel: {error}") from error
        return out.contiguous(memory_format=back)

    def _launch(self, x: Tensor, out: Tensor) -> None:
        import triton.language as tl

        from compute.strategies.cuda import kernel

        layer = self._layer
        taps = layer.kernel_size[0] * layer.kernel_size[1]
        exact = x.dtype == torch.float64 or (x.dtype == torch.float32 and not torch.backends.cudnn.allow_tf32)
        widest = 64 if exact else 128  # without tensor cores larger tiles have no room in the registers
        cut = tiles(layer.grouping, taps, widest)
        pixels = out.shape[0] * out.shape[2] * out.shape[3]
        columns, programs = self._columns_of(cut, x.device), WAVES * _multiprocessors(x.device)
        fits = [m for m in BLOCKS_M if m <= widest and -(-pixels // m) * len(columns) >= programs]
        block_m = fits[0] if fits else BLOCKS_M[-1]
        blocks = -(-pixels // block_m)
        kernel.grouped_conv2d[(min(programs, blocks * len(columns)),)](
            x, self._packed(cut), out if layer.bias is None else layer.bias.contiguous(), out,
            columns, len(columns), blocks, pixels, *x.shape[2:], *out.shape[2:], *x.stride(), *out.stride(),
            *layer.kernel_size, *layer.stride, *padding_of(layer)[0], *layer.dilation,
            HAS_BIAS=layer.bias is not None,
            ACCUMULATE=tl.float64 if x.dtype == torch.float64 else tl.float32,
            PRECISION="ieee" if exact else "tf32",
            BLOCK_M=block_m, BLOCK_K=BLOCK_K, IN_STEP=cut.in_step, OUT_STEP=cut.out_step,
            FORMS=cut.forms,
            num_warps=4 if block_m < 128 else 8,
        )  # fmt: skip

    def _packed(self, cut: Tiles) -> Tensor:
        """All filters, put into order now; the launch that reads them follows on the same stream."""
        from compute.strategies.cuda import kernel

        layer = self._layer
        weights = _weights(layer)
        first = weights[0]
        key = [(w.data_ptr(), w.stride(), w.dtype, w.device) for w in weights]
        if self._sources is None or self._sources[0] != key:
            rows = [
                (w.data_ptr(), *w.stride(), w.shape[1], w.shape[0], start)
                for w, start in zip(layer.filters(), cut.weight_starts, strict=True)
            ]
            self._sources = key, torch.tensor(rows, device=first.device)
        packed = first.new_empty(cut.weights)
        most = max(a * b for a, b in layer.grouping.sizes) * layer.kernel_size[0] * layer.kernel_size[1]
        grid = (layer.grouping.groups, -(-most // PACKED_AT_ONCE))
        kernel.pack_weights[grid](self._sources[1], packed, *layer.kernel_size, PACKED_AT_ONCE)
        return packed

    def _columns_of(self, cut: Tiles, device: torch.device) -> Tensor:
        key = device, cut.forms  # of one grouping: other widths are other forms
        if key not in self._columns:
            fields = [column.fields for column in cut.columns]
            self._columns[key] = torch.tensor(fields, dtype=torch.int32, device=device)
        return self._columns[key]


class _Function(torch.autograd.Function):
    """The kernel forward; backward what autograd does for a loop of convolutions, made of what autograd knows."""

    @staticmethod
    def forward(ctx: Any, run: Uneven, x: Tensor, bias: Tensor | None, *weights: Tensor) -> Tensor:
        ctx.layer, ctx.has_bias = run._layer, bias is not None
        ctx.save_for_backward(x, *weights)
        return run.forward(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (given,) = grads
        x, *weights = ctx.saved_tensors
        layer: GroupedConv2d = ctx.layer
        _, wants_x, wants_bias, *wants_weights = ctx.needs_input_grad
        padding, _ = padding_of(layer)
        groups = layer.grouping.groups if layer.grouping.equal else 1
        a, b = layer.in_channels, layer.out_channels
        parts = [(0, a, 0, b)]
        if not layer.grouping.equal:
            parts = [(s.in_start, s.in_channels, s.out_start, s.out_channels) for s in layer.grouping.spans]
        of_x, of_weights, of_bias = [], [], []
        for weight, wants, (in_start, a, out_start, b) in zip(weights, wants_weights, parts, strict=True):
            dx, dw, db = torch.ops.aten.convolution_backward(
                given.narrow(1, out_start, b), x.narrow(1, in_start, a), weight, [b], layer.stride, padding,
                layer.dilation, False, [0, 0], groups, [wants_x, wants, wants_bias],
            )  # fmt: skip
            of_x.append(dx)
            of_weights.append(dw)
            of_bias.append(db)
        return None, torch.cat(of_x, 1) if wants_x else None, torch.cat(of_bias) if wants_bias else None, *of_weights


def _weights(layer: "GroupedConv2d") -> list[Tensor]:
    return [layer.weight] if layer.grouping.equal else [*layer.weights]


def _out_sides(layer: "GroupedConv2d", sides: torch.Size) -> list[int]:
    """(H', W') by nn.Conv2d's formula."""
    if layer.padding == "same":
        return list(sides)
    (padding, _), out = padding_of(layer), []
    for side, k, s, p, d in zip(sides, layer.kernel_size, layer.stride, padding, layer.dilation, strict=True):
        out.append((side + 2 * p - d * (k - 1) - 1) // s + 1)
        if out[-1] < 1:
            raise RuntimeError(f"the kernel spans {d * (k - 1) + 1} pixels, the padded input has {side + 2 * p}")
    return out


def _reach(x: Tensor) -> int:
    """From the first to the last element in memory."""
    return sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))


@functools.cache
def _multiprocessors(device: torch.device) -> int:
    """Of a GPU; on the CPU, where the interpreter runs programs one by one, a number that shares out the tiles."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 2


@functools.cache
def _failures() -> tuple[type[Exception], ...]:
    """What building a kernel may end in: Triton's own errors, or those of the C compiler that it calls."""
    from triton.runtime.errors import TritonError

    return TritonError, subprocess.CalledProcessError, OSError
