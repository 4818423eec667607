"""The library of networks against its sources, against plain torch.nn modules, and against ONNX's copies of some."""

from collections import Counter
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from compute.errors import SpecError
from compute.formulas import digits
from compute.network import Network, analyze, read, write
from compute.network.bill import TOTALS
from compute.network.kinds import BatchNorm2d, Conv2d, Linear
from compute.networks import IDS, UnknownNetwork, catalogue, load
from tests.compute import twins

# params, MACs: read in the sources, not computed. The roots of ResNet-50 and the MACs of ShuffleNet and of NIN are
# stated by other rules, in tests of their own below.
STATED = {
    "alexnet-2012": (60_965_224, 724_406_816),
    "alexnet-ungrouped": (62_378_344, 1_135_256_096),
    "alexnet-torchvision": (61_100_840, 714_188_480),
    "vgg-16": (138_357_544, 15_470_264_320),
    "resnet-50": (25_557_032, 4_089_184_256),
    "resnext-50-32x4d": (25_028_904, 4_230_479_872),
    "resnext-101-32x8d": (88_791_336, 16_414_015_488),
    "mobilenet-v1": (4_231_976, 568_740_352),
    "mobilenet-v2": (3_504_872, 300_774_272),
    "squeezenet-1.0": (1_248_424, 818_924_576),
}
# k: params, MACs with one more a bias, and MACs in hundred millions as the paper prints them
NIN = {
    1: (966_986, 222_487_946, "2.22"),
    2: (736_586, 163_505_546, "1.64"),
    4: (455_498, 123_397_514, "1.23"),
    8: (314_954, 103_343_498, "1.03"),
    16: (244_682, 93_316_490, "0.93"),
}
# g: params (pytorchcv), MACs in millions without the classifier (the paper's table 1)
SHUFFLENET = {1: (1_531_936, 143), 2: (1_733_848, 140), 3: (1_865_728, 137), 4: (1_968_344, 133), 8: (2_434_768, 137)}
# k: groups of the 3 x 3 convolutions in res2 to res5, params, MACs with stride in the 1 x 1 and one more a bias
ROOTS = {
    2: ([2, 1, 1, 1], 25_448_680, 3_684_566_056),
    4: ([4, 2, 1, 1], 25_126_120, 3_366_650_920),
    8: ([8, 4, 2, 1], 23_195_368, 2_860_876_840),
    16: ([16, 8, 4, 2], 18_691_048, 2_434_581_544),
    32: ([32, 16, 8, 4], 16_438_888, 2_221_433_896),
    64: ([64, 32, 16, 8], 15_312_808, 2_114_860_072),
}


def nin_id(k: int) -> str:
    return f"nin-root-{k}" if k > 1 else "nin"


def rows(name: str) -> dict[str, dict]:
    return {row["name"]: row for row in analysis(name)["rows"]}


@cache
def analysis(name: str) -> dict:
    return analyze(load(name))


def test_the_ids():
    assert (
        *("alexnet-2012", "alexnet-ungrouped", "alexnet-torchvision", "vgg-16"),
        *("nin", "nin-root-2", "nin-root-4", "nin-root-8", "nin-root-16"),
        *("resnet-50", "resnet-50-root-2", "resnet-50-root-4", "resnet-50-root-8"),
        *("resnet-50-root-16", "resnet-50-root-32", "resnet-50-root-64"),
        *("resnext-50-32x4d", "resnext-101-32x8d", "mobilenet-v1", "mobilenet-v2"),
        *("shufflenet-v1-g1", "shufflenet-v1-g2", "shufflenet-v1-g3", "shufflenet-v1-g4", "shufflenet-v1-g8"),
        *("squeezenet-1.0", "log-group-cnn"),
    ) == IDS


@pytest.mark.parametrize("name", IDS)
def test_each_says_where_it_is_from_and_survives_json(name):
    network = load(name)
    assert network is load(name)
    assert network.name
    assert "arXiv" in network.source or "NIPS" in network.source
    assert network.published or network.convention
    assert read(write(network)) == replace(network, published=None)


def test_the_catalogue():
    listed = catalogue()
    assert [entry["id"] for entry in listed] == list(IDS)
    assert len({entry["name"] for entry in listed}) == len(IDS)
    for entry in listed:
        network, totals = load(entry["id"]), analysis(entry["id"])["totals"]
        assert entry == {
            "id": entry["id"],
            "name": network.name,
            "source": network.source,
            "params": totals["params"],
            "macs": totals["macs"],
        }


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("resnet50", "'resnet50' is no network of the library; did you mean resnet-50? known: "),
        ("qqq", "'qqq' is no network of the library; known: "),
        (["nin"], "a list of 1 is no network of the library; did you mean nin? known: "),
        (None, "None is no network of the library; known: "),
    ],
)
def test_an_unknown_id(asked, says):
    with pytest.raises(UnknownNetwork) as caught:
        load(asked)
    assert str(caught.value) == says + ", ".join(IDS)
    assert (caught.value.field, caught.value.code) == ("network", "unknown_network")
    assert isinstance(caught.value, SpecError)


@pytest.mark.parametrize(("name", "stated"), STATED.items())
def test_published_totals_are_met_to_the_last_digit(name, stated):
    result = analysis(name)
    assert (result["totals"]["params"], result["totals"]["macs"]) == stated
    assert result["published"] == {"params": stated[0], "macs": stated[1], "params_unit": 1, "macs_unit": 1}
    assert sum(row["params"] for row in result["rows"]) == stated[0]
    assert sum(row["macs"] for row in result["rows"]) == stated[1]


@pytest.mark.parametrize(("k", "stated"), NIN.items())
def test_nin_and_its_roots(k, stated):
    params, with_biases, printed = stated
    result = analysis(nin_id(k))
    totals = result["totals"]
    assert totals["params"] == params
    assert totals["macs"] + totals["bias"] == with_biases
    assert f"{totals['macs'] / 1e8:.2f}" == printed
    assert f"{digits(with_biases)}, {digits(totals['bias'])} more than here" in result["convention"]
    million = 1_000_000
    assert result["published"] == {
        "params": params,
        "macs": round(float(printed) * 100) * million,
        "params_unit": 1,
        "macs_unit": million,
    }
    groups = {name: row["grouping"]["groups"] for name, row in rows(nin_id(k)).items() if row["grouping"]}
    assert groups == {f"conv{i}{c}": 1 for i in "123" for c in "abc"} | {"conv2a": k, "conv3a": max(1, k // 2)}


@pytest.mark.parametrize(("g", "stated"), SHUFFLENET.items())
def test_shufflenet_and_its_complexity(g, stated):
    result = analysis(f"shufflenet-v1-g{g}")
    params, millions = stated
    classifier = rows(f"shufflenet-v1-g{g}")["fc"]["macs"]
    body = result["totals"]["macs"] - classifier
    assert result["totals"]["params"] == params
    assert round(body / 1e6) == millions
    assert result["published"] == {"params": params, "macs": None, "params_unit": 1, "macs_unit": 1}
    assert f"{millions} million" in result["convention"]
    assert f"{digits(body)} without it, {digits(classifier)} more with it" in result["convention"]


@pytest.mark.parametrize(("k", "stated"), ROOTS.items())
def test_the_roots_of_resnet_by_the_rules_of_their_source(k, stated):
    groups, params, macs = stated
    network, dense = load(f"resnet-50-root-{k}"), load("resnet-50")
    spatial = [rows(f"resnet-50-root-{k}")[f"layer{i}.0.conv2"]["grouping"]["groups"] for i in (1, 2, 3, 4)]
    assert spatial == groups
    regrouped = {
        layer.name: replace(layer.kind, split=kind.split)
        for layer, (_, kind, _) in zip(
            (la for la in dense.layers if isinstance(la.kind, Conv2d)), network.convolutions(), strict=True
        )
    }
    assert replace(dense.with_kinds(regrouped), name="", source="", convention="") == replace(
        network, name="", source="", convention=""
    )

    normalisation = sum(2 * network.shapes[la.name][0] for la in network.layers if isinstance(la.kind, BatchNorm2d))
    biases = 64 + 1000  # of conv1, which has none here, and of fc
    assert network.params - normalisation + 64 == params
    kinds = {layer.name: layer.kind for layer in network.layers}
    strides = {f"layer{i}.0.conv{c}": s for i in (2, 3, 4) for c, s in ((1, (2, 2)), (2, (1, 1)))}
    theirs = network.with_kinds({name: replace(kinds[name], stride=stride) for name, stride in strides.items()})
    assert theirs.macs + biases == macs
    assert network.published is None
    assert f"{digits(params)} params and {digits(macs)} MACs" in network.convention
    assert f"({digits(normalisation)} fewer)" in network.convention
    assert f"({digits(biases)} more)" in network.convention


ALEXNET = """
conv1 3 96 11 4 0 1 55 34944 105415200
conv2 96 256 5 1 2 2 27 307456 223948800
conv3 256 384 3 1 1 1 13 885120 149520384
conv4 384 384 3 1 1 2 13 663936 112140288
conv5 384 256 3 1 1 2 13 442624 74760192
"""


@pytest.mark.parametrize("line", ALEXNET.strip().splitlines())
def test_alexnet_row_by_row(line):
    name, *numbers = line.split()
    inputs, outputs, kernel, stride, padding, groups, side, params, macs = map(int, numbers)
    row = rows("alexnet-2012")[name]
    assert (row["in_channels"], row["out_channels"]) == (inputs, outputs)
    assert (row["kernel_size"], row["stride"], row["padding"]) == ([kernel] * 2, [stride] * 2, [padding] * 2)
    assert row["grouping"]["groups"] == groups
    assert row["output_shape"] == [outputs, side, side]
    assert (row["params"], row["macs"], row["flops"]) == (params, macs, 2 * macs)


def test_alexnet_dense_rows_and_pools():
    table = rows("alexnet-2012")
    dense = {name: (table[name]["params"], table[name]["macs"]) for name in ("fc6", "fc7", "fc8")}
    assert dense == {
        "fc6": (37_752_832, 37_748_736),
        "fc7": (16_781_312, 16_777_216),
        "fc8": (4_097_000, 4_096_000),
    }
    assert [table[f"pool{i}"]["output_shape"] for i in (1, 2, 5)] == [[96, 27, 27], [256, 13, 13], [256, 6, 6]]
    assert [name for name, row in table.items() if row["kind"] == "LocalResponseNorm"] == ["norm1", "norm2"]
    differing = [name for name, row in rows("alexnet-ungrouped").items() if row["params"] != table[name]["params"]]
    assert differing == ["conv2", "conv4", "conv5"]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("alexnet-torchvision", {"conv1": (64, 55), "pool1": (64, 27), "pool2": (192, 13), "pool5": (256, 6)}),
        ("vgg-16", {"pool1": (64, 112), "pool2": (128, 56), "pool3": (256, 28), "pool4": (512, 14), "pool5": (512, 7)}),
        ("nin-root-4", {"conv1c": (96, 32), "pool1": (96, 16), "pool2": (192, 8), "conv3c": (10, 8)}),
        ("resnet-50", {"conv1": (64, 112), "maxpool": (64, 56), "layer1.2.relu3": (256, 56)}),
        ("resnet-50", {"layer2.3.relu3": (512, 28), "layer3.5.relu3": (1024, 14), "layer4.2.relu3": (2048, 7)}),
        ("resnext-50-32x4d", {"layer1.0.conv2": (128, 56), "layer4.2.conv2": (1024, 7), "layer4.2.relu3": (2048, 7)}),
        (
            "resnext-101-32x8d",
            {"layer1.0.conv2": (256, 56), "layer3.22.conv2": (1024, 14), "layer4.0.conv2": (2048, 7)},
        ),
        ("mobilenet-v1", {"conv1": (32, 112), "block1.pw": (64, 112), "block3.pw": (128, 56), "block13.pw": (1024, 7)}),
        ("mobilenet-v2", {"block1.project": (16, 112), "block3.add": (24, 56), "block17.project": (320, 7)}),
        ("shufflenet-v1-g3", {"maxpool": (24, 56), "stage2.3.relu": (240, 28), "stage3.7.relu": (480, 14)}),
        ("shufflenet-v1-g8", {"stage2.0.concat": (384, 28), "stage4.0.conv2": (768, 7), "stage4.3.relu": (1536, 7)}),
        ("squeezenet-1.0", {"conv1": (96, 109), "pool1": (96, 54), "pool4": (256, 27), "pool8": (512, 13)}),
        ("log-group-cnn", {"module1.relu": (32, 32), "module2.relu": (64, 16), "module3.relu": (128, 8)}),
    ],
)
def test_resolution_and_channels_where_stages_end(name, ends):
    table = rows(name)
    assert {end: table[end]["output_shape"] for end in ends} == {
        end: [channels, side, side] for end, (channels, side) in ends.items()
    }


def test_the_log_groups():
    sizes = {name: row["grouping"]["sizes"] for name, row in rows("log-group-cnn").items() if row["grouping"]}
    assert sizes == {
        "conv1": None,
        "module1.conv": [[16, 16], [8, 8], [4, 4], [4, 4]],
        "widen2": None,
        "module2.conv": [[32, 32], [16, 16], [8, 8], [8, 8]],
        "widen3": None,
        "module3.conv": [[64, 64], [32, 32], [16, 16], [16, 16]],
    }
    assert rows("log-group-cnn")["module2.conv"]["weights"] == 12_672  # 0.34375 of dense
    assert "Our reading" in load("log-group-cnn").convention
    assert load("log-group-cnn").published is None


TWINS = {
    "alexnet-2012": lambda: twins.alexnet(2),
    "alexnet-ungrouped": lambda: twins.alexnet(1),
    "alexnet-torchvision": twins.alexnet_one_tower,
    "vgg-16": twins.vgg,
    **{nin_id(k): partial(twins.nin, k) for k in NIN},
    "resnet-50": lambda: twins.resnet([3, 4, 6, 3], [1, 1, 1, 1]),
    **{f"resnet-50-root-{k}": partial(twins.resnet, [3, 4, 6, 3], groups) for k, (groups, *_) in ROOTS.items()},
    "resnext-50-32x4d": lambda: twins.resnet([3, 4, 6, 3], [32] * 4, 32 * 4),
    "resnext-101-32x8d": lambda: twins.resnet([3, 4, 23, 3], [32] * 4, 32 * 8),
    "mobilenet-v1": twins.mobilenet_v1,
    "mobilenet-v2": twins.mobilenet_v2,
    **{f"shufflenet-v1-g{g}": partial(twins.shufflenet, g) for g in SHUFFLENET},
    "squeezenet-1.0": twins.squeezenet,
}


def leaves(module: nn.Module, image: Tensor) -> Counter[tuple]:
    """How often each (kind, output shape of one image, weight shape) comes in one pass."""
    seen: Counter[tuple] = Counter()

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        weight = tuple(layer.weight.shape) if isinstance(layer, nn.Conv2d | nn.Linear) else None
        seen[type(layer).__name__, tuple(output.shape[1:]), weight] += 1

    for part in module.modules():
        if not list(part.children()) and not isinstance(part, nn.Identity):
            part.register_forward_hook(note)
    module(image)
    return seen


def our_leaves(network: Network) -> Counter[tuple]:
    seen: Counter[tuple] = Counter()
    for layer in network.layers:
        (c_in, *_), output, weight = network.inputs(layer)[0], network.shapes[layer.name], None
        if isinstance(layer.kind, Conv2d):
            weight = (output[0], c_in // layer.kind.split.count(c_in), *layer.kind.kernel_size)
        elif isinstance(layer.kind, Linear):
            weight = (output[0], c_in)
        seen[layer.kind.title(), output, weight] += 1
    return seen


@pytest.mark.parametrize("name", TWINS)
def test_against_torch(name):
    network = load(name)
    with torch.device("meta"):
        module = TWINS[name]().eval()
        image = torch.empty(1, *network.input_shape)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs = leaves(module, image)
    assert sum(p.numel() for p in module.parameters()) == network.params
    assert counter.get_total_flops() == 2 * network.macs
    assert our_leaves(network) == theirs


def test_every_network_but_our_reading_has_an_independent_twin():
    assert set(IDS) - set(TWINS) == {"log-group-cnn"}


LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def onnx_layers(name: str) -> list[tuple]:
    """(weight shape, groups, stride, padding) of each convolution of an ONNX model; (weight shape,) of each Gemm."""
    graph = onnx.load(LIGHT / f"light_{name}.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    fills = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    shapes = {node.output[0]: tuple(constants[node.input[0]].tolist()) for node in fills}
    layers = []
    for node in graph.node:
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            padding = tuple(given.get("pads", [0, 0])[:2])
            layers.append((shapes[node.input[1]], given.get("group", 1), tuple(given["strides"]), padding))
        elif node.op_type == "Gemm":
            layers.append((shapes[node.input[1]],))
    return layers


def our_layers(name: str) -> list[tuple]:
    layers = []
    for row in analysis(name)["rows"]:
        if row["kind"] == "Conv2d":
            groups = row["grouping"]["groups"]
            shape = (row["out_channels"], row["in_channels"] // groups, *row["kernel_size"])
            layers.append((shape, groups, tuple(row["stride"]), tuple(row["padding"])))
        elif row["kind"] == "Linear":
            layers.append(((row["out_channels"], row["in_channels"]),))
    return layers


@pytest.mark.parametrize(("theirs", "ours"), [("bvlc_alexnet", "alexnet-2012"), ("resnet50", "resnet-50")])
def test_against_onnx_models(theirs, ours):
    # bvlc_alexnet starts from 224 x 224, which its unpadded conv1 turns into 54 x 54: only its layers are compared.
    assert our_layers(ours) == onnx_layers(theirs)


def test_against_the_shufflenet_of_onnx():
    """ONNX's ShuffleNet is another variant (half as wide, no bottleneck, first 1 x 1 grouped): same plan of layers."""

    def plan(layers: list[tuple]) -> list[tuple]:
        *convolutions, _ = layers
        return [
            (shape[2:], "depthwise" if groups == shape[0] else groups, stride, padding)
            for shape, groups, stride, padding in convolutions
        ]

    ours, theirs = plan(our_layers("shufflenet-v1-g4")), plan(onnx_layers("shufflenet"))
    assert [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b] == [1]
    assert (ours[1][1], theirs[1][1]) == (1, 4)


def taken_out(network: Network, name: str) -> Network:
    """`network` without this layer, whose readers read what it read."""
    (source,) = network.feeds[name]
    layers = []
    for layer in network.layers:
        if layer.name != name:
            feeds = tuple(source if feed == name else feed for feed in network.feeds[layer.name])
            layers.append(replace(layer, inputs=feeds))
    return replace(network, layers=tuple(layers))


def falls_by(before: dict, after: dict, row: dict) -> None:
    # What a fully connected layer would cost has no row of its own where there is nothing to replace.
    assert {key: before[key] - after[key] for key in TOTALS} == {key: row[key] or 0 for key in TOTALS}


@pytest.mark.parametrize("name", IDS)
def test_without_its_last_layer_a_network_costs_exactly_that_row_less(name):
    network, all_rows = load(name), analysis(name)["rows"]
    longer = analysis(name)
    for cut in range(len(network.layers) - 1, 0, -1):
        shorter = analyze(replace(network, layers=network.layers[:cut]))
        assert shorter["rows"] == all_rows[:cut]
        falls_by(longer["totals"], shorter["totals"], all_rows[cut])
        longer = shorter


SHAPELESS = {"ReLU", "ReLU6", "BatchNorm2d", "LocalResponseNorm", "Dropout", "ChannelShuffle"}


@pytest.mark.parametrize("name", IDS)
def test_a_layer_taken_out_costs_exactly_its_row_less(name):
    network, result = load(name), analysis(name)
    removable = [
        row
        for row in result["rows"]
        if row["kind"] in SHAPELESS or (row["kind"] == "Conv2d" and _keeps_shape(network, row))
    ]
    for row in removable:
        without = analyze(taken_out(network, row["name"]))
        falls_by(result["totals"], without["totals"], row)
        names = [other["name"] for other in result["rows"] if other["name"] != row["name"]]
        assert [other["name"] for other in without["rows"]] == names


def _keeps_shape(network: Network, row: dict) -> bool:
    return list(network.inputs(network.layers[row["index"]])[0]) == row["output_shape"]
