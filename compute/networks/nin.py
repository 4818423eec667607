"""Network in Network for CIFAR-10 and its roots: groups in the spatial convolutions, halved with depth."""

from collections.abc import Iterator

from compute.formulas import digits
from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, BatchNorm2d, Flatten, ReLU
from compute.networks.table import avg_pool, conv, followed, layer, max_pool

SOURCE = (
    "Ioannou et al.: Deep Roots, arXiv 1605.06489, CIFAR-10 tables, after Lin et al., arXiv 1312.4400;"
    " exact totals: Ioannou, Structural Priors in Deep Neural Networks, Cambridge 2017, Inter-Filter Connectivity,"
    " table data"
)
PUBLISHED = {  # k: params, MACs as printed, to a million
    1: (966_986, 222_000_000),
    2: (736_586, 164_000_000),
    4: (455_498, 123_000_000),
    8: (314_954, 103_000_000),
    16: (244_682, 93_000_000),
}
BIASES = 1_418  # of all nine convolutions


def nin(k: int = 1) -> Network:
    """k groups in conv2a, half as many in conv3a; 1 is the original network."""
    params, macs = PUBLISHED[k]
    network = Network(tuple(_layers(k, max(1, k // 2))), (3, 32, 32))
    return Network(
        network.layers,
        network.input_shape,
        f"NIN root-{k} (CIFAR-10)" if k > 1 else "NIN (CIFAR-10)",
        SOURCE,
        f"The source also counts one MAC a bias: {digits(network.macs + BIASES)}, {digits(BIASES)} more than here. It"
        " trains with batch normalisation and without dropout, and counts none of its parameters: it has no affine"
        " pairs here. That it follows every convolution is our reading.",
        Published(params, macs, macs_unit=1_000_000),
    )


def _layers(conv2a: int, conv3a: int) -> Iterator[Layer]:
    yield from _normalised(conv("conv1a", 192, 5, padding=2))
    yield from _normalised(conv("conv1b", 160, 1))
    yield from _normalised(conv("conv1c", 96, 1))
    yield max_pool("pool1", 3, 2, ceil_mode=True)
    yield from _normalised(conv("conv2a", 192, 5, padding=2, groups=conv2a))
    yield from _normalised(conv("conv2b", 192, 1))
    yield from _normalised(conv("conv2c", 192, 1))
    yield avg_pool("pool2", 3, 2, ceil_mode=True)
    yield from _normalised(conv("conv3a", 192, 3, padding=1, groups=conv3a))
    yield from _normalised(conv("conv3b", 192, 1))
    yield from _normalised(conv("conv3c", 10, 1))
    yield layer("pool3", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())


def _normalised(convolution: Layer) -> Iterator[Layer]:
    return followed(convolution, BatchNorm2d(affine=False), ReLU())
