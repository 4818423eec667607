"""ShuffleNet V1: grouped 1 × 1 convolutions, and a channel shuffle so that the groups hear of each other."""

from collections.abc import Iterator

from compute.formulas import digits
from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, Add, BatchNorm2d, ChannelShuffle, Concat, Flatten, Linear, ReLU
from compute.networks.table import DEPTHWISE, avg_pool, conv, followed, layer, max_pool

# Table 1 of arXiv 1707.01083: output channels of stage 2, and its complexity in millions; stages 3 and 4 double them
CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
MILLIONS = {1: 143, 2: 140, 3: 137, 4: 133, 8: 137}
PARAMS = {1: 1_531_936, 2: 1_733_848, 3: 1_865_728, 4: 1_968_344, 8: 2_434_768}  # not in the paper: pytorchcv's
UNITS = (4, 8, 4)  # in stages 2, 3 and 4
STEM = 24
CLASSES = 1000


def shufflenet_v1(groups: int) -> Network:
    """Width 1.0 with 1, 2, 3, 4 or 8 groups."""
    network = Network(tuple(_layers(groups)))
    classifier = network.counts["fc"].macs
    return Network(
        network.layers,
        name=f"ShuffleNet V1 1.0, g = {groups}",
        source=f"Zhang et al.: ShuffleNet, arXiv 1707.01083, table 1; params: shufflenet_g{groups}_w1 of pytorchcv",
        convention=f"Table 1 states a complexity of {MILLIONS[groups]} million MACs and leaves the classifier out:"
        f" {digits(network.macs - classifier)} without it, {digits(classifier)} more with it, as here. The first 1 × 1"
        " convolution of stage 2 is not grouped, as the table says. The params are those of pytorchcv; the"
        " paper states none.",
        published=Published(PARAMS[groups]),
    )


def _layers(groups: int) -> Iterator[Layer]:
    yield from followed(conv("conv1", STEM, 3, 2, padding=1, bias=False), BatchNorm2d(), ReLU())
    yield max_pool("maxpool", 3, 2, padding=1)
    channels, before = STEM, "maxpool"
    for stage, units in enumerate(UNITS):
        out_channels = CHANNELS[groups] * 2**stage
        for i in range(units):
            first = 1 if channels == STEM else groups
            unit = f"stage{stage + 2}.{i}"
            yield from _unit(unit, before, channels, out_channels, first, groups)
            channels, before = out_channels, f"{unit}.relu"
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())
    yield layer("fc", Linear(CLASSES))


def _unit(unit: str, before: str, channels: int, out_channels: int, first: int, groups: int) -> Iterator[Layer]:
    """Figure 2 (b), or (c) with stride 2 where the channels change: the pooled shortcut brings some of them along."""
    strided = channels != out_channels
    width = out_channels // 4
    yield from followed(conv(f"{unit}.conv1", width, 1, groups=first, bias=False), BatchNorm2d(), ReLU())
    if groups > 1:
        yield layer(f"{unit}.shuffle", ChannelShuffle(groups))
    depthwise = conv(f"{unit}.dw", width, 3, 2 if strided else 1, padding=1, groups=DEPTHWISE, bias=False)
    yield from followed(depthwise, BatchNorm2d())
    made = out_channels - channels if strided else out_channels
    yield from followed(conv(f"{unit}.conv2", made, 1, groups=groups, bias=False), BatchNorm2d())
    if strided:
        yield avg_pool(f"{unit}.pool", 3, 2, padding=1, inputs=(before,))
        yield layer(f"{unit}.concat", Concat(), f"{unit}.pool", f"{unit}.conv2.bn")
    else:
        yield layer(f"{unit}.add", Add(), before, f"{unit}.conv2.bn")
    yield layer(f"{unit}.relu", ReLU())
