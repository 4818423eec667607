"""MobileNets: a depthwise 3 × 3 convolution for space, 1 × 1 convolutions for channels."""

from collections.abc import Iterator

from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, Add, BatchNorm2d, Dropout, Flatten, Kind, Linear, ReLU, ReLU6
from compute.networks.table import DEPTHWISE, conv, followed, layer

# Table 1 of arXiv 1704.04861: output channels and stride of each depthwise and 1 x 1 pair
V1 = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip

# Table 2 of arXiv 1801.04381: expansion t, channels c, repeats n, stride s of the first
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v1() -> Network:
    return Network(
        tuple(_v1()),
        name="MobileNetV1 1.0",
        source="Howard et al., arXiv 1704.04861, table 1, width 1.0; it states 4.2 million params and 569 million MACs",
        convention="The table gives the last depthwise convolution stride 2 at 7 × 7 and keeps 7 × 7: stride 1 here,"
        " as in every implementation.",
        published=Published(4_231_976, 568_740_352),
    )


def mobilenet_v2() -> Network:
    return Network(
        tuple(_v2()),
        name="MobileNetV2 1.0",
        source="Sandler et al., arXiv 1801.04381, table 2, as torchvision.models.mobilenet_v2 has it",
        published=Published(3_504_872, 300_774_272),
    )


def _v1() -> Iterator[Layer]:
    channels = 32
    yield from followed(conv("conv1", channels, 3, 2, padding=1, bias=False), *_normalised(ReLU()))
    for i, (out_channels, stride) in enumerate(V1, 1):
        depthwise = conv(f"block{i}.dw", channels, 3, stride, padding=1, groups=DEPTHWISE, bias=False)
        yield from followed(depthwise, *_normalised(ReLU()))
        yield from followed(conv(f"block{i}.pw", out_channels, 1, bias=False), *_normalised(ReLU()))
        channels = out_channels
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())
    yield layer("fc", Linear(1000))


def _v2() -> Iterator[Layer]:
    channels, before = 32, "conv1.relu6"
    yield from followed(conv("conv1", channels, 3, 2, padding=1, bias=False), *_normalised(ReLU6()))
    strides = [(t, c, s if not i else 1) for t, c, n, s in V2 for i in range(n)]
    for i, (expansion, out_channels, stride) in enumerate(strides, 1):
        block = f"block{i}"
        yield from _inverted_residual(block, channels, out_channels, stride, expansion)
        if stride == 1 and channels == out_channels:
            yield layer(f"{block}.add", Add(), f"{block}.project.bn", before)
            before = f"{block}.add"
        else:
            before = f"{block}.project.bn"
        channels = out_channels
    yield from followed(conv("conv2", 1280, 1, bias=False), *_normalised(ReLU6()))
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())
    yield layer("dropout", Dropout(0.2))
    yield layer("fc", Linear(1000))


def _inverted_residual(block: str, channels: int, out_channels: int, stride: int, expansion: int) -> Iterator[Layer]:
    """Wide inside, narrow and linear at both ends."""
    width = channels * expansion
    if expansion > 1:
        yield from followed(conv(f"{block}.expand", width, 1, bias=False), *_normalised(ReLU6()))
    depthwise = conv(f"{block}.dw", width, 3, stride, padding=1, groups=DEPTHWISE, bias=False)
    yield from followed(depthwise, *_normalised(ReLU6()))
    yield from followed(conv(f"{block}.project", out_channels, 1, bias=False), BatchNorm2d())


def _normalised(activation: Kind) -> tuple[Kind, Kind]:
    return BatchNorm2d(), activation
