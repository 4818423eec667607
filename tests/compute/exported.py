"""Modules made from exported source, "our" weights for them, and what torch itself says they keep."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compute import GroupedConv2d, SpecError
from compute.network import Layer, Network
from compute.network.code import network_code
from compute.network.document import read_kind
from compute.network.graph import INPUT
from compute.network.kinds import KINDS, Linear
from compute.networks import load


def execute(source: str) -> dict[str, Any]:
    """The names that a module of this source defines."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(source, "exported.py", "exec"), names)
    return names


def module(network: Network, device: str = "cpu") -> nn.Module:
    names = execute(network_code(network))
    (made,) = (
        value
        for name, value in names.items()
        if getattr(value, "__module__", "") == "exported" and isinstance(value, type) and name != "SplitConv2d"
    )
    with torch.device(device):
        return made()


def saved_bytes(model: nn.Module, image: Tensor) -> int:
    """Bytes of the distinct storages that autograd keeps of one forward pass, parameters aside."""
    parameters = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}  # held, so that no address is given away again

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.train()(image)
    assert output.requires_grad or not kept
    return sum(t.untyped_storage().nbytes() for address, t in kept.items() if address not in parameters)


def copy_convolution(ours: GroupedConv2d, theirs: nn.Module) -> None:
    """Our weights into an exported nn.Conv2d or SplitConv2d."""
    state: dict[str, Tensor] = {}
    if ours.grouping.equal:
        state = dict(ours.state_dict())
    else:
        for span, weight in zip(ours.grouping.spans, ours.filters(), strict=True):
            state[f"convs.{span.index}.weight"] = weight
            if ours.bias is not None:
                end = span.out_start + span.out_channels
                state[f"convs.{span.index}.bias"] = ours.bias[span.out_start : end]
    theirs.load_state_dict(state)


class Interpreter:
    """Runs a network from its description with functions of torch, on weights that it draws itself; float64, eval."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.convolutions: dict[str, GroupedConv2d] = {}
        self.tensors: dict[str, list[Tensor]] = {}
        for layer in network.layers:
            image, kind = network.inputs(layer)[0], layer.kind
            if type(kind).__name__ == "Conv2d":
                grouping = kind.split.on(image[0], kind.out_channels)
                options = {"stride": kind.stride, "padding": kind.padding, "dilation": kind.dilation}
                self.convolutions[layer.name] = GroupedConv2d(
                    image[0],
                    kind.out_channels,
                    kind.kernel_size,
                    grouping,
                    bias=kind.bias,
                    dtype=torch.double,
                    **options,
                )
            elif type(kind).__name__ == "Linear":
                shapes = [(kind.out_features, image[0]), (kind.out_features,)][: 1 + kind.bias]
                self.tensors[layer.name] = [torch.randn(s, dtype=torch.double) for s in shapes]
            elif getattr(kind, "affine", False):
                self.tensors[layer.name] = [torch.randn(image[0], dtype=torch.double) for _ in range(2)]

    def give(self, model: nn.Module) -> None:
        """Its weights to the exported module, whose modules stand in the order of the layers."""
        modules = iter(model.children())
        for layer in self.network.layers:
            if layer.kind.many:
                continue
            target = next(modules)
            if layer.name in self.convolutions:
                copy_convolution(self.convolutions[layer.name], target)
            else:
                mine = self.tensors.get(layer.name, [])
                for parameter, tensor in zip(target.parameters(), mine, strict=True):
                    parameter.data.copy_(tensor)

    def __call__(self, image: Tensor) -> Tensor:
        with torch.no_grad():
            values = {INPUT: image}
            for layer in self.network.layers:
                inputs = [values[name] for name in self.network.feeds[layer.name]]
                values[layer.name] = self._run(layer, inputs)
        return values[self.network.layers[-1].name]

    def _run(self, layer: Layer, inputs: list[Tensor]) -> Tensor:
        kind: Any = layer.kind
        x, own = inputs[0], self.tensors.get(layer.name, [])
        affine = own or [None, None]

        def pool(function: Callable[..., Tensor], **more: Any) -> Tensor:
            return function(x, kind.kernel_size, kind.stride, kind.padding, ceil_mode=kind.ceil_mode, **more)

        match type(kind).__name__:
            case "Conv2d":
                return self.convolutions[layer.name](x)
            case "Linear":
                return x @ own[0].T + (own[1] if kind.bias else 0)
            case "MaxPool2d":
                return pool(F.max_pool2d, dilation=kind.dilation)
            case "AvgPool2d":
                return pool(F.avg_pool2d)
            case "AdaptiveAvgPool2d":
                return F.adaptive_avg_pool2d(x, kind.output_size)
            case "BatchNorm2d":
                fresh = torch.zeros(x.shape[1], dtype=x.dtype), torch.ones(x.shape[1], dtype=x.dtype)
                return F.batch_norm(x, *fresh, *affine)
            case "GroupNorm":
                return F.group_norm(x, kind.num_groups, *affine)
            case "LocalResponseNorm":
                return F.local_response_norm(x, kind.size)
            case "Dropout":
                return x
            case "Flatten":
                return x.reshape(len(x), -1)
            case "ChannelShuffle":
                each = x.shape[1] // kind.groups
                return x[:, [group * each + place for place in range(each) for group in range(kind.groups)]]
            case "Add":
                return torch.stack(inputs).sum(0)
            case "Concat":
                return torch.cat(inputs, dim=1)
            case "LeakyReLU":
                return torch.where(x > 0, x, 0.01 * x)
            case "Sigmoid" | "Tanh" as name:
                return getattr(torch, name.lower())(x)
            case name:
                return getattr(F, name.lower())(x)


def small(name: str, side: int) -> Network:
    """A published network on images of side x side."""
    network = load(name)
    return replace(network, input_shape=(network.input_shape[0], side, side), published=None)


def wild(seed: int) -> Network:
    """A network drawn at random: every kind, branches that meet again and ones that lead nowhere."""
    draw = random.Random(seed)
    ways = {**dict(kinds()), "Linear": [], "Flatten": [], "Add": [{}], "Concat": [{}]}
    layers: list[Layer] = []
    shape = (draw.choice([1, 3, 8]), draw.randint(8, 16), draw.randint(8, 16))
    while len(layers) < 30:
        name = draw.choice([*ways, "Conv2d", "Conv2d", "Add"])
        if not ways[name]:
            continue
        earlier = [INPUT, *(layer.name for layer in layers)][-4:]
        inputs = draw.choices(earlier, k=draw.choice([2, 3])) if KINDS[name].many else [draw.choice(earlier)]
        layer = Layer(f"{name} {len(layers)}", read_kind(name, draw.choice(ways[name])), tuple(inputs))
        with suppress(SpecError):  # what does not fit is drawn again
            layers = list(Network((*layers, layer), shape).layers)
    end = [Layer("flat", KINDS["Flatten"]()), Layer("drop", read_kind("Dropout", {})), Layer("fc", Linear(3))]
    return Network((*layers, *end), shape, f"wild {seed}")


def kinds() -> list[tuple[str, list[dict[str, Any]]]]:
    """Two ways at least to ask for each kind, by its parameters in a document; for an input of 8 x 9 x 7."""
    ways: dict[str, list[dict[str, Any]]] = {
        "Conv2d": [
            {"out_channels": 8, "kernel_size": 3},
            {"out_channels": 12, "kernel_size": [3, 2], "stride": [2, 1], "padding": [0, 1], "dilation": [1, 2]},
            {"out_channels": 12, "kernel_size": 1, "groups": 4, "bias": False},
            {"out_channels": 16, "kernel_size": 3, "grouping": {"scheme": "depthwise"}},
            {"out_channels": 8, "kernel_size": 3, "padding": 1, "grouping": {"scheme": "logarithmic", "groups": 2}},
            {"out_channels": 8, "kernel_size": 3, "padding": 1, "grouping": {"scheme": "logarithmic", "groups": 3}},
            {"out_channels": 7, "kernel_size": 3, "bias": False,
             "grouping": {"scheme": "custom", "sizes": [[3, 1], [2, 2], [2, 2], [1, 2]]}},
            {"out_channels": 4, "kernel_size": 1, "grouping": {"scheme": "custom", "sizes": [[4, 2], [4, 2]]}},
        ],
        "Linear": [{"out_features": 5}, {"out_features": 3, "bias": False}],
        "MaxPool2d": [
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
            {"kernel_size": [2, 3], "dilation": 2},
            {"kernel_size": 2, "stride": 1},
        ],
        "AvgPool2d": [{"kernel_size": [3, 2], "stride": [2, 1], "padding": [1, 0]}, {"kernel_size": 2}],
        "AdaptiveAvgPool2d": [{"output_size": 1}, {"output_size": [2, 1]}, {"output_size": 3}],
        "BatchNorm2d": [{}, {"affine": False}],
        "GroupNorm": [{"num_groups": 4}, {"num_groups": 1, "affine": False}],
        "LocalResponseNorm": [{"size": 5}, {"size": 4}, {"size": 1}],
        "Dropout": [{}, {"p": 0.2}, {"p": 0}],
        "ChannelShuffle": [{"groups": 2}, {"groups": 1}, {"groups": 8}],
    }  # fmt: skip
    return [(name, ways.get(name, [{}])) for name, kind in KINDS.items() if not kind.many]
