"""What a network costs, layer by layer: rows, totals that are sums of rows, and what is to be said beside them.

Conventions of the whole project: one image; params with bias and with the affine pairs of normalisation; MACs of
convolutions and linear layers, never bias; FLOPs are two a MAC; 4 bytes an element. Flatten and Dropout move nothing.
"""

from collections.abc import Sequence
from typing import Any

from compute.counts import BYTES_PER_ELEMENT, Counts
from compute.network.graph import Network
from compute.network.kinds import Conv2d, Shape
from compute.network.patience import check

Row = dict[str, Any]
TOTALS = (
    "params", "weights", "bias", "macs", "flops", "activations", "weight_bytes",
    "memory_access_elements", "memory_access_bytes", "fully_connected_weights",
)  # fmt: skip
WINDOW = ("kernel_size", "stride", "padding", "dilation")


def analyze(network: Network) -> dict[str, Any]:
    """{"name", "source", "convention", "published", "input_shape", "rows", "totals"}: GET /api/networks/{id}."""
    return analysis(network, network.once(rows_of))


def rows_of(network: Network) -> list[Row]:
    return [row_of(network, index) for index in range(len(network.layers))]


def analysis(network: Network, rows: list[Row]) -> dict[str, Any]:
    """analyze(network), whose rows are known."""
    return {
        "name": network.name,
        "source": network.source,
        "convention": network.convention,
        "published": _published(network),
        "input_shape": list(network.input_shape),
        "rows": rows,
        "totals": totals(rows),
    }


def totals(rows: Sequence[Row]) -> dict[str, Any]:
    """Sums over `rows`; the intensity is that of the sums."""
    sums: dict[str, Any] = {key: sum(row[key] or 0 for row in rows) for key in TOTALS}
    moved = sums["memory_access_bytes"]
    return {**sums, "arithmetic_intensity": sums["flops"] / moved if moved else 0.0}


def row_of(network: Network, index: int) -> Row:
    """One layer: what it is and what it costs."""
    check()
    layer = network.layers[index]
    kind, inputs, output = layer.kind, network.inputs(layer), network.shapes[layer.name]
    counts = kind.count(inputs, output)
    return {
        "index": index,
        "name": layer.name,
        "kind": kind.title(),
        "inputs": list(network.feeds[layer.name]),
        "in_channels": sum(shape[0] for shape in inputs) if kind.title() == "Concat" else inputs[0][0],
        "out_channels": output[0],
        **{name: list(window) if (window := getattr(kind, name, None)) else None for name in WINDOW},
        "grouping": _grouping(kind, inputs[0], output) if isinstance(kind, Conv2d) else None,
        "output_shape": list(output),
        "params": counts.params,
        "weights": counts.weights,
        "bias": counts.bias,
        "macs": counts.macs,
        "flops": counts.flops,
        "activations": counts.output_elements,
        "weight_bytes": BYTES_PER_ELEMENT * counts.params,
        "memory_access_elements": counts.memory_access_elements,
        "memory_access_bytes": counts.memory_access_bytes,
        "arithmetic_intensity": counts.arithmetic_intensity if counts.memory_access_bytes else 0.0,
        "fully_connected_weights": _fully_connected(counts) if network.weighted(layer) else None,
    }


def _grouping(kind: Conv2d, image: Shape, output: Shape) -> dict[str, Any]:
    channels = image[0], output[0]
    return {**kind.split.describe(*channels), "text": kind.split.words(*channels)}


def _fully_connected(counts: Counts) -> int:
    """Weights, and MACs, of a fully connected layer between the same two volumes, without bias."""
    return counts.input_elements * counts.output_elements


def _published(network: Network) -> dict[str, Any] | None:
    stated = network.published
    if stated is None:
        return None
    return {
        "params": stated.params,
        "macs": stated.macs,
        "params_unit": stated.params_unit,
        "macs_unit": stated.macs_unit,
    }
