"""The one table of query parameters: what the API accepts and documents, and what the page's controls are built from.

Defaults come from `compute`; limits from the settings.
"""

from collections.abc import Mapping
from typing import Any

from app.kinds import CheckpointId, Choice, Hash, Pair, Parameter, Sizes, Slice, Switch, Whole
from app.settings import Settings
from compute.depth import DEPTH_SCHEMES, MAX_DEPTH
from compute.grouping import MAX_BASE, MIN_BASE, SCHEMES
from compute.growth import GROWTH_METRICS, MAX_DOUBLINGS, Growth
from compute.maps import GAINS, MAX_SEED, WEIGHTS
from compute.spec import DEFAULTS

Table = Mapping[str, Parameter]

KERNEL = ("kernel_size", "stride", "padding", "dilation", "bias")
SPLIT = ("scheme", "groups", "base", "sizes")
LAYER = ("in_channels", "out_channels", *KERNEL, "height", "width", *SPLIT)
DEPTH = (*LAYER, "depth", "stage", "halve")
DEPTH_FIGURE = (*DEPTH, "metric", "cumulative", "log")
MAPS = (
    "image", "size", "in_channels", "out_channels", *KERNEL, *SPLIT, "weights", "checkpoint", "seed", "gain",
    "relu", "dtype", "tile", "channels",
)  # fmt: skip
CROP = ("size",)
GROWTH = ("in_channels", "kernel_size", "height", "width", "doublings", "groups", "group_width", "base")
GROWTH_FIGURE = (*GROWTH, "growth", "halve")
WEBER = ("in_channels", "groups", "base")

METRICS = ("params", "macs", "flops")
DTYPES = ("uint8", "float32")


def parameters(settings: Settings, first_image: str | None = None) -> Table:
    """Every parameter by name, in the order of the page's own query string."""
    channels, kernel, resolution = settings.max_channels, settings.max_kernel, settings.max_resolution
    table = (
        Hash("image", "Image", "Id of the picture, its SHA-256.", first_image, required=True),
        _whole("size", "Image size", "Side of the square picture the layer sees, in pixels.", 1, settings.max_size),
        _whole("in_channels", "Input channels", "Channels that enter the layer.", 1, channels),
        _whole("out_channels", "Output channels", "Channels that leave the layer: its filters.", 1, channels),
        _pair("kernel_size", "Kernel size", "Height and width of each filter.", 1, kernel),
        _pair("stride", "Stride", "Steps between two positions of the kernel.", 1, kernel),
        _pair("padding", "Padding", "Zeros added on each side of the input.", 0, kernel),
        _pair("dilation", "Dilation", "Distance between two taps of the kernel.", 1, kernel),
        _switch("bias", "Bias", "One added number for each output channel."),
        _choice("scheme", "Scheme", "How the channels are split into groups.", SCHEMES),
        _whole(
            "groups",
            "Groups",
            "Number of groups; counts for uniform and logarithmic, otherwise it is ignored.",
            1,
            channels,
        ),
        _whole(
            "base",
            "Base",
            "Of a logarithmic split: each group but the last takes the share 1 - 1/base of what is left.",
            MIN_BASE,
            MAX_BASE,
        ),
        Sizes("sizes", "Group sizes", "Of a custom split: IN x OUT channels of each group.", most=channels),
        _whole("height", "Height", "Height of the input.", 1, resolution),
        _whole("width", "Width", "Width of the input.", 1, resolution),
        _choice(
            "weights",
            "Weights",
            "Where the weights come from: oriented filters, random numbers, or a trained network.",
            WEIGHTS,
        ),
        CheckpointId(
            "checkpoint", "Network", "Trained network whose weights are taken, where weights=trained; else ignored."
        ),
        _whole("seed", "Seed", "Number that all weights are made from; trained ones are not.", 0, MAX_SEED),
        _choice("gain", "Gain", "Weights as cut, or rescaled to each group's own fan-in.", GAINS),
        _switch("relu", "ReLU", "Negative responses set to zero."),
        Choice(
            "dtype",
            "Payload",
            "Type of the numbers sent; the arithmetic's own type is `compute_dtype`.",
            "uint8",
            choices=DTYPES,
        ),
        Whole(
            "tile",
            "Tile",
            "Longer side of the maps sent, made by area averages; left out, full resolution.",
            low=1,
            high=settings.max_size,
        ),
        Slice("channels", "Channels", "Only these output channels, as FIRST:END; left out, all.", most=channels),
        Choice(
            "scaling",
            "Scaling",
            "Whether each map, each group or all maps share one range of brightness.",
            "map",
            choices=("map", "group", "shared"),
        ),
        Choice(
            "unit", "Unit", "Work as multiply-accumulates, or as FLOPs: two each.", "macs", choices=("macs", "flops")
        ),
        _whole("depth", "Depth", "Number of layers stacked.", 1, MAX_DEPTH),
        _whole("stage", "Stage", "Layers until the channels double.", 1, MAX_DEPTH),
        _switch("halve", "Halve", "Whether height and width halve where the channels double."),
        Choice("metric", "Metric", f"What is drawn for {', '.join(DEPTH_SCHEMES)}.", "macs", choices=METRICS),
        Whole(
            "doublings",
            "Doublings",
            "How often the channels double, from in_channels on.",
            Growth.doublings,
            low=1,
            high=MAX_DOUBLINGS,
        ),
        Whole(
            "group_width",
            "Group width",
            "Channels of each group where the width is what stays fixed.",
            Growth.group_width,
            low=1,
            high=channels,
        ),
        Choice("growth", "Count", "What is drawn against the channels.", "weights", choices=GROWTH_METRICS),
        Switch("cumulative", "Cumulative", "All layers up to each one, instead of each alone.", False),
        Switch("log", "Logarithmic axis", "Powers of ten at equal distances.", True),
    )
    return {parameter.name: parameter for parameter in table}


def _whole(name: str, label: str, text: str, low: int, high: int) -> Whole:
    return Whole(name, label, text, DEFAULTS[name], low=low, high=high)


def _pair(name: str, label: str, text: str, low: int, high: int) -> Pair:
    return Pair(name, label, text, DEFAULTS[name], low=low, high=high)


def _switch(name: str, label: str, text: str) -> Switch:
    return Switch(name, label, text, DEFAULTS[name])


def _choice(name: str, label: str, text: str, choices: tuple[str, ...]) -> Choice:
    return Choice(name, label, text, DEFAULTS[name], choices=choices)


def boot_parameters(table: Table) -> dict[str, dict[str, Any]]:
    return {name: parameter.boot() for name, parameter in table.items()}
