"""What halving a layer's channels, and what halving its resolution, would save: deep layers are dear in channels."""

from collections.abc import Callable
from typing import Any

from compute.counts import Counts
from compute.errors import SpecError
from compute.network.graph import Layer, Network
from compute.network.kinds import Conv2d, Linear, Shape
from compute.network.patience import check
from compute.network.split import Split

# What is said, and what the bill of a layer calls it.
SAVED = {
    "params": "params",
    "macs": "macs",
    "activations": "output_elements",
    "memory_access_bytes": "memory_access_bytes",
}


def halving(network: Network) -> list[dict[str, Any] | None]:
    """Per layer; None where it is neither a convolution nor linear.

    {"channels", "resolution"}: each {"params", "macs", "activations", "memory_access_bytes", "reason"}, what halving
    would save of this layer, or nulls and why it cannot be done. Channels: both sides, the split kept. Resolution: of
    the layer's input, rounded up.
    """
    return [halved(network, layer) for layer in network.layers]


def halved(network: Network, layer: Layer) -> dict[str, Any] | None:
    """halving() of one layer."""
    if not network.weighted(layer):
        return None
    check()
    kind, (image, *_), output = layer.kind, network.inputs(layer), network.shapes[layer.name]
    before = kind.count([image], output)
    if isinstance(kind, Conv2d):
        return {
            "channels": _saved(before, lambda: _narrow(kind, image, output)),
            "resolution": _saved(before, lambda: _coarse(kind, image)),
        }
    assert isinstance(kind, Linear)
    return {
        "channels": _saved(before, lambda: _fewer(kind, image[0])),
        "resolution": _saved(before, _no_resolution),
    }


def _saved(before: Counts, halved: Callable[[], Counts]) -> dict[str, Any]:
    try:
        after = halved()
    except SpecError as error:
        return {**dict.fromkeys(SAVED), "reason": error.message}
    return {**{key: getattr(before, name) - getattr(after, name) for key, name in SAVED.items()}, "reason": None}


def _narrow(kind: Conv2d, image: Shape, output: Shape) -> Counts:
    channels = _half(image[0], "input channels"), _half(output[0], "output channels")
    weights = kind.taps * _half_split(kind.split, image[0]).connections(*channels)
    pixels = image[1] * image[2], output[1] * output[2]
    bias = channels[1] if kind.bias else 0
    return Counts(weights, bias, weights * pixels[1], channels[0] * pixels[0], channels[1] * pixels[1])


def _half_split(split: Split, in_channels: int) -> Split:
    """The same rule; one group a channel stays so, and custom sizes are halved."""
    if split.scheme == "custom":
        return Split.custom(
            (_half(a, "channels of a group"), _half(b, "channels of a group")) for a, b in split.sizes or ()
        )
    return Split.uniform(in_channels // 2) if split.scheme == "uniform" and split.groups == in_channels else split


def _coarse(kind: Conv2d, image: Shape) -> Counts:
    channels, height, width = image
    if height == width == 1:
        raise SpecError("a resolution of 1 × 1 cannot be halved", None)
    smaller = channels, -(-height // 2), -(-width // 2)
    return kind.count([smaller], kind.output(smaller))


def _fewer(kind: Linear, in_features: int) -> Counts:
    features = _half(in_features, "input features"), _half(kind.out_features, "output features")
    weights = features[0] * features[1]
    return Counts(weights, features[1] if kind.bias else 0, weights, *features)


def _no_resolution() -> Counts:
    raise SpecError("a linear layer has no resolution", None)


def _half(number: int, what: str) -> int:
    if number % 2:
        raise SpecError(f"{number} {what} cannot be halved", None)
    return number // 2
