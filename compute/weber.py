"""Group sizes of a logarithmic split beside the Weber-Fechner law, from which the paper takes its motivation.

The law is about perceived intensity; that channels should follow it is an analogy, and the notes say so.
"""

import math
from itertools import pairwise
from typing import Any

from compute.formulas import digits, two_decimals
from compute.grouping import Grouping

SUBSTEPS = 8  # points of the law's curve from one factor of base to the next
WRITTEN = 12  # sizes written out in a sentence before the rest is an ellipsis
LAW = "Weber–Fechner: perceived intensity is proportional to the logarithm of the stimulus."
ANALOGY = (
    "The paper takes its motivation from this law. It is an analogy about perceived intensity, not a derivation about"
    " channels: nothing in the law says how a convolution should be split."
)
READING = (
    "This is our reading of Lee, Baddar, Kim and Ro, “Convolution with Logarithmic Filter Groups for Efficient Shallow"
    " CNN” (arXiv 1707.09855); the body of the paper was not available to us."
)


def describe_weber(channels: int, groups: int, base: int = 2) -> dict[str, Any]:
    """{"channels", "groups", "base", "sizes", "law", "notes"}: GET /api/weber-fechner.

    sizes: [{"group", "channels", "log"}], log to `base`. law: {"text", "formula", "points": [{"stimulus",
    "sensation"}]}, the stimulus in multiples of the threshold, one more of sensation at each factor of base.
    Raises SpecError where the channels have no room for the groups.
    """
    grouping = Grouping.logarithmic(channels, channels, groups, base)
    sizes = [a for a, _ in grouping.sizes]
    return {
        "channels": grouping.in_channels,
        "groups": grouping.groups,
        "base": grouping.base,
        "sizes": [{"group": group, "channels": size, "log": log_of(size, base)} for group, size in enumerate(sizes)],
        "law": {
            "text": LAW,
            "formula": f"sensation = log{_subscript(base)}(stimulus / threshold)",
            "points": _points(grouping.groups, base),
        },
        "notes": [LAW, ANALOGY, _steps(sizes, base, grouping.rounded), READING],
    }


def log_of(number: int, base: int) -> float:
    """log of `number` to `base`, exact where it is a whole number."""
    nearest = round(math.log(number, base))
    return float(nearest) if base**nearest == number else math.log(number, base)


def _points(groups: int, base: int) -> list[dict[str, float]]:
    """From the threshold up by as many factors of base as the split has steps, one at least."""
    marks = range(SUBSTEPS * max(1, groups - 1) + 1)
    return [{"stimulus": base ** (mark / SUBSTEPS), "sensation": mark / SUBSTEPS} for mark in marks]


def _steps(sizes: list[int], base: int, rounded: bool) -> str:
    """What the sizes do on the log scale, exactly."""
    if len(sizes) == 1:
        channels = "1 channel" if sizes[0] == 1 else f"{digits(sizes[0])} channels"
        return f"One group of {channels} has no step."
    listed = ", ".join(map(digits, sizes[:WRITTEN])) + (", …" if len(sizes) > WRITTEN else "")
    total = digits(sum(sizes))
    if rounded:
        steps = [_signed(log_of(a, base) - log_of(b, base)) for a, b in pairwise(sizes)]
        written = ", ".join(steps[:WRITTEN]) + (", …" if len(steps) > WRITTEN else "")
        return (
            f"Shares of {total} channels were rounded to whole channels, {listed}, so the log scale has no exact steps"
            f" here: {written} down, where 1.00, and {_signed(log_of(base - 1, base))} at the last, would be exact."
        )
    if len(sizes) == 2:
        return f"{total} channels in two groups, {listed}: {_last(base)}. Equal steps begin at three groups."
    part = "half" if base == 2 else f"1/{base}"
    return (
        f"{listed}: equal steps on the log scale, each group {part} of the one before, except that"
        f" {_last(base)}: so all {total} channels are used."
    )


def _last(base: int) -> str:
    return "the last repeats the size before it" if base == 2 else f"the last is 1/{base - 1} of the one before"


def _signed(step: float) -> str:
    """Two decimals, rounded half up, with a true minus."""
    text = two_decimals(abs(step))
    return f"−{text}" if step < 0 and float(text) else text


def _subscript(base: int) -> str:
    return "".join(chr(ord("₀") + int(digit)) for digit in str(base))
