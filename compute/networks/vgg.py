"""VGG-16: nothing but 3 × 3 convolutions, twice as many channels whenever the resolution halves."""

from collections.abc import Iterator

from compute.network.graph import Layer, Network, Published
from compute.network.kinds import Dropout, Flatten, Linear, ReLU
from compute.networks.table import conv, layer, max_pool

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions


def vgg_16() -> Network:
    return Network(
        tuple(_layers()),
        name="VGG-16",
        source="Simonyan, Zisserman, arXiv 1409.1556, configuration D; totals: torchvision.models.vgg16",
        published=Published(138_357_544, 15_470_264_320),
    )


def _layers() -> Iterator[Layer]:
    for stage, (channels, convolutions) in enumerate(STAGES, 1):
        for i in range(1, convolutions + 1):
            yield conv(f"conv{stage}_{i}", channels, 3, padding=1)
            yield layer(f"relu{stage}_{i}", ReLU())
        yield max_pool(f"pool{stage}", 2, 2)
    yield layer("flatten", Flatten())
    for name in ("6", "7"):
        yield layer(f"fc{name}", Linear(4096))
        yield layer(f"relu{name}", ReLU())
        yield layer(f"drop{name}", Dropout())
    yield layer("fc8", Linear(1000))
