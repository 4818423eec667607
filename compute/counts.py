"""What a layer costs: exact integers, pure arithmetic.

Conventions, the same everywhere in this project: one image (batch 1); `params` includes bias; `macs` counts
multiply-accumulates of the weights and never bias; `flops` = 2 macs; memory access is a lower bound, every element of
input, output and weights moved once (ShuffleNet V2, arXiv 1807.11164), bytes at 4 bytes an element.
"""

from dataclasses import dataclass
from typing import Any

from compute.spec import ConvSpec, Pair

BYTES_PER_ELEMENT = 4  # float32


@dataclass(frozen=True)
class Counts:
    """The bill of one layer, for one image."""

    weights: int
    bias: int
    macs: int
    input_elements: int
    output_elements: int

    @property
    def params(self) -> int:
        return self.weights + self.bias

    @property
    def flops(self) -> int:
        return 2 * self.macs

    @property
    def memory_access_elements(self) -> int:
        return self.input_elements + self.output_elements + self.weights

    @property
    def memory_access_bytes(self) -> int:
        return BYTES_PER_ELEMENT * self.memory_access_elements

    @property
    def arithmetic_intensity(self) -> float:
        """FLOPs per byte moved."""
        return self.flops / self.memory_access_bytes

    def as_dict(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "bias": self.bias,
            "params": self.params,
            "macs": self.macs,
            "flops": self.flops,
            "input_elements": self.input_elements,
            "output_elements": self.output_elements,
            "weight_elements": self.weights,
            "memory_access_elements": self.memory_access_elements,
            "memory_access_bytes": self.memory_access_bytes,
            "arithmetic_intensity": self.arithmetic_intensity,
        }


def count(
    connections: int, kernel_size: Pair, bias: bool, channels: Pair, input_pixels: int, output_pixels: int
) -> Counts:
    """connections: pairs of an input and an output channel that see each other. channels: (in, out)."""
    weights = kernel_size[0] * kernel_size[1] * connections
    return Counts(
        weights=weights,
        bias=channels[1] if bias else 0,
        macs=output_pixels * weights,
        input_elements=channels[0] * input_pixels,
        output_elements=channels[1] * output_pixels,
    )


def count_layer(spec: ConvSpec) -> Counts:
    """weights = k_h k_w sum(a_j b_j) over groups j with a_j in- and b_j out-channels; macs = H' W' weights."""
    return _count(spec, spec.grouping.connections)


def count_standard(spec: ConvSpec) -> Counts:
    """The same layer without groups."""
    return _count(spec, spec.grouping.in_channels * spec.grouping.out_channels)


def count_fully_connected(layer: Counts) -> Counts:
    """A fully connected layer between the same two volumes, without bias: one weight, and one MAC, a connection."""
    weights = layer.input_elements * layer.output_elements
    return Counts(weights, 0, weights, layer.input_elements, layer.output_elements)


def _count(spec: ConvSpec, connections: int) -> Counts:
    channels = spec.grouping.in_channels, spec.grouping.out_channels
    pixels = spec.height * spec.width, spec.output_height * spec.output_width
    return count(connections, spec.kernel_size, spec.bias, channels, *pixels)
