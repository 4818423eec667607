"""How cost grows with depth, for a plain stack of convolutions that widens as it goes.

Layer i (from 0) has in_channels 2^floor(i/stage) inputs, in_channels 2^floor((i+1)/stage) outputs and works at
resolution ceil(height / 2^floor(i/stage)) where `halve` is set, else at the input's; stride 1, same padding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compute.counts import Counts
from compute.errors import SpecError, integer
from compute.grouping import Grouping
from compute.spec import DEFAULTS, Pair, pair

DEPTH_SCHEMES = ("standard", "uniform", "logarithmic")
MAX_DEPTH = 64
CUMULATIVE = ("params", "macs", "flops", "activation_elements")


@dataclass(frozen=True)
class Stack:
    """The stack's shape; cannot be built wrong (raises SpecError)."""

    in_channels: int = DEFAULTS["in_channels"]
    kernel_size: Pair = DEFAULTS["kernel_size"]
    bias: bool = DEFAULTS["bias"]
    height: int = DEFAULTS["height"]
    width: int = DEFAULTS["width"]
    groups: int = DEFAULTS["groups"]
    base: int = DEFAULTS["base"]
    depth: int = DEFAULTS["depth"]
    stage: int = DEFAULTS["stage"]
    halve: bool = DEFAULTS["halve"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel_size", pair("kernel_size", self.kernel_size, 1))
        for field in ("in_channels", "height", "width", "groups"):
            object.__setattr__(self, field, integer(field, getattr(self, field), 1))
        for field in ("depth", "stage"):
            object.__setattr__(self, field, integer(field, getattr(self, field), 1, MAX_DEPTH))

    def channels(self, layer: int) -> tuple[int, int]:
        """(in, out) channels of layer `layer`."""
        return self.in_channels << (layer // self.stage), self.in_channels << ((layer + 1) // self.stage)

    def resolution(self, layer: int) -> Pair:
        factor = 1 << (layer // self.stage) if self.halve else 1
        return -(-self.height // factor), -(-self.width // factor)

    def grouping(self, scheme: str, layer: int) -> Grouping:
        return Grouping.of(scheme, *self.channels(layer), self.groups, self.base)

    def count(self, grouping: Grouping, layer: int) -> Counts:
        height, width = self.resolution(layer)
        pixels = height * width
        weights = self.kernel_size[0] * self.kernel_size[1] * sum(n * a * b for n, a, b in grouping.runs)
        return Counts(
            weights=weights,
            bias=grouping.out_channels if self.bias else 0,
            macs=pixels * weights,
            input_elements=pixels * grouping.in_channels,
            output_elements=pixels * grouping.out_channels,
        )


def describe_depth(stack: Stack) -> dict[str, Any]:
    """Rows by scheme and layer, and what is true of their growth: the body of GET /api/depth.

    Where `groups` does not fit a layer its counts are null and `reason` says why; from there on nothing adds up, so
    the cumulative counts are null too.
    """
    rows = [row for scheme in DEPTH_SCHEMES for row in _rows(stack, scheme)]
    return {"rows": rows, "notes": [growth_note(stack), *_reasons(rows)]}


def growth_note(stack: Stack) -> str:
    """Exact for even resolutions; where a size is odd, halving rounds up and MACs drift a little above flat."""
    if stack.halve:
        return (
            "Channels double, resolution halves at each stage: weights grow ×4 per doubling while MACs stay flat"
            " (the peaks are the layers that double the channels, still at the old resolution)."
        )
    return "Channels double at each stage and the resolution stays: weights and MACs both grow ×4 per doubling."


def _rows(stack: Stack, scheme: str) -> Iterator[dict[str, Any]]:
    totals: dict[str, int] | None = dict.fromkeys(CUMULATIVE, 0)
    for layer in range(stack.depth):
        costs, reason = _costs(stack, scheme, layer)
        totals = {k: totals[k] + costs[k] for k in CUMULATIVE} if totals is not None and costs is not None else None
        (in_channels, out_channels), (height, width) = stack.channels(layer), stack.resolution(layer)
        yield {
            "layer": layer,
            "scheme": scheme,
            "groups": 1 if scheme == "standard" else stack.groups,
            "in_channels": in_channels,
            "out_channels": out_channels,
            "height": height,
            "width": width,
            **(costs or dict.fromkeys(CUMULATIVE)),
            **{f"cumulative_{k}": totals and totals[k] for k in CUMULATIVE},
            "reason": reason,
        }


def _costs(stack: Stack, scheme: str, layer: int) -> tuple[dict[str, int] | None, str | None]:
    try:
        counts = stack.count(stack.grouping(scheme, layer), layer)
    except SpecError as error:
        return None, str(error)
    return {
        "params": counts.params,
        "macs": counts.macs,
        "flops": counts.flops,
        "activation_elements": counts.output_elements,
    }, None


def _reasons(rows: list[dict[str, Any]]) -> list[str]:
    first = {row["scheme"]: row for row in reversed(rows) if row["reason"]}
    return [f"{scheme}, layer {row['layer']}: {row['reason']}." for scheme, row in sorted(first.items())]
