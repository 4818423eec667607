"""The words the tables of this package are written in: one call a layer, PyTorch's parameter names and defaults."""

from collections.abc import Iterator

from compute.network.graph import Layer
from compute.network.kinds import AvgPool2d, BatchNorm2d, Conv2d, Kind, MaxPool2d
from compute.network.split import Split
from compute.spec import Pair

DEPTHWISE = Split("depthwise")


def layer(name: str, kind: Kind, *inputs: str) -> Layer:
    return Layer(name, kind, inputs)


def conv(
    name: str,
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    groups: int | Split = 1,
    bias: bool = True,
    inputs: tuple[str, ...] = (),
) -> Layer:
    """A square convolution; `groups` as in PyTorch, or a split that is not uniform."""
    split = groups if isinstance(groups, Split) else Split.uniform(groups)
    kind = Conv2d(out_channels, _square(kernel_size), _square(stride), _square(padding), bias=bias, split=split)
    return Layer(name, kind, inputs)


def max_pool(name: str, kernel_size: int, stride: int, padding: int = 0, ceil_mode: bool = False) -> Layer:
    return Layer(name, MaxPool2d(_square(kernel_size), _square(stride), _square(padding), ceil_mode))


def avg_pool(
    name: str, kernel_size: int, stride: int, padding: int = 0, ceil_mode: bool = False, inputs: tuple[str, ...] = ()
) -> Layer:
    return Layer(name, AvgPool2d(_square(kernel_size), _square(stride), _square(padding), ceil_mode), inputs)


def followed(convolution: Layer, *kinds: Kind) -> Iterator[Layer]:
    """The convolution, then what follows it, named after it: `conv1`, `conv1.bn`, `conv1.relu`."""
    yield convolution
    for kind in kinds:
        suffix = "bn" if isinstance(kind, BatchNorm2d) else kind.title().lower()
        yield Layer(f"{convolution.name}.{suffix}", kind)


def _square(side: int) -> Pair:
    return side, side
