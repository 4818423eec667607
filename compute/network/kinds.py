"""The kinds of layers a network may have: PyTorch's names and parameters, what each makes of a shape, what it costs.

A kind knows nothing of its neighbours. Shapes are (C, H, W) or (features,), one image. Costs follow compute/counts.py:
`weights` without bias, MACs of convolutions and linear layers only. What a kind refuses is a SpecError whose `field` is
the parameter to change; which layer it was is added by the network.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Literal

from compute.counts import Counts
from compute.errors import KernelTooLarge, SpecError, integer
from compute.network.split import Split
from compute.spec import Pair, pair

Shape = tuple[int, ...]  # (C, H, W), or (features,)
Keeps = Literal["nothing", "input", "output", "mask", "input and indices"]


class ShapeMismatch(SpecError):
    """Inputs of a shape that this kind cannot take."""

    code = "shape_mismatch"


@dataclass(frozen=True)
class Kind:
    """One kind of layer. `keeps`: what PyTorch's autograd stores of it for the backward pass, parameters aside."""

    many: ClassVar[bool] = False  # takes two inputs or more
    passes: ClassVar[bool] = False  # moves no element: a view, or nothing at all when a network is used
    keeps: ClassVar[Keeps] = "nothing"

    @classmethod
    def title(cls) -> str:
        """`Conv2d`, as torch.nn calls it."""
        return cls.__name__

    def output(self, *inputs: Shape) -> Shape:
        """The output's shape; raises SpecError."""
        return inputs[0]

    def weights(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, int]:
        """(weights, biases)."""
        return 0, 0

    def macs(self, weights: int, output: Shape) -> int:
        return 0

    def count(self, inputs: Sequence[Shape], output: Shape) -> Counts:
        """For one image, in use, not in training."""
        weights, bias = self.weights(inputs, output)
        moved = (0, 0) if self.passes else (sum(map(math.prod, inputs)), math.prod(output))
        return Counts(weights, bias, self.macs(weights, output), *moved)

    def parameters(self) -> dict[str, Any]:
        """What a document says of it: PyTorch's parameter names, those left at their default left out."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default}


@dataclass(frozen=True)
class Conv2d(Kind):
    """nn.Conv2d with any grouping; input (C, H, W). in_channels are those of its input."""

    out_channels: int
    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    bias: bool = True
    split: Split = field(default=Split())

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "out_channels", integer("out_channels", self.out_channels, 1))
        _window(self)
        _boolean(self, "bias")

    @cached_property
    def taps(self) -> int:
        return self.kernel_size[0] * self.kernel_size[1]

    def output(self, *inputs: Shape) -> Shape:
        channels, *_ = image = _image(self, inputs[0])
        self.split.connections(channels, self.out_channels)  # it may not fit
        return (self.out_channels, *_slide(self, image))

    def weights(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, int]:
        connections = self.split.connections(inputs[0][0], self.out_channels)
        return self.taps * connections, self.out_channels if self.bias else 0

    def macs(self, weights: int, output: Shape) -> int:
        return weights * output[1] * output[2]

    def parameters(self) -> dict[str, Any]:
        plain = super().parameters()
        plain.pop("split", None)
        return {**plain, **self.split.document()}


@dataclass(frozen=True)
class Linear(Kind):
    """nn.Linear; input (features,)."""

    out_features: int
    bias: bool = True

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "out_features", integer("out_features", self.out_features, 1))
        _boolean(self, "bias")

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 1:
            raise ShapeMismatch(
                f"Linear takes one vector of features, not {shape_text(inputs[0])}", None, "put a Flatten before it"
            )
        return (self.out_features,)

    def weights(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, int]:
        return inputs[0][0] * self.out_features, self.out_features if self.bias else 0

    def macs(self, weights: int, output: Shape) -> int:
        return weights


@dataclass(frozen=True)
class _Pool(Kind):
    kernel_size: Pair
    stride: Pair | None = None
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel_size)
        _window(self)
        _boolean(self, "ceil_mode")
        for axis in range(2):
            if 2 * self.padding[axis] > self.kernel_size[axis]:
                raise SpecError(
                    f"padding must be at most half of kernel_size: {self.padding[axis]} is more than"
                    f" {self.kernel_size[axis]} / 2",
                    "padding",
                    f"use {self.kernel_size[axis] // 2} or less",
                )

    def output(self, *inputs: Shape) -> Shape:
        image = _image(self, inputs[0])
        return (image[0], *_slide(self, image))


@dataclass(frozen=True)
class MaxPool2d(_Pool):
    """nn.MaxPool2d; stride defaults to kernel_size."""

    dilation: Pair = (1, 1)

    keeps: ClassVar[Keeps] = "input and indices"


@dataclass(frozen=True)
class AvgPool2d(_Pool):
    """nn.AvgPool2d; stride defaults to kernel_size."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class AdaptiveAvgPool2d(Kind):
    """nn.AdaptiveAvgPool2d; output_size 1 is the global average."""

    output_size: Pair

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "output_size", pair("output_size", self.output_size, 1))

    def output(self, *inputs: Shape) -> Shape:
        return (_image(self, inputs[0])[0], *self.output_size)


@dataclass(frozen=True)
class BatchNorm2d(Kind):
    """nn.BatchNorm2d; affine: a weight and a bias a channel."""

    affine: bool = True

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        _boolean(self, "affine")

    def output(self, *inputs: Shape) -> Shape:
        return _image(self, inputs[0])

    def weights(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, int]:
        return (output[0], output[0]) if self.affine else (0, 0)


@dataclass(frozen=True)
class GroupNorm(Kind):
    """nn.GroupNorm: num_groups must divide the channels."""

    num_groups: int
    affine: bool = True

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "num_groups", integer("num_groups", self.num_groups, 1))
        _boolean(self, "affine")

    def output(self, *inputs: Shape) -> Shape:
        image = _image(self, inputs[0])
        _divides("num_groups", self.num_groups, image[0])
        return image

    def weights(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, int]:
        return (output[0], output[0]) if self.affine else (0, 0)


@dataclass(frozen=True)
class LocalResponseNorm(Kind):
    """nn.LocalResponseNorm across `size` neighbouring channels."""

    size: int

    keeps: ClassVar[Keeps] = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", integer("size", self.size, 1))

    def output(self, *inputs: Shape) -> Shape:
        return _image(self, inputs[0])


@dataclass(frozen=True)
class ReLU(Kind):
    """nn.ReLU."""

    keeps: ClassVar[Keeps] = "output"


@dataclass(frozen=True)
class ReLU6(Kind):
    """nn.ReLU6."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class LeakyReLU(Kind):
    """nn.LeakyReLU."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class Hardswish(Kind):
    """nn.Hardswish."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class SiLU(Kind):
    """nn.SiLU."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class GELU(Kind):
    """nn.GELU."""

    keeps: ClassVar[Keeps] = "input"


@dataclass(frozen=True)
class Sigmoid(Kind):
    """nn.Sigmoid."""

    keeps: ClassVar[Keeps] = "output"


@dataclass(frozen=True)
class Tanh(Kind):
    """nn.Tanh."""

    keeps: ClassVar[Keeps] = "output"


@dataclass(frozen=True)
class Dropout(Kind):
    """nn.Dropout: does nothing when a network is used, keeps a mask when it is trained."""

    p: float = 0.5

    passes: ClassVar[bool] = True
    keeps: ClassVar[Keeps] = "mask"

    def __post_init__(self) -> None:
        if isinstance(self.p, bool) or not isinstance(self.p, int | float) or not 0 <= self.p < 1:
            raise SpecError(f"p must be a number from 0 to below 1, not {self.p!r}", "p", "use 0.5")


@dataclass(frozen=True)
class Flatten(Kind):
    """nn.Flatten: the same elements as one vector."""

    passes: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        return (math.prod(inputs[0]),)


@dataclass(frozen=True)
class ChannelShuffle(Kind):
    """nn.ChannelShuffle: one channel from each of `groups` groups in turn."""

    groups: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", integer("groups", self.groups, 1))

    def output(self, *inputs: Shape) -> Shape:
        image = _image(self, inputs[0])
        _divides("groups", self.groups, image[0])
        return image


@dataclass(frozen=True)
class Add(Kind):
    """The sum of its inputs, which must be alike: a residual connection."""

    many: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        if len(set(inputs)) > 1:
            raise ShapeMismatch(
                f"Add needs inputs of one shape, not {' and '.join(map(shape_text, inputs))}",
                "inputs",
                "make their channels and resolution equal, such as by a 1 × 1 convolution on one side",
            )
        return inputs[0]


@dataclass(frozen=True)
class Concat(Kind):
    """Its inputs' channels one after the other: torch.cat(dim=1)."""

    many: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        if len({shape[1:] for shape in inputs}) > 1 or len({len(shape) for shape in inputs}) > 1:
            raise ShapeMismatch(
                f"Concat needs inputs of one height and width, not {' and '.join(map(shape_text, inputs))}",
                "inputs",
                "give both sides the same stride and padding",
            )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])


KINDS: dict[str, type[Kind]] = {
    kind.title(): kind
    for kind in (
        Conv2d, Linear,
        MaxPool2d, AvgPool2d, AdaptiveAvgPool2d,
        BatchNorm2d, GroupNorm, LocalResponseNorm,
        ReLU, ReLU6, LeakyReLU, Hardswish, SiLU, GELU, Sigmoid, Tanh, Dropout,
        Add, Concat, ChannelShuffle, Flatten,
    )
}  # fmt: skip


def shape_text(shape: Shape) -> str:
    """64 × 56 × 56, or 4096 features."""
    return " × ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} features"


def _image(kind: Kind, shape: Shape) -> Shape:
    if len(shape) != 3:
        hint = "put it before the Flatten"
        raise ShapeMismatch(f"{kind.title()} takes channels × height × width, not {shape_text(shape)}", None, hint)
    return shape


def _divides(name: str, groups: int, channels: int) -> None:
    if channels % groups:
        raise SpecError(
            f"{name} must divide the channels: {channels} % {groups} = {channels % groups}",
            name,
            f"use a divisor of {channels}",
        )


def _window(kind: Any) -> None:
    for name, low in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
        if hasattr(kind, name):
            object.__setattr__(kind, name, pair(name, getattr(kind, name), low))


def _boolean(kind: Any, name: str) -> None:
    if not isinstance(getattr(kind, name), bool):
        raise SpecError(f"{name} must be true or false, not {getattr(kind, name)!r}", name, "write true or false")


def _slide(kind: Any, image: Shape) -> tuple[int, int]:
    """PyTorch's rule on both axes; in ceil_mode a last window may hang over, if it begins inside the input."""
    dilation, ceil = getattr(kind, "dilation", (1, 1)), getattr(kind, "ceil_mode", False)
    sides = []
    for axis, name in ((0, "height"), (1, "width")):
        length, padding, stride = image[1 + axis], kind.padding[axis], kind.stride[axis]
        extent, padded = dilation[axis] * (kind.kernel_size[axis] - 1) + 1, length + 2 * padding
        if extent > padded:
            raise KernelTooLarge(f"{name} {length}", extent, padded)
        steps = -(-(padded - extent) // stride) if ceil else (padded - extent) // stride
        if ceil and steps * stride >= length + padding:
            steps -= 1
        sides.append(steps + 1)
    return sides[0], sides[1]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return value[0] if value[0] == value[1] else list(value)
    return value
