"""How cost grows with depth, for a plain stack of convolutions that widens as it goes.

Layer i (from 0) has in_channels 2^floor(i/stage) inputs, in_channels 2^floor((i+1)/stage) outputs and works at
resolution ceil(height / 2^floor(i/stage)) where `halve` is set, else at the input's; stride 1, same padding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from compute.counts import Counts, count
from compute.errors import SpecError, integer
from compute.grouping import MAX_BASE, MIN_BASE, Grouping
from compute.spec import DEFAULTS, Pair, pair

DEPTH_SCHEMES = ("standard", "uniform", "logarithmic")
MAX_DEPTH = 64
Row = dict[str, Any]
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
        object.__setattr__(self, "base", integer("base", self.base, MIN_BASE, MAX_BASE))
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
        pixels = prod(self.resolution(layer))
        return count(grouping.connections, self.kernel_size, self.bias, self.channels(layer), pixels, pixels)


def describe_depth(stack: Stack, check: Callable[[Row], None] = lambda row: None) -> dict[str, Any]:
    """Rows by scheme and layer, and what is true of their growth: the body of GET /api/depth.

    Where `groups` does not fit a layer its counts are null and `reason` says why; from there on nothing adds up, so
    the cumulative counts are null too. `check` sees each row as soon as it is made, the standard scheme's first, and
    may raise: channels double, and a deep stack's numbers soon pass every bound.
    """
    rows = []
    for scheme in DEPTH_SCHEMES:
        for row in _rows(stack, scheme):
            check(row)
            rows.append(row)
    return {"rows": rows, "notes": [_what(stack), growth_note(stack), *_reasons(rows)]}


def _what(stack: Stack) -> str:
    return (
        f"A stack of its own: {stack.in_channels} channels at {stack.height} × {stack.width} to begin with,"
        f" {stack.kernel_size[0]} × {stack.kernel_size[1]} filters, stride 1, same padding;"
        f" uniform and logarithmic (base {stack.base}) with n = {stack.groups}."
    )


def growth_note(stack: Stack) -> str:
    """What is true of the layers' costs, one by one, for exactly this stack."""
    last = (stack.depth - 1) // stack.stage  # stages that begin after the first
    if stack.depth < stack.stage:
        return "No layer doubles its channels: the stack ends before its first stage does."
    double = "The layer that doubles the channels costs twice as much as those before it"
    if last == 0:
        return f"{double}; deeper stages would follow."
    if not stack.halve:
        return f"{double}. From stage to stage, at the same resolution, weights and MACs both grow ×4."
    if stack.height % (1 << last) or stack.width % (1 << last):
        return (
            f"{double}. From stage to stage the resolution halves, rounded up: weights grow ×4, MACs stay flat only"
            " where the halves are exact, and grow ×4 too once nothing is left to halve."
        )
    return f"{double}. From stage to stage the resolution halves: weights grow ×4 while MACs stay flat."


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


def _reasons(rows: list[Row]) -> list[str]:
    """One sentence a scheme. Channels only ever double, so the layers that can't be split come first."""
    sentences = []
    for scheme in DEPTH_SCHEMES:
        illegal = [row for row in rows if row["scheme"] == scheme and row["reason"]]
        if illegal:
            first, last = illegal[0], illegal[-1]["layer"]
            which = f"layers {first['layer']}–{last}" if last > first["layer"] else f"layer {first['layer']}"
            sentences.append(f"{scheme}, {which}: {first['reason']}. Nothing adds up from there on.")
    return sentences
