"""A stack in words and numbers: what each module costs, what it can see, how far its channels are connected."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from compute.counts import Counts, count
from compute.formulas import digits
from compute.grouping import Grouping, Span
from compute.notes import split_notes
from compute.spec import Pair
from compute.stack.reach import reaches
from compute.stack.spec import StackSpec

STEM_KERNEL = 3
STEM_RANK = 27  # a linear 3 × 3 filter over three colours is a vector of 27 numbers


def describe_stack(spec: StackSpec) -> dict[str, Any]:
    """The body of GET /api/stack. Counts are those of the modules and the 1 x 1 convolutions between them, for one
    picture: the stem, pooling, normalisation and the identity's additions are not counted."""
    found = iter(reaches(spec))
    next(found)
    modules = [
        {**row, "connected": reach.connected, "share": reach.share}
        for row, reach in zip(_modules(spec), found, strict=True)
    ]
    totals = _totals(modules)
    standard = _totals(list(_modules(spec, standard=True)))
    return {
        "channels": spec.channels,
        "groups": [describe_group(span) for span in spec.grouping.spans],
        "order": list(spec.order) if spec.mixing == "shuffle" else None,
        "modules": modules,
        **totals,
        "standard": standard,
        "ratios": {name: totals[name] / standard[name] for name in totals},
        "notes": [*split_notes(spec.grouping), *_notes(spec, modules[-1]["connected"])],
    }


def describe_group(span: Span) -> dict[str, int]:
    return {
        "index": span.index,
        "in_start": span.in_start,
        "in_channels": span.in_channels,
        "out_start": span.out_start,
        "out_channels": span.out_channels,
    }


def receptive_field(spec: StackSpec, module: int, row: int, column: int) -> tuple[int, int, int, int]:
    """(top, left, bottom, right), half open, in pixels of the square picture: the smallest box around the pixels that
    value (row, column) after `module` depends on through kernels and pools. With a dilation there may be gaps in it;
    a normalisation takes its mean and deviation from the whole map besides. (0, 0, 0, 0) where it depends on none."""
    seen = [{row}, {column}]
    for m in range(module, 0, -1):
        read = [_tapped(spec, m, places, axis) for axis, places in enumerate(seen)]
        if not all(read):  # every tap lies beyond the border: nothing but the identity is left
            read = [set[int](), set[int]()]
        seen = [taps | places if spec.residual else taps for taps, places in zip(read, seen, strict=True)]
        if spec.pooled(m):
            seen = [{2 * place + half for place in places for half in (0, 1)} for places in seen]
    if not all(seen):
        return 0, 0, 0, 0
    (top, bottom), (left, right) = ((min(places) - 1, max(places) + 2) for places in seen)  # the stem is 3 x 3
    return max(top, 0), max(left, 0), min(bottom, spec.size), min(right, spec.size)


def _tapped(spec: StackSpec, module: int, places: set[int], axis: int) -> set[int]:
    """Rows (axis 0) or columns that the kernel reads for `places`, beyond the border none."""
    steps = [spec.dilation[axis] * tap - spec.padding[axis] for tap in range(spec.kernel_size[axis])]
    return {p for p in (place + step for place in places for step in steps) if 0 <= p < spec.side(module)}


def _modules(spec: StackSpec, standard: bool = False) -> Iterator[dict[str, Any]]:
    """A row a module; `standard`: as if its convolution had one group."""
    channels = spec.channels
    field, step = (STEM_KERNEL, STEM_KERNEL), 1
    for module in range(1, spec.modules + 1):
        side = spec.side(module)
        if spec.pooled(module):
            field, step = (field[0] + step, field[1] + step), 2 * step
        field = _grown(field, spec, step)
        bill = _count(spec, channels**2 if standard else spec.grouping.connections, spec.kernel_size, spec.bias, side)
        pointwise = spec.mixing == "pointwise" and spec.mixed(module)
        mixer = _count(spec, channels**2, (1, 1), False, side) if pointwise else None
        yield {
            "module": module,
            "height": side,
            "width": side,
            "rotation": spec.rotation(module),
            "downsampled": spec.pooled(module),
            "params": bill.params,
            "macs": bill.macs,
            "mixing_params": mixer.params if mixer else 0,
            "mixing_macs": mixer.macs if mixer else 0,
            "receptive_field": list(field),
        }


def _grown(field: Pair, spec: StackSpec, step: int) -> Pair:
    return field[0] + 2 * spec.padding[0] * step, field[1] + 2 * spec.padding[1] * step


def _count(spec: StackSpec, connections: int, kernel_size: Pair, bias: bool, side: int) -> Counts:
    return count(connections, kernel_size, bias, (spec.channels, spec.channels), side * side, side * side)


def describe_bill(spec: StackSpec, grouping: Grouping | None = None) -> dict[str, int]:
    """{"params", "macs", "flops"} of the whole stack, with another grouping if one is given."""
    return _totals(list(_modules(spec if grouping is None else replace(spec, grouping=grouping))))


def _totals(modules: list[dict[str, Any]]) -> dict[str, int]:
    params = sum(row["params"] + row["mixing_params"] for row in modules)
    macs = sum(row["macs"] + row["mixing_macs"] for row in modules)
    return {"params": params, "macs": macs, "flops": 2 * macs}


def _notes(spec: StackSpec, connected: int) -> Iterator[str]:
    """connected: pairs after the last module."""
    aligned = all((s.in_start, s.in_channels) == (s.out_start, s.out_channels) for s in spec.grouping.spans)
    if spec.grouping.groups == 1:
        yield "One group: every channel sees every other, there are no walls to mix across."
    elif spec.modules == 1 and spec.mixing != "none":
        yield "Mixing stands between modules: with one module it changes nothing."
    elif spec.mixing == "none" and aligned:
        yield "Without mixing no group learns of another, however deep the stack: the identity does not mix either."
    elif not aligned:
        yield (
            "A group here does not write the channels that it reads, so groups hand channels to one another from"
            " module to module, also where nothing else mixes."
        )
    elif connected == spec.grouping.connections:
        yield f"This mixing ({spec.mixing}) opens no wall here: it leads the groups back into themselves."
    if spec.downsample != "none" and spec.modules <= spec.stage:
        yield f"Nothing is halved: the first pooling would stand before module {digits(spec.stage + 1)}."
