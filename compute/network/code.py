"""A layer or a network as runnable PyTorch source that needs torch and nothing else.

Pure text. What a client wrote reaches the source only as an identifier made of ASCII letters, digits and underscores,
or as a string literal. Weights are not carried: the modules start as PyTorch initialises them.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from compute.network.graph import INPUT, Layer, Network
from compute.network.kinds import Add, BatchNorm2d, Concat, Conv2d, GroupNorm, Kind, Linear, Shape
from compute.network.patience import check
from compute.network.split import Split
from compute.spec import ConvSpec, Pair

WIDTH = 120
CUT = 40  # characters of a name that an identifier keeps
STEP = "    "
VARIABLES = ("x", "y", "z", "u", "v", "w")

# What every nn.Module has already, and what the source itself names: no layer and no network may be called that.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
        eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
        modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
        register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
        register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
        register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
        set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
        """,
    )
)
CLASSES = frozenset({"NAME", "SOURCE", "CONVENTION", "SplitConv2d", "Tensor"})

CONVENTION = """\
Parameters count biases and normalisation; MACs (multiply-accumulates) are those of convolutions and linear
layers for one image, without bias."""

SPLIT_CONV = '''

class SplitConv2d(nn.Module):
    """A convolution in groups that differ: group j turns sizes[j][0] channels into sizes[j][1], each with its bias.

    Input (N, C_in, H, W), output (N, C_out, H', W'), channels in the order of the groups.
    """

    def __init__(self, sizes: list[tuple[int, int]], kernel_size: int | tuple[int, int], **options) -> None:
        super().__init__()
        self.in_channels = [inputs for inputs, _ in sizes]
        self.convs = nn.ModuleList(nn.Conv2d(inputs, outputs, kernel_size, **options) for inputs, outputs in sizes)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.in_channels, dim=1)
        return torch.cat([conv(part) for conv, part in zip(self.convs, parts)], dim=1)
'''


def network_code(network: Network) -> str:
    """Source of a module with the network's layers, one attribute and one line of `forward` each.

    The class is named after the network, the attributes after the layers: `layer1.0.conv2` is `layer1_0_conv2`. Its
    input is (N, C, H, W) or (N, features). Run as a script it sends a random image through.
    """
    name = _class_name(network.name)
    attributes = _attributes(network)
    modules = {layer.name: _module(network, layer) for layer in network.layers if not layer.kind.many}
    split = any(head == "SplitConv2d" for head, _ in modules.values())
    output = network.shapes[network.layers[-1].name]
    words = [("NAME", network.name), ("SOURCE", network.source), ("CONVENTION", network.convention)]
    shapes = f"Input {_batch(network.input_shape)}, output {_batch(output)}."
    bill = f"{network.params:,} parameters, {network.macs:,} MACs."
    return "\n".join(
        [
            f'"""A network in PyTorch. {shapes}\n\n{bill}\n{CONVENTION}\n"""\n',
            "import torch",
            "from torch import Tensor, nn",
            *_constants(words),
            *([SPLIT_CONV.rstrip("\n")] if split else []),
            "",
            "",
            f"class {name}(nn.Module):",
            f'{STEP}"""{shapes}"""\n',
            f"{STEP}def __init__(self) -> None:",
            f"{2 * STEP}super().__init__()",
            *(
                _statement(f"self.{attributes[layer]} = {_callee(head)}(", arguments, ")", 2)
                for layer, (head, arguments) in modules.items()
            ),
            "",
            f"{STEP}def forward(self, x: Tensor) -> Tensor:",
            *_forward(network, attributes),
            *_main(f"{name}()", network.input_shape),
        ]
    )


def layer_code(spec: ConvSpec) -> str:
    """Source with a function `build()` that makes the layer of `spec`: nn.Conv2d, or SplitConv2d where groups differ.

    The layer's input is (N, C_in, H, W), of any height and width; run as a script it takes those of `spec`.
    """
    grouping = spec.grouping
    split = Split.uniform(grouping.groups) if grouping.equal else Split.custom(grouping.sizes)
    options = (spec.kernel_size, spec.stride, spec.padding, spec.dilation, spec.bias)
    network = Network(
        (Layer("layer", Conv2d(grouping.out_channels, *options, split)),),
        (grouping.in_channels, spec.height, spec.width),
    )
    head, arguments = _module(network, network.layers[0])
    shapes = f"Input {_batch(network.input_shape)}, output {_batch(network.shapes['layer'])}."
    bill = f"{network.params:,} parameters, {network.macs:,} MACs."
    uneven = head == "SplitConv2d"
    return "\n".join(
        [
            f'"""A grouped convolution in PyTorch. {shapes}\n\n{bill}\n{CONVENTION}\n"""\n',
            "import torch",
            f"from torch import {'Tensor, ' if uneven else ''}nn",
            *([SPLIT_CONV.rstrip("\n")] if uneven else []),
            "",
            "",
            "def build() -> nn.Module:",
            f'{STEP}"""{shapes}"""',
            _statement(f"return {_callee(head)}(", arguments, ")", 1),
            *_main("build()", network.input_shape),
        ]
    )


def _main(make: str, shape: Shape) -> list[str]:
    return [
        "",
        "",
        'if __name__ == "__main__":',
        f"{STEP}model = {make}.eval()",
        f"{STEP}image = torch.randn({', '.join(map(str, (1, *shape)))})",
        f"{STEP}with torch.no_grad():",
        f'{2 * STEP}print("output", tuple(model(image).shape))',
        f'{STEP}print("parameters", sum(parameter.numel() for parameter in model.parameters()))',
        "",
    ]


def _forward(network: Network, attributes: dict[str, str]) -> list[str]:
    """One line a layer. A variable is used again as soon as its tensor has been read for the last time."""
    last = {name: layer.name for layer in network.layers for name in network.feeds[layer.name]}
    result = network.layers[-1].name
    held = {INPUT: 0}  # the variable that a layer's output lies in
    lines = []
    for layer in network.layers:
        feeds = network.feeds[layer.name]
        values = [_variable(held[name]) for name in feeds]
        for name in {*feeds}:
            if last[name] == layer.name:
                del held[name]
        taken = {*held.values()}
        held[layer.name] = next(n for n in range(len(taken) + 1) if n not in taken)
        lines.append(_line(_variable(held[layer.name]), layer.kind, attributes.get(layer.name, ""), values))
        if layer.name not in last and layer.name != result:
            del held[layer.name]  # it leads nowhere
    return [*lines, f"{2 * STEP}return {_variable(held[result])}"]


def _line(variable: str, kind: Kind, attribute: str, values: Sequence[str]) -> str:
    if isinstance(kind, Concat):
        return _statement(f"{variable} = torch.cat(", [list(values), "dim=1"], ")", 2)
    if isinstance(kind, Add):
        terms = " + ".join(values)
        line = f"{2 * STEP}{variable} = {terms}"
        if len(line) <= WIDTH:
            return line
        inner = f"\n{3 * STEP}"
        return f"{2 * STEP}{variable} = ({inner}{f'{inner}+ '.join(values)}\n{2 * STEP})"
    return f"{2 * STEP}{variable} = self.{attribute}({values[0]})"


def _variable(number: int) -> str:
    return VARIABLES[number] if number < len(VARIABLES) else f"x{number}"


Argument = str | list[str]


def _module(network: Network, layer: Layer) -> tuple[str, list[Argument]]:
    """(class, arguments) that make the layer's module."""
    check()
    kind, image = layer.kind, network.inputs(layer)[0]
    match kind:
        case Conv2d():
            return _conv(kind, image[0])
        case Linear():
            return "Linear", [str(image[0]), str(kind.out_features), *_unless("bias", kind.bias, True)]
        case BatchNorm2d():
            return "BatchNorm2d", [str(image[0]), *_unless("affine", kind.affine, True)]
        case GroupNorm():
            return "GroupNorm", [str(kind.num_groups), str(image[0]), *_unless("affine", kind.affine, True)]
    names = [field.name for field in fields(kind)]
    usual = {field.name: field.default for field in fields(kind)}
    usual["stride"] = getattr(kind, "kernel_size", None)
    first = [_number(getattr(kind, name)) for name in names[:1]]  # PyTorch takes it without its name
    return kind.title(), [*first, *(a for name in names[1:] for a in _unless(name, getattr(kind, name), usual[name]))]


def _conv(kind: Conv2d, in_channels: int) -> tuple[str, list[Argument]]:
    options = [
        f"kernel_size={_number(kind.kernel_size)}",
        *_unless("stride", kind.stride, (1, 1)),
        *_unless("padding", kind.padding, (0, 0)),
        *_unless("dilation", kind.dilation, (1, 1)),
    ]
    bias = _unless("bias", kind.bias, True)
    channels = in_channels, kind.out_channels
    if kind.split.scheme in ("logarithmic", "custom") and not kind.split.on(*channels).equal:
        sizes = [f"({inputs}, {outputs})" for inputs, outputs in kind.split.on(*channels).sizes]
        return "SplitConv2d", [sizes, *options, *bias]
    groups = kind.split.count(in_channels)
    return "Conv2d", [*map(str, channels), *options, *_unless("groups", groups, 1), *bias]


def _callee(head: str) -> str:
    return head if head == "SplitConv2d" else f"nn.{head}"


def _unless(name: str, value: Any, default: Any) -> list[str]:
    """The keyword argument, or nothing where PyTorch would assume it."""
    return [] if value == default else [f"{name}={_number(value)}"]


def _number(value: int | float | bool | Pair) -> str:
    if isinstance(value, float):
        return repr(float(value))  # NumPy's are floats that write themselves otherwise
    if isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else f"({value[0]}, {value[1]})"
    return repr(value)


def _statement(head: str, arguments: Sequence[Argument], tail: str, depth: int) -> str:
    """`head(arguments)tail` on one line, or on as many as it takes, as Black breaks lines."""
    margin = depth * STEP
    flat = ", ".join(f"[{', '.join(a)}]" if isinstance(a, list) else a for a in arguments)
    if len(line := f"{margin}{head}{flat}{tail}") <= WIDTH:
        return line
    if len(inner := f"{margin}{STEP}{flat}") <= WIDTH:
        return f"{margin}{head}\n{inner}\n{margin}{tail}"
    lines = []
    for argument in arguments:
        items, opened, closed = (argument, "[", "],") if isinstance(argument, list) else ((), argument, ",")
        lines.append(_statement(opened, [*items], closed, depth + 1))
    return "\n".join([f"{margin}{head}", *lines, f"{margin}{tail}"])


def _constants(words: Iterable[tuple[str, str]]) -> list[str]:
    """`NAME = "…"` of each text there is, in lines that fit."""
    given = [(name, text) for name, text in words if text]
    return ["", *(_constant(name, text) for name, text in given)] if given else []


def _constant(name: str, text: str) -> str:
    line = f"{name} = {_literal(text)}"
    if len(line) <= WIDTH:
        return line
    pieces: list[str] = []
    piece = ""
    for word in re.findall(r"[!-~]{1,50} ?|.", text, re.DOTALL):
        if piece and len(_literal(piece + word)) > WIDTH - len(STEP):
            pieces, piece = [*pieces, piece], ""
        piece += word
    return "\n".join([f"{name} = (", *(STEP + _literal(part) for part in [*pieces, piece]), ")"])


def _literal(text: str) -> str:
    """A string literal, in double quotes where there are none in the text; what does not print is escaped."""
    literal = repr(text)
    return literal if '"' in text or literal[0] == '"' else f'"{literal[1:-1]}"'


def _attributes(network: Network) -> dict[str, str]:
    """An identifier of its own for each layer that is a module: `conv_1`, and `conv_1_2` for the next one so called."""
    names: dict[str, str] = {}
    taken, again = set(RESERVED), Counter[str]()
    for layer in network.layers:
        if layer.kind.many:
            continue
        wanted = name = _identifier(layer.name)
        while name in taken or keyword.iskeyword(name):
            again[wanted] += 1
            name = f"{wanted}_{again[wanted] + 1}"
        taken.add(name)
        names[layer.name] = name
    return names


def _identifier(name: str) -> str:
    """`layer1.0.conv2` -> `layer1_0_conv2`; never private, never empty, never a number first."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:CUT]
    if not plain:
        return "layer"
    return f"layer_{plain}" if plain[0].isdigit() else plain


def _class_name(name: str) -> str:
    """`ResNeXt-50 32x4d` -> `ResNeXt50_32x4d`, `log group cnn` -> `LogGroupCnn`."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "_".join(word[0].upper() + word[1:] for word in words)
    plain = re.sub(r"(?<!\d)_|_(?!\d)", "", joined)[:CUT]  # but between two numbers
    if not plain:
        return "Network"
    if plain[0].isdigit() or plain in CLASSES or keyword.iskeyword(plain):
        return f"Network{plain}"
    return plain


def _batch(shape: Shape) -> str:
    return f"(N, {', '.join(map(str, shape))})"
