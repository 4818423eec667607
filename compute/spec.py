"""One grouped convolution on one image, described by numbers alone; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from compute.errors import KernelTooLarge, NotAnInteger, integer
from compute.grouping import Grouping

Pair = tuple[int, int]  # (height, width)

# What every door to the project assumes: the API, the page and the functions of this package.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "in_channels": 64,
        "out_channels": 64,
        "kernel_size": (3, 3),
        "stride": (1, 1),
        "padding": (1, 1),
        "dilation": (1, 1),
        "bias": True,
        "height": 224,
        "width": 224,
        "size": 224,
        "scheme": "logarithmic",
        "groups": 4,
        "base": 2,
        "weights": "filter-bank",
        "seed": 0,
        "gain": "cut",
        "relu": True,
        "depth": 16,
        "stage": 4,
        "halve": True,
    }
)


@dataclass(frozen=True)
class ConvSpec:
    """A grouped convolution and the size of its input; cannot be built wrong. Pairs are (height, width), as in PyTorch.

    Raises SpecError for a value out of range or a kernel larger than the padded input.
    """

    grouping: Grouping
    kernel_size: Pair = DEFAULTS["kernel_size"]
    stride: Pair = DEFAULTS["stride"]
    padding: Pair = DEFAULTS["padding"]
    dilation: Pair = DEFAULTS["dilation"]
    bias: bool = DEFAULTS["bias"]
    height: int = DEFAULTS["height"]
    width: int = DEFAULTS["width"]

    def __post_init__(self) -> None:
        for field, low in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            object.__setattr__(self, field, pair(field, getattr(self, field), low))
        for field in ("height", "width"):
            object.__setattr__(self, field, integer(field, getattr(self, field), 1))
        for axis, (length, padded, extent) in {"height": self._fit(0), "width": self._fit(1)}.items():
            if extent > padded:
                raise KernelTooLarge(f"{axis} {length}", extent, padded)

    @cached_property
    def output_height(self) -> int:
        """PyTorch's rule: floor((height + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1."""
        return self._output(0)

    @cached_property
    def output_width(self) -> int:
        return self._output(1)

    def _fit(self, axis: int) -> tuple[int, int, int]:
        length = (self.height, self.width)[axis]
        return length, length + 2 * self.padding[axis], self.dilation[axis] * (self.kernel_size[axis] - 1) + 1

    def _output(self, axis: int) -> int:
        _, padded, extent = self._fit(axis)
        return (padded - extent) // self.stride[axis] + 1


def pair(field: str, value: Any, low: int) -> Pair:
    """(height, width) from an int or a pair of ints, each at least `low`."""
    both = (value, value) if isinstance(value, int) else tuple(value) if hasattr(value, "__iter__") else (value, value)
    if len(both) != 2:
        raise NotAnInteger(field, value, "give one number or a pair (height, width)")
    return integer(field, both[0], low), integer(field, both[1], low)
