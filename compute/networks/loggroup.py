"""A shallow network of log-group residual modules for CIFAR-10: our reading of the paper, not its table."""

from collections.abc import Iterator

from compute.network.graph import Layer, Network
from compute.network.kinds import AdaptiveAvgPool2d, Add, Flatten, Linear, ReLU
from compute.network.split import Split
from compute.networks.table import conv, followed, layer, max_pool

LOGARITHMIC = Split("logarithmic", groups=4, base=2)
WIDTHS = (32, 64, 128)  # at 32 x 32, 16 x 16 and 8 x 8


def log_group_cnn() -> Network:
    return Network(
        tuple(_layers()),
        (3, 32, 32),
        "Log-group CNN (our reading)",
        "after Lee, Baddar, Kim, Ro: Convolution with Logarithmic Filter Groups for Efficient Shallow CNN,"
        " arXiv 1707.09855",
        "Our reading of the paper, whose own layer table was not available to us: log-group residual modules"
        " relu(conv(x) + x) with n = 4 groups of base 2, dense 1 × 1 convolutions that widen between them and mix their"
        " groups. No published total to compare with.",
    )


def _layers() -> Iterator[Layer]:
    yield from followed(conv("conv1", WIDTHS[0], 3, padding=1), ReLU())
    before = "conv1.relu"
    for stage, width in enumerate(WIDTHS, 1):
        if stage > 1:
            yield from followed(conv(f"widen{stage}", width, 1), ReLU())
            yield max_pool(f"pool{stage}", 2, 2)
            before = f"pool{stage}"
        yield from _module(f"module{stage}", before, width)
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())
    yield layer("fc", Linear(10))


def _module(module: str, before: str, width: int) -> Iterator[Layer]:
    yield conv(f"{module}.conv", width, 3, padding=1, groups=LOGARITHMIC)
    yield layer(f"{module}.add", Add(), f"{module}.conv", before)
    yield layer(f"{module}.relu", ReLU())
