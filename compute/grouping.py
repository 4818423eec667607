"""How the channels of a convolution are split into groups.

A grouping is a tuple of (in, out) channel counts; group j reads its own run of input channels and writes its own run
of output channels, in order. The logarithmic split is our reading of Lee, Baddar, Kim and Ro, "Convolution with
Logarithmic Filter Groups for Efficient Shallow CNN" (arXiv 1707.09855): base 2 there, any base from 2 to 64 here.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from compute.errors import IllegalGroups, IllegalSplit, NotAnInteger, OutOfRange, integer

Sizes = tuple[tuple[int, int], ...]

SCHEMES = ("standard", "uniform", "logarithmic", "depthwise", "custom")
MIN_BASE, MAX_BASE = 2, 64


@dataclass(frozen=True)
class Span:
    """One group's place: input channels [in_start, in_start + in_channels), output channels likewise."""

    index: int
    in_start: int
    in_channels: int
    out_start: int
    out_channels: int


@dataclass(frozen=True)
class Grouping:
    """A split of in_channels and out_channels into groups; cannot be built wrong.

    sizes: ((in, out), ...) channels of each group. scheme: the rule that made it. base: of a logarithmic split.
    Raises SpecError where the scheme and the sizes do not agree.
    """

    sizes: Sizes
    scheme: str = "custom"
    base: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", _checked_sizes(self.sizes))
        if self.scheme not in SCHEMES:
            raise IllegalSplit(f"scheme must be one of {', '.join(SCHEMES)}, not {self.scheme!r}", "scheme")
        if (self.base is None) == (self.scheme == "logarithmic"):
            raise IllegalSplit("base belongs to the logarithmic scheme, and only to it", "base")
        if self.scheme != "custom" and self.sizes != _sizes(
            self.scheme, self.in_channels, self.out_channels, self.groups, self.base or MIN_BASE
        ):
            raise IllegalSplit(f"these sizes are not a {self.scheme} split", "sizes", "use scheme custom")

    @classmethod
    def of(
        cls,
        scheme: str,
        in_channels: int,
        out_channels: int,
        groups: int = 4,
        base: int = 2,
        sizes: Iterable[tuple[int, int]] | None = None,
    ) -> "Grouping":
        """The grouping that `scheme` names. groups counts for uniform and logarithmic only, base for logarithmic,
        sizes for custom (and must then sum to in_channels and out_channels)."""
        match scheme:
            case "standard":
                return cls.standard(in_channels, out_channels)
            case "uniform":
                return cls.uniform(in_channels, out_channels, groups)
            case "logarithmic":
                return cls.logarithmic(in_channels, out_channels, groups, base)
            case "depthwise":
                return cls.depthwise(in_channels, out_channels)
            case "custom":
                return cls._custom_for(in_channels, out_channels, sizes)
        raise IllegalSplit(f"scheme must be one of {', '.join(SCHEMES)}, not {scheme!r}", "scheme")

    @classmethod
    def standard(cls, in_channels: int, out_channels: int) -> "Grouping":
        """One group: every output channel sees every input channel."""
        return cls(_sizes("standard", *_channels(in_channels, out_channels), 1, MIN_BASE), "standard")

    @classmethod
    def uniform(cls, in_channels: int, out_channels: int, groups: int) -> "Grouping":
        """`groups` equal groups, as nn.Conv2d(groups=...): groups must divide both channel counts."""
        pair = _channels(in_channels, out_channels)
        return cls(_sizes("uniform", *pair, integer("groups", groups, 1), MIN_BASE), "uniform")

    @classmethod
    def logarithmic(cls, in_channels: int, out_channels: int, groups: int, base: int = 2) -> "Grouping":
        """Each of the first groups-1 takes the share 1 - 1/base of what is left, rounded down; the last the rest."""
        pair = _channels(in_channels, out_channels)
        base = integer("base", base, MIN_BASE, MAX_BASE)
        return cls(_sizes("logarithmic", *pair, integer("groups", groups, 1), base), "logarithmic", base)

    @classmethod
    def depthwise(cls, in_channels: int, out_channels: int) -> "Grouping":
        """One input channel a group; out_channels must be a multiple of in_channels."""
        return cls(_sizes("depthwise", *_channels(in_channels, out_channels), 0, MIN_BASE), "depthwise")

    @classmethod
    def custom(cls, sizes: Iterable[tuple[int, int]]) -> "Grouping":
        """Any split: ((in, out), ...), each at least 1."""
        return cls(sizes)  # type: ignore[arg-type]  # any iterable: the constructor makes the tuple

    @classmethod
    def _custom_for(cls, in_channels: int, out_channels: int, sizes: Iterable[tuple[int, int]] | None) -> "Grouping":
        in_channels, out_channels = _channels(in_channels, out_channels)
        if sizes is None:
            raise IllegalSplit("a custom split needs sizes", "sizes", "write them as in×out, such as 32x32,16x16,16x16")
        grouping = cls.custom(sizes)
        for side, total, wanted in (
            ("in", grouping.in_channels, in_channels),
            ("out", grouping.out_channels, out_channels),
        ):
            if total != wanted:
                off = f"{wanted - total} too few" if total < wanted else f"{total - wanted} too many"
                raise IllegalSplit(
                    f"the {side} sides of sizes must sum to {side}_channels: they sum to {total}, not {wanted}",
                    "sizes",
                    f"they have {off}; change a group or set {side}_channels to {total}",
                )
        return grouping

    @cached_property
    def in_channels(self) -> int:
        return sum(a for a, _ in self.sizes)

    @cached_property
    def out_channels(self) -> int:
        return sum(b for _, b in self.sizes)

    @property
    def groups(self) -> int:
        return len(self.sizes)

    @cached_property
    def connections(self) -> int:
        """Pairs of an input and an output channel that see each other."""
        return sum(n * a * b for n, a, b in self.runs)

    @cached_property
    def equal(self) -> bool:
        """All groups alike, whatever built them: then nn.Conv2d(groups=...) is the same layer."""
        return len(set(self.sizes)) == 1

    @cached_property
    def rounded(self) -> bool:
        """A logarithmic split whose exact shares are not whole numbers of channels."""
        if self.base is None:
            return False
        power = self.base ** (self.groups - 1)
        return bool(self.in_channels % power or self.out_channels % power)

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        return tuple(self._walk())

    @cached_property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """Neighbouring equal groups taken together: ((how many, in, out), ...)."""
        runs: list[tuple[int, int, int]] = []
        for a, b in self.sizes:
            if runs and runs[-1][1:] == (a, b):
                runs[-1] = (runs[-1][0] + 1, a, b)
            else:
                runs.append((1, a, b))
        return tuple(runs)

    def _walk(self) -> Iterator[Span]:
        in_start = out_start = 0
        for index, (a, b) in enumerate(self.sizes):
            yield Span(index, in_start, a, out_start, b)
            in_start, out_start = in_start + a, out_start + b


def legal_groups(
    scheme: str, in_channels: int, out_channels: int, base: int = 2, sizes: Iterable[tuple[int, int]] | None = None
) -> tuple[int, ...]:
    """Every number of groups that `scheme` can have on these channels, ascending; empty where it cannot be at all."""
    in_channels, out_channels = _channels(in_channels, out_channels)
    match scheme:
        case "standard":
            return (1,)
        case "uniform":
            return _divisors(math.gcd(in_channels, out_channels))
        case "logarithmic":
            return tuple(range(1, 1 + min(len(shares(c, base, None)) for c in (in_channels, out_channels))))
        case "depthwise":
            return (in_channels,) if out_channels % in_channels == 0 else ()
        case "custom":
            return (len(tuple(sizes)),) if sizes is not None else ()
    raise IllegalSplit(f"scheme must be one of {', '.join(SCHEMES)}, not {scheme!r}", "scheme")


def _sizes(scheme: str, in_channels: int, out_channels: int, groups: int, base: int) -> Sizes:
    if scheme == "standard":
        return ((in_channels, out_channels),)
    if scheme == "depthwise":
        if out_channels % in_channels:
            raise _not_depthwise(in_channels, out_channels)
        return ((1, out_channels // in_channels),) * in_channels
    if scheme == "uniform":
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                rule = f"groups must divide {name}: {channels} % {groups} = {channels % groups}"
                raise IllegalGroups(rule, groups, legal_groups("uniform", in_channels, out_channels))
        return ((in_channels // groups, out_channels // groups),) * groups
    legal = legal_groups("logarithmic", in_channels, out_channels, base)
    if groups > legal[-1]:
        rule = (
            f"every group needs a channel on both sides: {min(in_channels, out_channels)} channels"
            f" have room for at most {legal[-1]} logarithmic groups of base {base}, not {groups}"
        )
        raise IllegalGroups(rule, groups, legal)
    return tuple(zip(shares(in_channels, base, groups), shares(out_channels, base, groups), strict=True))


@lru_cache(maxsize=4096)
def shares(channels: int, base: int, groups: int | None) -> tuple[int, ...]:
    """The logarithmic shares of `channels`: into `groups`, or (None) into as many as there is room for."""
    left = channels
    taken: list[int] = []
    while groups is None or len(taken) < groups - 1:
        share = left * (base - 1) // base
        if share == 0:
            break
        taken.append(share)
        left -= share
    return (*taken, left)


def _divisors(number: int) -> tuple[int, ...]:
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return tuple(sorted({*small, *(number // d for d in small)}))


def _not_depthwise(in_channels: int, out_channels: int) -> IllegalSplit:
    near = max(in_channels, (2 * out_channels + in_channels) // (2 * in_channels) * in_channels)  # a tie goes up
    return IllegalSplit(
        "depthwise needs out_channels to be a multiple of in_channels:"
        f" {out_channels} % {in_channels} = {out_channels % in_channels}",
        "out_channels",
        f"set out_channels to {near}",
    )


def _channels(in_channels: int, out_channels: int) -> tuple[int, int]:
    return integer("in_channels", in_channels, 1), integer("out_channels", out_channels, 1)


def _checked_sizes(sizes: Iterable[tuple[int, int]]) -> Sizes:
    if not hasattr(sizes, "__iter__"):
        raise IllegalSplit(f"sizes must be pairs (in, out), not {sizes!r}", "sizes", "such as [(32, 32), (32, 32)]")
    sizes = tuple(sizes)
    if sizes and all(
        type(s) is tuple and len(s) == 2 and type(s[0]) is type(s[1]) is int and min(s) > 0 for s in sizes
    ):
        return sizes  # the common case, and thousands of groups, at once
    checked = []
    for index, pair in enumerate(sizes):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise IllegalSplit(f"group {index} must be a pair (in, out), not {pair!r}", "sizes", "such as 32x32")
        checked.append((_size(index, "in", pair[0]), _size(index, "out", pair[1])))
    if not checked:
        raise IllegalSplit("a split needs at least one group", "sizes", "such as 64x64")
    return tuple(checked)


def _size(index: int, side: str, value: object) -> int:
    try:
        return integer("sizes", value, 1)
    except (NotAnInteger, OutOfRange):
        raise IllegalSplit(
            f"group {index} needs a whole number of {side} channels, at least 1, not {value!r}",
            "sizes",
            "remove the group or give it a channel",
        ) from None
