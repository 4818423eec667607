import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from compute import ConvSpec, GroupedConv2d, Grouping
from compute.network import Layer, Network, read
from compute.network.code import RESERVED, layer_code, network_code
from compute.network.kinds import Add, Concat, Conv2d, Flatten, Linear, ReLU
from compute.network.split import Split
from compute.networks import load
from tests.compute.exported import Interpreter, copy_convolution, execute, kinds, module, small, wild

LIBRARY = (
    "alexnet-2012", "vgg-16", "nin-root-8", "resnet-50", "resnext-50-32x4d", "mobilenet-v1", "mobilenet-v2",
    "shufflenet-v1-g3", "squeezenet-1.0", "log-group-cnn",
)  # fmt: skip
GROUPINGS = (
    Grouping.standard(6, 4),
    Grouping.uniform(6, 4, 2),
    Grouping.depthwise(6, 12),
    Grouping.logarithmic(6, 8, 2),
    Grouping.logarithmic(12, 9, 3),
    Grouping.custom([(2, 3)] * 3),
    Grouping.custom([(3, 1), (2, 2), (2, 2), (1, 4)]),
)
HOSTILE = (
    '"""', "'''", "\"); import os; os.abort() #", "\\", "a\nb", "\u202ereversed", "é", "名", "\U0001d499", "__init__",
    "__class__", "_modules", "x", "y", "forward", "train", "self", "torch", "nn", "Tensor", "print", "class", "None",
    "lambda", "match", "conv.1", "conv 1", "conv_1", "conv/1", "conv_1_2", "1", "", " ", "{}", "%s", "\x00", "\ud800",
    "a" * 300, "super", "T_destination", "training", "layer", "SplitConv2d", "NAME", "__name__",
)  # fmt: skip


def flops(model: nn.Module, image: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    """(FLOPs that torch counts, output shape of one image)."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model.eval()(image)
    return counter.get_total_flops(), tuple(output.shape[1:])


def check(network: Network) -> None:
    """Parameters, MACs, shape, and the same output on the same weights, with and without a batch of its own."""
    model, ours = module(network).double(), Interpreter(network)
    ours.give(model)
    image = torch.randn(2, *network.input_shape, dtype=torch.double)
    assert sum(parameter.numel() for parameter in model.parameters()) == network.params
    assert flops(model, image) == (2 * 2 * network.macs, network.shapes[network.layers[-1].name])
    with torch.no_grad():
        torch.testing.assert_close(model(image), ours(image), rtol=1e-9, atol=1e-9)


def chain(*layers: dict, shape: tuple[int, ...] = (8, 9, 7)) -> Network:
    return read({"input_shape": list(shape), "layers": list(layers)})


@pytest.mark.parametrize("name, ways", kinds())
def test_every_kind_of_layer(name, ways):
    for parameters in ways:
        before = [{"kind": "Flatten"}] if name == "Linear" else []
        check(chain(*before, {"kind": name, **parameters}))


@pytest.mark.parametrize("kind", ["Add", "Concat"])
def test_layers_that_join(kind):
    branches = [
        {"kind": "Conv2d", "name": f"c{n}", "inputs": "input", "out_channels": 5, "kernel_size": 1} for n in "ab"
    ]
    check(chain(*branches, {"kind": kind, "inputs": ["cb", "ca", "cb"]}))
    many = [
        {"kind": "Conv2d", "name": f"c{n}", "inputs": "input", "out_channels": 2, "kernel_size": 1} for n in range(40)
    ]
    check(chain(*many, {"kind": kind, "inputs": [f"c{n}" for n in range(40)]}))


@pytest.mark.parametrize("seed", range(12))
def test_networks_drawn_at_random(seed):
    check(wild(seed))


def test_random_networks_have_every_kind():
    drawn = {layer.kind.title() for seed in range(12) for layer in wild(seed).layers}
    assert drawn == {name for name, _ in kinds()} | {"Add", "Concat"}


@pytest.mark.parametrize("name", LIBRARY)
def test_published_networks_at_full_size(name):
    network = load(name)
    model = module(network, "meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == network.params
    image = torch.empty(1, *network.input_shape, device="meta")
    assert flops(model, image) == (2 * network.macs, network.shapes[network.layers[-1].name])


@pytest.mark.parametrize("name, side", [("resnet-50", 33), ("mobilenet-v2", 33), ("shufflenet-v1-g3", 33),
                                        ("squeezenet-1.0", 33), ("log-group-cnn", 32), ("nin-root-8", 32)])  # fmt: skip
def test_published_networks_compute_what_their_table_says(name, side):
    check(small(name, side))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_a_layer_with_our_weights(grouping, bias):
    options = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)}
    source = layer_code(ConvSpec(grouping, **options, bias=bias, height=9, width=8))
    pair = grouping.in_channels, grouping.out_channels
    ours = GroupedConv2d(*pair, grouping=grouping, bias=bias, dtype=torch.double, **options)
    theirs = execute(source)["build"]().double()
    copy_convolution(ours, theirs)
    assert isinstance(theirs, nn.Conv2d) == grouping.equal
    assert ("class SplitConv2d" in source) == (not grouping.equal)
    x = torch.randn(2, pair[0], 9, 8, dtype=torch.double)
    torch.testing.assert_close(theirs(x), ours(x), rtol=1e-12, atol=1e-12)


def test_the_source_of_a_layer():
    spec = ConvSpec(Grouping.uniform(64, 128, 4), (3, 5), (2, 2), (1, 2), bias=False, height=56, width=28)
    assert (
        layer_code(spec)
        == '''\
"""A grouped convolution in PyTorch. Input (N, 64, 56, 28), output (N, 128, 28, 14).

30,720 parameters, 12,042,240 MACs.
Parameters count biases and normalisation; MACs (multiply-accumulates) are those of convolutions and linear
layers for one image, without bias.
"""

import torch
from torch import nn


def build() -> nn.Module:
    """Input (N, 64, 56, 28), output (N, 128, 28, 14)."""
    return nn.Conv2d(64, 128, kernel_size=(3, 5), stride=2, padding=(1, 2), groups=4, bias=False)


if __name__ == "__main__":
    model = build().eval()
    image = torch.randn(1, 64, 56, 28)
    with torch.no_grad():
        print("output", tuple(model(image).shape))
    print("parameters", sum(parameter.numel() for parameter in model.parameters()))
'''
    )


def residual() -> Network:
    return Network(
        (
            Layer("stem", Conv2d(8, (3, 3), padding=(1, 1))),
            Layer("layer1.0.conv1", Conv2d(8, (3, 3), padding=(1, 1), split=Split("logarithmic", 3))),
            Layer("layer1.0.relu", ReLU()),
            Layer("layer1.0.add", Add(), ("layer1.0.relu", "stem")),
            Layer("flatten", Flatten()),
            Layer("fc", Linear(10)),
        ),
        (3, 16, 16),
        "Tiny residual-8 2x",
        'drawn "by hand"',
    )


def test_the_source_of_a_network():
    source = network_code(residual())
    assert source.endswith('''\


class TinyResidual8_2x(nn.Module):
    """Input (N, 3, 16, 16), output (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, kernel_size=3, padding=1)
        self.layer1_0_conv1 = SplitConv2d([(4, 4), (2, 2), (2, 2)], kernel_size=3, padding=1)
        self.layer1_0_relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(2048, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.layer1_0_conv1(x)
        y = self.layer1_0_relu(y)
        x = y + x
        x = self.flatten(x)
        x = self.fc(x)
        return x


if __name__ == "__main__":
    model = TinyResidual8_2x().eval()
    image = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        print("output", tuple(model(image).shape))
    print("parameters", sum(parameter.numel() for parameter in model.parameters()))
''')
    names = execute(source)
    assert (names["NAME"], names["SOURCE"]) == ("Tiny residual-8 2x", 'drawn "by hand"')
    assert "CONVENTION" not in names


def test_run_as_a_script(tmp_path: Path):
    file = tmp_path / "network.py"
    file.write_text(network_code(residual()), encoding="utf-8")
    answer = subprocess.run([sys.executable, "-I", file], capture_output=True, text=True, check=True)
    assert answer.stdout == f"output (1, 10)\nparameters {residual().params}\n"


@pytest.mark.parametrize("place", ["layers", "network", "source"])
def test_names_stay_names(place):
    if place == "layers":
        split = Split.custom(((1, 2), (2, 1)))
        layers = [Layer(name, Conv2d(3, (1, 1), split=split)) for name in HOSTILE]
        networks = [Network((*layers, Layer("last", Add(), (HOSTILE[0], HOSTILE[-1]))), (3, 4, 4))]
    else:
        field = {"network": "name", "source": "source"}[place]
        plain = (Layer("relu", ReLU()),)
        networks = [Network(plain, (3, 4, 4), **{field: text, "convention": 50 * text}) for text in HOSTILE]
    for network in networks:
        source = network_code(network)
        statements = [type(node).__name__ for node in ast.parse(source).body]
        split = ["ClassDef"] if place == "layers" else []
        texts = [text for text in (network.name, network.source, network.convention) if text]
        assert statements == ["Expr", "Import", "ImportFrom", *["Assign"] * len(texts), *split, "ClassDef", "If"]
        assert max(map(len, source.splitlines())) <= 120
        assert source.isascii() or place != "layers"
        names = execute(source)
        assert [names[key] for key in ("NAME", "SOURCE", "CONVENTION") if key in names] == texts
        check(network)


def test_layers_of_one_name_after_cleaning_stay_apart():
    layers = tuple(Layer(name, ReLU()) for name in ("conv.1", "conv 1", "conv_1", "conv_1_2", "train", "1", "é"))
    model = module(Network(layers, (3, 4, 4)))
    assert list(dict(model.named_children())) == [
        "conv_1", "conv_1_2", "conv_1_3", "conv_1_2_2", "train_2", "layer_1", "layer",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ResNet-50", "ResNet50"),
        ("ResNeXt-50 32x4d", "ResNeXt50_32x4d"),
        ("log group CNN", "LogGroupCNN"),
        ("2 towers", "Network2Towers"),
        ("none", "NetworkNone"),
        ("SplitConv2d", "NetworkSplitConv2d"),
        ("tensor", "NetworkTensor"),
        ("名", "Network"),
        ("", "Network"),
    ],
)
def test_classes_are_named_after_networks(name, expected):
    assert type(module(Network((Layer("relu", ReLU()),), (3, 4, 4), name))).__name__ == expected


def test_no_layer_takes_the_place_of_what_a_module_has():
    assert {name for name in dir(nn.Module()) if not name.startswith("_")} <= RESERVED


def test_the_source_is_formatted_and_has_nothing_to_spare(tmp_path: Path):
    uneven = Split.custom((*((1, 2),) * 60, (4, 8)))
    wide = [Layer(f"branch {n}", Conv2d(64, (3, 3), padding=(1, 1)), ("input",)) for n in range(40)]
    names = tuple(layer.name for layer in wide)
    networks = {
        **{name: load(name) for name in LIBRARY},
        "uneven": Network((Layer("conv", Conv2d(128, (3, 3), split=uneven)),), (64, 8, 8)),
        "add": Network((*wide, Layer("add", Add(), names)), (3, 8, 8)),
        "concat": Network((*wide, Layer("concat", Concat(), names)), (3, 8, 8), "n", "long " * 300 + "é" * 300),
        "long": Network((Layer("a" * 64, Conv2d(65536, *((600, 599),) * 4, False)),), (65536, 999_999, 999_999)),
    }  # fmt: skip
    for name, network in networks.items():
        (tmp_path / f"{name.replace('-', '_').replace('.', '_')}.py").write_text(network_code(network), "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--no-cache", "--line-length", "120", str(tmp_path)]
    formatted = subprocess.run([*ruff, "format", "--diff", *options], capture_output=True, text=True)
    assert (formatted.stdout, formatted.returncode) == ("", 0)
    linted = subprocess.run([*ruff, "check", "--select", "E,F,W,I", *options], capture_output=True, text=True)
    assert (linted.stdout, linted.returncode) == ("All checks passed!\n", 0)


def test_writing_source_and_counting_memory_load_no_torch():
    code = "import sys, compute.network.code, compute.network.memory; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
