"""ResNet-50, its roots (groups that halve with depth) and ResNeXt (as many groups everywhere).

Layers are called as in torchvision; where it uses one ReLU three times, each use has a number.
"""

from collections.abc import Iterator

from compute.formulas import digits
from compute.network.graph import Layer, Network, Published
from compute.network.kinds import AdaptiveAvgPool2d, Add, BatchNorm2d, Flatten, Linear, ReLU
from compute.networks.table import conv, layer, max_pool

Groups = tuple[int, int, int, int]  # of the 3 x 3 convolutions in layer1 to layer4: res2 to res5 in the papers
BLOCKS_50, BLOCKS_101 = (3, 4, 6, 3), (3, 4, 23, 3)
PLANES = (64, 128, 256, 512)
EXPANSION = 4
RESNET = "He et al., arXiv 1512.03385, as torchvision.models.resnet50 has it"
ROOTS = {  # Deep Roots' table of ResNet-50: params and multiply-accumulates by the rules of its time
    2: (25_448_680, 3_684_566_056),
    4: (25_126_120, 3_366_650_920),
    8: (23_195_368, 2_860_876_840),
    16: (18_691_048, 2_434_581_544),
    32: (16_438_888, 2_221_433_896),
    64: (15_312_808, 2_114_860_072),
}


def resnet_50() -> Network:
    return Network(
        tuple(_layers(BLOCKS_50)),
        name="ResNet-50",
        source=RESNET,
        convention="Stride 2 is in the 3 × 3 convolution of a block, as in torchvision; the paper has it in the 1 × 1"
        " before.",
        published=Published(25_557_032, 4_089_184_256),
    )


def resnet_50_root(k: int) -> Network:
    """k groups in layer1, half as many in each later layer, down to 1."""
    first, second, third, fourth = (max(1, k >> stage) for stage in range(4))
    params, macs = ROOTS[k]
    return Network(
        tuple(_layers(BLOCKS_50, (first, second, third, fourth))),
        name=f"ResNet-50 root-{k}",
        source=f"groups of the 3 × 3 convolutions: Ioannou et al.: Deep Roots, arXiv 1605.06489; the rest: {RESNET}",
        convention=f"Deep Roots states {digits(params)} params and {digits(macs)} MACs by other rules: stride 2 in the"
        " 1 × 1 convolution before the 3 × 3, no parameters of batch normalisation (53\u202f120 fewer), a bias in conv1"
        " (64 more) and one MAC a bias (1\u202f064 more).",
    )


def resnext_50_32x4d() -> Network:
    return Network(
        tuple(_layers(BLOCKS_50, (32, 32, 32, 32), group_width=4)),
        name="ResNeXt-50 32x4d",
        source="Xie et al., arXiv 1611.05431, as torchvision.models.resnext50_32x4d has it",
        published=Published(25_028_904, 4_230_479_872),
    )


def resnext_101_32x8d() -> Network:
    return Network(
        tuple(_layers(BLOCKS_101, (32, 32, 32, 32), group_width=8)),
        name="ResNeXt-101 32x8d",
        source="Xie et al., arXiv 1611.05431, as torchvision.models.resnext101_32x8d has it",
        published=Published(88_791_336, 16_414_015_488),
    )


def _layers(blocks: tuple[int, ...], groups: Groups = (1, 1, 1, 1), group_width: int | None = None) -> Iterator[Layer]:
    """group_width: channels a group in layer1, twice as many in each later layer; None keeps ResNet's widths."""
    yield conv("conv1", 64, 7, stride=2, padding=3, bias=False)
    yield layer("bn1", BatchNorm2d())
    yield layer("relu", ReLU())
    yield max_pool("maxpool", 3, 2, padding=1)
    before = "maxpool"
    for stage, (count, planes, n) in enumerate(zip(blocks, PLANES, groups, strict=True)):
        width = planes if group_width is None else n * group_width * 2**stage
        for i in range(count):
            stride = 2 if stage and not i else 1
            block = f"layer{stage + 1}.{i}"
            yield from _bottleneck(block, before, width, planes * EXPANSION, stride, n, widens=not i)
            before = f"{block}.relu3"
    yield layer("avgpool", AdaptiveAvgPool2d((1, 1)))
    yield layer("flatten", Flatten())
    yield layer("fc", Linear(1000))


def _bottleneck(
    block: str, before: str, width: int, out_channels: int, stride: int, groups: int, widens: bool
) -> Iterator[Layer]:
    yield conv(f"{block}.conv1", width, 1, bias=False)
    yield layer(f"{block}.bn1", BatchNorm2d())
    yield layer(f"{block}.relu1", ReLU())
    yield conv(f"{block}.conv2", width, 3, stride, padding=1, groups=groups, bias=False)
    yield layer(f"{block}.bn2", BatchNorm2d())
    yield layer(f"{block}.relu2", ReLU())
    yield conv(f"{block}.conv3", out_channels, 1, bias=False)
    yield layer(f"{block}.bn3", BatchNorm2d())
    if widens:
        yield conv(f"{block}.downsample.0", out_channels, 1, stride, bias=False, inputs=(before,))
        yield layer(f"{block}.downsample.1", BatchNorm2d())
        before = f"{block}.downsample.1"
    yield layer(f"{block}.add", Add(), f"{block}.bn3", before)
    yield layer(f"{block}.relu3", ReLU())
