"""What training a network keeps in memory, and the largest batch that fits a budget.

Weights, gradients and optimizer state in one dtype (the whole network converted, not mixed precision), and the saved
activations: the distinct storages that autograd keeps from the forward to the backward pass of the code that
compute/network/code.py writes, parameters aside. A tensor that two layers keep counts once, a view is the tensor it
looks at, and what precedes the first parameter keeps nothing, as nothing there has a gradient. Modelled on torch's own
bookkeeping on a CPU, byte for byte; on CUDA, Dropout's mask takes 1 byte an element and BatchNorm's two statistics of a
batch 4 bytes a channel, whatever the dtype.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compute.errors import SpecError, integer
from compute.network.graph import INPUT, Layer, Network
from compute.network.kinds import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Dropout,
    Flatten,
    GroupNorm,
    Kind,
    LocalResponseNorm,
    MaxPool2d,
    Shape,
)
from compute.network.patience import check

DTYPES = ("float32", "float16", "bfloat16")
OPTIMIZERS = ("sgd", "momentum", "adam")
MAX_GIGABYTES = 1_000_000
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
STATES = {"sgd": 0, "momentum": 1, "adam": 2}  # tensors of the parameters' size: none, velocity, two moments
INDEX_BYTES = 8  # MaxPool's places are int64 in every dtype
NOT_COUNTED = (
    "Not counted: the workspace of convolution algorithms and of the optimizer's step.",
    "Not counted: gradients of activations, which come and go in the backward pass, and outputs that no layer keeps.",
    "Not counted: the loss, the labels and the input pipeline; the batch of images is counted where a layer keeps it.",
    "Not counted: the CUDA context with its kernels (a few hundred MB) and fragmentation of the allocator.",
    "On a GPU the mask of a Dropout takes one byte an element; here it has the size of the dtype, as on a CPU.",
    "1 GB of a budget is 2^30 bytes (GiB), as the memory of graphics cards is sold.",
)


class NothingToTrain(SpecError):
    """A network without parameters keeps nothing: every batch would fit."""

    code = "nothing_to_train"

    def __init__(self) -> None:
        super().__init__(
            "a network without parameters has no largest batch: nothing is kept for a backward pass",
            None,
            "add a layer with weights, such as a Conv2d",
        )


@dataclass(frozen=True)
class _Saved:
    """What one layer is the first to keep."""

    fixed_bytes: int = 0
    per_image_bytes: int = 0

    def bytes(self, batch: int) -> int:
        return self.fixed_bytes + batch * self.per_image_bytes


def training_memory(network: Network, batch: int = 1, dtype: str = "float32", optimizer: str = "sgd") -> dict[str, Any]:
    """Bytes of one training step, total_bytes = fixed_bytes + batch × per_image_bytes, exactly.

    fixed_bytes: weights, gradients, optimizer state and, of each BatchNorm, four vectors a channel that its backward
    pass keeps (mean and inverse deviation of the batch, the running two), all in `dtype`. rows: one a layer, what it is
    the first to keep, for this batch. `momentum` is SGD with momentum; Adam's step counters (4 bytes a tensor) are left
    out. Raises SpecError.
    """
    batch = integer("batch", batch, 1)
    element = _element(dtype)
    saved = [saved for _, saved in _walk(network, element)]
    weight_bytes = element * network.params
    optimizer_bytes = weight_bytes * _states(optimizer)
    per_image = sum(one.per_image_bytes for one in saved)
    fixed = 2 * weight_bytes + optimizer_bytes + sum(one.fixed_bytes for one in saved)
    return {
        "batch": batch,
        "dtype": dtype,
        "optimizer": optimizer,
        "weight_bytes": weight_bytes,
        "gradient_bytes": weight_bytes,
        "optimizer_bytes": optimizer_bytes,
        "saved_activation_bytes": sum(one.bytes(batch) for one in saved),
        "total_bytes": fixed + batch * per_image,
        "per_image_bytes": per_image,
        "fixed_bytes": fixed,
        "rows": [
            {"name": layer.name, "saved_bytes": one.bytes(batch)}
            for layer, one in zip(network.layers, saved, strict=True)
        ],
        "not_counted": list(NOT_COUNTED),
    }


def largest_batch(network: Network, budget_bytes: int, dtype: str = "float32", optimizer: str = "sgd") -> int:
    """The largest batch whose total_bytes fit the budget; 0 where not even one image does. Raises SpecError."""
    budget_bytes = integer("budget_bytes", budget_bytes, 0)
    one = training_memory(network, 1, dtype, optimizer)
    if not one["per_image_bytes"]:
        raise NothingToTrain
    return int(max(0, budget_bytes - one["fixed_bytes"]) // one["per_image_bytes"])


def budget(gigabytes: float) -> int:
    """Bytes of a card sold as `gigabytes` GB, which are GiB: 2^30 bytes each; rounded down. Raises SpecError."""
    number = isinstance(gigabytes, int | float | Fraction) and not isinstance(gigabytes, bool)
    if not number or not 0 < gigabytes <= MAX_GIGABYTES:  # nan is neither
        raise SpecError(
            f"budget_gb must be a number above 0, at most {MAX_GIGABYTES}, not {gigabytes!r}", "budget_gb", "such as 8"
        )
    return math.floor(Fraction(gigabytes) * 2**30)


def _walk(network: Network, element: int) -> Iterator[tuple[Layer, _Saved]]:
    """Each layer and what it keeps that no layer before it kept already."""
    storage = {INPUT: INPUT}  # whose tensor a layer's output lies in: its own, but for views
    learns = {INPUT: False}  # whether a layer's output has a gradient
    kept: set[str] = set()
    for layer in network.layers:
        check()
        feeds, kind = network.feeds[layer.name], layer.kind
        learns[layer.name] = network.counts[layer.name].params > 0 or any(learns[name] for name in feeds)
        storage[layer.name] = storage[feeds[0]] if _view(kind) else layer.name
        if not learns[layer.name]:
            yield layer, _Saved()
            continue
        channels, shape = network.inputs(layer)[0][0], network.shapes[layer.name]
        per_image = element * _own_elements(kind, network.inputs(layer)[0])
        if isinstance(kind, MaxPool2d):
            per_image += INDEX_BYTES * math.prod(shape)
        for name in _keeps(kind, feeds, layer.name):
            if storage[name] not in kept:
                kept.add(storage[name])
                per_image += element * math.prod(network.shapes[name])
        yield layer, _Saved(4 * channels * element if isinstance(kind, BatchNorm2d) else 0, per_image)


def _keeps(kind: Kind, feeds: Sequence[str], name: str) -> tuple[str, ...]:
    """The layers whose outputs a kind keeps, its own or its input's."""
    if isinstance(kind, AdaptiveAvgPool2d) and kind.output_size == (1, 1):
        return ()  # torch takes the mean, which needs no more than the shape
    if kind.keeps in ("input", "input and indices"):
        return (feeds[0],)
    return (name,) if kind.keeps == "output" else ()


def _own_elements(kind: Kind, image: Shape) -> int:
    """Elements of one image that a kind makes for its backward pass alone, in the network's dtype."""
    match kind:
        case Dropout(p=p):
            return math.prod(image) if p else 0
        case GroupNorm(num_groups=groups):
            return 2 * groups  # mean and inverse deviation
        case LocalResponseNorm(size=size):
            # squares padded by size − 1 channels, their scaled mean, and its power
            return (3 * image[0] + size - 1) * image[1] * image[2]
    return 0


def _view(kind: Kind) -> bool:
    return isinstance(kind, Flatten) or (isinstance(kind, Dropout) and not kind.p)


def _element(dtype: str) -> int:
    if dtype not in DTYPES:
        raise SpecError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}", "dtype", "use float32")
    return BYTES[dtype]


def _states(optimizer: str) -> int:
    if optimizer not in OPTIMIZERS:
        raise SpecError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}", "optimizer", "use sgd")
    return STATES[optimizer]
