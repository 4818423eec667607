"""SqueezeNet 1.0: fire modules squeeze the channels by 1 × 1, then expand them by 1 × 1 and 3 × 3 side by side."""

from collections.abc import Iterator

from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, Concat, Dropout, Flatten, ReLU
from compute.networks.table import conv, followed, layer, max_pool

# Table 1 of arXiv 1602.07360: 1 x 1 filters that squeeze, and as many 1 x 1 as 3 x 3 filters that expand
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
POOLED = (4, 8)


def squeezenet_1_0() -> Network:
    return Network(
        tuple(_layers()),
        name="SqueezeNet 1.0",
        source="Iandola et al., arXiv 1602.07360, table 1, as torchvision.models.squeezenet1_0 has it",
        published=Published(1_248_424, 818_924_576),
    )


def _layers() -> Iterator[Layer]:
    yield from followed(conv("conv1", 96, 7, stride=2), ReLU())
    yield max_pool("pool1", 3, 2, ceil_mode=True)
    for number, (squeeze, expand) in FIRES.items():
        yield from _fire(f"fire{number}", squeeze, expand)
        if number in POOLED:
            yield max_pool(f"pool{number}", 3, 2, ceil_mode=True)
    yield layer("dropout", Dropout())
    yield from followed(conv("conv10", 1000, 1), ReLU())
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())


def _fire(fire: str, squeeze: int, expand: int) -> Iterator[Layer]:
    yield from followed(conv(f"{fire}.squeeze", squeeze, 1), ReLU())
    yield from followed(conv(f"{fire}.expand1x1", expand, 1), ReLU())
    yield from followed(conv(f"{fire}.expand3x3", expand, 3, padding=1, inputs=(f"{fire}.squeeze.relu",)), ReLU())
    yield layer(f"{fire}.concat", Concat(), f"{fire}.expand1x1.relu", f"{fire}.expand3x3.relu")
