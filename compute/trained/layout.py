"""What a file for a network must hold: a name and a shape for each tensor, from the stack it was trained as."""

from collections.abc import Mapping
from typing import Any

from compute.errors import SpecError, integer
from compute.grouping import SCHEMES, Grouping
from compute.spec import Pair, pair
from compute.stack.spec import StackSpec

MAX_CHANNELS = 4096
STEM_KERNEL: Pair = (3, 3)
ANY_SIZE = 1 << 20  # pixels: no pooling of a network is refused for the picture's sake
STACK_KEYS = (
    "in_channels", "scheme", "groups", "base", "sizes", "modules", "residual", "mixing", "downsample", "stage",
    "kernel_size",
)  # fmt: skip
Shapes = dict[str, tuple[int, ...]]


def stack_of(stack: Mapping[str, Any], checkpoint: str = "own", size: int = ANY_SIZE) -> StackSpec:
    """The network as trained, with its own weights: StackSpec of `stack`, which names in_channels, scheme, groups,
    base, sizes, modules, residual, mixing, downsample, stage and kernel_size. Raises SpecError."""
    missing = [name for name in STACK_KEYS if name not in stack]
    if missing:
        raise SpecError(f"a stack needs {missing[0]}", missing[0])
    channels = integer("in_channels", stack["in_channels"], 1, MAX_CHANNELS)
    if not isinstance(stack["residual"], bool):
        raise SpecError("residual must be true or false", "residual")
    return StackSpec(
        _grouping(stack, channels),
        **{name: stack[name] for name in ("modules", "residual", "mixing", "downsample", "stage")},
        kernel_size=pair("kernel_size", stack["kernel_size"], 1),
        weights="trained",
        checkpoint=checkpoint,
        size=size,
    )


def _grouping(stack: Mapping[str, Any], channels: int) -> Grouping:
    scheme, sizes = stack["scheme"], stack["sizes"]
    if scheme not in SCHEMES:
        raise SpecError(f"scheme must be one of {', '.join(SCHEMES)}", "scheme")
    if scheme == "custom" and not (isinstance(sizes, list | tuple) and 0 < len(sizes) <= channels):
        raise SpecError(f"sizes must be a list of 1 to {channels} pairs", "sizes")
    groups, base = (stack[name] if stack[name] is not None else 2 for name in ("groups", "base"))
    integer("groups", groups, 1, channels)
    return Grouping.of(scheme, channels, channels, groups, base, sizes)


def stack_dict(spec: StackSpec) -> dict[str, Any]:
    """What stack_of reads."""
    grouping = spec.grouping
    return {
        "in_channels": spec.channels,
        "scheme": grouping.scheme,
        "groups": grouping.groups,
        "base": grouping.base,
        "sizes": [list(size) for size in grouping.sizes] if grouping.scheme == "custom" else None,
        **{name: getattr(spec, name) for name in ("modules", "residual", "mixing", "downsample", "stage")},
        "kernel_size": list(spec.kernel_size),
    }


def layout(stack: Mapping[str, Any], image_channels: int, classes: int = 10) -> Shapes:
    """{name: shape} of every tensor, in order. image_channels: 1 or 3. classes: outputs of the head; 0: without a
    head, which nothing but the network's own answer needs. Raises SpecError."""
    return shapes(stack_of(stack), image_channels, classes)


def shapes(spec: StackSpec, image_channels: int, classes: int) -> Shapes:
    channels, kernel = spec.channels, spec.kernel_size
    found: Shapes = {"stem.weight": (channels, image_channels, *STEM_KERNEL), "stem.bias": (channels,)}
    for module in range(1, spec.modules + 1):
        if spec.mixing == "pointwise" and spec.mixed(module):
            found[f"mix.{module}.weight"] = (channels, channels, 1, 1)
        if spec.grouping.equal:
            found[f"modules.{module}.weight"] = (channels, spec.grouping.sizes[0][0], *kernel)
        else:
            for j, (a, b) in enumerate(spec.grouping.sizes):
                found[f"modules.{module}.weights.{j}"] = (b, a, *kernel)
        found[f"modules.{module}.bias"] = (channels,)
    if classes:
        found |= {"head.weight": (classes, channels), "head.bias": (classes,)}
    return found


def stack_query(spec: StackSpec) -> dict[str, str]:
    """Parameters of the stack that show the network as trained, as a query spells them; without picture and size."""
    return {
        "in_channels": str(spec.channels),
        **_pairs(spec),
        "dilation": "1,1",
        "bias": "true",
        **_split(spec.grouping),
        "modules": str(spec.modules),
        "residual": _word(spec.residual),
        "mixing": spec.mixing,
        "downsample": spec.downsample,
        "stage": str(spec.stage),
        "normalisation": "none",
        "relu": "true",
        "weights": "trained",
        "checkpoint": str(spec.checkpoint),
    }


def layer_query(spec: StackSpec) -> dict[str, str]:
    """The same of its first module's convolution alone: with ReLU where nothing is added before."""
    channels = str(spec.channels)
    return {
        "in_channels": channels,
        "out_channels": channels,
        **_pairs(spec),
        "stride": "1,1",
        "padding": "{},{}".format(*spec.padding),
        "dilation": "1,1",
        "bias": "true",
        **_split(spec.grouping),
        "weights": "trained",
        "relu": _word(not spec.residual),
        "checkpoint": str(spec.checkpoint),
    }


def _pairs(spec: StackSpec) -> dict[str, str]:
    return {"kernel_size": "{},{}".format(*spec.kernel_size)}


def _split(grouping: Grouping) -> dict[str, str]:
    facts = {"scheme": grouping.scheme, "groups": str(grouping.groups)}
    if grouping.base is not None:
        facts["base"] = str(grouping.base)
    if grouping.scheme == "custom":
        facts["sizes"] = ",".join(f"{a}x{b}" for a, b in grouping.sizes)
    return facts


def _word(value: bool) -> str:
    return "true" if value else "false"
