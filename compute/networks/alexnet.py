"""AlexNet three times: with the two towers of 2012, with the towers joined, and as torchvision draws it."""

from collections.abc import Iterator

from compute.formulas import digits
from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, Dropout, Flatten, Linear, LocalResponseNorm, ReLU
from compute.networks.table import conv, layer, max_pool

PAPER = "Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012"
THESIS = (
    "totals: Ioannou, Structural Priors in Deep Neural Networks, Cambridge 2017, Inter-Filter Connectivity, table data"
)
BIASES = (
    "The totals in the source also count one MAC a bias: {macs}, 10\u202f568 more than here. The paper writes 224 × 224"
    " for the input; 227 × 227 is what makes conv1 55 × 55 without padding."
)


def alexnet_2012() -> Network:
    return Network(
        tuple(_towers(groups=2)),
        (3, 227, 227),
        "AlexNet (2012)",
        f"{PAPER}; {THESIS}",
        BIASES.format(macs=digits(724_417_384)),
        Published(60_965_224, 724_406_816),
    )


def alexnet_ungrouped() -> Network:
    return Network(
        tuple(_towers(groups=1)),
        (3, 227, 227),
        "AlexNet (2012) without groups",
        f"{PAPER}, every convolution seeing every channel; {THESIS}",
        BIASES.format(macs=digits(1_135_266_664)),
        Published(62_378_344, 1_135_256_096),
    )


def alexnet_torchvision() -> Network:
    return Network(
        (
            conv("conv1", 64, 11, stride=4, padding=2),
            layer("relu1", ReLU()),
            max_pool("pool1", 3, 2),
            conv("conv2", 192, 5, padding=2),
            layer("relu2", ReLU()),
            max_pool("pool2", 3, 2),
            conv("conv3", 384, 3, padding=1),
            layer("relu3", ReLU()),
            conv("conv4", 256, 3, padding=1),
            layer("relu4", ReLU()),
            conv("conv5", 256, 3, padding=1),
            layer("relu5", ReLU()),
            max_pool("pool5", 3, 2),
            layer("avgpool", AdaptiveAvgPool2d((6, 6))),
            layer("flatten", Flatten()),
            layer("drop6", Dropout()),
            layer("fc6", Linear(4096)),
            layer("relu6", ReLU()),
            layer("drop7", Dropout()),
            layer("fc7", Linear(4096)),
            layer("relu7", ReLU()),
            layer("fc8", Linear(1000)),
        ),
        name="AlexNet (torchvision)",
        source="torchvision.models.alexnet, after Krizhevsky: One weird trick, arXiv 1404.5997: one tower, no groups",
        published=Published(61_100_840, 714_188_480),
    )


def _towers(groups: int) -> Iterator[Layer]:
    """The paper's table; `groups` are those of conv2, conv4 and conv5, whose GPUs do not talk to each other."""
    yield conv("conv1", 96, 11, stride=4)
    yield layer("relu1", ReLU())
    yield layer("norm1", LocalResponseNorm(5))
    yield max_pool("pool1", 3, 2)
    yield conv("conv2", 256, 5, padding=2, groups=groups)
    yield layer("relu2", ReLU())
    yield layer("norm2", LocalResponseNorm(5))
    yield max_pool("pool2", 3, 2)
    yield conv("conv3", 384, 3, padding=1)
    yield layer("relu3", ReLU())
    yield conv("conv4", 384, 3, padding=1, groups=groups)
    yield layer("relu4", ReLU())
    yield conv("conv5", 256, 3, padding=1, groups=groups)
    yield layer("relu5", ReLU())
    yield max_pool("pool5", 3, 2)
    yield layer("flatten", Flatten())
    yield layer("fc6", Linear(4096))
    yield layer("relu6", ReLU())
    yield layer("drop6", Dropout())
    yield layer("fc7", Linear(4096))
    yield layer("relu7", ReLU())
    yield layer("drop7", Dropout())
    yield layer("fc8", Linear(1000))
