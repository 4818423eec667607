"""What a choice among strategies holds for: a layer's shape, its input's, and the conditions it was measured under."""

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compute import device as devices
from compute.grouping import Sizes
from compute.spec import Pair

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

_allocator = "default"


def allocator(setting: str | None = None) -> str:
    """How this process keeps freed buffers, as whoever changed it says: glibc's own setting can't be read. `kept`
    after a high mmap threshold (mallopt), else `default`. Buffers that are mapped anew on each call can cost more than
    a convolution, so it belongs to a case."""
    global _allocator
    if setting is not None:
        _allocator = setting
    return _allocator


@dataclass(frozen=True)
class Case:
    """Equal cases, equal choices. batch, height, width: of the input (N, C_in, H, W). memory_format: of the input,
    `contiguous` or `channels_last`. grad: forward and backward (training), or forward alone."""

    sizes: Sizes
    kernel_size: Pair
    stride: Pair
    padding: Pair | str
    dilation: Pair
    bias: bool
    batch: int
    height: int
    width: int
    dtype: str
    memory_format: str
    grad: bool
    device: str
    threads: int
    allocator: str
    torch: str
    settings: str  # of CUDA's libraries: TF32, cudnn.benchmark, determinism

    @classmethod
    def of(cls, layer: "GroupedConv2d", x: Tensor) -> "Case":
        """x: (N, C_in, H, W), on the device that counts."""
        return cls(
            layer.grouping.sizes,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.bias is not None,
            x.shape[0],
            x.shape[2],
            x.shape[3],
            str(x.dtype).removeprefix("torch."),
            memory_format(x),
            wants_grad(layer, x),
            _device_name(x.device),
            torch.get_num_threads(),
            allocator(),
            str(torch.__version__),
            _settings(x.device.type),
        )


def memory_format(x: Tensor) -> str:
    """Of a (N, C, H, W): what is both (one channel, one pixel) is contiguous."""
    if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
        return "contiguous"
    return "channels_last"


def wants_grad(layer: torch.nn.Module, x: Tensor) -> bool:
    return torch.is_grad_enabled() and (x.requires_grad or any(p.requires_grad for p in layer.parameters()))


def conditions(x: Tensor) -> tuple[object, ...]:
    """What of a case no input's shape tells, at the cost of a call: it may change between two."""
    return _threads(), _allocator, _settings("cuda") if x.is_cuda else _onednn()


_threads, _onednn = torch.get_num_threads, torch._C._get_mkldnn_enabled


@functools.cache
def _device_name(device: torch.device) -> str:
    return f"{device.type}: {devices.describe(device)['name']}, {os.uname().machine if hasattr(os, 'uname') else ''}"


def _settings(device: str) -> str:
    if device != "cuda":
        return "oneDNN on" if torch.backends.mkldnn.enabled else "oneDNN off"
    cudnn = torch.backends.cudnn
    names = {
        "tf32": cudnn.allow_tf32,
        "matmul tf32": torch.backends.cuda.matmul.allow_tf32,
        "benchmark": cudnn.benchmark,
        "deterministic": cudnn.deterministic,
    }
    return ", ".join(f"{name} {'on' if on else 'off'}" for name, on in names.items())
