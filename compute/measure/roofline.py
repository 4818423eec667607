"""What holds a layer back: arithmetic intensity under ceilings that were measured on this device.

Roofline: Williams, Waterman and Patterson, 2009, doi:10.1145/1498765.1498785. Beside its two roofs stand one for groups
too narrow for the vector unit, and one for what each call costs before it computes anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from compute.grouping import Grouping
from compute.spec import ConvSpec

GIGA = 1e9
NOISE = 1.1  # times a cap: what is further above it was not held back by it
NEAR = 0.55  # of a cap: from here on it is what holds the layer back


def narrow_cap(grouping: Grouping, narrow: Sequence[Mapping[str, Any]]) -> float:
    """GFLOP/s of a split whose groups each run as fast as equal groups of their width were measured to: the harmonic
    mean, weighed by work. narrow: [{"width", "gflops"}], ascending."""
    work = seconds = 0.0
    for count, a, b in grouping.runs:
        share = count * a * b
        work += share
        seconds += share / _at(min(a, b), narrow)
    return work / seconds


def _at(width: int, narrow: Sequence[Mapping[str, Any]]) -> float:
    """Between two measured widths in proportion; beyond the last as the last."""
    before = narrow[0]
    for point in narrow:
        if point["width"] >= width:
            if point["width"] == before["width"]:
                return float(point["gflops"])
            share = (width - before["width"]) / (point["width"] - before["width"])
            return float(before["gflops"] + share * (point["gflops"] - before["gflops"]))
        before = point
    return float(before["gflops"])


def taps_inside(conv: ConvSpec) -> float:
    """Share of the multiply-accumulates that read the image and not its padding, which a library may leave out."""
    share = 1.0
    for axis, (length, outputs) in enumerate(
        ((conv.height, conv.output_height), (conv.width, conv.output_width)),
    ):
        kernel, stride = conv.kernel_size[axis], conv.stride[axis]
        inside = 0
        for tap in range(kernel):
            offset = conv.padding[axis] - tap * conv.dilation[axis]  # output o reads o stride - offset
            first, last = max(0, -(-offset // stride)), min(outputs - 1, (length - 1 + offset) // stride)
            inside += max(0, last - first + 1)
        share *= inside / (outputs * kernel)
    return share


def caps(
    grouping: Grouping,
    flops: int,
    moved: int,
    calls: int,
    ceilings: Mapping[str, Any],
    executed: float = 1.0,
    alone: bool = True,
) -> dict[str, float]:
    """GFLOP/s that each ceiling allows. flops and moved (bytes) of the whole batch; calls: native calls of one pass.
    executed: multiply-accumulates that are really done over those counted. alone: the groups run at their own width,
    not padded into wider blocks."""
    in_cache = moved <= ceilings["cache_size_bytes"]
    bandwidth = ceilings["cache_bytes_per_second" if in_cache else "memory_bytes_per_second"]
    found = {
        "compute": ceilings["peak_gflops"] / executed,
        "memory": flops / moved * bandwidth / GIGA,
        "calls": flops / (calls * ceilings["call_seconds"]) / GIGA,
    }
    if alone and grouping.groups > 1:
        found["narrow groups"] = narrow_cap(grouping, ceilings["narrow"]) / executed
    return found


WHY = {
    "memory": "{moved} have to be moved for {flops}: more than {cap} GFLOP/s are not possible, however it computes",
    "compute": "the arithmetic itself: no convolution was measured faster than {cap} GFLOP/s here",
    "narrow groups": "its groups are too narrow to fill the vector unit: groups as wide as these reach {cap} GFLOP/s",
    "calls": "starting {calls} takes so long that no more than {cap} GFLOP/s are possible",
}


def bound(
    grouping: Grouping,
    flops: int,
    moved: int,
    calls: int,
    gflops: float,
    ceilings: Mapping[str, Any],
    executed: float = 1.0,
    alone: bool = True,
) -> dict[str, Any]:
    """{"name", "gflops", "sentence"} of the lowest cap that the layer keeps to. gflops: achieved."""
    found = caps(grouping, flops, moved, calls, ceilings, executed, alone)
    kept = {name: cap for name, cap in found.items() if gflops <= NOISE * cap} or {"compute": gflops}
    name = min(kept, key=lambda each: kept[each])
    cap = kept[name]
    words = WHY[name].format(
        moved=f"{moved / 1e6:.3g} MB",
        flops=f"{flops / 1e6:.3g} MFLOPs",
        cap=f"{cap:.3g}",
        calls="one call" if calls == 1 else f"{calls} calls",
    )
    if name == "compute" and executed > 1:
        words += f", and with the zeros between its groups it does {executed:.2f} times its own work"
    share = min(1.0, gflops / cap)
    if share >= NEAR:
        sentence = f"{words}; it reaches {share:.0%} of that."
    else:
        sentence = (
            f"it reaches {share:.0%} of its lowest roof, {cap:.3g} GFLOP/s ({name}): the rest goes into"
            " copying channels, ordering weights and what the library adds for small pieces."
        )
    return {"name": name, "gflops": cap, "sentence": f"{sentence[0].upper()}{sentence[1:]}"}
