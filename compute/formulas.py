"""Each count as a line of text with the layer's own numbers in it, for the page, a notebook or a report."""

import math

from compute.counts import Counts
from compute.grouping import Grouping
from compute.spec import ConvSpec

TERMS = 6  # distinct runs of groups written out before the rest is summed up


def digits(number: int) -> str:
    """1234567 -> 1 234 567, with narrow no-break spaces."""
    return f"{number:,}".replace(",", "\u202f")


def formulas(spec: ConvSpec, layer: Counts) -> dict[str, str]:
    """Plain text; × multiplies factors of the layer, · the two sides of one group."""
    grouping = spec.grouping
    kernel = f"{spec.kernel_size[0]} × {spec.kernel_size[1]}"
    connections = connection_terms(grouping)
    volume_in = f"{digits(grouping.in_channels)} × {digits(spec.height)} × {digits(spec.width)}"
    output = f"{digits(spec.output_height)} × {digits(spec.output_width)}"
    volume_out = f"{digits(grouping.out_channels)} × {output}"
    bias = f" + {digits(layer.bias)}" if layer.bias else ""
    fully_connected = layer.input_elements * layer.output_elements
    return {
        "output": "; ".join(_output(spec, axis) for axis in range(1 if _square(spec) else 2)),
        "params": f"{kernel} × ({connections}){bias} = {digits(layer.params)}",
        "macs": f"{output} × {kernel} × ({connections}) = {digits(layer.macs)}",
        "flops": f"2 × {digits(layer.macs)} = {digits(layer.flops)}",
        "memory_access": (
            f"input {volume_in} + output {volume_out} + weights {digits(layer.weights)}"
            f" = {digits(layer.memory_access_elements)} elements × 4 bytes = {digits(layer.memory_access_bytes)} bytes"
        ),
        "arithmetic_intensity": (
            f"{digits(layer.flops)} FLOPs / {digits(layer.memory_access_bytes)} bytes"
            f" = {two_decimals(layer.arithmetic_intensity)} FLOPs per byte"
        ),
        "fully_connected": f"({volume_in}) × ({volume_out}) = {digits(fully_connected)}",
    }


def connection_terms(grouping: Grouping) -> str:
    """32·32 + 16·16 + 2·8·8: input times output channels of each group, equal neighbours taken together."""
    runs = grouping.runs
    terms = [f"{digits(n)}·{digits(a)}·{digits(b)}" if n > 1 else f"{digits(a)}·{digits(b)}" for n, a, b in runs]
    if len(terms) > TERMS + 1:
        rest = sum(n * a * b for n, a, b in runs[TERMS:])
        groups = sum(n for n, _, _ in runs[TERMS:])
        terms = [*terms[:TERMS], f"{digits(rest)} from {digits(groups)} more groups"]
    return " + ".join(terms)


def two_decimals(number: float) -> str:
    """Rounded half up, so that Python and JavaScript write the same digits."""
    return f"{math.floor(number * 100 + 0.5) / 100:.2f}"


def _output(spec: ConvSpec, axis: int) -> str:
    length = (spec.height, spec.width)[axis]
    result = (spec.output_height, spec.output_width)[axis]
    padding, dilation, kernel, stride = (p[axis] for p in (spec.padding, spec.dilation, spec.kernel_size, spec.stride))
    return f"⌊({digits(length)} + 2 × {padding} − {dilation} × ({kernel} − 1) − 1) / {stride}⌋ + 1 = {digits(result)}"


def _square(spec: ConvSpec) -> bool:
    pairs = (spec.padding, spec.dilation, spec.kernel_size, spec.stride, (spec.height, spec.width))
    return all(first == second for first, second in pairs)
