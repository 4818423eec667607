"""What a layer costs: exact integers, pure arithmetic.

Conventions, the same everywhere in this project: one image (batch 1); `params` includes bias; `macs` counts
multiply-accumulates of the weights and never bias; `flops` = 2 macs; memory access is a lower bound, every element of
input, output and weights moved once (ShuffleNet V2, arXiv 1807.11164), bytes at 4 bytes an element.
"""

from dataclasses import dataclass
from typing import Any

from compute.spec import ConvSpec

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


def count_layer(spec: ConvSpec) -> Counts:
    """weights = k_h k_w sum(a_j b_j) over groups j with a_j in- and b_j out-channels; macs = H' W' weights."""
    return _bill(spec, sum(n * a * b for n, a, b in spec.grouping.runs))


def count_standard(spec: ConvSpec) -> Counts:
    """The same layer without groups."""
    return _bill(spec, spec.grouping.in_channels * spec.grouping.out_channels)


def count_fully_connected(layer: Counts) -> dict[str, int]:
    """A fully connected layer between the same two volumes, without bias: one weight, and one MAC, a connection."""
    weights = layer.input_elements * layer.output_elements
    return {"params": weights, "macs": weights, "flops": 2 * weights}


def _bill(spec: ConvSpec, connections: int) -> Counts:
    """connections: pairs of an input and an output channel that see each other."""
    weights = spec.kernel_size[0] * spec.kernel_size[1] * connections
    pixels = spec.output_height * spec.output_width
    return Counts(
        weights=weights,
        bias=spec.grouping.out_channels if spec.bias else 0,
        macs=pixels * weights,
        input_elements=spec.grouping.in_channels * spec.height * spec.width,
        output_elements=spec.grouping.out_channels * pixels,
    )
