"""What holds a layer back: arithmetic intensity under ceilings that were measured on this device.

Roofline: Williams, Waterman and Patterson, 2009, doi:10.1145/1498765.1498785. Beside its two roofs stand one for groups
too narrow for the vector unit, and one for what each call costs before it computes anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from compute.grouping import Grouping

GIGA = 1e9
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


def caps(
    grouping: Grouping, flops: int, moved: int, calls: int, ceilings: Mapping[str, Any], alone: bool = True
) -> dict[str, float]:
    """GFLOP/s that each ceiling allows. flops and moved (bytes) of the whole batch; calls: native calls of one pass.
    alone: the groups run at their own width, not padded into wider blocks."""
    in_cache = moved <= ceilings["cache_size_bytes"]
    bandwidth = ceilings["cache_bytes_per_second" if in_cache else "memory_bytes_per_second"]
    found = {
        "compute": ceilings["peak_gflops"],
        "memory": flops / moved * bandwidth / GIGA,
        "calls": flops / (calls * ceilings["call_seconds"]) / GIGA,
    }
    if alone and grouping.groups > 1:
        found["narrow groups"] = narrow_cap(grouping, ceilings["narrow"])
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
    alone: bool = True,
) -> dict[str, Any]:
    """{"name", "gflops", "sentence"} of the lowest cap. gflops: achieved."""
    found = caps(grouping, flops, moved, calls, ceilings, alone)
    name = min(found, key=lambda each: found[each])
    words = WHY[name].format(
        moved=f"{moved / 1e6:.3g} MB",
        flops=f"{flops / 1e6:.3g} MFLOPs",
        cap=f"{found[name]:.3g}",
        calls="one call" if calls == 1 else f"{calls} calls",
    )
    share = gflops / found[name]
    if share >= NEAR:
        sentence = f"{words}; it reaches {share:.0%} of that."
    else:
        sentence = (
            f"it reaches {share:.0%} of its lowest roof, {found[name]:.3g} GFLOP/s ({name}): the rest goes into"
            " copying channels, ordering weights and what the library adds for small pieces."
        )
    return {"name": name, "gflops": found[name], "sentence": sentence}
