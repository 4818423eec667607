"""How a layer's bill grows as its channels double: the exponential story, with the exact factor of each count.

One layer a stage, C → C channels, stride 1, same padding, without bias; C doubles from stage to stage. Every stage is
counted in two regimes: at the input's resolution throughout, and with the resolution halved, rounded up, at each
doubling. Weights grow exponentially with the number of doublings in both; MACs only in the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from compute.counts import count
from compute.errors import SpecError, integer
from compute.formulas import digits
from compute.grouping import MAX_BASE, MIN_BASE, Grouping
from compute.network.split import Split
from compute.spec import DEFAULTS, Pair, pair

GROWTH_SERIES = ("standard", "uniform", "width", "logarithmic")
GROWTH_METRICS = ("weights", "macs", "activations")
MAX_DOUBLINGS = 16
WRITTEN = 6  # shares of a rounded split written out before the rest is an ellipsis
NAMES = {"weights": "weights", "macs": "MACs", "activations": "activations"}
REGIMES = {False: "at constant resolution", True: "with the resolution halved each time"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Growth:
    """The stages and the splits compared; cannot be built wrong (raises SpecError).

    in_channels, height, width: of the first stage. groups: n of the uniform and the logarithmic split. group_width:
    channels of each group where the width is what stays fixed; 16 of 64 channels begins where n = 4 does.
    """

    in_channels: int = DEFAULTS["in_channels"]
    kernel_size: Pair = DEFAULTS["kernel_size"]
    height: int = DEFAULTS["height"]
    width: int = DEFAULTS["width"]
    doublings: int = 4
    groups: int = DEFAULTS["groups"]
    group_width: int = 16
    base: int = DEFAULTS["base"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel_size", pair("kernel_size", self.kernel_size, 1))
        for field in ("in_channels", "height", "width", "groups", "group_width"):
            object.__setattr__(self, field, integer(field, getattr(self, field), 1))
        object.__setattr__(self, "doublings", integer("doublings", self.doublings, 1, MAX_DOUBLINGS))
        object.__setattr__(self, "base", integer("base", self.base, MIN_BASE, MAX_BASE))

    @property
    def stages(self) -> range:
        return range(self.doublings + 1)

    def channels(self, stage: int) -> int:
        return self.in_channels << stage

    def resolution(self, stage: int, halve: bool) -> Pair:
        factor = 1 << stage if halve else 1
        return -(-self.height // factor), -(-self.width // factor)

    def split(self, series: str, stage: int) -> Split:
        """The rule of one series; a fixed width has more groups at each stage. Raises SpecError."""
        match series:
            case "uniform":
                return Split.uniform(self.groups)
            case "width":
                return Split.uniform(self._groups_of_width(stage))
            case "logarithmic":
                return Split("logarithmic", self.groups, self.base)
        return Split()

    def label(self, series: str) -> str:
        base = f", base {self.base}" if self.base != MIN_BASE else ""
        return {
            "standard": "standard",
            "uniform": f"uniform n = {self.groups}",
            "width": f"group width {self.group_width}",
            "logarithmic": f"logarithmic n = {self.groups}{base}",
        }[series]

    @property
    def rounded(self) -> bool:
        """The logarithmic shares of the first stage are not whole numbers of channels."""
        return bool(self.in_channels % int(self.base ** (self.groups - 1)))

    def _groups_of_width(self, stage: int) -> int:
        channels = self.channels(stage)
        if channels % self.group_width:
            raise SpecError(
                f"group_width must divide the channels: {channels} % {self.group_width} ="
                f" {channels % self.group_width}",
                "group_width",
                f"use a divisor of {channels}",
            )
        return channels // self.group_width


def describe_growth(growth: Growth) -> dict[str, Any]:
    """{"rows", "slopes", "notes"}: GET /api/growth.

    rows: one for each series, stage and regime (`halve`); weights without bias, MACs and activations for one image.
    Where a split does not fit a stage its counts are null and `reason` says why. slopes: `factor` a doubling of the
    channels, and `ratio` to standard, as text ("4", "1/2"), both null where not exact.
    """
    rows = list(_rows(growth))
    lines = {
        (series, halve): [row for row in rows if (row["series"], row["halve"]) == (series, halve)]
        for halve in REGIMES
        for series in GROWTH_SERIES
    }
    slopes = [
        _slope(growth, line, lines["standard", halve], metric)
        for (_, halve), line in lines.items()
        for metric in GROWTH_METRICS
    ]
    return {"rows": rows, "slopes": slopes, "notes": _notes(growth, lines)}


def _rows(growth: Growth) -> Iterator[Row]:
    for halve in REGIMES:
        for series in GROWTH_SERIES:
            for stage in growth.stages:
                yield _row(growth, series, stage, halve)


def _row(growth: Growth, series: str, stage: int, halve: bool) -> Row:
    channels, resolution = growth.channels(stage), growth.resolution(stage, halve)
    row: Row = {
        "series": series,
        "halve": halve,
        "stage": stage,
        "channels": channels,
        "height": resolution[0],
        "width": resolution[1],
        "groups": None,
        **dict.fromkeys(GROWTH_METRICS),
        "reason": None,
    }
    try:
        split = growth.split(series, stage)
        connections = split.connections(channels, channels)
    except SpecError as error:
        return {**row, "reason": str(error)}
    pixels = prod(resolution)
    counts = count(connections, growth.kernel_size, False, (channels, channels), pixels, pixels)
    return {
        **row,
        "groups": split.count(channels),
        "weights": counts.weights,
        "macs": counts.macs,
        "activations": counts.output_elements,
    }


def _slope(growth: Growth, line: list[Row], standard: list[Row], metric: str) -> dict[str, Any]:
    series, halve = line[0]["series"], line[0]["halve"]
    reason = _inexact(growth, line, metric)
    factor = None if reason else Fraction(line[1][metric], line[0][metric])
    shares = set() if reason else {Fraction(a[metric], b[metric]) for a, b in zip(line, standard, strict=True)}
    ratio = shares.pop() if len(shares) == 1 else None
    exactly = f", always exactly {_fraction(ratio)} of standard" if ratio and ratio != 1 else ""
    said = f"not exact here: {reason}" if factor is None else f"{_grows(factor)} {REGIMES[halve]}{exactly}"
    return {
        "series": series,
        "label": growth.label(series),
        "metric": metric,
        "halve": halve,
        "factor": None if factor is None else str(factor),
        "ratio": None if ratio is None else str(ratio),
        "sentence": f"{_sentence(growth.label(series))}: {NAMES[metric]} {said}.",
        "reason": reason,
    }


def _inexact(growth: Growth, line: list[Row], metric: str) -> str | None:
    """Why no one factor holds from stage to stage; None where one does."""
    illegal = next((row for row in line if row["reason"]), None)
    if illegal:
        return str(illegal["reason"])
    if line[0]["series"] == "logarithmic" and growth.rounded and metric != "activations":
        return f"shares are rounded to whole channels, {_shares(growth)}"
    if line[0]["halve"] and metric != "weights":
        return _odd(growth)
    return None


def _odd(growth: Growth) -> str | None:
    for stage in growth.stages[:-1]:
        before, after = growth.resolution(stage, True), growth.resolution(stage + 1, True)
        if before != (2 * after[0], 2 * after[1]):
            return f"half of {_product(before)} is rounded up to {_product(after)}"
    return None


def _shares(growth: Growth) -> str:
    channels = growth.in_channels
    sizes = [digits(a) for a, _ in Grouping.logarithmic(channels, channels, growth.groups, growth.base).sizes]
    more = ", …" if len(sizes) > WRITTEN else ""
    return f"{digits(channels)} into {', '.join(sizes[:WRITTEN])}{more}"


def _grows(factor: Fraction) -> str:
    if factor == 1:
        return "stay the same, ×1 per doubling of the channels,"
    return f"{'grow' if factor > 1 else 'shrink'} ×{factor} per doubling of the channels"


def _notes(growth: Growth, lines: dict[tuple[str, bool], list[Row]]) -> list[str]:
    """What is true of exactly these stages."""
    return [
        _what(growth),
        _weights(growth, lines["standard", False]),
        _uniform(growth, lines["uniform", False]),
        _fixed_width(growth, lines["width", False], lines["standard", False]),
        _logarithmic(growth, lines["logarithmic", False], lines["standard", False]),
        _macs_halved(growth, lines["standard", True], lines["width", True]),
        "At constant resolution MACs grow as the weights do, and activations ×2 per doubling.",
    ]


def _what(growth: Growth) -> str:
    first, last = growth.channels(0), growth.channels(growth.doublings)
    return (
        f"One layer a stage, with as many output as input channels, from {digits(first)} to {digits(last)};"
        f" {_product(growth.kernel_size)} filters, stride 1, same padding,"
        f" {_product(growth.resolution(0, False))} at the first stage. Weights without bias; MACs and activations for"
        " one image."
    )


def _weights(growth: Growth, standard: list[Row]) -> str:
    return (
        f"Standard weights grow ×4 per doubling of the channels, from {digits(standard[0]['weights'])} to"
        f" {digits(standard[-1]['weights'])}: exponential in the number of doublings, ×{digits(4**growth.doublings)}"
        f" after {growth.doublings}."
    )


def _uniform(growth: Growth, line: list[Row]) -> str:
    label = _sentence(growth.label("uniform"))
    if growth.groups == 1:
        return f"{label} is the standard layer."
    reason = _inexact(growth, line, "weights")
    if reason:
        return f"{label} is not exact here: {reason}."
    return (
        f"{label} is the standard curve shifted down to exactly 1/{digits(growth.groups)}: a constant number of groups"
        " leaves the growth at ×4."
    )


def _fixed_width(growth: Growth, line: list[Row], standard: list[Row]) -> str:
    label = _sentence(growth.label("width"))
    reason = _inexact(growth, line, "weights")
    if reason:
        return f"{label} is not exact here: {reason}."
    shares = [_share(a, b) for a, b in ((line[0], standard[0]), (line[-1], standard[-1]))]
    return (
        f"{label}: weights grow ×2 per doubling, as {_groups(line[0]['groups'])}"
        f" {digits(line[-1]['groups'])}, from {_of_standard(shares[0])} to {shares[1]}. Only a fixed width changes the"
        " growth itself."
    )


def _logarithmic(growth: Growth, line: list[Row], standard: list[Row]) -> str:
    label = _sentence(growth.label("logarithmic"))
    if growth.groups == 1:
        return f"{label} is the standard layer."
    reason = _inexact(growth, line, "weights")
    floor = Fraction(growth.base - 1, growth.base + 1)
    legal = all(row["reason"] is None for row in line)
    if reason and legal:
        shares = [_share(a, b) for a, b in ((line[0], standard[0]), (line[-1], standard[-1]))]
        return (
            f"{label} is not exact here: {reason}. Its weights are {_of_standard(shares[0])} at the first stage,"
            f" {shares[1]} at the last; without rounding they would never be fewer than {floor}."
        )
    if reason:
        return f"{label} is not exact here: {reason}."
    ratio, even = Fraction(line[0]["weights"], standard[0]["weights"]), Fraction(1, growth.groups)
    word = "more than" if ratio > even else "fewer than" if ratio < even else "as many as"
    return (
        f"{label} is the standard curve shifted down to exactly {_fraction(ratio)} ="
        f" {floor} + {Fraction(2, growth.base + 1)} × {growth.base**2}^−{growth.groups - 1}: {word} uniform with as"
        f" many groups, ×4 per doubling all the same, and without rounding never below {floor}, however many groups."
    )


def _macs_halved(growth: Growth, standard: list[Row], width: list[Row]) -> str:
    first, last = (digits(row["macs"]) for row in (standard[0], standard[-1]))
    odd = _odd(growth)
    if odd:
        return (
            f"With the resolution halved at each doubling MACs and activations are not exact here: {odd}. A standard"
            f" layer needs {first} MACs at the first stage and {last} at the last; they stay level only where the"
            " halves are exact."
        )
    fixed = "" if _inexact(growth, width, "macs") else f"those of group width {growth.group_width} and "
    return (
        f"With the resolution halved at each doubling the MACs of a standard layer do not grow: {first} at every"
        f" stage, ×1 per doubling; {fixed}activations shrink ×1/2."
    )


def _share(row: Row, standard: Row) -> str:
    return _fraction(Fraction(row["weights"], standard["weights"]))


def _of_standard(share: str) -> str:
    return "all of standard" if share == "1" else f"{share} of standard"


def _groups(count: int) -> str:
    return f"{digits(count)} group becomes" if count == 1 else f"{digits(count)} groups become"


def _fraction(number: Fraction) -> str:
    whole = digits(number.numerator)
    return whole if number.denominator == 1 else f"{whole}/{digits(number.denominator)}"


def _product(sides: Pair) -> str:
    return f"{digits(sides[0])} × {digits(sides[1])}"


def _sentence(label: str) -> str:
    return label[0].upper() + label[1:]
