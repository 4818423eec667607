import pytest

from compute.network import Layer, Network, Split
from compute.network.halving import halving
from compute.network.kinds import Conv2d, Flatten, Linear, MaxPool2d
from compute.networks import load

NOTHING = {"params": None, "macs": None, "activations": None, "memory_access_bytes": None}


def alone(kind, channels: int = 64, size: tuple[int, int] = (8, 6)) -> dict:
    (entry,) = halving(Network((Layer("a", kind),), (channels, *size)))
    return entry


def test_a_dense_convolution_by_hand():
    """3 × 3, 64 to 32, 8 × 6: 18 432 weights and 32 biases; half the channels 4 608 and 16; half the pixels 4 × 3."""
    assert alone(Conv2d(32, 3, padding=1)) == {
        "channels": {
            "params": 18_464 - 4_624,
            "macs": 48 * (18_432 - 4_608),
            "activations": 48 * (32 - 16),
            "memory_access_bytes": 4 * (48 * 96 + 18_432 - 48 * 48 - 4_608),
            "reason": None,
        },
        "resolution": {
            "params": 0,
            "macs": (48 - 12) * 18_432,
            "activations": (48 - 12) * 32,
            "memory_access_bytes": 4 * (48 - 12) * 96,
            "reason": None,
        },
    }


@pytest.mark.parametrize(
    ("split", "half"),
    [
        (Split.uniform(4), Split.uniform(4)),
        (Split.uniform(64), Split.uniform(32)),
        (Split("depthwise"), Split("depthwise")),
        (Split("logarithmic", 4), Split("logarithmic", 4)),
        (Split.custom([(48, 16), (16, 48)]), Split.custom([(24, 8), (8, 24)])),
    ],
)
def test_the_split_is_kept(split, half):
    whole, smaller = (
        Network((Layer("a", Conv2d(channels, 3, stride=2, padding=1, split=rule)),), (channels, 8, 6))
        for channels, rule in ((64, split), (32, half))
    )
    saved = halving(whole)[0]["channels"]
    before, after = whole.counts["a"], smaller.counts["a"]
    assert saved == {
        "params": before.params - after.params,
        "macs": before.macs - after.macs,
        "activations": before.output_elements - after.output_elements,
        "memory_access_bytes": before.memory_access_bytes - after.memory_access_bytes,
        "reason": None,
    }


def test_half_a_resolution_is_rounded_up():
    """7 to 4 by a kernel that moves by 2: 4 outputs become 2."""
    half = alone(Conv2d(8, 3, stride=2, padding=1, bias=False), 8, (7, 1))
    assert half["resolution"]["macs"] == (4 - 2) * 9 * 64


@pytest.mark.parametrize(
    ("kind", "channels", "size", "part", "reason"),
    [
        (Conv2d(8, 3), 3, (8, 6), "channels", "3 input channels cannot be halved"),
        (Conv2d(9, 3), 8, (8, 6), "channels", "9 output channels cannot be halved"),
        (
            Conv2d(8, 3, split=Split.uniform(4)),
            12,
            (8, 6),
            "channels",
            "groups must divide in_channels: 6 % 4 = 2",
        ),
        (
            Conv2d(8, 3, split=Split.custom([(3, 4), (5, 4)])),
            8,
            (8, 6),
            "channels",
            "3 channels of a group cannot be halved",
        ),
        (Conv2d(8, 1), 8, (1, 1), "resolution", "a resolution of 1 × 1 cannot be halved"),
        (
            Conv2d(8, 5),
            8,
            (8, 6),
            "resolution",
            "the kernel must fit in the padded input: dilation × (kernel_size − 1) + 1 = 5 is more than"
            " height 4 + 2 × padding = 4",
        ),
    ],
)
def test_what_cannot_be_halved_says_why(kind, channels, size, part, reason):
    assert alone(kind, channels, size)[part] == {**NOTHING, "reason": reason}


def test_linear_layers_have_channels_and_no_resolution():
    layers = (Layer("p", MaxPool2d(2)), Layer("f", Flatten()), Layer("a", Linear(10)), Layer("b", Linear(7)))
    pool, flatten, first, second = halving(Network(layers, (8, 8, 6)))
    assert (pool, flatten) == (None, None)
    assert first["channels"] == {
        "params": 970 - 245, "macs": 960 - 240, "activations": 10 - 5, "reason": None,
        "memory_access_bytes": 4 * (106 + 960 - 53 - 240),
    }  # fmt: skip
    assert first["resolution"] == {**NOTHING, "reason": "a linear layer has no resolution"}
    assert second["channels"] == {**NOTHING, "reason": "7 output features cannot be halved"}


def test_deep_layers_are_dear_in_channels():
    """Of the last 3 × 3 of ResNet-50, 7 × 7 pixels: channels save 3/4 of the weights, pixels none."""
    network = load("resnet-50")
    last = next(i for i, layer in enumerate(network.layers) if layer.name == "layer4.2.conv2")
    half = halving(network)[last]
    assert (half["channels"]["params"], half["resolution"]["params"]) == (3 * 9 * 256 * 256, 0)
    assert half["resolution"]["macs"] == (49 - 16) * 9 * 512 * 512
